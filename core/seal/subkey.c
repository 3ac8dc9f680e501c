#include "core/seal/subkey.h"

#include "core/seal/kdf.h"

#define LABEL_PREFIX "sealpoint/v1/"
#define INFO_MAX 80 /* prefix, the longest purpose, NUL, context */

static const char *const purposes[] = {
    [SUBKEY_DATA] = "data",
    [SUBKEY_META] = "meta",
    [SUBKEY_WRAP] = "wrap",
};

/* X(from, "sealpoint/v1/<purpose>" ‖ 00 ‖ ctx, len) */
static enum err derive_subkey(const struct secret *from, const char *purpose,
                              const struct seal_context *context, uint8_t *out, size_t len)
{
    uint8_t buffer[INFO_MAX];
    struct buf info = {
        .data = buffer, .cap = sizeof buffer, .max = sizeof buffer}; /* never grows */
    enum err rc;

    /* The key may come from a provider that unwrapped it: a short one must not be accepted
     * silently. */
    if (secret_bytes(from).len != SEAL_KEY_LEN)
        FAIL(ERR_CORRUPT, "a key of %zu bytes where %d are expected", secret_bytes(from).len,
             SEAL_KEY_LEN);
    TRY(buf_add_text(&info, LABEL_PREFIX));
    TRY(buf_add_text(&info, purpose));
    TRY(buf_add_u(&info, 0, 1));
    TRY(buf_add_u(&info, SEAL_SUITE, 2));
    TRY(buf_add(&info, bytes_of(context->repository, SEAL_ID_LEN)));
    TRY(buf_add(&info, bytes_of(context->scope, SEAL_ID_LEN)));
    TRY(kdf_expand(secret_bytes(from), buf_bytes(&info), out, len));
out:
    return rc;
}

enum err subkey_commitment(const struct secret *data_key, const struct seal_context *context,
                           uint8_t out[SEAL_COMMITMENT_LEN])
{
    return derive_subkey(data_key, "commit", context, out, SEAL_COMMITMENT_LEN);
}

enum err subkey_derive(const struct secret *from, enum subkey_purpose purpose,
                       const struct seal_context *context, struct secret **out)
{
    struct secret *subkey = NULL;
    enum err rc;

    TRY(secret_new(SEAL_KEY_LEN, &subkey));
    TRY(derive_subkey(from, purposes[purpose], context, secret_at(subkey), SEAL_KEY_LEN));
    *out = subkey;
    subkey = NULL; /* the caller's now */
out:
    secret_free(subkey);
    return rc;
}
