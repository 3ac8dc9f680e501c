#include "core/base/hash.h"

#include "core/base/text.h"
#include "tests/unit/helpers.h"

/* FIPS 180-4 examples. */
#define OF_NOTHING "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
#define OF_ABC "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"

static void check(const uint8_t digest[HASH_LEN], const char *due)
{
    char hex[2 * HASH_LEN + 1];

    text_hex(bytes_of(digest, HASH_LEN), hex);
    assert_string_equal(hex, due);
}

static void the_digest_is_sha_256(void **state)
{
    uint8_t digest[HASH_LEN];

    (void)state;
    assert_done(hash_of(bytes_of_text("abc"), digest));
    check(digest, OF_ABC);
    assert_done(hash_of(bytes_of(NULL, 0), digest));
    check(digest, OF_NOTHING);
}

static void pieces_give_what_the_whole_gives_and_the_context_is_new_after(void **state)
{
    struct hash *h = NULL;
    uint8_t digest[HASH_LEN];

    (void)state;
    assert_done(hash_new(&h));
    for (size_t round = 0; round < 3; round++) {
        assert_done(hash_add(h, bytes_of_text("a")));
        assert_done(hash_add(h, bytes_of(NULL, 0)));
        assert_done(hash_add(h, bytes_of_text("bc")));
        assert_done(hash_end(h, digest));
        check(digest, OF_ABC);
        assert_done(hash_end(h, digest));
        check(digest, OF_NOTHING);
    }
    hash_free(h);
    hash_free(NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_digest_is_sha_256),
        cmocka_unit_test(pieces_give_what_the_whole_gives_and_the_context_is_new_after),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
