#include "core/seal/subkey.h"

#include <stdio.h>
#include <string.h>

#include "core/base/mem.h"
#include "core/base/text.h"
#include "tests/unit/core/seal/sealed.h"

#define GOLDEN "tests/golden/subkeys.txt"

/* The value of `name` in the golden file. */
static void golden(const char *name, char out[65])
{
    FILE *file = fopen(GOLDEN, "re");
    char line[256];
    char found[64];

    assert_non_null(file);
    out[0] = '\0';
    while (fgets(line, sizeof line, file) != NULL)
        if (sscanf(line, "%63s", found) == 1 && strcmp(found, name) == 0)
            assert_int_equal(1, sscanf(line, "%*s %64s", out));
    fclose(file);
    assert_int_equal(64, strlen(out));
}

static void sample(struct secret **key, struct seal_context *context)
{
    *key = sealed_key(0);
    for (uint8_t i = 0; i < SEAL_KEY_LEN; i++)
        secret_at(*key)[i] = i;
    for (uint8_t i = 0; i < SEAL_ID_LEN; i++) {
        context->repository[i] = (uint8_t)(0x10 + i);
        context->scope[i] = (uint8_t)(0x40 + i);
    }
}

static void derive_hex(const struct secret *key, enum subkey_purpose purpose,
                       const struct seal_context *context, char out[65])
{
    struct secret *subkey = NULL;

    assert_done(subkey_derive(key, purpose, context, &subkey));
    assert_int_equal(SEAL_KEY_LEN, secret_bytes(subkey).len);
    text_hex(secret_bytes(subkey), out);
    secret_free(subkey);
}

static void the_derivations_are_those_of_the_golden_file(void **state)
{
    static const struct {
        enum subkey_purpose purpose;
        const char *name;
    } purposes[] = {{SUBKEY_DATA, "data"}, {SUBKEY_META, "meta"}, {SUBKEY_WRAP, "wrap"}};
    struct secret *key = NULL;
    struct seal_context context;
    uint8_t commitment[SEAL_COMMITMENT_LEN];
    char is[65], due[65];

    (void)state;
    sample(&key, &context);
    golden("commit", due);
    assert_done(subkey_commitment(key, &context, commitment));
    text_hex(bytes_of(commitment, sizeof commitment), is);
    assert_string_equal(due, is);
    for (size_t i = 0; i < sizeof purposes / sizeof purposes[0]; i++) {
        golden(purposes[i].name, due);
        derive_hex(key, purposes[i].purpose, &context, is);
        assert_string_equal(due, is);
    }
    secret_free(key);
}

static void every_bit_of_key_repository_and_scope_matters(void **state)
{
    struct secret *key = NULL;
    struct seal_context context;
    uint8_t *places[3];
    const size_t lens[3] = {SEAL_KEY_LEN, SEAL_ID_LEN, SEAL_ID_LEN};
    char before[65], after[65];

    (void)state;
    sample(&key, &context);
    places[0] = secret_at(key);
    places[1] = context.repository;
    places[2] = context.scope;
    derive_hex(key, SUBKEY_DATA, &context, before);
    for (size_t place = 0; place < 3; place++)
        for (size_t bit = 0; bit < 8 * lens[place]; bit++) {
            places[place][bit / 8] ^= (uint8_t)(1U << (bit % 8));
            derive_hex(key, SUBKEY_DATA, &context, after);
            assert_string_not_equal(before, after);
            places[place][bit / 8] ^= (uint8_t)(1U << (bit % 8));
        }
    secret_free(key);
}

static void a_key_of_another_length_is_refused(void **state)
{
    struct secret *key = NULL;
    struct secret *subkey = NULL;
    struct seal_context context = {0};
    uint8_t commitment[SEAL_COMMITMENT_LEN];

    (void)state;
    assert_done(secret_new(31, &key));
    assert_refused(subkey_commitment(key, &context, commitment), ERR_CORRUPT,
                   "a key of 31 bytes where 32 are expected");
    assert_refused(subkey_derive(key, SUBKEY_META, &context, &subkey), ERR_CORRUPT, NULL);
    assert_null(subkey);
    secret_free(key);
}

static void a_failing_allocation_leaves_nothing_behind(void **state)
{
    struct secret *key = sealed_key(1);
    struct secret *subkey = NULL;
    struct seal_context context = {0};

    (void)state;
    mem_fail_at(1);
    assert_refused(subkey_derive(key, SUBKEY_META, &context, &subkey), ERR_FAILED, NULL);
    assert_null(subkey);
    mem_fail_at(0);
    secret_free(key);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_derivations_are_those_of_the_golden_file),
        cmocka_unit_test(every_bit_of_key_repository_and_scope_matters),
        cmocka_unit_test(a_key_of_another_length_is_refused),
        cmocka_unit_test(a_failing_allocation_leaves_nothing_behind),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
