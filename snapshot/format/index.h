/*
 * The index of a snapshot: every entry in walk order, and the block map.
 *
 * An *image* is the index's content in a local file that only we can read: the cache in the state
 * directory, or an unlinked temporary that is filled from the sealed index as it is asked for
 * (index_image.h). Never all of it is in memory.
 *
 *   header(64) ‖ object ids (16 each) ‖ entries ‖ block rows (48 each)      docs/FORMAT.md, 6
 *
 * What is read is checked whenever it is read: an entry for itself and for its blocks' bounds, a
 * row for its object. What only the whole shows (the order of the paths, that each lies in a
 * directory, where hard links lead) is checked by index_check(), and of a part by who walks it
 * (snapshot/read/selection.h).
 *
 * Uses: core, entry, block, index_image, index_table.
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
#include "snapshot/format/index_image.h"

#define INDEX_MAGIC "SPIX"
#define INDEX_VERSION 1
#define INDEX_HEADER_LEN 64
#define INDEX_FILES_MAX 100000000
#define INDEX_ROWS_MAX (INDEX_LEN_MAX / BLOCK_ROW_LEN)

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

/* Takes over `fd` (closed on failure too), a file that holds the whole image of `len` bytes, and
 * checks all of it. ERR_CORRUPT; ERR_UNSUPPORTED. Several threads may read an index. */
MUST_CHECK enum err index_open(int fd, uint64_t len, struct index **out);

/* Open a sealed index with K_meta and read no more of it than header, object ids and directory;
 * `plain_len` is what the manifest says. The rest comes as it is asked for, each frame once, into
 * an unlinked temporary. */
MUST_CHECK enum err index_unseal(const struct repository *repository, const struct secret *k_meta,
                                 const struct object_identity *identity, uint64_t sealed_size,
                                 uint64_t plain_len, struct index **out);
void index_free(struct index *x);

/* From end to end: order and safety of paths, that every parent is a directory, where hard links
 * lead, every block row. ERR_CORRUPT; ERR_UNSUPPORTED. */
MUST_CHECK enum err index_check(const struct index *x);

const struct index_header *index_header(const struct index *x);
const uint8_t *index_object(const struct index *x, uint32_t i); /* its id */

/* Entry `i` of the walk order. ERR_CORRUPT. */
MUST_CHECK enum err index_entry(const struct index *x, uint64_t i, struct entry *out);
/* The first entry that is `path` or comes behind it in walk order; file_count when none does. */
MUST_CHECK enum err index_seek(const struct index *x, struct bytes path, uint64_t *i);
/* ERR_NOT_FOUND. */
MUST_CHECK enum err index_find(const struct index *x, struct bytes path, uint64_t *i);
/* `count` encoded rows of the block map. ERR_CORRUPT: one lies in an object that is not named. */
MUST_CHECK enum err index_rows(const struct index *x, uint64_t first, size_t count, uint8_t *rows);

/* In walk order, `path` may come behind `before` (empty: it is the first), the last directory that
 * came being `last_dir`. ERR_CORRUPT: it is not in order, or lies in no directory. */
MUST_CHECK enum err index_check_place(struct bytes before, struct bytes last_dir,
                                      const struct entry *e);

/* For who writes the directory: a frame's row but for its length. */
void index_mark(const struct index *x, uint32_t frame, struct index_mark *out);
/* How many frames were opened so far; the name of the sealed object, or NULL (borrowed). */
uint32_t index_opened(const struct index *x);
const char *index_name(const struct index *x);

#endif
