/*
 * The ledger: everything that happened, append-only, signed, hash-chained.
 *
 * Opening reads and checks all of it: names, signatures by an enrolled key, the chain of each
 * writer, times that never go back, and the trust state (fingerprint and each writer's highest
 * record) in the state directory. What was checked once is cached there, for records are immutable.
 * Uses: core/base, core/store, record.
 */
#ifndef CORE_LEDGER_LEDGER_H
#define CORE_LEDGER_LEDGER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/base/err.h"
#include "core/base/jdoc.h"
#include "core/ledger/record.h"
#include "core/store/store.h"

struct heads;
struct ledger;

#define LEDGER_FINGERPRINT_LEN (2 * RECORD_ID_LEN) /* hex digits */
#define LEDGER_RECORDS_MAX 1000000

struct ledger_options {
    struct store *store;     /* borrowed, outlives the ledger */
    const char *state_dir;   /* this repository's own directory; made when missing, 0700. NULL:
                              * nothing is remembered, cached or signed */
    const char *states;      /* ledger_create() without a state_dir: the repository's own is made in
                              * it, named by the fingerprint */
    const char *fingerprint; /* what it must be; NULL: whatever is there is believed */
    const struct heads *report; /* borrowed; heads that an earlier report has seen; NULL: none */
    int64_t checkpoint_life_ms; /* of checkpoints that are written here; 0: they never expire */
    bool read_all;              /* read every record from the store, not from the cache (verify) */
};

/*
 * Make a repository: a signing key in the state directory, genesis and the writer's enrolment in
 * the store. ERR_EXISTS: the store has a ledger already. A run killed midway can be repeated.
 */
MUST_CHECK enum err ledger_create(const struct ledger_options *options, struct ledger **out);

/*
 * Open and check. ERR_NOT_FOUND: no genesis there. ERR_CORRUPT: a record is damaged, forged,
 * missing or out of order; the genesis is not the pinned one; or the store shows an older state
 * than this state directory has seen (rollback): the message names record, writer and seq.
 * With read_all each damaged record is logged as a warning, and if there are several the message
 * counts them. A damaged signing key stops only what signs.
 */
MUST_CHECK enum err ledger_open(const struct ledger_options *options, struct ledger **out);
void ledger_free(struct ledger *l);

/* Which repository it is, and whose chain begins with genesis. */
struct ledger_origin {
    char fingerprint[LEDGER_FINGERPRINT_LEN + 1];
    uint8_t root[SIGNER_ID_LEN];
};

/*
 * Before opening: which repository does the store show? Its fingerprint, or "" when there is no
 * genesis record, more than one, or none that can be read: ledger_open() says what is wrong. That
 * it is genuine is not said here either. `last` is what it was before, or NULL: looked at first,
 * for that is fast.
 */
MUST_CHECK enum err ledger_look(struct store *store, const struct ledger_origin *last,
                                char fingerprint[LEDGER_FINGERPRINT_LEN + 1]);

const uint8_t *ledger_repository(const struct ledger *l); /* SEAL_ID_LEN bytes */
const uint8_t *ledger_root(const struct ledger *l);       /* SIGNER_ID_LEN bytes */
const char *ledger_fingerprint(const struct ledger *l);   /* hex */
const char *ledger_state_dir(const struct ledger *l);     /* NULL: there is none */
bool ledger_can_append(const struct ledger *l);           /* the signing key is here */
/* ERR_OK unless a signing key is here and of no use: damaged, or not to be read. */
MUST_CHECK enum err ledger_check_key(const struct ledger *l);

/* Remove what killed runs left beside the files of the state directory, but nothing that a run is
 * writing there now. */
MUST_CHECK enum err ledger_sweep(const struct ledger *l);

/* All verified records, oldest first (by createdAt, then writer, seq). Borrowed. */
size_t ledger_count(const struct ledger *l);
const struct record *ledger_at(const struct ledger *l, size_t i);

/*
 * Sign and append a record with these members (borrowed) beside the common ones. It is durable,
 * and in ledger_at(), when this returns ERR_OK. createdAt is never before the previous record's,
 * even when the clock is. ERR_FAILED: no signing key here. *out may be NULL.
 *
 * Other runs may append with the same key at the same time. Those of this state directory take
 * turns with a lock that is held briefly. If another run was faster, its records are read, checked
 * as at opening, and added to ledger_at(), and this one follows them. The same holds for a run on
 * another machine with a copy of the key, which no lock stops: ERR_BUSY if it was faster again and
 * again. ERR_CORRUPT: the record at the next place is not by this key, or does not follow. Records
 * that were returned stay valid; their positions in ledger_at() may change.
 */
MUST_CHECK enum err ledger_append(struct ledger *l, enum record_type type, const struct jdoc *body,
                                  const struct record **out);

/* A checkpoint is due when this many records came after the last, or when it expires before long;
 * ledger_checkpoint() writes the
 * bundle checkpoints/<writer>/<seq>.jsonl of live records and the record that names it. */
#define LEDGER_CHECKPOINT_EVERY 64
bool ledger_checkpoint_is_due(const struct ledger *l);
/* When the newest checkpoint expires: from then on a newer one should be there. 0: never. */
int64_t ledger_checkpoint_expiry(const struct ledger *l);
MUST_CHECK enum err ledger_checkpoint(struct ledger *l);

#endif
