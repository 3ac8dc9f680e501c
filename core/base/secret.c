#include "core/base/secret.h"

#include <stdint.h>
#include <sys/prctl.h>
#include <sys/resource.h>

#include <openssl/crypto.h>
#include <openssl/rand.h>

#include "core/base/mem.h"

/*
 * Key material is kept where it cannot leak by accident:
 *
 *   - on OpenSSL's secure heap, a region of fixed size that is locked against swapping, excluded
 *     from core dumps and surrounded by guard pages. OpenSSL puts the private halves of its own
 *     keys there too;
 *   - in a process that writes no core dump and that other processes of the same user cannot attach
 *     to or read (PR_SET_DUMPABLE);
 *   - in struct secret only, whose memory is wiped when it is freed. Whoever must make a copy
 *     (base64 text, the buffer of a file) wipes it with secret_wipe().
 *
 * Locking may be refused (RLIMIT_MEMLOCK); everything else still holds then, so that is no error.
 * The heap cannot grow: SECURE_HEAP_LEN limits how many secrets are open at the same time.
 */
#define SECURE_HEAP_LEN MIB /* verify holds up to 8,192 data keys of 32 bytes */
#define SECURE_HEAP_LEAST 32

struct secret {
    size_t len;
    uint8_t *data; /* owned, on the secure heap */
};

enum err secret_setup(void)
{
    const struct rlimit none = {0, 0};

    /* No core dumps, no ptrace. */
    if (setrlimit(RLIMIT_CORE, &none) != 0)
        return err_sys(ERR_FAILED, "turning core dumps off");
    if (prctl(PR_SET_DUMPABLE, 0, 0, 0, 0) != 0)
        return err_sys(ERR_FAILED, "turning core dumps off");
    /* The secure heap, once per process. */
    if (CRYPTO_secure_malloc_initialized())
        return ERR_OK;
    /* The result 2 means that it works but could not be locked (RLIMIT_MEMLOCK). */
    if (CRYPTO_secure_malloc_init(SECURE_HEAP_LEN, SECURE_HEAP_LEAST) == 0)
        return err_set(ERR_FAILED, "the secure heap for key material cannot be set up");
    return ERR_OK;
}

enum err secret_new(size_t len, struct secret **out)
{
    struct secret *s = NULL;
    enum err rc;

    if (len == 0 || len > SECRET_LEN_MAX)
        FAIL(ERR_FAILED, "a secret of %zu bytes is not possible", len);
    TRY(mem_new(1, sizeof *s, &s));
    s->data = OPENSSL_secure_zalloc(len);
    s->len = len;
    if (s->data == NULL)
        FAIL(ERR_FAILED, "out of memory for key material");
    *out = s;
    s = NULL; /* the caller's now */
out:
    secret_free(s);
    return rc;
}

enum err secret_random(size_t len, struct secret **out)
{
    struct secret *s = NULL;
    enum err rc;

    TRY(secret_new(len, &s));
    /* The generator for private values: its state is separate from that of public nonces. */
    if (RAND_priv_bytes(s->data, (int)len) != 1)
        FAIL(ERR_FAILED, "the random generator failed");
    *out = s;
    s = NULL; /* the caller's now */
out:
    secret_free(s);
    return rc;
}

enum err secret_copy(struct bytes from, struct secret **out)
{
    struct secret *s = NULL;
    enum err rc;

    TRY(secret_new(from.len, &s));
    for (size_t i = 0; i < from.len; i++)
        s->data[i] = from.data[i];
    *out = s;
out:
    return rc;
}

void secret_free(struct secret *s)
{
    if (s == NULL)
        return;
    OPENSSL_secure_clear_free(s->data, s->len);
    mem_free(s);
}

struct bytes secret_bytes(const struct secret *s)
{
    return bytes_of(s->data, s->len);
}

uint8_t *secret_at(struct secret *s)
{
    return s->data;
}

void secret_wipe(void *ptr, size_t len)
{
    if (ptr != NULL)
        OPENSSL_cleanse(ptr, len);
}

bool secret_equal(struct bytes a, struct bytes b)
{
    return a.len == b.len && CRYPTO_memcmp(a.data, b.data, a.len) == 0;
}
