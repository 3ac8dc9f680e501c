/*
 * A manifest says, in the clear, what one snapshot needs: data keys with their envelopes, objects
 * with size and digest, and which of them is the index. It stands alone: what it inherits from
 * ancestors is listed too. Its digest is in the signed record (docs/FORMAT.md, 5).
 *
 * Uses: core, keyring, catalogue.
 */
#ifndef SNAPSHOT_FORMAT_MANIFEST_H
#define SNAPSHOT_FORMAT_MANIFEST_H

#include <stddef.h>
#include <stdint.h>

#include "core/base/err.h"
#include "core/base/jdoc.h"
#include "core/repository/repository.h"
#include "core/seal/object.h"
#include "keyring/keyring.h"
#include "snapshot/format/index.h"
#include "snapshot/format/snapshot_list.h"

/* Counts and sizes are capped before they are trusted. */
#define MANIFEST_LEN_MAX (64 * MIB)
#define MANIFEST_OBJECTS_MAX 200000
#define MANIFEST_KEYS_MAX 4096

struct manifest_object {
    uint8_t id[SEAL_ID_LEN];
    enum object_type type;
    uint8_t scope[SEAL_ID_LEN]; /* whose data key seals it */
    uint64_t ordinal;
    uint64_t size; /* sealed */
    uint8_t sha256[HASH_LEN];
};

struct manifest {
    uint8_t repository[SEAL_ID_LEN];
    char id[SNAPSHOT_ID_TEXT + 1];
    struct data_key *keys; /* owned; its own scope's first */
    size_t key_count;
    struct manifest_object *objects; /* owned; packs */
    size_t object_count;
    struct manifest_object index;
    uint64_t index_plain_len;
};

void manifest_clear(struct manifest *m);

/* "manifests/<id>.json" */
#define MANIFEST_NAME_LEN (10 + SNAPSHOT_ID_TEXT + 5)
void manifest_name(const char *id, char out[MANIFEST_NAME_LEN + 1]);

/* Put the members of `facts` (the record's, borrowed) and the manifest's own into one document. */
MUST_CHECK enum err manifest_encode(const struct manifest *m, const struct jdoc *facts,
                                    struct buf *to);

/* ERR_CORRUPT; ERR_UNSUPPORTED. */
MUST_CHECK enum err manifest_decode(struct bytes from, struct manifest *out);

/* Fetch a snapshot's manifest, compare size and digest with its signed record, decode, compare the
 * facts, and put in the envelopes of rewraps. ERR_CORRUPT also when it is missing. */
MUST_CHECK enum err manifest_load(const struct repository *repository,
                                  const struct snapshot *snapshot, struct manifest *out);

/* ERR_CORRUPT unless the index names the objects of the manifest, in its order. */
MUST_CHECK enum err manifest_matches(const struct manifest *m, const struct index *x);

/* Presence and size of every object, the index too, against the manifest. ERR_CORRUPT names it. */
MUST_CHECK enum err manifest_check_objects(const struct repository *repository,
                                           const struct manifest *m);

/* The data key of a scope, or NULL. */
const struct data_key *manifest_key(const struct manifest *m, const uint8_t scope[SEAL_ID_LEN]);

/* What the header of an object of this manifest must say. */
struct object_identity manifest_identity(const struct manifest *m,
                                         const struct manifest_object *object);

#endif
