/*
 * The snapshot that an incremental builds on: its manifest, and its index from the local cache or,
 * with the right to decrypt, from the repository.
 *
 * A host whose rights are encrypt-only makes incrementals from the cache; a damaged copy is noticed
 * and not used.
 * Uses: core, keyring, index_cache, index, manifest.
 */
#ifndef SNAPSHOT_BACKUP_PARENT_H
#define SNAPSHOT_BACKUP_PARENT_H

#include "core/base/err.h"
#include "core/repository/repository.h"
#include "keyring/keyring.h"
#include "snapshot/format/index.h"
#include "snapshot/format/manifest.h"
#include "snapshot/source/source_clock.h"

struct parent {
    const struct snapshot *snapshot; /* borrowed from the list of snapshots */
    struct manifest manifest;
    struct index *index;       /* its object table has the rows of manifest.objects */
    struct source_marks marks; /* of what it was read from; the repository does not know them */
};

/* ERR_NOT_FOUND: there is neither a cached copy nor the right to decrypt: take a full base.
 * ERR_CORRUPT: an object that it needs is missing, or something does not fit: nothing must be
 * built upon it. Presence and size of its objects are looked at each time. */
MUST_CHECK enum err parent_open(const struct repository *repository, struct keyring *keyring,
                                const struct snapshot *snapshot, struct parent *out);
void parent_clear(struct parent *p);

#endif
