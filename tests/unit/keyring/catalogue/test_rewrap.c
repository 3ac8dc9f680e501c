#include "keyring/catalogue/rewrap.h"

#include "core/base/log.h"
#include "keyring/catalogue/live_scopes.h"
#include "tests/unit/keyring/fake_crash.h"
#include "tests/unit/keyring/ledgers.h"

static struct rewrap_result run_rewrap(struct key_world *w)
{
    struct rewrap_options options = {.ledger = w->ledger, .keyring = w->k};
    struct rewrap_result r;

    assert_done(rewrap_run(&options, &r));
    return r;
}

/* Every live data key opens, and is under `version`. */
static void check_all_under(struct key_world *w, const char *version)
{
    struct live_scopes s = {.count = 0};

    assert_done(live_scopes_read(w->ledger, &s));
    for (size_t i = 0; i < s.count; i++) {
        struct data_key d = {.envelope_count = 0};
        struct secret *key = NULL;

        assert_done(live_scope_key(&s.items[i], &d));
        assert_done(keyring_open_data_key(w->k, &d, 0, &key));
        if (version != NULL)
            assert_string_equal(d.envelopes[0].key.version, version);
        secret_free(key);
        data_key_clear(&d);
    }
    live_scopes_clear(&s);
}

static void live_data_keys_move_to_the_active_version_and_the_old_one_can_go(void **state)
{
    struct key_world w = make_key_world(state);
    struct rewrap_result r;

    add_snapshot(&w, "aa", NULL);
    add_snapshot(&w, "bb", "aa");
    add_snapshot(&w, "cc", NULL);
    add_tombstone(&w, "cc");
    rotate_key_world(&w);
    add_snapshot(&w, "dd", NULL);
    r = run_rewrap(&w);
    assert_int_equal(r.scopes, 3);
    assert_int_equal(r.current, 1);
    assert_int_equal(r.done, 2);
    assert_int_equal(r.refused, 0);
    do_act(w.k, KEY_DISABLE, "1");
    check_all_under(&w, "2");
    assert_int_equal(count_records(w.ledger, RECORD_REWRAP), 2);
    reopen_key_world(state, &w);
    check_all_under(&w, "2");

    /* And again there is nothing to do. */
    r = run_rewrap(&w);
    assert_int_equal(r.current, 3);
    assert_int_equal(r.done, 0);
    assert_int_equal(count_records(w.ledger, RECORD_REWRAP), 2);
    clear_key_world(&w);
}

static void the_newest_of_two_rewraps_counts(void **state)
{
    struct key_world w = make_key_world(state);

    add_snapshot(&w, "aa", NULL);
    rotate_key_world(&w);
    run_rewrap(&w);
    rotate_key_world(&w);
    run_rewrap(&w);
    do_act(w.k, KEY_DISABLE, "1");
    do_act(w.k, KEY_DISABLE, "2");
    check_all_under(&w, "3");
    clear_key_world(&w);
}

static void the_record_says_from_and_to(void **state)
{
    struct key_world w = make_key_world(state);
    const struct record *r;
    struct jdoc *payload = NULL;
    struct jdoc *part = NULL;
    struct key_name name;

    add_snapshot(&w, "aa", NULL);
    rotate_key_world(&w);
    run_rewrap(&w);
    r = ledger_at(w.ledger, ledger_count(w.ledger) - 1);
    assert_int_equal(r->type, RECORD_REWRAP);
    assert_done(record_payload(r, &payload));
    assert_done(jdoc_child(payload, "masterKey", &part));
    assert_done(key_name_read(part, &name));
    assert_string_equal(name.version, "2");
    assert_done(jdoc_child(payload, "replaces", &part));
    assert_done(key_name_read(part, &name));
    assert_string_equal(name.version, "1");
    jdoc_free(payload);
    clear_key_world(&w);
}

static void a_dry_run_counts_and_writes_nothing(void **state)
{
    struct key_world w = make_key_world(state);
    struct rewrap_options options = {.ledger = w.ledger, .keyring = w.k, .dry_run = true};
    struct rewrap_result r;

    add_snapshot(&w, "aa", NULL);
    rotate_key_world(&w);
    assert_done(rewrap_run(&options, &r));
    assert_int_equal(r.done, 1);
    assert_int_equal(count_records(w.ledger, RECORD_REWRAP), 0);
    clear_key_world(&w);
}

static char said[ERR_TEXT_MAX];

static void listen(enum log_level level, const char *text)
{
    (void)level;
    snprintf(said, sizeof said, "%s", text);
}

static void what_cannot_be_opened_stays_and_the_rest_is_done(void **state)
{
    struct key_world w = make_key_world(state);
    struct rewrap_options options = {.ledger = w.ledger, .keyring = w.k};
    struct rewrap_result r;

    add_snapshot(&w, "aa", NULL);
    rotate_key_world(&w);
    add_snapshot(&w, "bb", NULL);
    rotate_key_world(&w);
    do_act(w.k, KEY_DISABLE, "1");
    log_to(listen);
    assert_int_equal(rewrap_run(&options, &r), ERR_KEY_INVALID);
    log_to(NULL);
    assert_non_null(strstr(err_text(), "1 of 2 data keys could not be opened and stay under the "
                                       "version they were under: master key file "));
    assert_non_null(strstr(
        said,
        "the data key of snapshot aa0000000000000000000000 cannot be rewrapped: master key file "));
    assert_int_equal(r.refused, 1);
    assert_int_equal(r.done, 1);
    do_act(w.k, KEY_ENABLE, "1");
    r = run_rewrap(&w);
    assert_int_equal(r.done, 1);
    check_all_under(&w, "3");
    clear_key_world(&w);
}

static void a_disabled_active_version_stops_it_before_anything_is_written(void **state)
{
    struct key_world w = make_key_world(state);
    struct rewrap_options options = {.ledger = w.ledger, .keyring = w.k};
    struct rewrap_result r;

    add_snapshot(&w, "aa", NULL);
    rotate_key_world(&w);
    do_act(w.k, KEY_DISABLE, "2");
    assert_refused(rewrap_run(&options, &r), ERR_KEY_INVALID, NULL);
    assert_int_equal(count_records(w.ledger, RECORD_REWRAP), 0);
    check_all_under(&w, "1");
    clear_key_world(&w);
}

static void a_further_master_key_gets_its_envelope_by_a_rewrap(void **state)
{
    struct key_world w = make_key_world(state);
    struct master_key_options options[2];
    struct rewrap_result r;
    struct live_scopes s = {.count = 0};
    struct data_key d = {.envelope_count = 0};

    add_snapshot(&w, "aa", NULL);
    make_ring(in(state, "escrow"), NULL);
    options[0] = options_of(in(state, "k"), NULL);
    options[1] = options_of(in(state, "escrow"), NULL);
    keyring_free(w.k);
    assert_done(keyring_open(options, 2, &w.k));
    r = run_rewrap(&w);
    assert_int_equal(r.done, 1);
    assert_done(live_scopes_read(w.ledger, &s));
    assert_done(live_scope_key(&s.items[0], &d));
    assert_int_equal(d.envelope_count, 2);
    data_key_clear(&d);
    live_scopes_clear(&s);
    clear_key_world(&w);
}

/* As a process of its own: `directory` is the one of the test. */
static enum err rewrap_in(const char *directory)
{
    struct master_key_options options = options_of(textf("%s/k", directory), NULL);
    struct ledger_options where = {.state_dir = textf("%s/state", directory)};
    struct rewrap_options rewrap = {.ledger = NULL};
    struct rewrap_result result;
    struct keyring *k = NULL;
    struct store *store = NULL;
    struct ledger *ledger = NULL;
    enum err rc;

    TRY(keyring_open(&options, 1, &k));
    TRY(store_open(textf("%s/repository", directory), false, &store));
    where.store = store;
    TRY(ledger_open(&where, &ledger));
    rewrap.keyring = k;
    rewrap.ledger = ledger;
    TRY(rewrap_run(&rewrap, &result));
out:
    ledger_free(ledger);
    store_free(store);
    keyring_free(k);
    return rc;
}

static void killed_anywhere_everything_still_opens_and_a_rerun_finishes(void **state)
{
    struct key_world w = make_key_world(state);
    struct rewrap_result r;
    unsigned long nth = 1;

    add_snapshot(&w, "aa", NULL);
    add_snapshot(&w, "bb", "aa");
    rotate_key_world(&w);
    for (; kill_at(rewrap_in, in(state, ""), nth); nth++) {
        reopen_key_world(state, &w);
        check_all_under(&w, NULL);
        run_rewrap(&w);
        check_all_under(&w, textf("%lu", nth + 1));
        rotate_key_world(&w); /* all is to do again for the next */
    }
    assert_true(nth > 20);
    reopen_key_world(state, &w);
    r = run_rewrap(&w);
    assert_int_equal(r.done, 0);
    clear_key_world(&w);
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        IN_DIRECTORY(live_data_keys_move_to_the_active_version_and_the_old_one_can_go),
        IN_DIRECTORY(the_newest_of_two_rewraps_counts),
        IN_DIRECTORY(the_record_says_from_and_to),
        IN_DIRECTORY(a_dry_run_counts_and_writes_nothing),
        IN_DIRECTORY(what_cannot_be_opened_stays_and_the_rest_is_done),
        IN_DIRECTORY(a_disabled_active_version_stops_it_before_anything_is_written),
        IN_DIRECTORY(a_further_master_key_gets_its_envelope_by_a_rewrap),
        IN_DIRECTORY(killed_anywhere_everything_still_opens_and_a_rerun_finishes),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
