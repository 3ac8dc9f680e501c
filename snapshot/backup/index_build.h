/*
 * From the spool of a finished reading to the index: written once, to the cache and, compressed and
 * sealed, to the store.
 *
 * Objects that no block needs any more are left out; the rest are numbered anew.
 * Uses: core, spool, index, manifest, codec.
 */
#ifndef SNAPSHOT_BACKUP_INDEX_BUILD_H
#define SNAPSHOT_BACKUP_INDEX_BUILD_H

#include "core/base/err.h"
#include "core/base/secret.h"
#include "core/store/store.h"
#include "snapshot/backup/spool.h"
#include "snapshot/format/index.h"
#include "snapshot/format/manifest.h"

struct index_build_options {
    struct spool *spool;
    bool is_sorted;             /* the entries are in walk order already */
    uint64_t row_count;         /* of the block map */
    const uint8_t *snapshot_id; /* SNAPSHOT_ID_LEN bytes */
    /* Object numbers in the spooled rows: first these, then the new packs. */
    const struct manifest_object *inherited;
    size_t inherited_count;
    const struct manifest_object *packs;
    size_t pack_count;
};

struct index_build {
    /* Those that are needed, in the order of the index's object table; owned until they are taken.
     */
    struct manifest_object *objects;
    size_t object_count;
    uint64_t needed_len; /* stored bytes of the blocks that are needed */
    struct index_header header;
    uint32_t *numbers; /* owned: from spooled object numbers to those of the index */
};

/* Which objects are needed, and their new numbers. ERR_FAILED: the spool cannot be read, a
 * tar's names do not fit together, or a row names an object that is not there (our mistake);
 * ERR_CORRUPT, ERR_UNSUPPORTED: a row that cannot be. *out is untouched then, and the spool as it
 * was. */
MUST_CHECK enum err index_build_plan(const struct index_build_options *options,
                                     struct index_build *out);
void index_build_clear(struct index_build *i);

/* Takes the index's bytes in order. */
typedef enum err index_build_sink(void *arg, struct bytes piece);

/* Write the index, once, front to back. ERR_FAILED: the spool cannot be read, or
 * a tar's names do not fit together; else what `sink` returned. Part of the index is
 * written then, and of no use. */
MUST_CHECK enum err index_build_write(const struct index_build_options *options,
                                      const struct index_build *build, index_build_sink *sink,
                                      void *arg);

/* After the writing: the objects become the caller's, to release with mem_free(). */
void index_build_take_objects(struct index_build *i, struct manifest_object **out, size_t *count);

#endif
