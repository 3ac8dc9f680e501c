#include "core/ledger/ledger_query.h"

#include "tests/unit/core/ledger/forge.h"

static void a_snapshot_lives_until_its_tombstone(void **state)
{
    struct site s;

    site_new(&s, state);
    site_snapshot(&s, "aaaa");
    site_snapshot(&s, "bbbb");
    site_snapshot(&s, "cccc");
    assert_true(ledger_query_is_live(s.ledger, ledger_at(s.ledger, 3)));
    assert_done(site_append(&s, RECORD_TOMBSTONE, "{\"subject\":\"bbbb\",\"reason\":\"x\"}"));
    assert_done(site_append(&s, RECORD_TOMBSTONE, "{\"subject\":\"aaaa\",\"reason\":\"x\"}"));
    for (int again = 0; again < 2; again++) {
        assert_true(ledger_query_is_live(s.ledger, ledger_at(s.ledger, 0)));
        assert_false(ledger_query_is_live(s.ledger, ledger_at(s.ledger, 2)));
        assert_false(ledger_query_is_live(s.ledger, ledger_at(s.ledger, 3)));
        assert_true(ledger_query_is_live(s.ledger, ledger_at(s.ledger, 4)));
        assert_true(
            ledger_query_is_live(s.ledger, ledger_at(s.ledger, 5))); /* the tombstone itself */
        assert_done(site_open(&s, false));
    }
    site_free(&s);
}

static void records_of_a_type_come_oldest_first_and_alone(void **state)
{
    struct site s;

    site_new(&s, state);
    assert_int_equal(ledger_query_count(s.ledger, RECORD_SNAPSHOT), 0);
    site_snapshot(&s, "aaaa");
    assert_done(site_append(&s, RECORD_REWRAP, "{}"));
    site_snapshot(&s, "bbbb");
    for (int again = 0; again < 2; again++) {
        assert_int_equal(ledger_query_count(s.ledger, RECORD_SNAPSHOT), 2);
        assert_int_equal(ledger_query_at(s.ledger, RECORD_SNAPSHOT, 0)->seq, 0);
        assert_int_equal(ledger_query_at(s.ledger, RECORD_SNAPSHOT, 1)->seq, 2);
        assert_int_equal(ledger_query_count(s.ledger, RECORD_REWRAP), 1);
        assert_int_equal(ledger_query_at(s.ledger, RECORD_REWRAP, 0)->seq, 1);
        assert_done(site_open(&s, false));
    }
    site_free(&s);
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        IN_DIRECTORY(a_snapshot_lives_until_its_tombstone),
        IN_DIRECTORY(records_of_a_type_come_oldest_first_and_alone),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
