#include "core/ledger/repository_id.h"

#include <string.h>

#include "core/base/text.h"
#include "tests/unit/helpers.h"

/* Computed with Python's hashlib, from docs/FORMAT.md: keys 00 01 02 … and ff fe fd …. */
static void the_id_is_the_one_of_the_formula(void **state)
{
    uint8_t key[SIGNER_PUBLIC_LEN];
    uint8_t nonce[REPOSITORY_NONCE_LEN];
    uint8_t id[SEAL_ID_LEN];
    char text[2 * SEAL_ID_LEN + 1];

    (void)state;
    for (size_t i = 0; i < sizeof key; i++)
        key[i] = (uint8_t)i;
    for (size_t i = 0; i < sizeof nonce; i++)
        nonce[i] = (uint8_t)(0xff - i);
    assert_done(repository_id_derive(key, nonce, id));
    text_hex(bytes_of(id, sizeof id), text);
    assert_string_equal(text, "29a15859b5e9f6003fdeec3fb8640bc3");
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_id_is_the_one_of_the_formula),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
