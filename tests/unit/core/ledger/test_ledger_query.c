#include "core/ledger/ledger_query.h"

#include "tests/unit/core/ledger/forge.h"

#define KEY(version)                                                                               \
    "\"masterKey\":{\"provider\":\"file\",\"keyId\":\"k\",\"keyVersion\":\"" version "\"}"
#define SCOPE_A "00000000000000000000000000000001"
#define SCOPE_B "00000000000000000000000000000002"

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

static void the_newest_rewrap_of_a_scope_counts(void **state)
{
    struct site s;
    uint8_t a[SEAL_ID_LEN];
    uint8_t b[SEAL_ID_LEN];

    site_new(&s, state);
    assert_done(text_unhex(SCOPE_A, a, SEAL_ID_LEN));
    assert_done(text_unhex(SCOPE_B, b, SEAL_ID_LEN));
    assert_null(ledger_query_rewrap(s.ledger, a));
    assert_done(site_append(&s, RECORD_REWRAP, "{\"dataKey\":{\"scope\":\"" SCOPE_A "\"}}"));
    assert_done(site_append(&s, RECORD_REWRAP, "{\"dataKey\":{\"scope\":\"" SCOPE_B "\"}}"));
    assert_done(site_append(&s, RECORD_REWRAP, "{\"dataKey\":{\"scope\":\"" SCOPE_A "\"}}"));
    assert_done(site_append(&s, RECORD_REWRAP, "{}")); /* nobody's */
    assert_int_equal(ledger_query_rewrap(s.ledger, a)->seq, 4);
    assert_int_equal(ledger_query_rewrap(s.ledger, b)->seq, 3);
    site_free(&s);
}

static void the_newest_state_of_a_key_version_counts(void **state)
{
    struct site s;

    site_new(&s, state);
    assert_null(ledger_query_key_state(s.ledger, "file", "k", "1"));
    assert_done(site_append(&s, RECORD_KEY_STATE, "{" KEY("1") ",\"verdict\":\"VALID\"}"));
    assert_done(site_append(&s, RECORD_KEY_STATE, "{" KEY("1") ",\"verdict\":\"INVALID\"}"));
    assert_done(site_append(&s, RECORD_KEY_STATE, "{" KEY("2") ",\"verdict\":\"VALID\"}"));
    assert_int_equal(ledger_query_key_state(s.ledger, "file", "k", "1")->seq, 3);
    assert_int_equal(ledger_query_key_state(s.ledger, "file", "k", "2")->seq, 4);
    assert_null(ledger_query_key_state(s.ledger, "file", "k", "3"));
    assert_null(ledger_query_key_state(s.ledger, "aws", "k", "1"));
    assert_null(ledger_query_key_state(s.ledger, "file", "other", "1"));
    site_free(&s);
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        IN_FOLDER(a_snapshot_lives_until_its_tombstone),
        IN_FOLDER(the_newest_rewrap_of_a_scope_counts),
        IN_FOLDER(the_newest_state_of_a_key_version_counts),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
