/*
 * The objects of several snapshots, each looked at once however many of them use it.
 *
 * Uses: core, snapshot_reader, plan.
 */
#ifndef SNAPSHOT_VERIFY_VERIFY_DATA_H
#define SNAPSHOT_VERIFY_VERIFY_DATA_H

#include <stdatomic.h>
#include <stdbool.h>

#include "core/base/err.h"
#include "snapshot/read/plan.h"
#include "snapshot/read/snapshot_reader.h"
#include "snapshot/verify/verify.h"

struct verify_object {
    struct manifest_object facts; /* first: verify_by_id() compares these too */
    bool damaged;                 /* or unreadable: found and said already */
};

struct verify_set {
    const struct verify_options *options;
    struct verify_object *objects; /* owned; sorted by id, each once */
    size_t count;
    size_t cap;
    struct snapshot_reader *readers; /* owned; snapshots that are being decrypted */
    size_t reader_count;
    size_t reader_cap;
};
void verify_set_clear(struct verify_set *set);

/* What several workers have found. */
struct verify_tally {
    atomic_ullong damaged;
    atomic_ullong unreadable;
};
void verify_count(struct verify_tally *tally, struct verify_result *out);

/* True for ERR_STORAGE when the store itself still answers: then it is this one thing that cannot
 * be read. Leaves the message. */
bool verify_is_unreadable(struct store *store, enum err rc);

/* Say and count that `object` is damaged or cannot be read, and let nobody look at it again; any
 * other failure is passed on. For the one worker that has the object. */
MUST_CHECK enum err verify_note(struct verify_tally *tally, struct store *store, enum err rc,
                                struct verify_object *object);

/* The order of `objects`: for qsort() and bsearch(). */
int verify_by_id(const void *a, const void *b);
size_t verify_workers(const struct verify_options *o);
uint64_t verify_total_size(const struct verify_set *set);

/* Add what a manifest names. */
MUST_CHECK enum err verify_set_add(struct verify_set *set, const struct manifest *m);

/* verify_unused.c: count what no live snapshot uses; the set has all of them, and no sample was
 * taken yet. */
MUST_CHECK enum err verify_count_unused(const struct verify_set *set, struct verify_result *out);

/* Presence, size, and from VERIFY_READ_DATA on the SHA-256 of every object. With VERIFY_DECRYPT
 * the packs are read by verify_set_decrypt() instead, once. */
MUST_CHECK enum err verify_set_check(struct verify_set *set, struct verify_result *out);

/* From here on in verify_decrypt.c: what needs the keys. */

/* How many data keys the opened snapshots hold on the secure heap. */
size_t verify_set_keys(const struct verify_set *set);

/* Open a snapshot: every key, commitment and the index. ERR_CORRUPT; ERR_KEY_…. */
MUST_CHECK enum err verify_set_open(struct verify_set *set, const struct snapshot *s);

/* Read every block of the opened snapshots, once, and compare its digest; then close them. */
MUST_CHECK enum err verify_set_decrypt(struct verify_set *set, struct verify_result *out);

#endif
