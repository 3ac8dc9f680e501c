/*
 * A checkpoint record: the ends of all chains, and a bundle of every live record, so that records
 * which concern nothing live may be deleted. Every checkpoint protects the ends it names; only the
 * newest covers what is missing, and never a record of root's chain: a writer cannot erase its own
 * revocation.
 *
 * Members beside the common ones: heads [{writer, seq, recordId}], liveSet {count, sha256} (of the
 * bundle's record ids one after another), expiresAt (a time, or null), bundle {name, size, sha256}.
 * Uses: core/base, core/store, heads, record, record_set.
 */
#ifndef CORE_LEDGER_CHECKPOINT_H
#define CORE_LEDGER_CHECKPOINT_H

#include <stdbool.h>
#include <stdint.h>

#include "core/base/err.h"
#include "core/ledger/heads.h"
#include "core/ledger/record.h"
#include "core/ledger/record_set.h"
#include "core/ledger/writers.h"
#include "core/store/store.h"

/* Zero-initialised it is none: it covers nothing. */
struct checkpoint {
    const struct record *record; /* borrowed; NULL: none */
    uint8_t
        root[SIGNER_ID_LEN]; /* set by ledger_validate_cover(): whose records are never missing */
    struct heads heads;
    uint64_t live_count;
    uint8_t live_sha256[HASH_LEN];
    uint64_t bundle_size;
    uint8_t bundle_sha256[HASH_LEN];
};

/* ERR_CORRUPT: malformed. */
MUST_CHECK enum err checkpoint_read(const struct record *record, struct checkpoint *out);
void checkpoint_clear(struct checkpoint *c);

/* True when the checkpoint was made after that record. */
bool checkpoint_saw(const struct checkpoint *c, const uint8_t writer[SIGNER_ID_LEN], uint64_t seq);

/* True when it saw that record, which is not root's: it may be missing. */
bool checkpoint_covers(const struct checkpoint *c, const uint8_t writer[SIGNER_ID_LEN],
                       uint64_t seq);

/*
 * Read the bundle: what the sorted set lacks is put there, and the set is sorted again. An entry
 * that is listed with the same size and not read yet gets its record, as if from the store. Each
 * record is signed by a key of `writers`, or this is ERR_CORRUPT, as when the bundle is not there,
 * not the one the record names, or has another record than the set.
 */
MUST_CHECK enum err checkpoint_fill(const struct checkpoint *c, struct store *store,
                                    const struct writers *writers, struct record_set *set);

/* "checkpoints/<writer>/<seq>.jsonl" */
#define CHECKPOINT_DIRECTORY "checkpoints"
#define CHECKPOINT_NAME_LEN (12 + 16 + 1 + 16 + 6)
void checkpoint_name(const uint8_t writer[SIGNER_ID_LEN], uint64_t seq,
                     char out[CHECKPOINT_NAME_LEN + 1]);
/* False: no name that checkpoint_name() gives. */
bool checkpoint_parse_name(const char *name, uint8_t writer[SIGNER_ID_LEN], uint64_t *seq);

#endif
