/*
 * The ledger: everything that happened, append-only, signed, hash-chained.
 *
 * Opening reads and checks all of it: names, signatures by an enrolled key, the chain of each
 * writer, times that never go back, that tombstones end only what they may, and the trust state
 * (fingerprint and each writer's highest record) in the state directory. What was checked once is
 * cached there, for records are immutable; what was cached and is gone must be dead.
 * Uses: core/base, core/store, record.
 */
#ifndef CORE_LEDGER_LEDGER_H
#define CORE_LEDGER_LEDGER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/base/err.h"
#include "core/base/jdoc.h"
#include "core/ledger/heads.h"
#include "core/ledger/record.h"
#include "core/ledger/writers.h"
#include "core/store/store.h"

struct ledger;

#define LEDGER_FINGERPRINT_LEN (2 * RECORD_ID_LEN) /* hex digits */
#define LEDGER_RECORDS_MAX 1000000

/* Root's key, for a new repository. `keep` is called when the state directory is there and before
 * anything in the store is signed by it: whoever has just made the key saves it then. */
struct ledger_root {
    const struct signer *key;                           /* borrowed */
    enum err (*keep)(void *arg, const char *state_dir); /* NULL: it is kept already */
    void *keep_arg;
};

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
    struct ledger_root root;    /* ledger_create() only */
};

/*
 * Make a repository: a signing key in the state directory, and in the store, signed by root,
 * genesis and the enrolment of that key with all roles. ERR_EXISTS: the store has a ledger already.
 * A run killed midway can be repeated with the same root.
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
/* The signing key is here, and may sign that type. */
bool ledger_can_append(const struct ledger *l, enum record_type type);
/* ERR_OK unless a signing key is here and of no use: damaged, or not to be read. */
MUST_CHECK enum err ledger_check_key(const struct ledger *l);
/* Records that are damaged in the store and that a checkpoint's bundle has, or does not need. */
size_t ledger_damaged(const struct ledger *l);
const struct writers *ledger_writers(const struct ledger *l);
/* The writer that this machine is (SIGNER_ID_LEN bytes); NULL: its signing key is not here. */
const uint8_t *ledger_own(const struct ledger *l);
bool ledger_is_own(const struct ledger *l, const uint8_t writer[SIGNER_ID_LEN]);
/* The end of a chain; NULL: it has no record. Borrowed until the next append. */
const struct head *ledger_head(const struct ledger *l, const uint8_t writer[SIGNER_ID_LEN]);

/* From now on `root` signs what is appended, in its own chain; it is borrowed. NULL: this machine's
 * key signs again. ERR_USAGE: it is not the root key of this repository. */
MUST_CHECK enum err ledger_act_as_root(struct ledger *l, const struct signer *root);

/* Remove what killed runs left beside the files of the state directory, but nothing that a run is
 * writing there now. */
MUST_CHECK enum err ledger_sweep(const struct ledger *l);

/* All verified records, oldest first (by createdAt, then writer, seq). Borrowed. */
size_t ledger_count(const struct ledger *l);
const struct record *ledger_at(const struct ledger *l, size_t i);

/* Read on in every chain, root's first: what others have appended since the ledger was opened, each
 * record checked as at opening. ERR_CORRUPT: one of them is not good. */
MUST_CHECK enum err ledger_catch_up_all(struct ledger *l);

/*
 * Sign and append a record with these members (borrowed) beside the common ones. It is durable,
 * and in ledger_at(), when this returns ERR_OK. createdAt is never before that of the record
 * before it in its chain, even when the clock is, nor, but for root's, before ledger_newest_ms().
 * ERR_FAILED: no signing key here. *out may be NULL.
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

/* Read what root has signed since the ledger was opened, as ledger_append() does first. ERR_FAILED:
 * this key may not, or not any more, sign records of that type. */
MUST_CHECK enum err ledger_hear_root(struct ledger *l, enum record_type type);

/*
 * ERR_FAILED when clock and records disagree so much that nothing would be appended: the clock is
 * far ahead of ledger_newest_ms() (clock_check_ahead()), or a record is as far ahead of the clock,
 * which the message names with its writer; unless somebody has vouched for the clock, root
 * has revoked that writer, or root signs, who must be able to. For asking before a long run.
 */
MUST_CHECK enum err ledger_check_clock(const struct ledger *l);

/* When the newest record was made that counts and has a time (clock_is_time()); 0: none has. One
 * that a thief dates in the year 9999 is not what others are dated after. */
int64_t ledger_newest_ms(const struct ledger *l);

/* A checkpoint is due when more records than that came after the last, and more than half as many
 * as are live, so that the bundles together grow no faster than the ledger; the first one when the
 * ledger has LEDGER_CHECKPOINT_FIRST, so that soon a damaged record is not the end; and when the
 * last expires before long. */
#define LEDGER_CHECKPOINT_EVERY 64
#define LEDGER_CHECKPOINT_FIRST 8
bool ledger_checkpoint_is_due(struct ledger *l);
/* When the newest checkpoint expires: from then on a newer one should be there. 0: never. */
int64_t ledger_checkpoint_expiry(const struct ledger *l);
/* Writes the bundle checkpoints/<writer>/<seq>.jsonl of live records and the record that names it,
 * and then removes this writer's bundles but the two newest. One that cannot be removed is a
 * warning. */
MUST_CHECK enum err ledger_checkpoint(struct ledger *l);

#endif
