#include "core/ledger/ledger.h"

#include "core/fs/file.h"
#include "tests/unit/core/ledger/forge.h"
#include "tests/unit/faulty.h"

#define ROOT_NAME(seq) "ledger/" ROOT_ID "/000000000000000" seq ".json"
#define OWN_NAME(seq) "ledger/" OWN_ID "/000000000000000" seq ".json"

static void a_new_repository_has_a_genesis_and_a_writer(void **state)
{
    struct site s;
    struct record *genesis;
    char id[LEDGER_FINGERPRINT_LEN + 1];

    site_new(&s, state);
    assert_int_equal(ledger_count(s.ledger), 2);
    assert_true(writers_is_root(ledger_writers(s.ledger), ledger_at(s.ledger, 1)->writer));
    genesis = site_record(&s, ROOT_ID, 0);
    assert_int_equal(genesis->type, RECORD_GENESIS);
    text_hex(bytes_of(genesis->id, RECORD_ID_LEN), id);
    assert_string_equal(ledger_fingerprint(s.ledger), id);
    assert_memory_equal(ledger_repository(s.ledger), genesis->repository, SEAL_ID_LEN);
    assert_int_equal(ledger_at(s.ledger, 1)->type, RECORD_WRITER);
    assert_true(ledger_can_append(s.ledger, RECORD_SNAPSHOT));
    record_free(genesis);
    site_free(&s);
}

static void a_signing_key_is_made_when_there_is_none(void **state)
{
    struct site s;
    struct ledger_options options;
    struct stat st;

    site_prepare(&s, state);
    assert_int_equal(unlink(in(state, "state/signing-key.json")), 0);
    assert_int_equal(rmdir(in(state, "state")), 0);
    options = site_options(&s, false);
    assert_done(ledger_create(&options, &s.ledger));
    assert_true(ledger_can_append(s.ledger, RECORD_SNAPSHOT));
    assert_int_equal(stat(in(state, "state"), &st), 0);
    assert_int_equal(st.st_mode & 07777, 0700);
    assert_int_equal(stat(in(state, "state/signing-key.json"), &st), 0);
    assert_int_equal(st.st_mode & 07777, 0600);
    assert_int_equal(count_names(in(state, "state")), 4); /* key, lock, trust state, cache */
    site_free(&s);
}

/* Nobody can name a directory by what is not made yet: the repository does. */
static void the_state_directory_is_named_by_the_fingerprint(void **state)
{
    struct ledger_options options;
    char shown[LEDGER_FINGERPRINT_LEN + 1];
    struct ledger_origin was;
    struct site s;

    site_prepare(&s, state);
    assert_done(ledger_look(s.store, NULL, shown));
    assert_string_equal(shown, "");
    options = (struct ledger_options){
        .store = s.store, .states = in(state, "states"), .root = {.key = s.root}};
    assert_done(ledger_create(&options, &s.ledger));
    assert_string_equal(strrchr(ledger_state_dir(s.ledger), '/') + 1, ledger_fingerprint(s.ledger));
    assert_int_equal(count_names(in(state, "states")), 1);
    assert_int_equal(count_names(ledger_state_dir(s.ledger)), 4);
    assert_done(ledger_look(s.store, NULL, shown));
    assert_string_equal(shown, ledger_fingerprint(s.ledger));
    memcpy(was.root, ledger_root(s.ledger), SIGNER_ID_LEN);
    memcpy(was.fingerprint, shown, sizeof shown);
    assert_done(ledger_look(s.store, &was, shown));
    assert_string_equal(shown, was.fingerprint);
    was.fingerprint[0] ^= 1; /* another one was there */
    assert_done(ledger_look(s.store, &was, shown));
    assert_string_equal(shown, ledger_fingerprint(s.ledger));
    site_free(&s);
}

/* Whatever of it was done, the key of what is in the store is in the directory of its name. */
static void a_making_that_names_its_state_is_repeated(void **state)
{
    enum err rc = ERR_STORAGE;

    for (unsigned long nth = 1; rc != ERR_OK; nth++) {
        struct faulty f = {.fault = FAULT_CRASH_AFTER, .fail_at = nth};
        struct ledger_options options;
        char shown[LEDGER_FINGERPRINT_LEN + 1];
        char path[512];
        struct site s;

        site_prepare(&s, state);
        f.inner = s.store;
        options = (struct ledger_options){.states = in(state, "states"), .root = {.key = s.root}};
        assert_done(faulty_open(&f, &options.store));
        rc = ledger_create(&options, &s.ledger);
        site_close(&s);
        store_free(options.store);
        faulty_clear(&f);
        options.store = s.store;
        assert_done(ledger_look(s.store, NULL, shown));
        if (rc != ERR_OK && ledger_create(&options, &s.ledger) != ERR_OK) {
            assert_string_not_equal(shown, "");
            snprintf(path, sizeof path, "%s/%s", options.states, shown);
            options.state_dir = path;
            assert_done(ledger_open(&options, &s.ledger));
            assert_true(ledger_can_append(s.ledger, RECORD_SNAPSHOT));
        }
        site_free(&s);
        assert_int_equal(directory_teardown(state), 0);
        assert_int_equal(directory_setup(state), 0);
    }
}

static void two_repositories_of_one_root_differ(void **state)
{
    struct site s;
    struct store *second = NULL;
    struct ledger *l = NULL;
    struct ledger_options options;

    site_new(&s, state);
    assert_done(store_open(in(state, "second"), true, &second));
    options = (struct ledger_options){
        .store = second, .state_dir = in(state, "state-2"), .root = {.key = s.root}};
    assert_done(ledger_create(&options, &l));
    assert_memory_not_equal(ledger_repository(l), ledger_repository(s.ledger), SEAL_ID_LEN);
    assert_string_not_equal(ledger_fingerprint(l), ledger_fingerprint(s.ledger));
    ledger_free(l);
    store_free(second);
    site_free(&s);
}

static void a_repository_is_not_made_over_another(void **state)
{
    struct site s;
    struct ledger_options options;
    char expected[ERR_TEXT_MAX];

    site_new(&s, state);
    site_close(&s);
    snprintf(expected, sizeof expected, "%s: there is already a repository", store_where(s.store));
    options = site_options(&s, false);
    assert_refused(ledger_create(&options, &s.ledger), ERR_EXISTS, expected);
    options.state_dir = in(state, "fresh"); /* nor with another key */
    assert_refused(ledger_create(&options, &s.ledger), ERR_EXISTS, expected);
    assert_done(site_open(&s, true));
    assert_int_equal(ledger_count(s.ledger), 2);
    site_free(&s);
}

static void a_new_repository_cannot_have_a_given_fingerprint(void **state)
{
    struct site s;
    struct ledger_options options;
    char expected[ERR_TEXT_MAX];

    site_prepare(&s, state);
    options = site_options(&s, false);
    options.fingerprint = "00";
    snprintf(expected, sizeof expected, "%s: a new repository cannot have a given fingerprint",
             store_where(s.store));
    assert_refused(ledger_create(&options, &s.ledger), ERR_USAGE, expected);
    site_free(&s);
}

static void where_nothing_is_nothing_is_opened(void **state)
{
    struct site s;
    char expected[ERR_TEXT_MAX];

    site_prepare(&s, state);
    snprintf(expected, sizeof expected, "%s: there is no repository", store_where(s.store));
    assert_refused(site_open(&s, false), ERR_NOT_FOUND, expected);
    site_free(&s);
}

static void half_a_repository_is_not_opened(void **state)
{
    struct site s;
    char expected[ERR_TEXT_MAX];

    site_new(&s, state);
    site_forget(&s);
    site_delete(&s, ROOT_NAME("1"));
    snprintf(expected, sizeof expected,
             "%s: the repository is not complete: its creation was interrupted\n  run init again "
             "with the same state directory",
             store_where(s.store));
    assert_refused(site_open(&s, false), ERR_NOT_FOUND, expected);
    assert_false(file_exists(in(state, "state/trust.json")));
    site_free(&s);
}

/* The making with a fault at the nth operation of the store. */
static enum err make_with(struct site *s, enum fault fault, unsigned long nth)
{
    struct faulty f = {.fault = fault, .fail_at = nth, .inner = s->store};
    struct ledger_options options = site_options(s, false);
    enum err rc;

    assert_done(faulty_open(&f, &options.store));
    rc = ledger_create(&options, &s->ledger);
    site_close(s);
    store_free(options.store);
    faulty_clear(&f);
    return rc;
}

static void a_killed_making_is_repeated(void **state, enum fault fault)
{
    enum err rc = ERR_STORAGE;
    unsigned long nth = 0;

    while (rc != ERR_OK) {
        struct site s;
        struct ledger_options options;

        site_prepare(&s, state);
        rc = make_with(&s, fault, ++nth);
        options = site_options(&s, false);
        if (rc == ERR_OK || file_exists(in(state, "state/trust.json")))
            assert_done(site_open(&s, true));
        else
            assert_done(ledger_create(&options, &s.ledger));
        assert_int_equal(ledger_count(s.ledger), 2);
        site_snapshot(&s, "aaaa");
        assert_done(site_open(&s, true));
        site_free(&s);
        assert_int_equal(directory_teardown(state), 0);
        assert_int_equal(directory_setup(state), 0);
    }
    assert_true(nth > 7); /* list, two puts of three steps, and the opening */
}

static void a_making_killed_before_any_operation_is_repeated(void **state)
{
    a_killed_making_is_repeated(state, FAULT_CRASH);
}

static void a_making_killed_after_any_operation_is_repeated(void **state)
{
    a_killed_making_is_repeated(state, FAULT_CRASH_AFTER);
}

static void a_making_with_any_operation_refused_is_repeated(void **state)
{
    a_killed_making_is_repeated(state, FAULT_FAIL);
}

static void a_making_with_any_reply_lost_is_repeated(void **state)
{
    a_killed_making_is_repeated(state, FAULT_FAIL_AFTER);
}

static void a_damaged_signing_key_is_not_replaced(void **state)
{
    struct site s;
    struct ledger_options options;

    site_prepare(&s, state);
    put_file(in(state, "state/signing-key.json"), "{\"format\":1}");
    options = site_options(&s, false);
    assert_int_equal(ledger_create(&options, &s.ledger), ERR_CORRUPT);
    assert_true(have_file(in(state, "state/signing-key.json"), "{\"format\":1}"));
    site_free(&s);
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        IN_DIRECTORY(a_new_repository_has_a_genesis_and_a_writer),
        IN_DIRECTORY(a_signing_key_is_made_when_there_is_none),
        IN_DIRECTORY(the_state_directory_is_named_by_the_fingerprint),
        IN_DIRECTORY(a_making_that_names_its_state_is_repeated),
        IN_DIRECTORY(two_repositories_of_one_root_differ),
        IN_DIRECTORY(a_repository_is_not_made_over_another),
        IN_DIRECTORY(a_new_repository_cannot_have_a_given_fingerprint),
        IN_DIRECTORY(where_nothing_is_nothing_is_opened),
        IN_DIRECTORY(half_a_repository_is_not_opened),
        IN_DIRECTORY(a_making_killed_before_any_operation_is_repeated),
        IN_DIRECTORY(a_making_killed_after_any_operation_is_repeated),
        IN_DIRECTORY(a_making_with_any_operation_refused_is_repeated),
        IN_DIRECTORY(a_making_with_any_reply_lost_is_repeated),
        IN_DIRECTORY(a_damaged_signing_key_is_not_replaced),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
