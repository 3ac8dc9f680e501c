/*
 * zstd, for blocks and for frames of the index. The only user of libzstd in this room.
 *
 * Uses: core/base, block.
 */
#ifndef SNAPSHOT_FORMAT_CODEC_H
#define SNAPSHOT_FORMAT_CODEC_H

#include "core/base/bytes.h"
#include "core/base/err.h"
#include "snapshot/format/block.h"

/* One thread's compressor and decompressor with their buffers. */
struct codec;
MUST_CHECK enum err codec_new(struct codec **out);
void codec_free(struct codec *c);

/*
 * Compress a block of at most BLOCK_LEN_MAX bytes. `*stored` is `plain` itself when compression
 * does not pay (BLOCK_RAW), else borrowed until the next call. Level 1; where the last block hardly
 * shrank (pages that the database compressed already), a smaller match table that is a third
 * faster there and costs nothing.
 */
MUST_CHECK enum err codec_compress(struct codec *c, struct bytes plain, struct bytes *stored,
                                   enum block_codec *which);

/* The same, but always as one zstd frame, whether it pays or not: of the index. */
MUST_CHECK enum err codec_compress_frame(struct codec *c, struct bytes plain, struct bytes *stored);

/* Decompress into exactly `len` bytes at `to`. ERR_CORRUPT: it does not give that. */
MUST_CHECK enum err codec_decompress(struct codec *c, enum block_codec which, struct bytes stored,
                                     void *to, size_t len);

/* The same when the length is not known: at most BLOCK_LEN_MAX bytes at `to`, *len of them. */
MUST_CHECK enum err codec_decompress_any(struct codec *c, enum block_codec which,
                                         struct bytes stored, void *to, size_t *len);

#endif
