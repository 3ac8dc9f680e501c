/*
 * The objects of several snapshots, each looked at once however many of them use it.
 *
 * Uses: core, key_opener, snapshot_reader, soundness, plan.
 */
#ifndef SNAPSHOT_VERIFY_VERIFY_DATA_H
#define SNAPSHOT_VERIFY_VERIFY_DATA_H

#include <stdatomic.h>
#include <stdbool.h>

#include "core/base/err.h"
#include "snapshot/read/plan.h"
#include "snapshot/read/snapshot_reader.h"
#include "snapshot/read/soundness.h"
#include "snapshot/verify/verify.h"

struct verify_object {
    struct manifest_object facts; /* first: verify_by_id() compares these too */
    char *reason;                 /* what was said when it was found damaged; owned; NULL: sound */
    bool is_unreadable;           /* and not damaged as far as is known */
    bool is_worth_reading;        /* though damaged: some block of it did not open, others may */
    bool is_left_out;             /* not in the random sample */
    bool was_read;                /* its data, and not only its size; found damaged or not */
};

/* One chosen snapshot, from its manifest to the end. */
struct verify_snapshot {
    const struct snapshot *snapshot;
    struct manifest_object index; /* as its manifest has it */
    char *reason;                 /* what was said of its manifest, or when it was opened; owned */
    bool is_unreadable;           /* and not damaged as far as is known */
    bool is_lost;                 /* for that */
    bool is_locked;               /* its key was refused */
    bool has_files;               /* the next three are known */
    uint64_t files;
    uint64_t bad_files;
    struct path_list bad_paths; /* owned; at most VERIFY_PATHS_MAX are shown */
};

/* A snapshot that is being decrypted. */
struct verify_reader {
    struct snapshot_reader reader; /* owned */
    struct soundness *soundness;   /* owned; of `reader` */
    struct verify_snapshot *of;    /* borrowed from the set */
};

struct verify_set {
    const struct verify_options *options;
    uint8_t (*scopes)[SEAL_ID_LEN]; /* owned; sorted; whose records the ledger has */
    size_t scope_count;
    uint32_t *places; /* owned; while manifests are added: objects by their id, place + 1 */
    size_t place_count;
    bool differ;    /* some manifests say different things of one object */
    uint64_t wrong; /* objects of which an earlier one was wrong; each was said by log_say */
    struct key_opener *opener;     /* owned, made when it is needed; unwraps each data key once */
    struct verify_object *objects; /* owned; each once; sorted by id from verify_set_end() on */
    size_t count;
    size_t cap;
    struct verify_snapshot *snapshots; /* owned; all that were chosen */
    size_t snapshot_count;
    struct verify_reader *readers; /* owned */
    size_t reader_count;
    size_t reader_cap;
};
/* `count` snapshots are chosen. */
MUST_CHECK enum err verify_set_init(struct verify_set *set, const struct verify_options *options,
                                    size_t count);
void verify_set_clear(struct verify_set *set);

/* How many of the objects were read. */
uint64_t verify_read_count(const struct verify_set *set);

/* What several workers have found. */
struct verify_tally {
    atomic_ullong damaged;
    atomic_ullong unreadable;
};
void verify_count(struct verify_tally *tally, struct verify_result *out);

/* Say and count that `object` is damaged or cannot be read, and let nobody look at it again; any
 * other failure is passed on. For the one worker that has the object. */
MUST_CHECK enum err verify_note(struct verify_tally *tally, struct store *store, enum err rc,
                                struct verify_object *object);

/* The object of the set, or NULL; the same when it was found damaged or unreadable, else NULL. */
struct verify_object *verify_find(const struct verify_set *set, const struct manifest_object *o);
const struct verify_object *verify_find_damaged(const struct verify_set *set,
                                                const struct manifest_object *o);

/* Does the set know something else of that object, which the object bears out? */
bool verify_differs(const struct verify_set *set, const struct manifest_object *o);

/* The order of `objects`: for qsort() and bsearch(). */
int verify_by_id(const void *a, const void *b);
size_t verify_workers(const struct verify_options *o);
uint64_t verify_total_size(const struct verify_set *set);

/* verify_scopes.c: what the ledger knows of the scopes that a manifest reads from: each data key
 * whose record is gone is said and counted, for no command that goes by the ledger sees it. */
MUST_CHECK enum err verify_check_scopes(struct verify_set *set, const struct snapshot *of,
                                        const struct manifest *m, struct verify_result *out);

/* Add what a manifest names. ERR_CORRUPT: it says something else of an object than the manifests
 * before, and the object itself does not bear it out; the rest is added all the same. */
MUST_CHECK enum err verify_set_add(struct verify_set *set, const struct manifest *m);
/* All manifests are there: verify_find() works from now on. */
void verify_set_end(struct verify_set *set);

/* verify_unused.c: count what no live snapshot uses; the set has all of them, and no sample was
 * taken yet. */
MUST_CHECK enum err verify_count_unused(const struct verify_set *set, struct verify_result *out);

/* Presence, size, and from VERIFY_READ_DATA on the SHA-256 of every object. With VERIFY_DECRYPT
 * the packs are read by verify_set_decrypt() instead, once. */
MUST_CHECK enum err verify_set_check(struct verify_set *set, struct verify_result *out);

/* From here on in verify_decrypt.c: what needs the keys. */

/* How many data keys the opened snapshots hold on the secure heap. */
size_t verify_set_keys(const struct verify_set *set);

/* Open a snapshot of the set: every key, commitment and the index. ERR_CORRUPT; ERR_KEY_…. */
MUST_CHECK enum err verify_set_open(struct verify_set *set, struct verify_snapshot *s);

/* Read every block of the opened snapshots, once, and compare its digest; find out which of their
 * files are not whole; then close them. */
MUST_CHECK enum err verify_set_decrypt(struct verify_set *set, struct verify_result *out);

#endif
