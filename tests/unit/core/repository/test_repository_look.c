#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "core/fs/file.h"
#include "tests/unit/core/repository/opened.h"

#define BEFORE "said before"

/* Whatever is asked, what was wrong before is still what is said. */
static void record_a_message(void)
{
    (void)err_set(ERR_FAILED, BEFORE);
}

static void what_was_seen_is_told_by_its_fingerprint(void **state)
{
    char fingerprint[LEDGER_FINGERPRINT_LEN + 1] = "none";
    struct opened o;

    make_opened(state, &o);
    record_a_message();
    assert_true(repository_seen(in(state, "state"), fingerprint));
    assert_string_equal(fingerprint, ledger_fingerprint(repository_ledger(o.repository)));
    assert_string_equal(err_text(), BEFORE);
    clear_opened(&o);
}

static void a_state_that_cannot_be_read_has_seen_none(void **state)
{
    char fingerprint[LEDGER_FINGERPRINT_LEN + 1] = "none";

    record_a_message();
    assert_false(repository_seen(in(state, "nowhere"), fingerprint));
    assert_int_equal(mkdir(in(state, "state"), 0700), 0);
    assert_false(repository_seen(in(state, "state"), fingerprint));
    put_file(in(state, "state/trust.json"), "{\"format\": 1}");
    assert_false(repository_seen(in(state, "state"), fingerprint));
    assert_string_equal(fingerprint, "none");
    assert_string_equal(err_text(), BEFORE);
}

static void the_signing_key_is_there_or_not(void **state)
{
    struct opened o;

    make_opened(state, &o);
    record_a_message();
    assert_true(repository_has_signing_key(in(state, "state")));
    assert_int_equal(unlink(in(state, "state/signing-key.json")), 0);
    assert_false(repository_has_signing_key(in(state, "state")));
    put_file(in(state, "state/trust.json"), "damaged");
    assert_true(repository_is_remembered(in(state, "state")));
    assert_int_equal(unlink(in(state, "state/trust.json")), 0);
    assert_false(repository_is_remembered(in(state, "state")));
    put_file(in(state, "state/signing-key.json"), "damaged");
    assert_true(repository_is_remembered(in(state, "state")));
    assert_string_equal(err_text(), BEFORE);
    clear_opened(&o);
}

/* A run of init that is killed at each of its puts. */
static void how_far_its_making_has_come_is_seen(void **state)
{
    static const enum repository_presence want[] = {REPOSITORY_NONE, REPOSITORY_BEGUN};
    enum repository_presence is = REPOSITORY_MADE;
    struct repository *made = NULL;
    struct repository_options options;
    struct opened o = {.state = state};

    assert_done(store_open(in(state, "repository"), true, &o.real));
    o.faulty.inner = o.real;
    assert_done(faulty_open(&o.faulty, &o.store));
    options = options_of_opened(&o);
    for (unsigned i = 0; i < 2; i++) {
        set_opened_fault(&o, FAULT_FAIL, 1, FAULTY_PUT_COMMIT);
        o.faulty.fail_at = i == 0 ? 1 : 2;
        assert_refused(repository_create(&options, &made), ERR_STORAGE, NULL);
        assert_done(repository_look(o.real, &is));
        assert_int_equal(is, want[i]);
    }
    o.faulty.fault = FAULT_NONE;
    assert_done(repository_create(&options, &o.repository));
    assert_done(repository_look(o.real, &is));
    assert_int_equal(is, REPOSITORY_MADE);
    set_opened_fault(&o, FAULT_FAIL, 1, FAULTY_LIST);
    assert_refused(repository_look(o.store, &is), ERR_STORAGE, NULL);
    clear_opened(&o);
}

/* A store that does not answer may hold anything. */
static void a_vacant_store_answers_and_holds_nothing(void **state)
{
    struct opened o = {.state = state};

    assert_done(store_open(in(state, "repository"), true, &o.real));
    o.faulty.inner = o.real;
    assert_done(faulty_open(&o.faulty, &o.store));
    record_a_message();
    assert_true(repository_is_vacant(o.store));
    set_opened_fault(&o, FAULT_FAIL, 1, FAULTY_LIST);
    assert_false(repository_is_vacant(o.store));
    o.faulty.fault = FAULT_NONE;
    assert_done(store_put(o.real, "data/x", bytes_of_text("x")));
    assert_false(repository_is_vacant(o.store));
    assert_string_equal(err_text(), BEFORE);
    clear_opened(&o);
}

static const struct CMUnitTest tests[] = {
    IN_DIRECTORY(what_was_seen_is_told_by_its_fingerprint),
    IN_DIRECTORY(a_state_that_cannot_be_read_has_seen_none),
    IN_DIRECTORY(the_signing_key_is_there_or_not),
    IN_DIRECTORY(how_far_its_making_has_come_is_seen),
    IN_DIRECTORY(a_vacant_store_answers_and_holds_nothing),
};

int main(void)
{
    return cmocka_run_group_tests(tests, NULL, NULL);
}
