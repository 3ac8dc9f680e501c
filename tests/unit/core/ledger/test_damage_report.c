#include "core/ledger/damage_report.h"

#include "tests/unit/core/ledger/forge.h"

#define ROOT_NAME(seq) "ledger/" ROOT_ID "/000000000000000" seq ".json"
#define OWN_NAME(seq) "ledger/" OWN_ID "/000000000000000" seq ".json"

/* Genesis, enrolment, and snapshots 2 to 4. */
static void three_snapshots(struct site *s, void **state)
{
    site_new(s, state);
    site_snapshot(s, "aaaa");
    site_snapshot(s, "bbbb");
    site_snapshot(s, "cccc");
}

/* Cut the last byte off, or change a letter of the snapshot's status: that parses. */
static void cut(const struct site *s, const char *name)
{
    struct buf raw = site_raw(s, name);

    site_put(s, name, bytes_of(raw.data, raw.len - 1));
    buf_clear(&raw);
}

static void alter(const struct site *s, const char *name)
{
    struct buf raw = site_raw(s, name);
    char *cursor = memmem(raw.data, raw.len, "completed", strlen("completed"));

    assert_non_null(cursor);
    cursor[0] = 'C';
    site_put(s, name, buf_bytes(&raw));
    buf_clear(&raw);
}

static void refuse_all(struct site *s, const char *text)
{
    warnings = 0;
    last_warning[0] = '\0';
    log_to(keep_warning);
    assert_refused(site_open(s, true), ERR_CORRUPT, text);
    log_to(NULL);
    assert_null(s->ledger);
}

static void one_damaged_record_is_the_message(void **state)
{
    struct site s;

    three_snapshots(&s, state);
    alter(&s, OWN_NAME("1"));
    refuse_all(&s, OWN_NAME("1") ": the signature does not fit" DAMAGED);
    assert_int_equal(warnings, 1);
    site_free(&s);
}

static void of_several_each_is_named(void **state)
{
    struct site s;

    three_snapshots(&s, state);
    alter(&s, OWN_NAME("2"));
    cut(&s, OWN_NAME("0"));
    refuse_all(&s, "2 records are damaged (each is named above)" DAMAGED_HINT);
    assert_int_equal(warnings, 2);
    assert_string_equal(last_warning,
                        OWN_NAME("2") ": the signature does not fit (damaged or tampered "
                                      "with)");
    site_free(&s);
}

static void without_genesis_those_are_named_that_do_not_parse(void **state)
{
    struct site s;

    three_snapshots(&s, state);
    alter(&s, OWN_NAME("2"));
    cut(&s, ROOT_NAME("0"));
    cut(&s, OWN_NAME("0"));
    refuse_all(&s, "2 records are damaged (each is named above)" DAMAGED_HINT);
    assert_int_equal(warnings, 2);
    site_free(&s);
}

static void a_missing_record_is_not_a_damaged_one(void **state)
{
    struct site s;

    three_snapshots(&s, state);
    site_delete(&s, OWN_NAME("1"));
    refuse_all(&s, OWN_NAME("2") ": the record before it is missing, and no checkpoint covers "
                                 "that: it was deleted");
    assert_int_equal(warnings, 0);
    site_free(&s);
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        IN_DIRECTORY(one_damaged_record_is_the_message),
        IN_DIRECTORY(of_several_each_is_named),
        IN_DIRECTORY(without_genesis_those_are_named_that_do_not_parse),
        IN_DIRECTORY(a_missing_record_is_not_a_damaged_one),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
