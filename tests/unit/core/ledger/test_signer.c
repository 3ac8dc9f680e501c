#include "core/ledger/signer.h"

#include "tests/unit/core/ledger/forge.h"

/* RFC 8032, 7.1, TEST 2: the message 0x72. */
static void a_known_answer_is_given(void **state)
{
    static const uint8_t message[] = {0x72};
    const char *expected = "92a009a9f0d4cab8720e820b5f642540a2b27b5416503f8fb3762223ebdb69da"
                           "085ac1e43e15996e458f3613d0f11d8c387b2eaeb4302aeeb00d291612bb0c00";
    uint8_t signature[SIGNER_SIGNATURE_LEN];
    uint8_t id[SIGNER_ID_LEN];
    char text[2 * SIGNER_SIGNATURE_LEN + 1];
    struct signer *s = forge_key(state, "key", OTHER_KEY_FILE);

    assert_done(signer_sign(s, bytes_of(message, sizeof message), signature));
    text_hex(bytes_of(signature, sizeof signature), text);
    assert_string_equal(text, expected);
    assert_done(signer_id(signer_public(s), id));
    text_hex(bytes_of(id, sizeof id), text);
    assert_string_equal(text, OTHER_ID);
    signer_free(s);
}

static void a_signature_fits_its_message_and_key_only(void **state)
{
    struct signer *a = forge_key(state, "a", ROOT_KEY_FILE);
    struct signer *b = forge_key(state, "b", OTHER_KEY_FILE);
    uint8_t signature[SIGNER_SIGNATURE_LEN];

    assert_done(signer_sign(a, bytes_of_text("message"), signature));
    assert_done(signer_check(signer_public(a), bytes_of_text("message"), signature));
    assert_refused(signer_check(signer_public(a), bytes_of_text("messagf"), signature), ERR_CORRUPT,
                   "the signature does not fit");
    assert_refused(signer_check(signer_public(b), bytes_of_text("message"), signature), ERR_CORRUPT,
                   "the signature does not fit");
    for (size_t i = 0; i < sizeof signature; i++) {
        signature[i] ^= 1;
        assert_refused(signer_check(signer_public(a), bytes_of_text("message"), signature),
                       ERR_CORRUPT, "the signature does not fit");
        signature[i] ^= 1;
    }
    signer_free(b);
    signer_free(a);
}

static void a_saved_key_signs_as_before(void **state)
{
    struct signer *s = NULL;
    struct signer *again = NULL;
    uint8_t signature[SIGNER_SIGNATURE_LEN];
    struct stat st;

    assert_done(signer_new(&s));
    assert_done(signer_save(s, in(state, "key")));
    assert_int_equal(stat(in(state, "key"), &st), 0);
    assert_int_equal(st.st_mode & 07777, 0600);
    assert_done(signer_load(in(state, "key"), &again));
    assert_done(signer_sign(again, bytes_of_text("x"), signature));
    assert_done(signer_check(signer_public(s), bytes_of_text("x"), signature));
    signer_free(again);
    signer_free(s);
}

static void a_key_is_never_written_over(void **state)
{
    struct signer *s = forge_key(state, "key", ROOT_KEY_FILE);

    assert_int_equal(signer_save(s, in(state, "key")), ERR_EXISTS);
    assert_true(have_file(in(state, "key"), ROOT_KEY_FILE));
    assert_done(signer_save(s, in(state, "copy")));
    assert_true(have_file(in(state, "copy"), ROOT_KEY_FILE));
    signer_free(s);
}

static void two_new_keys_differ(void **state)
{
    struct signer *a = NULL;
    struct signer *b = NULL;

    (void)state;
    assert_done(signer_new(&a));
    assert_done(signer_new(&b));
    assert_memory_not_equal(signer_public(a), signer_public(b), SIGNER_PUBLIC_LEN);
    signer_free(b);
    signer_free(a);
}

static void a_key_others_can_read_is_warned_about(void **state)
{
    struct signer *s = forge_key(state, "key", ROOT_KEY_FILE);
    char expected[ERR_TEXT_MAX];

    signer_free(s);
    log_to(keep_warning);
    assert_int_equal(chmod(in(state, "key"), 0640), 0);
    assert_done(signer_load(in(state, "key"), &s));
    log_to(NULL);
    snprintf(expected, sizeof expected,
             "the signing key %s can be used by others (mode 0640); run: chmod 600 %s",
             in(state, "key"), in(state, "key"));
    assert_string_equal(last_warning, expected);
    signer_free(s);
}

static void what_is_no_signing_key_is_refused(void **state)
{
    static const struct {
        const char *text;
        enum err code;
        const char *why;
    } rows[] = {
        {"", ERR_CORRUPT, "not a JSON document: 0 bytes"},
        {"{}", ERR_CORRUPT, "member \"format\" is missing"},
        {"{\"format\":2}", ERR_UNSUPPORTED, "format 2 is not one this release knows"},
        {"{\"format\":1,\"type\":\"keyring\"}", ERR_CORRUPT,
         "not a signing key, but of type \"keyring\""},
        {"{\"format\":1,\"type\":\"signing-key\",\"publicKey\":\"AAAA\",\"privateKey\":\"\"}",
         ERR_CORRUPT, "member \"publicKey\" is not 32 bytes"},
        {KEY_FILE(ROOT_ID, ROOT_PUBLIC, "AAAA"), ERR_CORRUPT,
         "member \"privateKey\" is not 32 bytes"},
        {KEY_FILE(ROOT_ID, ROOT_PUBLIC, "????"), ERR_CORRUPT, "not base64"},
        {KEY_FILE(ROOT_ID, ROOT_PUBLIC, OTHER_PRIVATE), ERR_CORRUPT,
         "its public and its private half do not belong together"},
    };
    struct signer *s = NULL;
    char expected[ERR_TEXT_MAX];

    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        put_file(in(state, "key"), rows[i].text);
        snprintf(expected, sizeof expected, "the signing key %s: %s", in(state, "key"),
                 rows[i].why);
        assert_refused(signer_load(in(state, "key"), &s), rows[i].code, expected);
        assert_null(s);
    }
    assert_int_equal(signer_load(in(state, "none"), &s), ERR_NOT_FOUND);
}

static enum err round_trip(void *arg)
{
    struct signer *s = NULL;
    struct signer *again = NULL;
    enum err rc;

    TRY(signer_new(&s));
    TRY(signer_save(s, in(arg, "key")));
    TRY(signer_load(in(arg, "key"), &again));
out:
    (void)unlink(in(arg, "key"));
    signer_free(again);
    signer_free(s);
    return rc;
}

static void no_allocation_is_missed(void **state)
{
    assert_true(sweep_allocations(round_trip, state) > 5);
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        IN_DIRECTORY(a_known_answer_is_given),
        IN_DIRECTORY(a_signature_fits_its_message_and_key_only),
        IN_DIRECTORY(a_saved_key_signs_as_before),
        IN_DIRECTORY(a_key_is_never_written_over),
        IN_DIRECTORY(two_new_keys_differ),
        IN_DIRECTORY(a_key_others_can_read_is_warned_about),
        IN_DIRECTORY(what_is_no_signing_key_is_refused),
        IN_DIRECTORY(no_allocation_is_missed),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
