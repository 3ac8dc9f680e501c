#include "core/seal/kdf.h"

#include <openssl/core_names.h>
#include <openssl/evp.h>
#include <openssl/kdf.h>
#include <openssl/params.h>

#define KDF_HASH_LEN 48 /* SHA-384 */

/* OSSL_PARAM has no pointer to const, although an input parameter is only read. */
static OSSL_PARAM octets_param(const char *name, struct bytes value)
{
    union {
        const uint8_t *in;
        void *out;
    } same = {.in = value.data};

    return OSSL_PARAM_construct_octet_string(name, same.out, value.len);
}

enum err kdf_expand(struct bytes key, struct bytes info, uint8_t *out, size_t len)
{
    char digest[] = "SHA384";
    int mode = EVP_KDF_HKDF_MODE_EXPAND_ONLY;
    OSSL_PARAM params[] = {
        OSSL_PARAM_construct_int(OSSL_KDF_PARAM_MODE, &mode),
        OSSL_PARAM_construct_utf8_string(OSSL_KDF_PARAM_DIGEST, digest, 0),
        octets_param(OSSL_KDF_PARAM_KEY, key),
        octets_param(OSSL_KDF_PARAM_INFO, info),
        OSSL_PARAM_construct_end(),
    };
    EVP_KDF *kdf = NULL;
    EVP_KDF_CTX *ctx = NULL;
    enum err rc = ERR_OK;

    if (len == 0 || len > 255 * KDF_HASH_LEN)
        FAIL(ERR_FAILED, "HKDF-Expand cannot give %zu bytes", len);
    /* Without the extract step: the keys that come here are uniformly random already. */
    kdf = EVP_KDF_fetch(NULL, "HKDF", NULL);
    if (kdf == NULL)
        FAIL(ERR_FAILED, "HKDF is not available");
    ctx = EVP_KDF_CTX_new(kdf);
    if (ctx == NULL || EVP_KDF_derive(ctx, out, len, params) != 1)
        FAIL(ERR_FAILED, "HKDF-Expand failed");
out:
    EVP_KDF_CTX_free(ctx);
    EVP_KDF_free(kdf);
    return rc;
}
