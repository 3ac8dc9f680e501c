/*
 * What is derived from a data key: its commitment and the subkeys (docs/FORMAT.md, 2).
 *
 *   ctx  = suite(2) ‖ repository_id(16) ‖ scope_id(16)
 *   X(data key, "sealpoint/v1/<purpose>" ‖ 00 ‖ ctx, 32)
 *
 * Uses: core/base.
 */
#ifndef CORE_SEAL_SUBKEY_H
#define CORE_SEAL_SUBKEY_H

#include "core/base/bytes.h"
#include "core/base/err.h"
#include "core/base/secret.h"

#define SEAL_SUITE 0x0001
#define SEAL_ID_LEN 16 /* repository id, scope id, object id */
#define SEAL_KEY_LEN 32
#define SEAL_COMMITMENT_LEN 32

/* What every derivation is bound to. */
struct seal_context {
    uint8_t repository[SEAL_ID_LEN];
    uint8_t scope[SEAL_ID_LEN];
};

/* A public value that identifies the data key without revealing it. ERR_CORRUPT: the key has a
 * wrong length. */
MUST_CHECK enum err subkey_commitment(const struct secret *data_key,
                                      const struct seal_context *context,
                                      uint8_t out[SEAL_COMMITMENT_LEN]);

enum subkey_purpose {
    SUBKEY_DATA, /* packs, oplog segments */
    SUBKEY_META, /* index */
    SUBKEY_WRAP  /* the file provider: master key → wrapping key, purpose "wrap" */
};
/* Release with secret_free(). ERR_CORRUPT: the key has a wrong length; ERR_FAILED: OpenSSL could
 * not. */
MUST_CHECK enum err subkey_derive(const struct secret *from, enum subkey_purpose purpose,
                                  const struct seal_context *context, struct secret **out);

#endif
