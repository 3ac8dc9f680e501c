#include "keyring/file/root_key.h"

#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "core/base/mem.h"
#include "tests/unit/helpers.h"

static const uint8_t public_key[ROOT_KEY_PUBLIC_LEN] = "the public half, which is not 0";
static const char private_text[] = "the private half, which is not 1";

static enum err answer(void *arg, const char *what, bool twice, struct secret **out)
{
    (void)what;
    assert_false(twice);
    return secret_copy(bytes_of_text(arg), out);
}

static struct passphrase_source typed(const char *passphrase)
{
    return (struct passphrase_source){.ask = answer, .ask_arg = (void *)(uintptr_t)passphrase};
}

static void save(void **state, const char *passphrase)
{
    struct secret *private = NULL;
    struct secret *secret = NULL;

    assert_done(secret_copy(bytes_of(private_text, 32), &private));
    if (passphrase != NULL)
        assert_done(secret_copy(bytes_of_text(passphrase), &secret));
    assert_done(root_key_save(in(state, "root-key.json"), public_key, private, secret));
    secret_free(secret);
    secret_free(private);
}

static enum err load(void **state, const struct passphrase_source *from)
{
    uint8_t key[ROOT_KEY_PUBLIC_LEN];
    struct secret *private = NULL;
    enum err rc = root_key_load(in(state, "root-key.json"), from, key, &private);

    if (rc == ERR_OK) {
        assert_memory_equal(key, public_key, sizeof key);
        assert_memory_equal(secret_bytes(private).data, private_text, 32);
    } else {
        assert_null(private);
    }
    secret_free(private);
    return rc;
}

static void what_was_saved_is_loaded_by_its_passphrase(void **state)
{
    struct passphrase_source right = typed("right");
    struct passphrase_source wrong = typed("wrong");
    char expected[ERR_TEXT_MAX];
    struct stat st;

    save(state, "right");
    assert_int_equal(stat(in(state, "root-key.json"), &st), 0);
    assert_int_equal(st.st_mode & 07777, 0600);
    assert_done(load(state, &right));
    snprintf(expected, sizeof expected,
             "the root key %s: the passphrase does not open it, or it is damaged",
             in(state, "root-key.json"));
    assert_refused(load(state, &wrong), ERR_KEY_INVALID, expected);
}

static void a_bare_one_asks_nobody(void **state)
{
    struct passphrase_source nobody = {.file = NULL};

    save(state, NULL);
    assert_done(load(state, &nobody));
}

static void it_is_never_replaced(void **state)
{
    struct secret *private = NULL;

    save(state, NULL);
    assert_done(secret_copy(bytes_of(private_text, 32), &private));
    assert_refused(root_key_save(in(state, "root-key.json"), public_key, private, NULL), ERR_EXISTS,
                   NULL);
    secret_free(private);
}

static void what_is_no_root_key_is_refused(void **state)
{
    static const struct {
        const char *text;
        enum err code;
        const char *why;
    } rows[] = {
        {"{\"format\":2,\"type\":\"root-key\"}", ERR_UNSUPPORTED,
         "format 2 is not one this release knows"},
        {"{\"format\":1,\"type\":\"root-key\",\"publicKey\":\"AAAA\"}", ERR_CORRUPT,
         "member \"publicKey\" is not 32 bytes"},
        {"{\"format\":1,\"type\":\"root-key\",\"publicKey\":"
         "\"AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=\",\"protection\":{\"kdf\":\"magic\"}}",
         ERR_UNSUPPORTED, "this release does not know the protection \"magic\""},
        {"{\"format\":1,\"type\":\"root-key\",\"publicKey\":"
         "\"AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=\",\"protection\":{\"kdf\":\"none\"},"
         "\"privateKey\":\"AAAA\"}",
         ERR_CORRUPT, "member \"privateKey\" has 3 bytes"},
        {"{\"format\":1,\"type\":\"root-key\",\"publicKey\":"
         "\"AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=\",\"protection\":{\"kdf\":\"scrypt\","
         "\"n\":1073741824,\"r\":8,\"p\":1,\"salt\":\"00112233445566778899aabbccddeeff\"},"
         "\"privateKey\":\"AAAA\"}",
         ERR_CORRUPT, NULL}, /* a gigabyte of scrypt */
    };
    struct passphrase_source from = typed("right");
    char expected[ERR_TEXT_MAX];

    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        put_file(in(state, "root-key.json"), rows[i].text);
        snprintf(expected, sizeof expected, "the root key %s: %s", in(state, "root-key.json"),
                 rows[i].why != NULL ? rows[i].why : "");
        assert_refused(load(state, &from), rows[i].code, rows[i].why != NULL ? expected : NULL);
    }
}

static void what_is_something_else_is_called_that(void **state)
{
    static const struct {
        const char *text, *why;
    } rows[] = {
        {"", NULL},
        {"{\"format\":1}", NULL},
        {"{\"format\":1,\"type\":\"signing-key\"}", "it is of type \"signing-key\""},
    };
    struct passphrase_source from = typed("right");
    char expected[ERR_TEXT_MAX];

    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        put_file(in(state, "root-key.json"), rows[i].text);
        snprintf(expected, sizeof expected, "%s is not a root key (init makes root-key.json): %s",
                 in(state, "root-key.json"), rows[i].why != NULL ? rows[i].why : "");
        assert_refused(load(state, &from), ERR_USAGE, rows[i].why != NULL ? expected : NULL);
    }
}

static enum err save_and_load(void *arg)
{
    struct passphrase_source from = typed("right");
    const char *path = in(arg, "sweep.json");
    uint8_t key[ROOT_KEY_PUBLIC_LEN];
    struct secret *private = NULL;
    struct secret *again = NULL;
    struct secret *passphrase = NULL;
    enum err rc;

    (void)unlink(path);
    TRY(secret_copy(bytes_of(private_text, 32), &private));
    TRY(secret_copy(bytes_of_text("right"), &passphrase));
    TRY(root_key_save(path, public_key, private, passphrase));
    TRY(root_key_load(path, &from, key, &again));
out:
    secret_free(again);
    secret_free(passphrase);
    secret_free(private);
    return rc;
}

static void no_allocation_is_missed(void **state)
{
    assert_true(sweep_allocations(save_and_load, state) > 5);
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        IN_DIRECTORY(what_was_saved_is_loaded_by_its_passphrase),
        IN_DIRECTORY(a_bare_one_asks_nobody),
        IN_DIRECTORY(it_is_never_replaced),
        IN_DIRECTORY(what_is_no_root_key_is_refused),
        IN_DIRECTORY(what_is_something_else_is_called_that),
        IN_DIRECTORY(no_allocation_is_missed),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
