/*
 * One sealed object of a manifest, looked at without a key: is it there, as long as it was, and are
 * its bytes those that the manifest has the digest of?
 *
 * Uses: core, object_list.
 */
#ifndef SNAPSHOT_READ_OBJECT_CHECK_H
#define SNAPSHOT_READ_OBJECT_CHECK_H

#include <stdbool.h>

#include "core/base/err.h"
#include "core/store/store.h"
#include "keyring/catalogue/object_list.h"
#include "snapshot/format/progress.h"

struct object_check; /* scratch; one thread */

/* Both are borrowed; `progress` may be NULL. ERR_FAILED: no memory. */
MUST_CHECK enum err object_check_new(struct store *store, struct progress *progress,
                                     struct object_check **out);
void object_check_free(struct object_check *c);

/* Presence and size; with `read` all of it is read and its SHA-256 compared. ERR_CORRUPT, also when
 * it is missing, and ERR_STORAGE name the object. After any failure the next may be looked at. */
MUST_CHECK enum err object_check_run(struct object_check *c, const struct manifest_object *o,
                                     bool read);

/* What its header says of it: ERR_CORRUPT when that is not `identity`. */
MUST_CHECK enum err object_check_header(struct object_check *c, const struct manifest_object *o,
                                        const struct object_identity *identity);

/* True for ERR_STORAGE when the store itself still answers: then it is this one thing that cannot
 * be read. Leaves the message. */
bool object_is_unreadable(struct store *store, enum err rc);

#endif
