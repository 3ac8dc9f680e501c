/* What a check finds of keys that are refused or cannot be asked, by a double: the file keyring has
 * not every verdict. */
#include "keyring/catalogue/check.h"

#include "keyring/catalogue/impact.h"
#include "keyring/catalogue/key_query.h"
#include "keyring/catalogue/key_state_record.h"
#include "tests/unit/keyring/double.h"
#include "tests/unit/keyring/ledgers.h"

/* A snapshot of version 1, and version 2 active. */
static struct key_world make_two_versions(void **state, struct stand_in *d)
{
    struct key_world w = make_key_world(state);

    *d = (struct stand_in){.version = "1"};
    keyring_free(w.k);
    w.k = double_ring(d);
    add_snapshot(&w, "aa", NULL);
    d->version[0] = '2';
    double_forget_calls(d);
    return w;
}

/* Check once; what is found of version 1 is the second item. */
static struct check_item check_old(struct key_world *w, enum err verdict)
{
    struct check c = {.count = 0};
    struct check_item old;

    assert_done(check_run(w->k, w->ledger, true, &c));
    assert_int_equal(c.count, 2);
    assert_string_equal(c.items[0].key.version, "2");
    assert_string_equal(c.items[1].key.version, "1");
    assert_int_equal(check_verdict(&c), verdict);
    old = c.items[1];
    check_clear(&c);
    return old;
}

/* The ledger has `count` records of states, and the newest of version 1 says this. */
static void assert_recorded(struct key_world *w, size_t count, enum verdict verdict,
                            const char *reason)
{
    struct key_name first = version_of(w, "1");
    const struct record *r = key_query_state(w->ledger, &first);
    struct key_state_record known;

    assert_int_equal(count_records(w->ledger, RECORD_KEY_STATE), count);
    assert_non_null(r);
    assert_done(key_state_record_read(r, &known));
    assert_int_equal(known.verdict, verdict);
    assert_string_equal(known.reason, reason);
}

static const char *const reasons[] = {"disabled", "pendingDeletion", "destroyed", "notFound",
                                      "credentialsRejected"};
#define REASON_COUNT (sizeof reasons / sizeof reasons[0])

static void every_reason_is_found_recorded_once_and_told(void **state)
{
    struct stand_in d;
    struct key_world w = make_two_versions(state, &d);
    struct check_item found;

    check_old(&w, ERR_OK); /* records that both are valid */
    for (size_t i = 0; i < REASON_COUNT; i++) {
        double_says(&d, "1", KEY_INVALID, reasons[i]);
        found = check_old(&w, ERR_KEY_INVALID);
        assert_non_null(strstr(err_text(), "master key double key version 1 "));
        assert_int_equal(found.state.verdict, KEY_INVALID);
        assert_string_equal(found.state.reason, reasons[i]);
        assert_true(found.changed && found.recorded);
        assert_recorded(&w, 3 + i, KEY_INVALID, reasons[i]);
        found = check_old(&w, ERR_KEY_INVALID);
        assert_true(!found.changed && found.recorded);
        assert_recorded(&w, 3 + i, KEY_INVALID, reasons[i]);
    }
    clear_key_world(&w);
}

static void a_key_that_is_valid_again_is_recorded_as_such(void **state)
{
    struct stand_in d;
    struct key_world w = make_two_versions(state, &d);

    check_old(&w, ERR_OK);
    double_says(&d, "1", KEY_INVALID, "disabled");
    check_old(&w, ERR_KEY_INVALID);
    double_says(&d, "1", KEY_VALID, NULL);
    assert_true(check_old(&w, ERR_OK).changed);
    assert_recorded(&w, 4, KEY_VALID, "");
    assert_false(check_old(&w, ERR_OK).changed);
    assert_recorded(&w, 4, KEY_VALID, "");
    clear_key_world(&w);
}

static void a_key_that_cannot_be_asked_is_unreachable_and_never_invalid(void **state)
{
    struct stand_in d;
    struct key_world w = make_two_versions(state, &d);
    struct check_item found;

    double_says(&d, "1", KEY_UNREACHABLE, "time-out");
    found = check_old(&w, ERR_KEY_UNREACHABLE);
    assert_int_equal(found.state.verdict, KEY_UNREACHABLE);
    assert_recorded(&w, 2, KEY_UNREACHABLE, "time-out");
    assert_false(check_old(&w, ERR_KEY_UNREACHABLE).changed);
    double_says(&d, "1", KEY_INVALID, "time-out"); /* the verdict alone is a change */
    assert_true(check_old(&w, ERR_KEY_INVALID).changed);
    assert_recorded(&w, 3, KEY_INVALID, "time-out");
    clear_key_world(&w);
}

/* The active version comes first in the list, and the worse is told nevertheless. */
static void an_invalid_key_is_told_before_an_unreachable_one(void **state)
{
    struct stand_in d;
    struct key_world w = make_two_versions(state, &d);

    double_says(&d, "2", KEY_UNREACHABLE, "time-out");
    double_says(&d, "1", KEY_INVALID, "destroyed");
    check_old(&w, ERR_KEY_INVALID);
    assert_non_null(strstr(err_text(), "version 1 is destroyed"));
    clear_key_world(&w);
}

static void a_key_that_is_refused_is_not_tried(void **state)
{
    struct stand_in d;
    struct key_world w = make_two_versions(state, &d);

    double_says(&d, "1", KEY_INVALID, "disabled");
    check_old(&w, ERR_KEY_INVALID);
    assert_int_equal(d.of[1].states, 1);
    assert_int_equal(d.of[1].wraps + d.of[1].unwraps, 0);
    assert_int_equal(d.of[2].states, 1);
    assert_int_equal(d.of[2].wraps, 1);
    assert_int_equal(d.of[2].unwraps, 1);
    clear_key_world(&w);
}

/* It is told to be enabled, and its own credentials do not open it. */
static void what_only_a_trial_shows_is_found_by_it(void **state)
{
    struct stand_in d;
    struct key_world w = make_two_versions(state, &d);
    struct check_item found;

    d.of[1].unwrap_fails = ERR_KEY_INVALID;
    found = check_old(&w, ERR_KEY_INVALID);
    assert_string_equal(found.state.reason, "credentialsRejected");
    assert_string_equal(found.state.detail, "the double does not unwrap by this version");
    d.of[1].unwrap_fails = ERR_KEY_UNREACHABLE;
    found = check_old(&w, ERR_KEY_UNREACHABLE);
    assert_string_equal(found.state.reason, "unreachable");
    d.of[1].unwrap_fails = ERR_OK;
    d.wrap_refused = ERR_KEY_INVALID;
    found = check_old(&w, ERR_KEY_INVALID);
    assert_string_equal(found.state.detail, "the double does not wrap");
    clear_key_world(&w);
}

/* What needs a key is a matter of the ledger alone. */
static void impact_is_the_same_whatever_the_key_says_and_asks_nobody(void **state)
{
    struct stand_in d;
    struct key_world w = make_two_versions(state, &d);
    struct key_name first = version_of(&w, "1");

    double_says(&d, "1", KEY_INVALID, "disabled");
    check_old(&w, ERR_KEY_INVALID); /* its record changes nothing either */
    double_forget_calls(&d);
    for (enum verdict v = KEY_VALID; v <= KEY_UNREACHABLE; v++) {
        struct needed_keys n = {.count = 0};
        struct impact i = {.count = 0};

        double_says(&d, "1", v, "disabled");
        assert_done(needed_keys_read(w.ledger, &n));
        assert_int_equal(n.count, 1);
        assert_true(key_name_equal(&n.items[0].key, &first));
        assert_done(impact_of(w.ledger, &first, &i));
        assert_int_equal(i.count, 1);
        assert_false(i.items[0].has_other);
        needed_keys_clear(&n);
        impact_clear(&i);
    }
    assert_int_equal(d.states + d.wraps + d.unwraps, 0);
    clear_key_world(&w);
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        IN_DIRECTORY(every_reason_is_found_recorded_once_and_told),
        IN_DIRECTORY(a_key_that_is_valid_again_is_recorded_as_such),
        IN_DIRECTORY(a_key_that_cannot_be_asked_is_unreachable_and_never_invalid),
        IN_DIRECTORY(an_invalid_key_is_told_before_an_unreachable_one),
        IN_DIRECTORY(a_key_that_is_refused_is_not_tried),
        IN_DIRECTORY(what_only_a_trial_shows_is_found_by_it),
        IN_DIRECTORY(impact_is_the_same_whatever_the_key_says_and_asks_nobody),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
