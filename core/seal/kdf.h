/*
 * X(k, info, n): HKDF-Expand with SHA-384 (RFC 5869, 2.3; SP 800-108 feedback mode).
 *
 * Uses: core/base.
 */
#ifndef CORE_SEAL_KDF_H
#define CORE_SEAL_KDF_H

#include "core/base/bytes.h"
#include "core/base/err.h"

/* Derive `len` bytes, at most 255 × 48. ERR_FAILED: more than that, or OpenSSL could not. */
MUST_CHECK enum err kdf_expand(struct bytes key, struct bytes info, uint8_t *out, size_t len);

#endif
