/*
 * What the ledger's own files share.
 *
 * Uses: core/base, core/fs, checkpoint, heads, ledger, record_set, trust, writers.
 */
#ifndef CORE_LEDGER_LEDGER_INTERNAL_H
#define CORE_LEDGER_LEDGER_INTERNAL_H

#include <stdbool.h>
#include <stddef.h>

#include "core/base/err.h"
#include "core/fs/lock.h"
#include "core/ledger/checkpoint.h"
#include "core/ledger/heads.h"
#include "core/ledger/ledger.h"
#include "core/ledger/record_set.h"
#include "core/ledger/state_files.h"
#include "core/ledger/trust.h"
#include "core/ledger/writers.h"

struct record_list {
    const struct record **items; /* owned; the records are borrowed */
    size_t count;
    size_t cap;
};

/* The records by type and the subjects of tombstones: what ledger_query.h answers from.
 * Zero-initialised it is empty. */
struct ledger_query {
    struct record_list by_type[RECORD_TYPE_COUNT];
    const char **dead; /* owned; sorted; the texts are borrowed from the tombstones */
    size_t dead_count;
    size_t dead_cap;
    /* Of the dead, the ancestors of snapshots that are not: ledger_query_settle() finds them. */
    const char **needed; /* owned; sorted; the texts are borrowed from snapshot records */
    size_t needed_count;
    struct replaced *replaced; /* owned; sorted; the same of rewraps that a later one replaces */
    size_t replaced_count;
    bool is_settled;
};

void ledger_query_clear(struct ledger_query *x);

/* Room for `r`, so that ledger_query_add() of it cannot fail. ERR_CORRUPT: a tombstone without
 * subject.
 */
MUST_CHECK enum err ledger_query_reserve(struct ledger_query *x, const struct record *r);
MUST_CHECK enum err ledger_query_add(struct ledger_query *x, const struct record *r);
/* An empty one, of records that are in the ledger's order. */
MUST_CHECK enum err ledger_query_fill(struct ledger_query *x, const struct record *const *records,
                                      size_t count);

/* Once many were added: finds out what is needed, which else is found out for each question anew.
 * ERR_FAILED: no memory. */
MUST_CHECK enum err ledger_query_settle(struct ledger_query *x);

/* Does a tombstone name it? */
bool ledger_query_is_dead(const struct ledger_query *x, const char *subject);
/* As ledger_query_is_live() and ledger_query_is_ended() say, of the records and tombstones in `x`.
 */
bool ledger_query_has_ended(const struct ledger_query *x, const struct record *r);
bool ledger_query_has_live(const struct ledger_query *x, const struct record *r);

struct ledger {
    struct store *store; /* borrowed */
    char *state_dir;     /* NULL, and so the paths: there is none */
    char *trust_path;
    char *cache_path;
    char *lock_path;
    struct lock *lock;           /* NULL: not held */
    unsigned lock_depth;         /* how many times this ledger took it */
    struct signer *signer;       /* of this machine; NULL: not here */
    struct err_record *no_key;   /* owned; why the key that is here is of no use; NULL: it is */
    const struct signer *acting; /* signs instead: ledger_act_as_root(); borrowed; NULL: nobody */
    uint8_t own[SIGNER_ID_LEN];  /* of whoever signs */
    struct writers writers;
    char fingerprint[LEDGER_FINGERPRINT_LEN + 1];
    bool outdated;           /* see ledger_load() */
    struct record_home home; /* where the payloads of the records are */
    struct record **records; /* owned, in the ledger's order */
    size_t count;
    size_t cap;
    size_t damaged;            /* records below ledger/ that only a bundle has whole */
    struct ledger_query query; /* of `records` */
    struct heads heads;
    int64_t checkpoint_life_ms; /* 0: checkpoints never expire */
    struct trust seen;          /* what the trust file says */
};

enum ledger_cache {
    LEDGER_CACHE_USE,
    LEDGER_CACHE_RENEW,  /* read all from the store, write it anew */
    LEDGER_CACHE_COMPARE /* read all from the store, add to it what it lacks */
};

/* Paths, trust state and signing key; nothing of the store yet. Without a state directory there are
 * none, until ledger_use_state() gives it one. */
MUST_CHECK enum err ledger_begin(const struct ledger_options *options, struct ledger **out);
MUST_CHECK enum err ledger_use_state(struct ledger *l, const char *state_dir);

/* Read and check all records; afterwards the ledger owns them. *cached tells whether the cache
 * provided any. After ERR_CORRUPT, l->outdated tells whether records have appeared since they were
 * listed: one that seemed to be missing may be among them, and only another ledger_begin() and load
 * can tell. */
MUST_CHECK enum err ledger_load(struct ledger *l, const struct ledger_options *options,
                                enum ledger_cache use, bool *cached);

/*
 * The lock of the state directory, held while a record is appended or the trust file written: it
 * keeps the runs of one machine out of each other's way. Waits some seconds for it, then ERR_BUSY
 * names who holds it. May be nested; unlocking what is not held does nothing.
 */
MUST_CHECK enum err ledger_lock(struct ledger *l);
void ledger_unlock(struct ledger *l);

/* ledger_prepare() does everything that can fail when a checked record is added, and fills
 * `writers` with the list that will hold after it. ledger_place() then adds both and cannot fail.
 */
MUST_CHECK enum err ledger_prepare(struct ledger *l, const struct record *r,
                                   struct writers *writers);
void ledger_place(struct ledger *l, struct record *r, struct writers *writers);

/*
 * Add the records that other runs appended to this key's chain since it was read, each checked as
 * at opening. ERR_CORRUPT: the record at the next place is not by this key, or does not follow.
 */
MUST_CHECK enum err ledger_catch_up(struct ledger *l);
/* The same with root's chain. */
MUST_CHECK enum err ledger_catch_up_root(struct ledger *l);

/* A tombstone by a writer ends what has expired, by its time and by ours. ERR_CORRUPT: it does
 * not. Other records pass. */
MUST_CHECK enum err ledger_check_tombstone(const struct ledger *l, const struct record *r);

/* ledger_append() under the lock and without catching up: ERR_BUSY when the place is taken. */
MUST_CHECK enum err ledger_append_next(struct ledger *l, enum record_type type,
                                       const struct jdoc *body, const struct record **out);

/* Raise the trust file to the ledger's heads. ERR_CORRUPT: another run saw another record at one of
 * their places. Any other failure is logged as a warning: the records in the store are valid all
 * the same.
 */
MUST_CHECK enum err ledger_save_trust(struct ledger *l);

/* ERR_FAILED unless this machine's key may append a record of that type. */
MUST_CHECK enum err ledger_may_append(const struct ledger *l, enum record_type type);

/* The seq of the next record of a chain; of ours. */
uint64_t ledger_next_seq_of(const struct ledger *l, const uint8_t writer[SIGNER_ID_LEN]);
uint64_t ledger_next_seq(const struct ledger *l);

/* A signing key of this machine, made and saved when there is none. */
MUST_CHECK enum err ledger_have_signer(struct ledger *l);

#endif
