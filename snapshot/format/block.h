/*
 * A row of the block map: where the content of one block lies (docs/FORMAT.md, 6.4).
 *
 * Uses: core/base.
 */
#ifndef SNAPSHOT_FORMAT_BLOCK_H
#define SNAPSHOT_FORMAT_BLOCK_H

#include <stdbool.h>
#include <stdint.h>
#include <string.h>

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

/*
 * Single fields of an encoded row, for those who go through millions and need no more of it. The
 * row is sha256(32) ‖ object(4) ‖ offset(8) ‖ stored_len(3) ‖ codec(1); only here and in block.c
 * is that known.
 */
#define BLOCK_AT_OBJECT HASH_LEN
#define BLOCK_AT_OFFSET (BLOCK_AT_OBJECT + 4)
#define BLOCK_AT_STORED_LEN (BLOCK_AT_OFFSET + 8)
#define BLOCK_AT_CODEC (BLOCK_AT_STORED_LEN + 3)

static inline bool block_row_is_zero(const uint8_t row[BLOCK_ROW_LEN])
{
    return row[BLOCK_AT_CODEC] == BLOCK_ZERO;
}

/* False for a block of zeros, whatever the digest. */
static inline bool block_row_has_digest(const uint8_t row[BLOCK_ROW_LEN],
                                        const uint8_t sha256[HASH_LEN])
{
    return !block_row_is_zero(row) && memcmp(row, sha256, HASH_LEN) == 0;
}

static inline uint32_t block_row_object(const uint8_t row[BLOCK_ROW_LEN])
{
    return (uint32_t)be_get(row + BLOCK_AT_OBJECT, 4);
}

static inline void block_row_set_object(uint8_t row[BLOCK_ROW_LEN], uint32_t object)
{
    be_put(row + BLOCK_AT_OBJECT, object, 4);
}

#endif
