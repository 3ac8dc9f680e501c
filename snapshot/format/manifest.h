/*
 * A manifest says, in the clear, what one snapshot needs: data keys with their envelopes, objects
 * with size and digest, and which of them is the index. It stands alone: what it inherits from
 * ancestors is listed too. Its digest is in the signed record (docs/FORMAT.md, 5).
 *
 * Uses: core, keyring/catalogue (its dataKeys: key_list; its objects: object_list), index.
 */
#ifndef SNAPSHOT_FORMAT_MANIFEST_H
#define SNAPSHOT_FORMAT_MANIFEST_H

#include <stddef.h>
#include <stdint.h>

#include "core/base/err.h"
#include "core/base/jdoc.h"
#include "core/base/jsplit.h"
#include "core/repository/repository.h"
#include "core/seal/object.h"
#include "keyring/catalogue/object_list.h"
#include "keyring/catalogue/snapshot_record.h"
#include "keyring/keyring.h"
#include "snapshot/format/index.h"

/* A longer one is not read: it is some 220 bytes for each of OBJECT_LIST_MAX objects, and the data
 * keys. Reading one takes less than 16 MB, however long it is. */
#define MANIFEST_LEN_MAX (24 * MIB)

/* All that it points to is its own, also while a backup puts one together. */
struct manifest {
    uint8_t repository[SEAL_ID_LEN];
    char id[SNAPSHOT_ID_TEXT + 1];
    struct data_key *keys; /* key_list_free(); its own scope's first */
    size_t key_count;
    struct manifest_object *objects; /* mem_free(); packs */
    size_t object_count;
    struct manifest_object index;
    uint64_t index_plain_len;
};

void manifest_clear(struct manifest *m);

/* "manifests/<id>.json" */
#define MANIFEST_NAME_LEN (10 + SNAPSHOT_ID_TEXT + 5)
void manifest_name(const char *id, char out[MANIFEST_NAME_LEN + 1]);

/* Append as one document: `facts`, what record and manifest both say (borrowed, see
 * snapshot_record_write_facts()), and the manifest's own members. */
MUST_CHECK enum err manifest_encode(const struct manifest *m, const struct jdoc *facts,
                                    struct buf *to);

/* A manifest of that repository. ERR_CORRUPT; ERR_UNSUPPORTED. *out is filled on success only,
 * borrows nothing from `from`, and is released with manifest_clear(). */
MUST_CHECK enum err manifest_decode(struct bytes from, const uint8_t repository[SEAL_ID_LEN],
                                    struct manifest *out);

/* The same from anywhere, and what it says beside its lists: jdoc_free(). */
MUST_CHECK enum err manifest_decode_from(const struct jsplit_source *source,
                                         const uint8_t repository[SEAL_ID_LEN],
                                         struct manifest *out, struct jdoc **rest);

/* Fetch a snapshot's manifest, compare size and digest with its signed record, and only then decode
 * it, a part at a time, and compare the facts. ERR_CORRUPT also when it is missing. *out as of
 * manifest_decode(): its data keys have the envelopes of the manifest itself, whatever rewraps
 * there are (key_opener knows them). */
MUST_CHECK enum err manifest_load(const struct repository *repository,
                                  const struct snapshot *snapshot, struct manifest *out);

/* Put in the envelopes of rewraps, as what names keys, and not what opens them, has to see them. */
MUST_CHECK enum err manifest_apply_rewraps(const struct repository *repository, struct manifest *m);

/* ERR_CORRUPT unless the index names the objects of the manifest, in its order. */
MUST_CHECK enum err manifest_matches(const struct manifest *m, const struct index *x);

/* Presence and size of every object, the index too, against the manifest. ERR_CORRUPT names it. */
MUST_CHECK enum err manifest_check_objects(const struct repository *repository,
                                           const struct manifest *m);

/* The data key of a scope, or NULL. Borrowed from the manifest, until manifest_clear(). */
const struct data_key *manifest_key(const struct manifest *m, const uint8_t scope[SEAL_ID_LEN]);

/* What the header of an object of this manifest must say. */
struct object_identity manifest_identity(const struct manifest *m,
                                         const struct manifest_object *object);

#endif
