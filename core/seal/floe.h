/*
 * FLOE over AES-256-GCM and HKDF-Expand-SHA-384 (C2SP FLOE; docs/FORMAT.md, 3).
 *
 * For core/seal only: nothing here stops a caller from sealing a position twice, or from opening a
 * segment as final that is not. object_writer.c counts positions, object_reader.c computes them
 * from the signed size. IVs are drawn by the cipher, never passed in.
 * Uses: core/base.
 */
#ifndef CORE_SEAL_FLOE_H
#define CORE_SEAL_FLOE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/base/bytes.h"
#include "core/base/err.h"
#include "core/base/secret.h"

#define FLOE_KEY_LEN 32
#define FLOE_AAD_MAX 96

/* The header: parameters, IV, tag. */
#define FLOE_PARAMS_LEN 10
#define FLOE_IV_LEN 32
#define FLOE_HEADER_TAG_LEN 32
#define FLOE_HEADER_LEN (FLOE_PARAMS_LEN + FLOE_IV_LEN + FLOE_HEADER_TAG_LEN)

/* A segment: length, IV, ciphertext, tag. */
#define FLOE_LENGTH_LEN 4
#define FLOE_SEGMENT_IV_LEN 12
#define FLOE_SEGMENT_TAG_LEN 16
#define FLOE_BEFORE_LEN (FLOE_LENGTH_LEN + FLOE_SEGMENT_IV_LEN)
#define FLOE_OVERHEAD (FLOE_BEFORE_LEN + FLOE_SEGMENT_TAG_LEN)

struct floe_params {
    uint32_t segment_len;   /* ENC_SEG_LEN: sealed bytes of a full segment */
    unsigned rotation_bits; /* 2^rotation_bits segments share a segment key; 20, except in test
                               vectors */
};

/* One message, being sealed or opened; one thread at a time. */
struct floe;

/* Begin a message under `key`; both are borrowed for this call. The caller writes the header in
 * front of the segments. ERR_FAILED: OpenSSL could not, or no memory; ERR_CORRUPT: the key has a
 * wrong length. */
MUST_CHECK enum err floe_seal_new(struct floe_params params, const struct secret *key,
                                  struct bytes aad, uint8_t header[FLOE_HEADER_LEN],
                                  struct floe **out);

/* Begin to open a message by its header. ERR_CORRUPT: other parameters than `params`, or the header
 * tag does not match key, header and `aad` (wrong key or damaged data). */
MUST_CHECK enum err floe_open_new(struct floe_params params, const struct secret *key,
                                  struct bytes aad, const uint8_t header[FLOE_HEADER_LEN],
                                  struct floe **out);
void floe_free(struct floe *f);

/*
 * Seal `plain` at `position` into `to`, which has room for plain.len + FLOE_OVERHEAD; plain may lie
 * at to + FLOE_BEFORE_LEN. A segment that is not final must be full. Each position once per
 * message. ERR_FAILED: OpenSSL could not.
 */
MUST_CHECK enum err floe_seal_segment(struct floe *f, uint64_t position, bool final,
                                      struct bytes plain, uint8_t *to);

/*
 * Open one whole sealed segment into `to`, which has room for sealed.len − FLOE_OVERHEAD and may
 * be sealed.data + FLOE_BEFORE_LEN. ERR_CORRUPT: impossible length, or the tag does not match; then
 * `to` has been wiped.
 */
MUST_CHECK enum err floe_open_segment(struct floe *f, uint64_t position, bool final,
                                      struct bytes sealed, uint8_t *to);

#endif
