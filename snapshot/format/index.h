/*
 * The index of one snapshot, open for reading: files, block map, object table.
 *
 * It is read from an image: the index's plaintext in a local file that only we can read: the cache
 * in the state directory, or an unlinked temporary that index_unseal() fills. Never all of it is in
 * memory. An image is hostile until index_open() has read it once from end to end.
 *
 *   header(64) ‖ object ids (16 each) ‖ entries ‖ block rows (48 each)      docs/FORMAT.md, 6
 *
 * Uses: core, entry, block.
 */
#ifndef SNAPSHOT_FORMAT_INDEX_H
#define SNAPSHOT_FORMAT_INDEX_H

#include <stdint.h>

#include "core/base/err.h"
#include "core/repository/repository.h"
#include "core/seal/object.h"
#include "keyring/catalogue/snapshot_record.h"
#include "snapshot/format/block.h"
#include "snapshot/format/entry.h"

#define INDEX_MAGIC "SPIX"
#define INDEX_VERSION 1
#define INDEX_HEADER_LEN 64
#define INDEX_FILES_MAX 100000000
#define INDEX_OBJECTS_MAX 4000000
#define INDEX_LEN_MAX (UINT64_C(1) << 40)

struct index_header {
    uint8_t snapshot[SNAPSHOT_ID_LEN];
    uint32_t object_count;
    uint64_t file_count;
    uint64_t files_len; /* bytes of all encoded entries */
    uint64_t block_count;
};
void index_header_encode(const struct index_header *h, uint8_t out[INDEX_HEADER_LEN]);
uint64_t index_image_len(const struct index_header *h);

struct index;

/* Takes over `fd` (closed on failure too). `len` is the image's length in the file. Checks all:
 * order and safety of paths, that every parent is a directory, bounds of every block row.
 * ERR_CORRUPT. Afterwards several threads may read. */
MUST_CHECK enum err index_open(int fd, uint64_t len, struct index **out);
void index_free(struct index *x);

const struct index_header *index_header(const struct index *x);
const uint8_t *index_object(const struct index *x, uint32_t i); /* its id */

/* Entry `i` of the walk order. */
MUST_CHECK enum err index_entry(const struct index *x, uint64_t i, struct entry *out);
/* ERR_NOT_FOUND. */
MUST_CHECK enum err index_find(const struct index *x, struct bytes path, uint64_t *i);
/* `count` encoded rows of the block map. */
MUST_CHECK enum err index_rows(const struct index *x, uint64_t first, size_t count, uint8_t *rows);

/* Fetch a sealed index, open it with K_meta, and decompress it into an unlinked temporary in the
 * state directory. `plain_len` is what the manifest says. */
MUST_CHECK enum err index_unseal(const struct repository *repository, const struct secret *k_meta,
                                 const struct object_identity *identity, uint64_t sealed_size,
                                 uint64_t plain_len, struct index **out);

#endif
