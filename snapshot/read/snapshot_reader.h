/*
 * A snapshot opened for reading its content: manifest, index, and the subkeys of every scope.
 *
 * Opening is the key side of the preflight: every recorded key version is asked for, every data key
 * unwrapped and its commitment compared, the index opened and checked against the manifest. Packs
 * are not looked at: whoever needs some of them asks content_check.
 * Uses: core, keyring, key_opener, index, manifest, object_check.
 */
#ifndef SNAPSHOT_READ_SNAPSHOT_READER_H
#define SNAPSHOT_READ_SNAPSHOT_READER_H

#include "core/base/err.h"
#include "core/repository/repository.h"
#include "keyring/catalogue/key_opener.h"
#include "keyring/keyring.h"
#include "snapshot/format/index.h"
#include "snapshot/format/manifest.h"

struct snapshot_reader {
    struct store *store; /* borrowed */
    struct manifest manifest;
    struct secret **k_data; /* owned, one for each of manifest.keys */
    struct index *index;
};

/* By an opener for several snapshots, which unwraps what they share once. *out and the errors as
 * below. */
MUST_CHECK enum err snapshot_reader_open_by(const struct repository *repository,
                                            struct key_opener *opener,
                                            const struct snapshot *snapshot,
                                            struct snapshot_reader *out);

/* `envelope`: which of each data key (0: the recorded master key). *out is as it was when this
 * fails. ERR_KEY_INVALID, ERR_KEY_UNREACHABLE: of the first data key that cannot be unwrapped;
 * ERR_USAGE: no such key is configured; ERR_CORRUPT: the index is missing or has another size,
 * or something does not open; ERR_STORAGE: the store cannot be read. */
MUST_CHECK enum err snapshot_reader_open(const struct repository *repository,
                                         struct keyring *keyring, const struct snapshot *snapshot,
                                         size_t envelope, struct snapshot_reader *out);
/* The same, but for a part of it: of the index only as much is read and checked as is asked for
 * (index_unseal(), selection_walk()). */
MUST_CHECK enum err snapshot_reader_open_part(const struct repository *repository,
                                              struct keyring *keyring,
                                              const struct snapshot *snapshot, size_t envelope,
                                              struct snapshot_reader *out);
void snapshot_reader_clear(struct snapshot_reader *o);

#endif
