/*
 * The "objects" of a manifest: sealed objects by id, with what their headers must say, their size
 * and their digest (docs/FORMAT.md, 5).
 *
 * A list is an array and its count; the array is owned by who has it: mem_free().
 * Uses: core/base, core/seal.
 */
#ifndef KEYRING_CATALOGUE_OBJECT_LIST_H
#define KEYRING_CATALOGUE_OBJECT_LIST_H

#include <stddef.h>
#include <stdint.h>

#include "core/base/err.h"
#include "core/base/hash.h"
#include "core/base/jdoc.h"
#include "core/seal/object.h"

/* More is ERR_CORRUPT: a count is compared before memory is taken for it. */
#define OBJECT_LIST_MAX 65536

/* One object as a manifest lists it. */
struct manifest_object {
    uint8_t id[SEAL_ID_LEN];
    enum object_type type;
    uint8_t scope[SEAL_ID_LEN]; /* whose data key seals it */
    uint64_t ordinal;
    uint64_t size; /* sealed */
    uint8_t sha256[HASH_LEN];
};

MUST_CHECK enum err object_list_write_item(const struct manifest_object *from, struct jdoc **out);
/* ERR_CORRUPT: a member is missing or over its cap, or no object has that size. ERR_UNSUPPORTED:
 * a type that is not known. */
MUST_CHECK enum err object_list_read_item(const struct jdoc *from, struct manifest_object *out);

/* ERR_CORRUPT: one is named twice. */
MUST_CHECK enum err object_list_check(const struct manifest_object *objects, size_t count);

#endif
