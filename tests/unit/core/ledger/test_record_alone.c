#include "core/ledger/record_alone.h"

#include "tests/unit/core/ledger/forge.h"

#define ID "aa0000000000000000000000"

static enum err check(const struct site *s, const struct record *r, char text[ERR_TEXT_MAX])
{
    return record_alone_check(s->store, r, "", text);
}

static void a_record_is_judged_by_roots_chain_alone(void **state)
{
    char text[ERR_TEXT_MAX];
    struct record *r;
    struct site s;

    site_new(&s, state);
    site_snapshot(&s, ID);
    site_snapshot(&s, "bb0000000000000000000000");
    r = site_record(&s, OWN_ID, 0);
    assert_done(check(&s, r, text));
    assert_string_equal(text, "");
    /* Damage in its own chain is not even looked at. */
    site_put(&s, site_name(OWN_ID, 1), bytes_of_text("rubbish"));
    site_delete(&s, site_name(OWN_ID, 0));
    site_put(&s, "ledger/strange", bytes_of_text("rubbish"));
    assert_done(check(&s, r, text));
    assert_string_equal(text, "");
    record_free(r);
    site_free(&s);
}

static void a_signature_that_does_not_fit_is_refused(void **state)
{
    char text[ERR_TEXT_MAX];
    struct record *r;
    struct site s;

    site_new(&s, state);
    site_snapshot(&s, ID);
    r = site_record(&s, OWN_ID, 0);
    r->signature[7] ^= 1;
    assert_int_equal(check(&s, r, text), ERR_CORRUPT);
    r->signature[7] ^= 1;
    r->repository[0] ^= 1;
    assert_refused(check(&s, r, text), ERR_CORRUPT, "the record belongs to another repository");
    record_free(r);
    site_free(&s);
}

static void whom_nobody_enrolled_is_refused_and_so_is_what_was_revoked(void **state)
{
    char text[ERR_TEXT_MAX];
    struct record *r;
    struct site s;

    site_new(&s, state);
    r = forge(&s, s.other, RECORD_SNAPSHOT, NULL, clock_now_ms(), "{\"id\":\"" ID "\"}");
    assert_refused(check(&s, r, text), ERR_CORRUPT,
                   "its writer is not enrolled: it is forged, or the enrolment is missing");
    site_delete(&s, site_name(OTHER_ID, 0));
    assert_done(site_append(&s, RECORD_WRITER, ENROL_OTHER));
    assert_done(check(&s, r, text));
    assert_string_equal(text, "");
    site_revoke_other(&s, NULL);
    assert_int_equal(check(&s, r, text), ERR_CORRUPT);
    assert_said("its writer had been revoked by then");
    record_free(r);
    site_free(&s);
}

/* Then nobody can tell who the writers are. */
static void without_a_sound_chain_of_root_there_is_no_verdict(void **state)
{
    char text[ERR_TEXT_MAX];
    struct record *r;
    struct site s;

    site_new(&s, state);
    site_snapshot(&s, ID);
    r = site_record(&s, OWN_ID, 0);
    assert_done(record_alone_check(s.store, r, "another fingerprint", text));
    assert_string_equal(text, "its genesis record is missing or damaged");
    assert_done(site_append(&s, RECORD_WRITER, ENROL_OTHER));
    site_delete(&s, site_name(ROOT_ID, 1)); /* our enrolment */
    assert_done(check(&s, r, text));
    assert_string_equal(text, "a record of the root key is missing or was replaced");
    site_put(&s, site_name(ROOT_ID, 1), bytes_of_text("rubbish"));
    assert_done(check(&s, r, text));
    assert_non_null(strstr(text, "not two whole lines"));
    site_delete(&s, site_name(ROOT_ID, 0));
    assert_done(check(&s, r, text));
    assert_string_equal(text, "its genesis record is missing or damaged");
    record_free(r);
    site_free(&s);
}

struct asked {
    struct site s;
    struct record *r;
};

static enum err check_again(void *arg)
{
    struct asked *a = arg;
    char text[ERR_TEXT_MAX];
    enum err rc = check(&a->s, a->r, text);

    if (rc == ERR_OK)
        assert_string_equal(text, "");
    return rc;
}

static void no_memory_is_no_verdict(void **state)
{
    struct asked a;

    site_new(&a.s, state);
    site_snapshot(&a.s, ID);
    a.r = site_record(&a.s, OWN_ID, 0);
    assert_true(sweep_allocations(check_again, &a) > 5);
    record_free(a.r);
    site_free(&a.s);
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        IN_DIRECTORY(a_record_is_judged_by_roots_chain_alone),
        IN_DIRECTORY(a_signature_that_does_not_fit_is_refused),
        IN_DIRECTORY(whom_nobody_enrolled_is_refused_and_so_is_what_was_revoked),
        IN_DIRECTORY(without_a_sound_chain_of_root_there_is_no_verdict),
        IN_DIRECTORY(no_memory_is_no_verdict),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
