/*
 * A row of the block map: where the content of one block lies (docs/FORMAT.md, 6.3).
 *
 * Uses: core/base.
 */
#ifndef SNAPSHOT_FORMAT_BLOCK_H
#define SNAPSHOT_FORMAT_BLOCK_H

#include <stdint.h>

#include "core/base/bytes.h"
#include "core/base/err.h"
#include "core/base/hash.h"

#define BLOCK_ROW_LEN 48
#define BLOCK_LEN_MAX MIB

enum block_codec {
    BLOCK_RAW = 0,  /* stored as it is: compression did not pay */
    BLOCK_ZSTD = 1, /* one zstd frame */
    BLOCK_ZERO = 2  /* all zeros: nothing is stored, digest and place are zero */
};

struct block {
    uint8_t sha256[HASH_LEN]; /* of the plaintext; zero for BLOCK_ZERO */
    uint32_t object;          /* row in the index's object table */
    uint64_t offset;          /* in the object's plaintext */
    uint32_t stored_len;      /* there */
    enum block_codec codec;
};

void block_encode(const struct block *b, uint8_t row[BLOCK_ROW_LEN]);
/* ERR_UNSUPPORTED: an unknown codec; ERR_CORRUPT: impossible numbers. */
MUST_CHECK enum err block_decode(const uint8_t row[BLOCK_ROW_LEN], struct block *out);

#endif
