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

    site_new(&s, state);
    assert_done(text_unhex(SCOPE_A, a, SEAL_ID_LEN));
    assert_done(text_unhex(SCOPE_B, b, SEAL_ID_LEN));
    assert_null(key_query_rewrap(s.ledger, a));
    assert_done(site_append(&s, RECORD_REWRAP, "{\"dataKey\":{\"scope\":\"" SCOPE_A "\"}}"));
    assert_done(site_append(&s, RECORD_REWRAP, "{\"dataKey\":{\"scope\":\"" SCOPE_B "\"}}"));
    assert_done(site_append(&s, RECORD_REWRAP, "{\"dataKey\":{\"scope\":\"" SCOPE_A "\"}}"));
    assert_done(site_append(&s, RECORD_REWRAP, "{}")); /* nobody's */
    assert_int_equal(key_query_rewrap(s.ledger, a)->seq, 2);
    assert_int_equal(key_query_rewrap(s.ledger, b)->seq, 1);
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

int main(void)
{
    static const struct CMUnitTest tests[] = {
        IN_DIRECTORY(the_newest_rewrap_of_a_scope_counts),
        IN_DIRECTORY(the_newest_state_of_a_key_version_counts),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
