/*
 * A sealed object: a 96-byte header in the clear, then FLOE (docs/FORMAT.md, 3).
 *
 * Random access is arithmetic: plaintext offset p lies in segment p >> 20. Positions come from a
 * counter when writing and from the signed size when reading; no caller ever names an IV, a
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

/* What a reader knows of an object from the signed record, and checks before anything else. */
struct object_identity {
    enum object_type type;
    struct seal_context context;
    uint8_t id[SEAL_ID_LEN];
    uint64_t ordinal;
};

/* Sealed bytes for a plaintext of `len` bytes, header included. */
uint64_t object_sealed_size(uint64_t len);
/* The plaintext size of a sealed one. ERR_CORRUPT: no object has that size. */
MUST_CHECK enum err object_plain_size(uint64_t sealed, uint64_t *len);

/* Takes sealed bytes as they are made, in order. */
typedef enum err object_sink(void *arg, struct bytes sealed);

struct object_writer;
/* `key` is borrowed for this call only. The header goes to the sink at once. */
MUST_CHECK enum err object_writer_new(const struct secret *key,
                                      const struct object_identity *identity, object_sink *sink,
                                      void *arg, struct object_writer **out);
/* Plaintext so far: the offset that the next byte will have. */
uint64_t object_writer_offset(const struct object_writer *w);
MUST_CHECK enum err object_writer_add(struct object_writer *w, struct bytes plain);
/* Seal the last segment; *size and digest are those of all sealed bytes. Once. */
MUST_CHECK enum err object_writer_finish(struct object_writer *w, uint64_t *size,
                                         uint8_t digest[HASH_LEN]);
void object_writer_free(struct object_writer *w); /* wipes the plaintext it holds */

/* Gives `len` sealed bytes at `offset`; a short object is its error. */
typedef enum err object_fetch(void *arg, uint64_t offset, void *to, size_t len);

struct object_reader;
/* `sealed_size` is the signed one. Fetches and checks the header: ERR_CORRUPT when a field is not
 * that of `identity`, or the FLOE header tag does not fit (wrong key or damaged). */
MUST_CHECK enum err object_reader_new(const struct secret *key,
                                      const struct object_identity *identity, uint64_t sealed_size,
                                      object_fetch *fetch, void *arg, struct object_reader **out);
uint64_t object_reader_size(const struct object_reader *r); /* of the plaintext */
/* Exactly `len` plaintext bytes at `offset`. The segment last opened is kept, so that reading
 * forward opens each one once. ERR_CORRUPT: "segment N: tag does not match (…)"; nothing of a
 * segment is handed out before its tag was checked. */
MUST_CHECK enum err object_reader_read(struct object_reader *r, uint64_t offset, void *to,
                                       size_t len);
void object_reader_free(struct object_reader *r);

/* Small things in one go, for wraps: a whole object in memory, at most one segment. */
MUST_CHECK enum err object_seal(const struct secret *key, const struct object_identity *identity,
                                struct bytes plain, struct buf *to);
MUST_CHECK enum err object_open(const struct secret *key, const struct object_identity *identity,
                                struct bytes sealed, struct secret **plain);

/* The name in the store: "data/<2 hex>/<32 hex>". */
#define OBJECT_NAME_LEN (5 + 2 + 1 + 2 * SEAL_ID_LEN)
void object_name(const uint8_t id[SEAL_ID_LEN], char out[OBJECT_NAME_LEN + 1]);

#endif
