/*
 * Data keys, opened by whichever copy of the chosen envelope opens (docs/FORMAT.md, 5).
 *
 * A data key's envelopes stand in the record of the snapshot that made it, in every manifest that
 * reads from its scope, and in each of its rewrap records. One of them may be damaged, or signed by
 * a writer gone bad, and must not bury the others.
 * Uses: core/ledger, keyring.h, lineage, rewrap_record.
 */
#ifndef KEYRING_CATALOGUE_KEY_OPENER_H
#define KEYRING_CATALOGUE_KEY_OPENER_H

#include <stddef.h>

#include "core/base/err.h"
#include "core/ledger/ledger.h"
#include "keyring/keyring.h"

/* Each data key is unwrapped once in its life, up to some thousands. One thread at a time. */
struct key_opener;

/* All borrowed. `ledger` may be NULL: then there are no rewraps. `envelope`: which of each data
 * key's (0: the recorded master key's). ERR_FAILED: no memory. */
MUST_CHECK enum err key_opener_new(struct keyring *keyring, const struct ledger *ledger,
                                   size_t envelope, struct key_opener **out);
void key_opener_free(struct key_opener *o);

/*
 * Open the data key `key`, as `snapshot` (its record) or the manifest of that has it. In this
 * order: the rewrap records of that data key, newest first; the record that it was made in;
 * `key` itself. A copy that is damaged, of another kind, or by a master key that is not configured
 * or that cannot have made it then, is passed over. Another refusal of a master key is the end:
 * who withdrew a version means what it wraps now.
 *
 * *out is borrowed until the next call. When none opens, the error is that of the first that was
 * tried (as of keyring_open_data_key()), and the others are said by log_say; when another
 * than the first opens, what was passed over is.
 */
MUST_CHECK enum err key_opener_open(struct key_opener *o, const struct record *snapshot,
                                    const struct data_key *key, const struct secret **out);

/* How many data keys had a first copy that was passed over, whether another one opened or not. */
size_t key_opener_stale(const struct key_opener *o);

#endif
