/*
 * A sealed object: a 96-byte header in the clear, then FLOE (docs/FORMAT.md, 3).
 *
 * Plaintext offset p lies in segment p >> 20, so random access needs no index. Positions come from
 * a counter when writing and from the signed size when reading; a caller never passes an IV, a
 * position or whether a segment is final.
 * Uses: core/base, subkey.
 */
#ifndef CORE_SEAL_OBJECT_H
#define CORE_SEAL_OBJECT_H

#include "core/base/bytes.h"
#include "core/base/err.h"
#include "core/base/hash.h"
#include "core/base/secret.h"
#include "core/seal/subkey.h"

#define OBJECT_HEADER_LEN 96
#define OBJECT_SEGMENT_LEN MIB /* plaintext bytes of a full segment */

enum object_type { OBJECT_PACK = 1, OBJECT_INDEX = 2, OBJECT_OPLOG = 3, OBJECT_KEY_WRAP = 4 };

/* What a reader knows of an object from the signed record, and checks before it uses a key. */
struct object_identity {
    enum object_type type;
    struct seal_context context;
    uint8_t id[SEAL_ID_LEN];
    uint64_t ordinal;
};

/* Sealed bytes for a plaintext of `len` bytes, header included. */
uint64_t object_sealed_size(uint64_t len);
/* The plaintext size of an object of `sealed` bytes. ERR_CORRUPT: no object has that size. */
MUST_CHECK enum err object_plain_size(uint64_t sealed, uint64_t *len);

/* Receives sealed bytes in order; an error it returns ends the writing and is passed on. */
typedef enum err object_sink(void *arg, struct bytes sealed);

struct object_writer;
/* `key` is borrowed for this call only. The header goes to the sink at once. ERR_FAILED: OpenSSL
 * could not, or no memory; or what the sink returns. */
MUST_CHECK enum err object_writer_new(const struct secret *key,
                                      const struct object_identity *identity, object_sink *sink,
                                      void *arg, struct object_writer **out);
/* Plaintext bytes so far, which is the offset of the next one. */
uint64_t object_writer_offset(const struct object_writer *w);
MUST_CHECK enum err object_writer_add(struct object_writer *w, struct bytes plain);
/* Seal the last segment; *size and digest cover all sealed bytes. After this, or after any failure,
 * only object_writer_free() may follow. */
MUST_CHECK enum err object_writer_finish(struct object_writer *w, uint64_t *size,
                                         uint8_t digest[HASH_LEN]);
void object_writer_free(struct object_writer *w); /* wipes the plaintext it holds */

/* Provides exactly `len` sealed bytes at `offset`, or fails. */
typedef enum err object_fetch(void *arg, uint64_t offset, void *to, size_t len);

struct object_reader;
/* `sealed_size` is the signed one. Fetches and checks the header: ERR_CORRUPT when a field is not
 * that of `identity`, or the FLOE header tag does not fit (wrong key or damaged). */
MUST_CHECK enum err object_reader_new(const struct secret *key,
                                      const struct object_identity *identity, uint64_t sealed_size,
                                      object_fetch *fetch, void *arg, struct object_reader **out);
uint64_t object_reader_size(const struct object_reader *r); /* of the plaintext */
/* Exactly `len` plaintext bytes at `offset`. The last segment opened is kept, so reading forward
 * opens each segment once. ERR_CORRUPT: beyond the end, or "segment N: tag does not match (…)"; no
 * byte of a segment is returned before its tag was verified. */
MUST_CHECK enum err object_reader_read(struct object_reader *r, uint64_t offset, void *to,
                                       size_t len);
void object_reader_free(struct object_reader *r);

/* A whole object in memory, of at most one segment: for wrapped keys. object_open() fails with
 * ERR_CORRUPT as the reader does, and when the plaintext is empty or over SECRET_LEN_MAX. */
MUST_CHECK enum err object_seal(const struct secret *key, const struct object_identity *identity,
                                struct bytes plain, struct buf *to);
MUST_CHECK enum err object_open(const struct secret *key, const struct object_identity *identity,
                                struct bytes sealed, struct secret **plain);

/* The name in the store: "data/<2 hex>/<32 hex>". */
#define OBJECT_NAME_LEN (5 + 2 + 1 + 2 * SEAL_ID_LEN)
void object_name(const uint8_t id[SEAL_ID_LEN], char out[OBJECT_NAME_LEN + 1]);

#endif
