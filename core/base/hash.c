#include "core/base/hash.h"

#include <openssl/evp.h>

#include "core/base/mem.h"

/* The algorithm is fetched once: a lookup per message would cost more than a short hash. */
struct hash {
    EVP_MD *md;      /* owned */
    EVP_MD_CTX *ctx; /* owned */
};

static enum err start_digest(struct hash *h)
{
    if (EVP_DigestInit_ex2(h->ctx, h->md, NULL) != 1)
        return err_set(ERR_FAILED, "SHA-256 cannot be started");
    return ERR_OK;
}

enum err hash_new(struct hash **out)
{
    struct hash *h = NULL;
    enum err rc;

    TRY(mem_new(1, sizeof *h, &h));
    h->md = EVP_MD_fetch(NULL, "SHA256", NULL);
    h->ctx = EVP_MD_CTX_new();
    if (h->md == NULL || h->ctx == NULL)
        FAIL(ERR_FAILED, "SHA-256 is not available");
    TRY(start_digest(h));
    *out = h;
    h = NULL; /* the caller's now */
out:
    hash_free(h);
    return rc;
}

enum err hash_add(struct hash *h, struct bytes more)
{
    if (EVP_DigestUpdate(h->ctx, more.data, more.len) != 1)
        return err_set(ERR_FAILED, "SHA-256 failed");
    return ERR_OK;
}

enum err hash_end(struct hash *h, uint8_t out[HASH_LEN])
{
    if (EVP_DigestFinal_ex(h->ctx, out, NULL) != 1)
        return err_set(ERR_FAILED, "SHA-256 failed");
    return start_digest(h); /* ready for the next message */
}

void hash_free(struct hash *h)
{
    if (h == NULL)
        return;
    EVP_MD_CTX_free(h->ctx);
    EVP_MD_free(h->md);
    mem_free(h);
}

enum err hash_of(struct bytes of, uint8_t out[HASH_LEN])
{
    if (EVP_Digest(of.data, of.len, out, NULL, EVP_sha256(), NULL) != 1)
        return err_set(ERR_FAILED, "SHA-256 failed");
    return ERR_OK;
}
