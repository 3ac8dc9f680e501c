#include "keyring/catalogue/check.h"

#include <stdio.h>
#include <unistd.h>

#include "keyring/catalogue/key_query.h"
#include "keyring/catalogue/live_scopes.h"
#include "keyring/catalogue/rewrap_record.h"
#include "tests/unit/keyring/double.h"
#include "tests/unit/keyring/ledgers.h"

static void the_active_version_and_every_needed_one_are_asked(void **state)
{
    struct key_world w = make_key_world(state);
    struct check c = {.count = 0};

    add_snapshot(&w, "aa", NULL);
    rotate_key_world(&w); /* 2 seals nothing */
    rotate_key_world(&w);
    assert_done(check_run(w.k, w.ledger, true, &c));
    assert_int_equal(c.count, 2);
    assert_string_equal(c.items[0].key.version, "3");
    assert_true(c.items[0].is_active);
    assert_int_equal(c.items[0].scopes, 0);
    assert_string_equal(c.items[1].key.version, "1");
    assert_false(c.items[1].is_active);
    assert_int_equal(c.items[1].scopes, 1);
    assert_int_equal(c.items[1].state.verdict, KEY_VALID);
    assert_done(check_verdict(&c));
    check_clear(&c);
    clear_key_world(&w);
}

static void a_change_is_recorded_once(void **state)
{
    struct jdoc *payload = NULL;
    struct key_world w = make_key_world(state);
    struct check c = {.count = 0};
    const struct record *r;
    struct key_name first;
    const char *text = NULL;

    add_snapshot(&w, "aa", NULL);
    first = version_of(&w, "1");
    assert_done(check_run(w.k, w.ledger, true, &c));
    assert_true(c.items[0].changed && c.items[0].recorded);
    check_clear(&c);
    assert_int_equal(count_records(w.ledger, RECORD_KEY_STATE), 1);
    assert_done(check_run(w.k, w.ledger, true, &c));
    assert_false(c.items[0].changed);
    assert_true(c.items[0].recorded);
    check_clear(&c);
    assert_int_equal(count_records(w.ledger, RECORD_KEY_STATE), 1);

    do_act(w.k, KEY_DISABLE, "1");
    assert_done(check_run(w.k, w.ledger, true, &c));
    assert_true(c.items[0].changed);
    assert_int_equal(check_verdict(&c), ERR_KEY_INVALID);
    check_clear(&c);
    r = key_query_state(w.ledger, &first);
    assert_non_null(r);
    assert_done(record_payload(r, &payload));
    assert_done(jdoc_text(payload, "verdict", 20, &text));
    assert_string_equal(text, "INVALID");
    assert_done(jdoc_text(payload, "reason", 20, &text));
    assert_string_equal(text, "disabled");
    assert_true(jdoc_has(payload, "stateChangedAt"));
    assert_true(jdoc_has(payload, "checkedAt"));
    jdoc_free(payload);

    reopen_key_world(state, &w);
    do_act(w.k, KEY_ENABLE, "1");
    assert_done(check_run(w.k, w.ledger, true, &c));
    assert_true(c.items[0].changed);
    assert_done(check_verdict(&c));
    check_clear(&c);
    r = key_query_state(w.ledger, &first);
    assert_done(record_payload(r, &payload));
    assert_false(jdoc_has(payload, "reason"));
    jdoc_free(payload);
    assert_int_equal(count_records(w.ledger, RECORD_KEY_STATE), 3);
    clear_key_world(&w);
}

static uint64_t known_generation(const struct key_world *w, const char *provider,
                                 const char *key_id)
{
    const struct record *above = NULL;
    uint64_t known = key_query_generation(w->ledger, provider, key_id, UINT64_MAX, &above);

    assert_null(above);
    return known;
}

static void a_new_generation_is_recorded_once_though_no_state_changed(void **state)
{
    struct key_world w = make_key_world(state);
    struct check c = {.count = 0};
    struct key_name name;

    add_snapshot(&w, "aa", NULL);
    assert_done(check_run(w.k, w.ledger, true, &c));
    check_clear(&c);
    assert_done(keyring_active(w.k, 0, &name));
    assert_int_equal(known_generation(&w, "file", name.key_id), 1);
    do_act(w.k, KEY_DISABLE, "1");
    do_act(w.k, KEY_ENABLE, "1");
    assert_done(check_run(w.k, w.ledger, true, &c));
    assert_false(c.items[0].changed);
    check_clear(&c);
    assert_int_equal(known_generation(&w, "file", name.key_id), 3);
    assert_int_equal(known_generation(&w, "file", "another"), 0);
    assert_int_equal(known_generation(&w, "aws", name.key_id), 0);
    assert_int_equal(count_records(w.ledger, RECORD_KEY_STATE), 2);
    assert_done(check_run(w.k, w.ledger, true, &c));
    check_clear(&c);
    assert_int_equal(count_records(w.ledger, RECORD_KEY_STATE), 2);
    clear_key_world(&w);
}

static void a_missing_keyring_is_unreachable_and_never_invalid(void **state)
{
    struct key_world w = make_key_world(state);
    struct check c = {.count = 0};

    assert_done(check_run(w.k, w.ledger, true, &c));
    check_clear(&c);
    assert_int_equal(rename(in(state, "k"), in(state, "away")), 0);
    reopen_key_world(state, &w);
    /* Nothing names the key: the call itself says it. */
    assert_refused(check_run(w.k, w.ledger, true, &c), ERR_KEY_UNREACHABLE, NULL);
    assert_int_equal(rename(in(state, "away"), in(state, "k")), 0);
    add_snapshot(&w, "aa", NULL);
    assert_int_equal(rename(in(state, "k"), in(state, "away")), 0);
    reopen_key_world(state, &w);
    assert_done(check_run(w.k, w.ledger, true, &c));
    assert_int_equal(c.count, 1);
    assert_int_equal(c.items[0].state.verdict, KEY_UNREACHABLE);
    assert_int_equal(check_verdict(&c), ERR_KEY_UNREACHABLE);
    check_clear(&c);
    clear_key_world(&w);
}

static void a_key_that_is_not_configured_cannot_be_told_of(void **state)
{
    struct key_world w = make_key_world(state);
    struct check c = {.count = 0};

    add_snapshot(&w, "aa", NULL);
    keyring_free(w.k);
    make_ring(in(state, "other"), NULL);
    w.k = open_ring(in(state, "other"), NULL);
    assert_done(check_run(w.k, w.ledger, true, &c));
    assert_int_equal(c.count, 2);
    assert_int_equal(c.items[0].state.verdict, KEY_VALID);
    assert_int_equal(c.items[1].state.verdict, KEY_UNREACHABLE);
    assert_string_equal(c.items[1].state.reason, "notConfigured");
    check_clear(&c);
    clear_key_world(&w);
}

static void invalid_outweighs_unreachable(void **state)
{
    struct key_world w = make_key_world(state);
    struct check c = {.count = 0};

    add_snapshot(&w, "aa", NULL);
    keyring_free(w.k);
    make_ring(in(state, "other"), NULL);
    w.k = open_ring(in(state, "other"), NULL);
    do_act(w.k, KEY_DISABLE, "1");
    assert_done(check_run(w.k, w.ledger, true, &c));
    assert_int_equal(check_verdict(&c), ERR_KEY_INVALID);
    check_clear(&c);
    clear_key_world(&w);
}

static void without_the_signing_key_a_check_only_looks(void **state)
{
    struct key_world w = make_key_world(state);
    struct ledger_options options = {.state_dir = in(state, "elsewhere")};
    struct check c = {.count = 0};
    struct ledger *reader = NULL;

    add_snapshot(&w, "aa", NULL);
    options.store = w.store;
    assert_done(ledger_open(&options, &reader));
    assert_done(check_run(w.k, reader, true, &c));
    assert_true(c.items[0].changed);
    assert_false(c.items[0].recorded);
    assert_int_equal(count_records(reader, RECORD_KEY_STATE), 0);
    check_clear(&c);
    ledger_free(reader);
    clear_key_world(&w);
}

static void without_a_ledger_the_active_versions_are_asked(void **state)
{
    struct check c = {.count = 0};
    struct keyring *k;

    make_ring(in(state, "k"), NULL);
    k = open_ring(in(state, "k"), NULL);
    assert_done(check_run(k, NULL, true, &c));
    assert_int_equal(c.count, 1);
    assert_false(c.items[0].recorded);
    check_clear(&c);
    keyring_free(k);
}

static void a_damaged_keyring_is_an_error_and_no_verdict(void **state)
{
    struct key_world w = make_key_world(state);
    struct check c = {.count = 0};

    add_snapshot(&w, "aa", NULL);
    assert_int_equal(truncate(in(state, "k"), 100), 0);
    reopen_key_world(state, &w);
    assert_refused(check_run(w.k, w.ledger, true, &c), ERR_CORRUPT,
                   textf("keyring %s: not a keyring, or cut off\n  a copy of it is %s: "
                         "keep both, then put it in place with `cp -p %s %s`",
                         in(state, "k"), in(state, "k.previous"), in(state, "k.previous"),
                         in(state, "k")));
    clear_key_world(&w);
}

/* A rewrap of the first live data key by the double's active version, damaged. */
static void add_damaged_rewrap(struct key_world *w)
{
    struct live_scopes s = {.count = 0};
    struct data_key d = {.envelope_count = 0};
    struct jdoc *body = NULL;

    assert_done(live_scopes_read(w->ledger, &s));
    assert_done(live_scope_key(&s.items[0], &d));
    d.envelopes[0].wrapped[5] ^= 1;
    assert_done(rewrap_record_write(&d, &d, &body));
    assert_done(ledger_append(w->ledger, RECORD_REWRAP, body, NULL));
    jdoc_free(body);
    data_key_clear(&d);
    live_scopes_clear(&s);
}

static void recorded_envelopes_are_opened_and_a_canary_is_not_enough(void **state)
{
    struct key_world w = make_key_world(state);
    struct stand_in d = {.version = "1"};
    struct check c = {.count = 0};

    keyring_free(w.k);
    w.k = double_ring(&d);
    add_snapshot(&w, "aa", NULL);
    add_snapshot(&w, "bb", NULL);
    add_damaged_rewrap(&w);
    assert_done(check_run(w.k, w.ledger, false, &c));
    assert_done(check_verdict(&c)); /* nobody looked */
    check_clear(&c);
    assert_done(check_run(w.k, w.ledger, true, &c));
    assert_int_equal(c.items[0].scopes, 2);
    assert_int_equal(c.items[0].damaged, 1);
    assert_int_equal(c.items[0].lost, 0);
    assert_refused(check_verdict(&c), ERR_ATTENTION,
                   "the envelope of 1 data key does not open, and an older one does\n  `sealpoint "
                   "key rewrap` makes new ones");
    check_clear(&c);
    clear_key_world(&w);
}

static void a_data_key_that_no_envelope_opens_is_lost(void **state)
{
    struct key_world w = make_key_world(state);
    struct stand_in d = {.version = "1"};
    struct data_key key = {.envelope_count = 0};
    struct secret *plain = NULL;
    struct jdoc *body = NULL;
    struct check c = {.count = 0};

    keyring_free(w.k);
    w.k = double_ring(&d);
    assert_done(keyring_new_data_key(w.k, ledger_repository(w.ledger), &key, &plain));
    key.envelopes[0].wrapped[0] ^= 1;
    assert_done(jdoc_object(&body));
    assert_done(jdoc_set_text(body, "id", "aa0000000000000000000000"));
    put_data_key(body, &key);
    assert_done(ledger_append(w.ledger, RECORD_SNAPSHOT, body, NULL));
    assert_done(check_run(w.k, w.ledger, true, &c));
    assert_int_equal(c.items[0].lost, 1);
    assert_refused(check_verdict(&c), ERR_CORRUPT, "no envelope of 1 data key opens (see above)");
    check_clear(&c);
    jdoc_free(body);
    secret_free(plain);
    data_key_clear(&key);
    clear_key_world(&w);
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        IN_DIRECTORY(recorded_envelopes_are_opened_and_a_canary_is_not_enough),
        IN_DIRECTORY(a_data_key_that_no_envelope_opens_is_lost),
        IN_DIRECTORY(the_active_version_and_every_needed_one_are_asked),
        IN_DIRECTORY(a_change_is_recorded_once),
        IN_DIRECTORY(a_new_generation_is_recorded_once_though_no_state_changed),
        IN_DIRECTORY(a_missing_keyring_is_unreachable_and_never_invalid),
        IN_DIRECTORY(a_key_that_is_not_configured_cannot_be_told_of),
        IN_DIRECTORY(invalid_outweighs_unreachable),
        IN_DIRECTORY(without_the_signing_key_a_check_only_looks),
        IN_DIRECTORY(without_a_ledger_the_active_versions_are_asked),
        IN_DIRECTORY(a_damaged_keyring_is_an_error_and_no_verdict),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
