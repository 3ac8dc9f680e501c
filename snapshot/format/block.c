#include "snapshot/format/block.h"

#include <string.h>

void block_encode(const struct block *b, uint8_t row[BLOCK_ROW_LEN])
{
    memcpy(row, b->sha256, HASH_LEN);
    be_put(row + BLOCK_AT_OBJECT, b->object, 4);
    be_put(row + BLOCK_AT_OFFSET, b->offset, 8);
    be_put(row + BLOCK_AT_STORED_LEN, b->stored_len, 3);
    row[BLOCK_AT_CODEC] = (uint8_t)b->codec;
}

enum err block_decode(const uint8_t row[BLOCK_ROW_LEN], struct block *out)
{
    memcpy(out->sha256, row, HASH_LEN);
    out->object = (uint32_t)be_get(row + BLOCK_AT_OBJECT, 4);
    out->offset = be_get(row + BLOCK_AT_OFFSET, 8);
    out->stored_len = (uint32_t)be_get(row + BLOCK_AT_STORED_LEN, 3);
    if (row[BLOCK_AT_CODEC] > BLOCK_ZERO)
        return err_set(ERR_UNSUPPORTED, "a block's codec %u is not known", row[BLOCK_AT_CODEC]);
    out->codec = (enum block_codec)row[BLOCK_AT_CODEC];
    if (out->codec == BLOCK_ZERO && !bytes_are_zero(bytes_of(row, BLOCK_AT_CODEC)))
        return err_set(ERR_CORRUPT, "a block of zeros names a place");
    if (out->codec != BLOCK_ZERO && (out->stored_len == 0 || out->stored_len > BLOCK_LEN_MAX))
        return err_set(ERR_CORRUPT, "a block's stored length %u is not possible", out->stored_len);
    return ERR_OK;
}
