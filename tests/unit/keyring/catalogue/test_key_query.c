#include "keyring/catalogue/key_query.h"

#include "tests/unit/core/ledger/forge.h"

#define KEY(version)                                                                               \
    "\"masterKey\":{\"provider\":\"file\",\"keyId\":\"k\",\"keyVersion\":\"" version "\"}"
#define SCOPE_A "00000000000000000000000000000001"
#define SCOPE_B "00000000000000000000000000000002"

static void the_newest_rewrap_of_a_scope_counts(void **state)
{
    struct site s;
    uint8_t a[SEAL_ID_LEN];
    uint8_t b[SEAL_ID_LEN];
    const struct record *newest;

    site_new(&s, state);
    assert_done(text_unhex(SCOPE_A, a, SEAL_ID_LEN));
    assert_done(text_unhex(SCOPE_B, b, SEAL_ID_LEN));
    assert_null(key_query_rewrap(s.ledger, a, NULL));
    assert_done(site_append(&s, RECORD_REWRAP, "{\"dataKey\":{\"scope\":\"" SCOPE_A "\"}}"));
    assert_done(site_append(&s, RECORD_REWRAP, "{\"dataKey\":{\"scope\":\"" SCOPE_B "\"}}"));
    assert_done(site_append(&s, RECORD_REWRAP, "{\"dataKey\":{\"scope\":\"" SCOPE_A "\"}}"));
    assert_done(site_append(&s, RECORD_REWRAP, "{}")); /* nobody's */
    assert_int_equal(key_query_rewrap(s.ledger, a, NULL)->seq, 2);
    assert_int_equal(key_query_rewrap(s.ledger, b, NULL)->seq, 1);
    newest = key_query_rewrap(s.ledger, a, NULL);
    assert_int_equal(key_query_rewrap(s.ledger, a, newest)->seq, 0);
    assert_null(key_query_rewrap(s.ledger, a, key_query_rewrap(s.ledger, a, newest)));
    site_free(&s);
}

static const struct record *state_of(const struct site *s, const char *provider, const char *key_id,
                                     const char *version)
{
    struct key_name key = {.provider = ""};

    snprintf(key.provider, sizeof key.provider, "%s", provider);
    snprintf(key.key_id, sizeof key.key_id, "%s", key_id);
    snprintf(key.version, sizeof key.version, "%s", version);
    return key_query_state(s->ledger, &key);
}

static void the_newest_state_of_a_key_version_counts(void **state)
{
    struct site s;

    site_new(&s, state);
    assert_null(state_of(&s, "file", "k", "1"));
    assert_done(site_append(&s, RECORD_KEY_STATE, "{" KEY("1") ",\"verdict\":\"VALID\"}"));
    assert_done(site_append(&s, RECORD_KEY_STATE, "{" KEY("1") ",\"verdict\":\"INVALID\"}"));
    assert_done(site_append(&s, RECORD_KEY_STATE, "{" KEY("2") ",\"verdict\":\"VALID\"}"));
    assert_done(site_append(&s, RECORD_KEY_STATE, "{\"verdict\":\"VALID\"}")); /* of no key */
    assert_int_equal(state_of(&s, "file", "k", "1")->seq, 1);
    assert_int_equal(state_of(&s, "file", "k", "2")->seq, 2);
    assert_null(state_of(&s, "file", "k", "3"));
    assert_null(state_of(&s, "aws", "k", "1"));
    assert_null(state_of(&s, "file", "other", "1"));
    site_free(&s);
}

/* A forged one hides no genuine one below it. */
static void a_generation_above_the_most_is_told_apart(void **state)
{
    static const char *const rows[] = {"5", "9007199254740991", "3"};
    const struct record *above = NULL;
    struct keyring_witness w;
    char claim[KEYRING_CLAIM_MAX + 1];
    struct site s;

    site_new(&s, state);
    for (size_t i = 0; i < 3; i++) {
        char body[512];

        snprintf(
            body, sizeof body,
            "{" KEY("1") ",\"verdict\":\"VALID\",\"reason\":null,\"since\":null,"
                         "\"checkedAt\":\"2026-11-24T06:10:00.000Z\",\"keyringGeneration\":%s}",
            rows[i]);
        assert_done(site_append(&s, RECORD_KEY_STATE, body));
    }
    assert_int_equal(key_query_generation(s.ledger, "file", "k", 1000, &above), 5);
    assert_int_equal(above->seq, 1);
    assert_int_equal(key_query_generation(s.ledger, "file", "k", 4, &above), 3);
    assert_int_equal(above->seq, 1);
    w = key_query_witness(s.ledger);
    assert_int_equal(w.generation(w.arg, "file", "k", 1000, claim), 5);
    assert_string_equal(claim, "ledger/" OWN_ID "/0000000000000001.json");
    assert_int_equal(w.generation(w.arg, "file", "other", 1000, claim), 0);
    assert_string_equal(claim, "");
    site_free(&s);
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        IN_DIRECTORY(the_newest_rewrap_of_a_scope_counts),
        IN_DIRECTORY(the_newest_state_of_a_key_version_counts),
        IN_DIRECTORY(a_generation_above_the_most_is_told_apart),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
