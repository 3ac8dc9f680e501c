/*
 * The index of the last snapshot, in the clear, in the state directory: what an incremental is made
 * from without the right to decrypt.
 *
 *   <state_dir>/cache/<snapshot id>.index        (0600)   the index's plaintext ‖ the marks of its
 *                                                         source (96) ‖ SHA-256 of all that
 *   <state_dir>/cache/<snapshot id>.index.new             while it is written
 *
 * Nothing is synced: a copy that a crash damaged fails its own SHA-256 and is not used.
 * Uses: core, index, manifest.
 */
#ifndef SNAPSHOT_BACKUP_INDEX_CACHE_H
#define SNAPSHOT_BACKUP_INDEX_CACHE_H

#include "core/base/bytes.h"
#include "core/base/err.h"
#include "core/repository/repository.h"
#include "snapshot/format/index.h"
#include "snapshot/format/manifest.h"
#include "snapshot/source/source_clock.h"

/*
 * Open the copy of snapshot `id`, whose manifest this is, with the marks of what it was read from;
 * its SHA-256 is compared, then all of it is checked. ERR_NOT_FOUND: there is none; ERR_CORRUPT: it
 * is damaged or of something else (the message names the file); ERR_FAILED: it cannot be read.
 * After each of them there is another way: the sealed index in the repository.
 */
MUST_CHECK enum err index_cache_open(const struct repository *repository, const char *id,
                                     const struct manifest *manifest, struct source_marks *marks,
                                     struct index **out);

/* Remove every copy but that of snapshot `id`, and what killed runs left half written. ERR_FAILED:
 * one cannot be removed; the others may be gone. */
MUST_CHECK enum err index_cache_prune(const struct repository *repository, const char *id);

/* A copy while it is written. Errors of every call: ERR_FAILED: the state directory cannot be
 * written to (ERR_STORAGE: it is full); nothing has the copy's name, and what is left to do is
 * index_cache_free(). */
struct index_cache;
MUST_CHECK enum err index_cache_new(const struct repository *repository, const char *id,
                                    struct index_cache **out);
MUST_CHECK enum err index_cache_add(struct index_cache *c, struct bytes piece);
/* All is added: read it back as a restore would, for nothing may be recorded that no restore can
 * read (ERR_FAILED, a mistake of ours), and put marks and SHA-256 behind it. Once. *out is what was
 * read: index_free(). */
MUST_CHECK enum err index_cache_finish(struct index_cache *c, const struct source_marks *marks,
                                       struct index **out);
/* Give it its name: the snapshot is recorded. */
MUST_CHECK enum err index_cache_commit(struct index_cache *c);
/* Without index_cache_commit() nothing stays. */
void index_cache_free(struct index_cache *c);

#endif
