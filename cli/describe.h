/*
 * Snapshots and keys in words: as JSON members named as in Atlas, and as short texts.
 *
 * Uses: catalogue, keyring.h.
 */
#ifndef CLI_DESCRIBE_H
#define CLI_DESCRIBE_H

#include "cli/grid.h"
#include "core/base/jdoc.h"
#include "keyring/keyring.h"
#include "keyring/verdict.h"
#include "snapshot/format/snapshot_list.h"

/* All members of one snapshot; "effectiveMasterKey" is what a restore needs now. */
MUST_CHECK enum err describe_snapshot(const struct snapshot *of, struct jdoc **out);

/* What is known of a damaged one: "id" (or null), "status" "damaged", "reason", "createdAt" and
 * "recordId". */
MUST_CHECK enum err describe_damaged(const struct damaged_snapshot *of, struct jdoc **out);

/* A grid of snapshots: heads, and one row. With a column for the writer where there are several. */
void describe_grid(struct grid *g, bool with_writer);
MUST_CHECK enum err describe_row(struct grid *g, const struct snapshot *of);

/* The key named {provider, keyId, keyVersion} as member `name`. */
MUST_CHECK enum err describe_key(struct jdoc *to, const char *name, const struct key_name *key);

/* "file:9f86d081/3": provider, the first digits of the key id, version. */
#define DESCRIBE_KEY_MAX 160
void describe_key_short(const struct key_name *key, char out[DESCRIBE_KEY_MAX]);

/* Members "verdict", "reason", "detail", "stateChangedAt", "deletionDate" of a key's state. */
MUST_CHECK enum err describe_state(struct jdoc *to, const struct key_state *state);

/* How long ago, in the coarsest unit that says something: "3 days ago". A clock that is a little
 * off is no matter; one that is not is told: "2 hours in the future". */
#define DESCRIBE_AGE_MAX 48
void describe_age(int64_t ms, char out[DESCRIBE_AGE_MAX]);

/* "in 2.4 s, 350.1 MiB/s": how long it took, and how fast; without bytes only the first. */
#define DESCRIBE_PACE_MAX 80
void describe_pace(uint64_t bytes, int64_t elapsed_ms, char out[DESCRIBE_PACE_MAX]);

/* A time as member, null when 0. */
MUST_CHECK enum err describe_time(struct jdoc *to, const char *name, int64_t ms);

/* A text from outside as member, made printable. */
MUST_CHECK enum err describe_text(struct jdoc *to, const char *member, const char *text);

/* A name from a snapshot. Names are bytes, JSON is UTF-8: what is not clean comes as printable text
 * in `member`, and exactly in `exact`, as base64. */
MUST_CHECK enum err describe_name(struct jdoc *to, const char *member, const char *exact,
                                  const char *name);

#endif
