#include "keyring/file/file_seal.h"

#include <stdlib.h>

#include "core/base/text.h"
#include "tests/unit/keyring/rings.h"

static struct secret *secret_filled(uint8_t with)
{
    struct secret *s = NULL;

    assert_done(secret_new(SEAL_KEY_LEN, &s));
    memset(secret_at(s), with, SEAL_KEY_LEN);
    return s;
}

/* Two entries and what can be done with them. */
struct ring {
    struct file_keyring k;
    struct file_version v[2];
    struct secret *kek;
    struct secret *master;
};

static void make(struct ring *r)
{
    *r = (struct ring){.kek = secret_filled(1), .master = secret_filled(2)};
    memset(r->k.id, 0x33, sizeof r->k.id);
    r->k.protection.kdf = FILE_KDF_SCRYPT;
    r->k.versions = r->v;
    r->k.count = 2;
    for (size_t i = 0; i < 2; i++) {
        r->v[i].number = i + 1;
        assert_done(file_seal_store(&r->k, r->kek, r->master, &r->v[i]));
    }
}

static void clear(struct ring *r)
{
    secret_free(r->kek);
    secret_free(r->master);
}

static void an_entry_comes_back_as_it_was_stored(void **state)
{
    struct ring r;
    struct secret *back = NULL;

    (void)state;
    make(&r);
    assert_int_equal(r.v[0].stored_len, 234);
    assert_done(file_seal_load(&r.k, r.kek, &r.v[0], &back));
    assert_true(secret_equal(secret_bytes(back), secret_bytes(r.master)));
    secret_free(back);
    clear(&r);
}

static void an_entry_is_bound_to_its_version_and_its_keyring(void **state)
{
    struct ring r;
    struct secret *back = NULL;

    (void)state;
    make(&r);
    r.v[0].number = 2;
    assert_refused(file_seal_load(&r.k, r.kek, &r.v[0], &back), ERR_CORRUPT, NULL);
    r.v[0].number = 1;
    r.k.id[15] ^= 1;
    assert_refused(file_seal_load(&r.k, r.kek, &r.v[0], &back), ERR_CORRUPT, NULL);
    r.k.id[15] ^= 1;
    secret_at(r.kek)[0] ^= 1;
    assert_refused(file_seal_load(&r.k, r.kek, &r.v[0], &back), ERR_CORRUPT, NULL);
    secret_at(r.kek)[0] ^= 1;
    assert_done(file_seal_load(&r.k, r.kek, &r.v[0], &back));
    secret_free(back);
    clear(&r);
}

/* hmac-based expansion of 32 bytes 02, by hand in tests/reference/subkeys.py: expand(b"\2" * 32,
 * b"sealpoint/v1/master\0" + b"\x33" * 16 + bytes(7) + b"\1", 32) */
static void a_commitment_is_that_of_the_format_page(void **state)
{
    struct ring r;
    char hex[2 * SEAL_COMMITMENT_LEN + 1];

    (void)state;
    make(&r);
    text_hex(bytes_of(r.v[0].commitment, SEAL_COMMITMENT_LEN), hex);
    assert_string_equal(hex, "c9872cae5c4c13653de12c3dac339e284f99963a09389f32ca74f2aafd4e9766");
    assert_memory_not_equal(r.v[0].commitment, r.v[1].commitment, SEAL_COMMITMENT_LEN);
    clear(&r);
}

static void a_key_that_is_not_the_committed_one_is_not_used(void **state)
{
    struct ring r;
    struct secret *back = NULL;

    (void)state;
    make(&r);
    r.v[0].commitment[31] ^= 1;
    assert_refused(file_seal_load(&r.k, r.kek, &r.v[0], &back), ERR_CORRUPT,
                   "key version 1: its key is not the one that its commitment names");
    assert_null(back);
    clear(&r);
}

/* Its length is looked at before any byte of it is. */
static void a_wrapped_key_of_another_length_is_refused(void **state)
{
    static const size_t lengths[] = {0, 1, 55, 56, 170, 233, 235};
    struct ring r;
    struct secret *back = NULL;

    (void)state;
    make(&r);
    for (size_t i = 0; i < sizeof lengths / sizeof lengths[0]; i++) {
        r.v[0].stored_len = lengths[i];
        assert_refused(file_seal_load(&r.k, r.kek, &r.v[0], &back), ERR_CORRUPT,
                       textf("key version 1: a wrapped key of %zu bytes", lengths[i]));
    }
    clear(&r);
}

static void the_right_passphrase_and_a_wrong_mac_is_tampering(void **state)
{
    struct ring r;

    (void)state;
    make(&r);
    assert_done(file_keyring_mac(r.kek, r.k.digest, r.k.mac));
    assert_done(file_seal_check(&r.k, r.kek));
    r.k.mac[0] ^= 1;
    assert_refused(file_seal_check(&r.k, r.kek), ERR_CORRUPT,
                   "it was changed by somebody without the passphrase, or is damaged: the mac does "
                   "not fit");
    /* One damaged entry does not hide that the passphrase is right. */
    r.v[0].stored[200] ^= 1;
    assert_refused(file_seal_check(&r.k, r.kek), ERR_CORRUPT, NULL);
    secret_at(r.kek)[0] ^= 1;
    assert_refused(file_seal_check(&r.k, r.kek), ERR_KEY_INVALID,
                   "the passphrase does not open it");
    clear(&r);
}

struct wrapped {
    struct secret *master;
    struct seal_context context;
    struct envelope e;
};

static struct wrapped make_wrapped(struct secret *data_key)
{
    struct wrapped w = {.master = secret_filled(7)};

    memset(w.context.repository, 1, SEAL_ID_LEN);
    memset(w.context.scope, 2, SEAL_ID_LEN);
    assert_done(file_seal_wrap(w.master, 3, &w.context, data_key, &w.e));
    return w;
}

static void an_envelope_is_bound_to_key_version_repository_and_scope(void **state)
{
    struct secret *data_key = secret_filled(9);
    struct wrapped w = make_wrapped(data_key);
    struct secret *back = NULL;

    (void)state;
    assert_done(file_seal_unwrap(w.master, 3, &w.context, &w.e, &back));
    assert_true(secret_equal(secret_bytes(back), secret_bytes(data_key)));
    secret_free(back);
    back = NULL;
    assert_refused(file_seal_unwrap(w.master, 4, &w.context, &w.e, &back), ERR_CORRUPT, NULL);
    w.context.scope[3] ^= 1;
    assert_refused(file_seal_unwrap(w.master, 3, &w.context, &w.e, &back), ERR_CORRUPT, NULL);
    w.context.scope[3] ^= 1;
    w.context.repository[3] ^= 1;
    assert_refused(file_seal_unwrap(w.master, 3, &w.context, &w.e, &back), ERR_CORRUPT, NULL);
    w.context.repository[3] ^= 1;
    secret_at(w.master)[3] ^= 1;
    assert_refused(file_seal_unwrap(w.master, 3, &w.context, &w.e, &back), ERR_CORRUPT, NULL);
    assert_null(back);
    secret_free(data_key);
    secret_free(w.master);
}

static void two_wraps_of_one_key_differ(void **state)
{
    struct secret *data_key = secret_filled(9);
    struct wrapped a = make_wrapped(data_key);
    struct wrapped b = make_wrapped(data_key);

    (void)state;
    assert_int_equal(a.e.wrapped_len, b.e.wrapped_len);
    assert_memory_not_equal(a.e.wrapped + 40, b.e.wrapped + 40, SEAL_ID_LEN);
    assert_memory_not_equal(a.e.wrapped + 170, b.e.wrapped + 170, 64);
    secret_free(data_key);
    secret_free(a.master);
    secret_free(b.master);
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_entry_comes_back_as_it_was_stored),
        cmocka_unit_test(a_commitment_is_that_of_the_format_page),
        cmocka_unit_test(a_key_that_is_not_the_committed_one_is_not_used),
        cmocka_unit_test(an_entry_is_bound_to_its_version_and_its_keyring),
        cmocka_unit_test(a_wrapped_key_of_another_length_is_refused),
        cmocka_unit_test(the_right_passphrase_and_a_wrong_mac_is_tampering),
        cmocka_unit_test(an_envelope_is_bound_to_key_version_repository_and_scope),
        cmocka_unit_test(two_wraps_of_one_key_differ),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
