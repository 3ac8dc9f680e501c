#include "core/seal/kdf.h"

#include <string.h>

#include "core/base/hash.h"
#include "core/base/text.h"
#include "tests/unit/helpers.h"

#define LONGEST (255 * 48)

/* Values from Python's hmac and hashlib; RFC 5869 has no vectors for SHA-384. */
static void expand_gives_what_an_independent_hkdf_gives(void **state)
{
    static const char due[] = "ef1be6da9fde779499afc872e55e6739e74d30bdca39e14a68b4b0c16602ee75"
                              "869f1f9dc364d19f6490d97cf398e043dae8f810ce7003dc6f1a59a9da1c1741"
                              "ce96e3c30524733966a3141ab9654ba3a1ce5ef25bd344f855984ad16dce37e6"
                              "ce441dc0";
    uint8_t key[48];
    uint8_t out[100];
    char hex[2 * sizeof out + 1];

    (void)state;
    for (size_t i = 0; i < sizeof key; i++)
        key[i] = (uint8_t)i;
    assert_done(kdf_expand(bytes_of(key, sizeof key), bytes_of_text("info"), out, sizeof out));
    text_hex(bytes_of(out, sizeof out), hex);
    assert_string_equal(due, hex);
}

static void a_short_output_is_the_start_of_a_long_one(void **state)
{
    uint8_t key[32] = {1};
    uint8_t whole[200];
    uint8_t part[200];

    (void)state;
    assert_done(kdf_expand(bytes_of(key, sizeof key), bytes_of_text("x"), whole, sizeof whole));
    for (size_t len = 1; len <= sizeof part; len++) {
        memset(part, 0, sizeof part);
        assert_done(kdf_expand(bytes_of(key, sizeof key), bytes_of_text("x"), part, len));
        assert_memory_equal(whole, part, len);
    }
}

static void the_longest_output_is_right_and_one_byte_more_is_refused(void **state)
{
    static uint8_t out[LONGEST + 1];
    uint8_t key[32];
    uint8_t digest[HASH_LEN];
    char hex[2 * HASH_LEN + 1];

    (void)state;
    memset(key, 'k', sizeof key);
    assert_done(kdf_expand(bytes_of(key, sizeof key), bytes_of_text(""), out, LONGEST));
    assert_done(hash_of(bytes_of(out, LONGEST), digest));
    text_hex(bytes_of(digest, sizeof digest), hex);
    assert_string_equal("538e6fd9a52241e79eaa9a45001349c92bfadc2d2dccf2e6112af59586fa4f05", hex);
    assert_refused(kdf_expand(bytes_of(key, sizeof key), bytes_of_text(""), out, LONGEST + 1),
                   ERR_FAILED, "HKDF-Expand cannot give 12241 bytes");
    assert_refused(kdf_expand(bytes_of(key, sizeof key), bytes_of_text(""), out, 0), ERR_FAILED,
                   NULL);
}

static void an_empty_output_is_refused_by_name(void **state)
{
    uint8_t key[32] = {0};
    uint8_t out[1];

    (void)state;
    assert_refused(kdf_expand(bytes_of(key, sizeof key), bytes_of_text(""), out, 0), ERR_FAILED,
                   "HKDF-Expand cannot give 0 bytes");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(expand_gives_what_an_independent_hkdf_gives),
        cmocka_unit_test(a_short_output_is_the_start_of_a_long_one),
        cmocka_unit_test(the_longest_output_is_right_and_one_byte_more_is_refused),
        cmocka_unit_test(an_empty_output_is_refused_by_name),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
