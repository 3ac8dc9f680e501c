#include "keyring/file/file_kek.h"

#include "core/base/text.h"
#include "tests/unit/keyring/rings.h"

/* The bytes 00 to 1f as a generated secret. */
#define SECRET "sealpoint-secret-1:AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8="

static struct secret *secret_of(const char *text)
{
    struct secret *s = NULL;

    assert_done(secret_copy(bytes_of_text(text), &s));
    return s;
}

static struct file_protection counting(enum file_kdf kdf)
{
    struct file_protection p = {.kdf = kdf};

    if (kdf == FILE_KDF_SCRYPT) {
        p.n = FILE_SCRYPT_N;
        p.p = FILE_SCRYPT_P;
    }
    for (uint8_t i = 0; i < FILE_SALT_LEN; i++)
        p.salt[i] = i;
    return p;
}

static void check_kek(const char *secret, enum file_kdf kdf, const char *expected)
{
    const struct file_protection with = counting(kdf);
    struct secret *from = secret_of(secret);
    struct secret *kek = NULL;
    char hex[2 * SEAL_KEY_LEN + 1];

    assert_done(file_kek_derive(&with, from, false, &kek));
    text_hex(secret_bytes(kek), hex);
    assert_string_equal(hex, expected);
    secret_free(kek);
    secret_free(from);
}

/* hashlib.scrypt(b"pleaseletmein", salt=bytes(range(16)), n=32768, r=8, p=3, dklen=32) of Python,
 * and expand(bytes(range(32)), b"sealpoint/v1/keyring-secret\0" + bytes(range(16)), 32) of
 * tests/reference/subkeys.py. */
static void the_kek_is_that_of_the_format_page(void **state)
{
    (void)state;
    check_kek("pleaseletmein", FILE_KDF_SCRYPT,
              "764e28dbaee67867de90d089875189c2fe96b164ebca2c1efa64e633ad92c3c5");
    check_kek(SECRET, FILE_KDF_HKDF,
              "fd332c6438b06f29589981c22810caa23b2012efa6409d3ae17b44931bf2d48e");
}

/* One bit more or less, and it is a passphrase like any other. */
static void only_the_exact_form_is_a_generated_secret(void **state)
{
    static const char *const passphrases[] = {
        "sealpoint-secret-1:",
        SECRET " ",
        " " SECRET,
        SECRET "\n",
        "sealpoint-secret-2:AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=",
        "Sealpoint-secret-1:AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=",
        "sealpoint-secret-1:AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh9=", /* unused bits */
        "sealpoint-secret-1:AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHg==", /* 31 bytes */
        "sealpoint-secret-1:AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8g", /* 33 bytes */
        "sealpoint-secret-1:AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8\0",
    };
    struct secret *secret = secret_of(SECRET);
    struct file_protection p;

    (void)state;
    assert_done(file_kek_protect(secret, &p));
    assert_int_equal(p.kdf, FILE_KDF_HKDF);
    assert_int_equal(p.n, 0);
    secret_free(secret);
    for (size_t i = 0; i < sizeof passphrases / sizeof passphrases[0]; i++) {
        secret = secret_of(passphrases[i]);
        assert_done(file_kek_protect(secret, &p));
        assert_int_equal(p.kdf, FILE_KDF_SCRYPT);
        assert_int_equal(p.n, 32768);
        assert_int_equal(p.p, 3);
        secret_free(secret);
    }
}

/* A file that says "hkdf" to somebody with a passphrase would have it tried for nothing. */
static void the_file_does_not_choose_how_a_secret_is_used(void **state)
{
    const struct file_protection hkdf = counting(FILE_KDF_HKDF);
    const struct file_protection scrypt = counting(FILE_KDF_SCRYPT);
    struct secret *passphrase = secret_of("pleaseletmein");
    struct secret *generated = secret_of(SECRET);
    struct secret *kek = NULL;

    (void)state;
    assert_refused(
        file_kek_derive(&hkdf, passphrase, true, &kek), ERR_KEY_INVALID,
        "the passphrase does not open it: a generated secret (sealpoint-secret-1:…) seals "
        "it");
    assert_refused(file_kek_derive(&scrypt, generated, true, &kek), ERR_KEY_INVALID,
                   "the passphrase does not open it: this is a generated secret, and a passphrase "
                   "that somebody chose seals it");
    assert_null(kek);
    secret_free(passphrase);
    secret_free(generated);
}

static void a_hostile_keyring_does_not_cost_a_gigabyte(void **state)
{
    struct file_protection with = counting(FILE_KDF_SCRYPT);
    struct secret *passphrase = secret_of("pleaseletmein");
    struct secret *kek = NULL;

    (void)state;
    with.p = 1;
    with.n = 2 * FILE_SCRYPT_N_CAP;
    assert_refused(file_kek_derive(&with, passphrase, false, &kek), ERR_USAGE,
                   "scrypt with n 262144 takes 256.1 MiB of memory\n  if this keyring was made so, "
                   "give --allow-memory");
    assert_done(file_kek_derive(&with, passphrase, true, &kek));
    secret_free(kek);
    kek = NULL;
    with.n = FILE_SCRYPT_N_CAP;
    assert_done(file_kek_derive(&with, passphrase, false, &kek));
    secret_free(kek);
    secret_free(passphrase);
}

static void a_generated_secret_is_a_line_of_its_own(void **state)
{
    struct file_protection p;
    struct secret *line = NULL;
    struct secret *other = NULL;
    struct secret *secret = NULL;

    (void)state;
    assert_done(file_kek_generate(&line));
    assert_done(file_kek_generate(&other));
    assert_false(secret_equal(secret_bytes(line), secret_bytes(other)));
    assert_int_equal(secret_bytes(line).len, 64);
    assert_int_equal(secret_bytes(line).data[63], '\n');
    assert_done(secret_copy(bytes_of(secret_bytes(line).data, 63), &secret));
    assert_done(file_kek_protect(secret, &p));
    assert_int_equal(p.kdf, FILE_KDF_HKDF);
    secret_free(line);
    secret_free(other);
    secret_free(secret);
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(the_kek_is_that_of_the_format_page),
    cmocka_unit_test(only_the_exact_form_is_a_generated_secret),
    cmocka_unit_test(the_file_does_not_choose_how_a_secret_is_used),
    cmocka_unit_test(a_hostile_keyring_does_not_cost_a_gigabyte),
    cmocka_unit_test(a_generated_secret_is_a_line_of_its_own),
};

int main(void)
{
    return cmocka_run_group_tests(tests, NULL, NULL);
}
