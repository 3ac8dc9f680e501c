#include "core/ledger/expiry.h"

#include "tests/unit/core/ledger/forge.h"

#define DAY_MS INT64_C(86400000)
#define FIRST_MS INT64_C(1577836800000) /* 2020-01-01 */

static struct record *make(const struct signer *by, enum record_type type, int64_t created_ms,
                           const char *body)
{
    struct record_place place = {.created_ms = created_ms};
    struct jdoc *doc = NULL;
    struct record *r = NULL;

    assert_done(jdoc_parse(bytes_of_text(body), &doc));
    assert_done(record_make(type, &place, doc, by, &r));
    jdoc_free(doc);
    return r;
}

/* What these records say of a tombstone of "aaaa" made at `created_ms` and read at `now_ms`. */
static enum err check(const char *const *bodies, enum record_type type, bool is_covered,
                      int64_t created_ms, int64_t now_ms)
{
    struct expiries x = {NULL, 0, 0};
    struct record *records[8] = {NULL};
    struct record *tombstone;
    struct signer *s = NULL;
    size_t count = 0;
    enum err rc;

    assert_done(signer_new(&s));
    for (; bodies[count] != NULL; count++) {
        records[count] = make(s, type, 0, bodies[count]);
        assert_done(expiries_add(&x, records[count]));
    }
    expiries_sort(&x);
    tombstone = make(s, RECORD_TOMBSTONE, created_ms, "{\"subject\":\"aaaa\"}");
    rc = expiries_check(&x, tombstone, is_covered, now_ms);
    record_free(tombstone);
    while (count > 0)
        record_free(records[--count]);
    expiries_clear(&x);
    signer_free(s);
    return rc;
}

#define OF(id, date) "{\"id\":\"" id "\",\"expiresAt\":" date "}"

static void both_clocks_must_be_past_the_date(void **state)
{
    static const char *const one[] = {OF("bbbb", "null"),
                                      OF("aaaa", "\"2020-01-01T00:00:00.000Z\""), NULL};

    (void)state;
    assert_done(check(one, RECORD_SNAPSHOT, false, FIRST_MS, FIRST_MS));
    assert_refused(check(one, RECORD_SNAPSHOT, false, FIRST_MS - 1, FIRST_MS + DAY_MS), ERR_CORRUPT,
                   "it ends aaaa, which expires at 2020-01-01T00:00:00.000Z, before that: only "
                   "root may sign that");
    assert_refused(check(one, RECORD_SNAPSHOT, false, FIRST_MS + DAY_MS, FIRST_MS - 1), ERR_CORRUPT,
                   "it ends aaaa, which expires at 2020-01-01T00:00:00.000Z, and by the clock of "
                   "this machine that is yet to come: only root may sign that");
    /* That it is covered excuses nothing while the record is there. */
    assert_int_equal(check(one, RECORD_SNAPSHOT, true, FIRST_MS - 1, FIRST_MS), ERR_CORRUPT);
}

static void of_several_with_one_name_the_latest_counts(void **state)
{
    static const char *const three[] = {OF("aaaa", "\"2019-01-01T00:00:00.000Z\""),
                                        OF("aaaa", "\"2020-01-01T00:00:00.000Z\""),
                                        OF("aaaa", "\"2018-01-01T00:00:00.000Z\""), NULL};
    static const char *const never[] = {OF("aaaa", "\"2019-01-01T00:00:00.000Z\""),
                                        OF("aaaa", "null"), NULL};

    (void)state;
    assert_done(check(three, RECORD_SNAPSHOT, false, FIRST_MS, FIRST_MS));
    assert_int_equal(check(three, RECORD_SNAPSHOT, false, FIRST_MS - 1, FIRST_MS), ERR_CORRUPT);
    assert_refused(check(never, RECORD_SNAPSHOT, false, FIRST_MS, FIRST_MS), ERR_CORRUPT,
                   "it ends aaaa, which never expires: only root may sign that");
}

static void a_date_that_cannot_be_read_is_never(void **state)
{
    static const char *const rubbish[] = {OF("aaaa", "\"yesterday\""), NULL};
    static const char *const missing[] = {"{\"id\":\"aaaa\"}", NULL};

    (void)state;
    assert_int_equal(check(rubbish, RECORD_SNAPSHOT, false, FIRST_MS, FIRST_MS), ERR_CORRUPT);
    assert_said("which never expires");
    assert_int_equal(check(missing, RECORD_SNAPSHOT, false, FIRST_MS, FIRST_MS), ERR_CORRUPT);
    assert_said("which never expires");
}

static void what_is_gone_was_ended_before_a_checkpoint(void **state)
{
    static const char *const none[] = {"{\"no\":\"id\"}", NULL};

    (void)state;
    assert_done(check(none, RECORD_SNAPSHOT, true, FIRST_MS, FIRST_MS));
    assert_refused(check(none, RECORD_SNAPSHOT, false, FIRST_MS, FIRST_MS), ERR_CORRUPT,
                   "it ends aaaa, which is not there: only root may sign that");
}

static void what_cannot_expire_does_not_count(void **state)
{
    static const char *const one[] = {OF("aaaa", "\"2019-01-01T00:00:00.000Z\""), NULL};

    (void)state;
    assert_done(check(one, RECORD_OPLOG_SEGMENT, false, FIRST_MS, FIRST_MS));
    assert_int_equal(check(one, RECORD_KEY_STATE, false, FIRST_MS, FIRST_MS), ERR_CORRUPT);
    assert_said("which is not there");
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(both_clocks_must_be_past_the_date),
    cmocka_unit_test(of_several_with_one_name_the_latest_counts),
    cmocka_unit_test(a_date_that_cannot_be_read_is_never),
    cmocka_unit_test(what_is_gone_was_ended_before_a_checkpoint),
    cmocka_unit_test(what_cannot_expire_does_not_count),
};

int main(void)
{
    return cmocka_run_group_tests(tests, NULL, NULL);
}
