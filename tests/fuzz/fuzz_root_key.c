/*
 * Hostile bytes as root-key.json. What loads, sealed or bare, gives a private key of the one length
 * that there is; the rest is refused with a message, and takes no memory that its numbers ask for.
 */
#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "keyring/file/root_key.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* It sealed the good file of the corpus: the bytes 0 to 31. No scrypt, which would take all the
 * time, is ever run for a generated secret. */
#define SECRET "sealpoint-secret-1:AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8="

static enum err give_secret(void *arg, const char *what, bool twice, struct secret **out)
{
    (void)arg;
    (void)what;
    (void)twice;
    return secret_copy(bytes_of_text(SECRET), out);
}

static bool is_refusal(enum err rc)
{
    return *err_text() != '\0' && (rc == ERR_CORRUPT || rc == ERR_UNSUPPORTED || rc == ERR_USAGE ||
                                   rc == ERR_KEY_INVALID || rc == ERR_FAILED);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    const struct passphrase_source source = {.ask = give_secret};
    uint8_t public_key[ROOT_KEY_PUBLIC_LEN];
    struct secret *private_key = NULL;
    char path[64];
    int fd = memfd_create("root-key", MFD_CLOEXEC);
    enum err rc;

    if (fd < 0 || pwrite(fd, data, size, 0) != (ssize_t)size)
        abort();
    snprintf(path, sizeof path, "/proc/self/fd/%d", fd);
    rc = root_key_load(path, &source, public_key, &private_key);
    assert((rc == ERR_OK) == (private_key != NULL));
    if (rc == ERR_OK)
        assert(secret_bytes(private_key).len == SEAL_KEY_LEN);
    else
        assert(is_refusal(rc));
    err_clear();
    secret_free(private_key);
    close(fd);
    return 0;
}
