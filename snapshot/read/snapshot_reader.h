/*
 * A snapshot opened for reading its content: manifest, index, and the subkeys of every scope.
 *
 * Opening is the key side of the preflight: every recorded key version is asked for, every data key
 * unwrapped and its commitment compared, the index opened and checked against the manifest.
 * Uses: core, keyring, index, manifest.
 */
#ifndef SNAPSHOT_READ_SNAPSHOT_READER_H
#define SNAPSHOT_READ_SNAPSHOT_READER_H

#include "core/base/err.h"
#include "core/repository/repository.h"
#include "keyring/keyring.h"
#include "snapshot/format/codec.h"
#include "snapshot/format/index.h"
#include "snapshot/format/manifest.h"

struct snapshot_reader {
    struct store *store; /* borrowed */
    struct manifest manifest;
    struct secret **k_data; /* owned, one for each of manifest.keys */
    struct index *index;
};

/* `envelope`: which of each data key (0: the recorded master key). ERR_KEY_INVALID,
 * ERR_KEY_UNREACHABLE, ERR_CORRUPT. */
MUST_CHECK enum err snapshot_reader_open(const struct repository *repository,
                                         struct keyring *keyring, const struct snapshot *snapshot,
                                         size_t envelope, struct snapshot_reader *out);
void snapshot_reader_clear(struct snapshot_reader *o);

/* Reads blocks; one thread each. It keeps the object it read last open. */
struct block_reader;
MUST_CHECK enum err block_reader_new(const struct snapshot_reader *reader,
                                     struct block_reader **out);
void block_reader_free(struct block_reader *r);
/* The plaintext of a block into exactly `len` bytes at `to`, its digest compared. ERR_CORRUPT
 * names object, offset and what does not match. */
MUST_CHECK enum err block_reader_read(struct block_reader *r, const struct block *b, void *to,
                                      size_t len);
/* The same for a block that is stored somewhere, of whatever length, only to see that it is whole;
 * *len is how long it was. */
MUST_CHECK enum err block_reader_check(struct block_reader *r, const struct block *b, size_t *len);

#endif
