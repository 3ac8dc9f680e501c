/* A rewrap with keys that are refused or cannot be asked, by a double. */
#include "keyring/catalogue/rewrap.h"

#include "core/base/log.h"
#include "keyring/catalogue/live_scopes.h"
#include "keyring/catalogue/rewrap_record.h"
#include "tests/unit/keyring/double.h"
#include "tests/unit/keyring/ledgers.h"

static char said[4 * ERR_TEXT_MAX];

static void listen(enum log_level level, const char *text)
{
    size_t len = strlen(said);

    if (level == LOG_WARN)
        snprintf(said + len, sizeof said - len, "%s\n", text);
}

/* Snapshots aa and bb of version 1, cc of version 2, dd of version 3; version 4 is active. */
static struct key_world make_four_versions(void **state, struct stand_in *d)
{
    struct key_world w = make_key_world(state);

    *d = (struct stand_in){.version = "1"};
    keyring_free(w.k);
    w.k = double_ring(d);
    add_snapshot(&w, "aa", NULL);
    add_snapshot(&w, "bb", "aa");
    d->version[0] = '2';
    add_snapshot(&w, "cc", NULL);
    d->version[0] = '3';
    add_snapshot(&w, "dd", NULL);
    d->version[0] = '4';
    double_forget_calls(d);
    return w;
}

static enum err run_rewrap(struct key_world *w, struct rewrap_result *r)
{
    struct rewrap_options options = {.ledger = w->ledger, .keyring = w->k};
    enum err rc;

    *said = '\0';
    log_to(listen);
    rc = rewrap_run(&options, r);
    log_to(NULL);
    return rc;
}

/* The version that each live scope is under, oldest first: "1123". */
static const char *versions_of(struct key_world *w)
{
    static char out[16];
    struct live_scopes s = {.count = 0};
    struct data_key key = {.envelope_count = 0};

    assert_done(live_scopes_read(w->ledger, &s));
    assert_true(s.count < sizeof out);
    for (size_t i = 0; i < s.count; i++) {
        assert_done(live_scope_key(&s.items[i], &key));
        out[i] = key.envelopes[0].key.version[0];
        data_key_clear(&key);
    }
    out[s.count] = '\0';
    live_scopes_clear(&s);
    return out;
}

static void what_is_under_an_invalid_version_stays_and_the_rest_is_done(void **state)
{
    static const char *const reasons[] = {"disabled", "pendingDeletion", "destroyed", "notFound",
                                          "credentialsRejected"};

    for (size_t i = 0; i < sizeof reasons / sizeof reasons[0]; i++) {
        struct stand_in d;
        struct key_world w = make_four_versions(state, &d);
        struct rewrap_result r;

        double_says(&d, "1", KEY_INVALID, reasons[i]);
        assert_int_equal(run_rewrap(&w, &r), ERR_KEY_INVALID);
        assert_non_null(strstr(err_text(),
                               "2 of 4 data keys could not be opened and stay under the version "
                               "they were under: master key double key version 1 "));
        assert_int_equal(r.scopes, 4);
        assert_int_equal(r.refused, 2);
        assert_int_equal(r.done, 2);
        assert_string_equal(versions_of(&w), "1144");
        assert_non_null(strstr(said, "the data key of snapshot aa0000000000000000000000 cannot be "
                                     "rewrapped: master key double key version 1 "));
        assert_non_null(strstr(said, "the data key of snapshot bb0000000000000000000000 cannot be "
                                     "rewrapped: "));
        assert_null(strstr(said, "cc00"));
        assert_int_equal(d.of[1].unwraps, 0);
        clear_key_world(&w);
        assert_int_equal(directory_teardown(state), 0);
        assert_int_equal(directory_setup(state), 0);
    }
}

static void an_unreachable_version_leaves_its_own_and_a_rerun_does_them(void **state)
{
    struct stand_in d;
    struct key_world w = make_four_versions(state, &d);
    struct rewrap_result r;

    double_says(&d, "2", KEY_UNREACHABLE, "time-out");
    assert_int_equal(run_rewrap(&w, &r), ERR_KEY_UNREACHABLE);
    assert_non_null(strstr(err_text(),
                           "1 of 4 data keys could not be opened and stay under the version they "
                           "were under: cannot tell whether master key double key version 2 may be "
                           "used: time-out"));
    assert_int_equal(r.refused, 1);
    assert_int_equal(r.done, 3);
    assert_string_equal(versions_of(&w), "4424");
    assert_string_equal(said, "the data key of snapshot cc0000000000000000000000 cannot be "
                              "rewrapped: cannot tell whether master key double key version 2 may "
                              "be used: time-out\n");
    double_says(&d, "2", KEY_VALID, NULL);
    double_forget_calls(&d);
    assert_done(run_rewrap(&w, &r));
    assert_int_equal(r.current, 3);
    assert_int_equal(r.done, 1);
    assert_string_equal(versions_of(&w), "4444");
    assert_int_equal(d.of[2].unwraps, 1);
    assert_int_equal(d.of[4].unwraps, 3 + 1); /* the current ones, and the new one */
    assert_int_equal(d.wraps, 1);
    clear_key_world(&w);
}

/* Whichever comes first: each is said, and the first one is told. */
static void of_several_refusals_the_first_is_told(void **state)
{
    struct stand_in d;
    struct key_world w = make_four_versions(state, &d);
    struct rewrap_result r;

    double_says(&d, "1", KEY_UNREACHABLE, "time-out");
    double_says(&d, "2", KEY_INVALID, "disabled");
    assert_int_equal(run_rewrap(&w, &r), ERR_KEY_UNREACHABLE);
    assert_int_equal(r.refused, 3);
    assert_int_equal(r.done, 1);
    assert_non_null(strstr(said, "version 2 is disabled"));
    assert_string_equal(versions_of(&w), "1124");
    clear_key_world(&w);
}

/* Nothing can be wrapped, so the end comes at once and nothing is counted as refused. */
static void an_active_version_that_does_not_wrap_changes_nothing(void **state)
{
    struct stand_in d;
    struct key_world w = make_four_versions(state, &d);
    struct rewrap_result r;

    double_says(&d, "4", KEY_INVALID, "disabled");
    assert_refused(run_rewrap(&w, &r), ERR_KEY_INVALID,
                   "master key double key version 4 is disabled (the double)\n  enable it again "
                   "with `sealpoint key enable 4`, or make a new version active with `sealpoint "
                   "key rotate`");
    assert_int_equal(r.done + r.refused, 0);
    double_says(&d, "4", KEY_UNREACHABLE, "time-out");
    assert_int_equal(run_rewrap(&w, &r), ERR_KEY_UNREACHABLE);
    double_says(&d, "4", KEY_VALID, NULL);
    d.wrap_refused = ERR_KEY_UNREACHABLE;
    assert_refused(run_rewrap(&w, &r), ERR_KEY_UNREACHABLE, "the double does not wrap");
    assert_int_equal(r.done + r.refused, 0);
    assert_int_equal(count_records(w.ledger, RECORD_REWRAP), 0);
    assert_string_equal(versions_of(&w), "1123");
    assert_string_equal(said, "");
    clear_key_world(&w);
}

/* And its new envelope is opened, before it counts. */
static void a_data_key_is_opened_once_and_wrapped_once(void **state)
{
    struct stand_in d;
    struct key_world w = make_four_versions(state, &d);
    struct rewrap_result r;

    assert_done(run_rewrap(&w, &r));
    assert_int_equal(r.done, 4);
    assert_int_equal(d.of[1].unwraps + d.of[2].unwraps + d.of[3].unwraps, 4);
    assert_int_equal(d.of[1].unwraps, 2);
    assert_int_equal(d.of[4].unwraps, 4);
    assert_int_equal(d.wraps, 4);
    assert_int_equal(d.of[4].wraps, 4);
    double_forget_calls(&d);
    assert_done(run_rewrap(&w, &r));
    assert_int_equal(r.current, 4);
    assert_int_equal(d.wraps, 0);
    assert_int_equal(d.unwraps, 4); /* each is looked at */
    clear_key_world(&w);
}

static void a_new_envelope_that_does_not_open_never_counts(void **state)
{
    struct stand_in d;
    struct key_world w = make_four_versions(state, &d);
    struct rewrap_result r;

    d.of[4].unwrap_fails = ERR_CORRUPT;
    assert_int_equal(run_rewrap(&w, &r), ERR_CORRUPT);
    assert_int_equal(r.refused, 4);
    assert_int_equal(count_records(w.ledger, RECORD_REWRAP), 0);
    assert_non_null(strstr(said, "its new envelope does not open, and is not used: the double "
                                 "does not unwrap by this version"));
    assert_string_equal(versions_of(&w), "1123");
    clear_key_world(&w);
}

static void a_current_envelope_that_is_damaged_is_made_anew(void **state)
{
    struct stand_in d;
    struct key_world w = make_four_versions(state, &d);
    struct rewrap_result r;
    struct live_scopes s = {.count = 0};
    struct data_key bad = {.envelope_count = 0};
    struct jdoc *body = NULL;

    assert_done(run_rewrap(&w, &r));
    assert_done(live_scopes_read(w.ledger, &s));
    assert_done(live_scope_key(&s.items[2], &bad));
    bad.envelopes[0].wrapped[7] ^= 1;
    assert_done(rewrap_record_write(&bad, &bad, &body));
    assert_done(ledger_append(w.ledger, RECORD_REWRAP, body, NULL));
    assert_done(run_rewrap(&w, &r));
    assert_int_equal(r.current, 3);
    assert_int_equal(r.done, 1);
    assert_non_null(strstr(said, "its envelope does not open"));
    assert_done(run_rewrap(&w, &r));
    assert_int_equal(r.current, 4);
    assert_string_equal(said, "");
    jdoc_free(body);
    data_key_clear(&bad);
    live_scopes_clear(&s);
    clear_key_world(&w);
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        IN_DIRECTORY(what_is_under_an_invalid_version_stays_and_the_rest_is_done),
        IN_DIRECTORY(an_unreachable_version_leaves_its_own_and_a_rerun_does_them),
        IN_DIRECTORY(of_several_refusals_the_first_is_told),
        IN_DIRECTORY(an_active_version_that_does_not_wrap_changes_nothing),
        IN_DIRECTORY(a_data_key_is_opened_once_and_wrapped_once),
        IN_DIRECTORY(a_new_envelope_that_does_not_open_never_counts),
        IN_DIRECTORY(a_current_envelope_that_is_damaged_is_made_anew),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
