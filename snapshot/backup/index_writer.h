/*
 * The index on its two ways: in the clear to the local cache; in frames, with a directory behind
 * them, sealed to the store (docs/FORMAT.md, 6.1).
 *
 * Uses: core, codec, index_cache.
 */
#ifndef SNAPSHOT_BACKUP_INDEX_WRITER_H
#define SNAPSHOT_BACKUP_INDEX_WRITER_H

#include "core/base/err.h"
#include "core/base/secret.h"
#include "core/repository/sealed_put.h"
#include "snapshot/backup/index_build.h"
#include "snapshot/source/source_clock.h"

struct index_writer_options {
    const struct repository *repository; /* borrowed, as all here */
    struct journal *journal;
    const struct secret *k_meta;
    struct seal_context context;
    const char *snapshot_id;   /* SNAPSHOT_ID_TEXT digits */
    struct source_marks marks; /* for the cached copy */
};

struct index_writer;
MUST_CHECK enum err index_writer_new(const struct index_writer_options *options,
                                     struct index_writer **out);
/* An image_sink: `arg` is the index_writer. */
MUST_CHECK enum err index_writer_add(void *arg, struct bytes piece);
/* The sealed object is durable in the store when this returns ERR_OK. */
MUST_CHECK enum err index_writer_finish(struct index_writer *w, struct manifest_object *out);
/* Give the cached copy its name: the snapshot is recorded. */
MUST_CHECK enum err index_writer_keep(struct index_writer *w);
/* Without index_writer_keep() nothing stays in the cache. */
void index_writer_free(struct index_writer *w);

#endif
