/*
 * Verify snapshots, in three depths, the two lesser ones without a key; the deeper two may be done
 * for a random sample of the objects.
 *
 * Uses: core, keyring, catalogue.
 */
#ifndef SNAPSHOT_VERIFY_VERIFY_H
#define SNAPSHOT_VERIFY_VERIFY_H

#include <stdbool.h>

#include "core/base/err.h"
#include "core/repository/repository.h"
#include "keyring/keyring.h"
#include "snapshot/format/progress.h"
#include "snapshot/format/snapshot_list.h"

enum verify_depth {
    VERIFY_PRESENCE,  /* keyless: chain, signatures, manifests, presence and size of every object */
    VERIFY_READ_DATA, /* keyless: and the SHA-256 of every sealed object */
    VERIFY_DECRYPT    /* everything opened and every block compared with its digest */
};

/* What verify_run() has found of one snapshot. Borrowed during the call. */
struct verify_verdict {
    const struct snapshot *snapshot;
    bool is_sound;        /* nothing damaged was found: all of the following is 0 */
    bool is_locked;       /* its key was refused, so it was not decrypted */
    bool is_unreadable;   /* all that was found is what could not be read: it may be sound */
    bool is_lost;         /* manifest or index is damaged: nothing of it can be restored */
    uint64_t objects;     /* that it needs */
    uint64_t bad_objects; /* of these, damaged, missing or unreadable */
    bool has_files;       /* its index was opened: the following is known */
    uint64_t files;       /* regular ones */
    uint64_t bad_files;
    const char *const *paths; /* of those, NULL-terminated, at most VERIFY_PATHS_MAX */
};
#define VERIFY_PATHS_MAX 1000
typedef enum err verify_each(void *arg, const struct verify_verdict *v);

/* One thing that is damaged, and one of the snapshots that it touches. Borrowed during the call. */
struct verify_damage {
    const char *name; /* in the store */
    const char *reason;
    bool is_unreadable;
    const struct snapshot *snapshot;
};
typedef enum err verify_touch(void *arg, const struct verify_damage *d);

struct verify_options {
    const struct repository *repository; /* opened with read_all */
    struct keyring *keyring;             /* only VERIFY_DECRYPT; else NULL */
    const struct snapshot_list *snapshot_list;
    const struct snapshot *const *snapshots; /* which; NULL: all live ones */
    size_t snapshot_count;
    enum verify_depth depth;
    double sample; /* share of objects to read, (0, 1]; 1: all. Chosen at random each time */
    size_t envelope;
    size_t workers;
    struct progress *progress;
    verify_each *each; /* or NULL: at the end, for every snapshot that is not damaged as a record */
    verify_touch *touch; /* or NULL: before that, for each damage of that snapshot */
    void *arg;           /* of both */
};

struct verify_result {
    uint64_t snapshots;    /* whose manifest is sound */
    uint64_t sound;        /* snapshots of which nothing damaged was found */
    uint64_t objects;      /* there and of the right size, or damaged */
    uint64_t read_objects; /* of these, those whose data was read, and not only their size: none of
                            * them when their snapshots are locked */
    uint64_t bytes;        /* read and checked */
    uint64_t damaged;      /* objects; each was said by log_say */
    uint64_t unreadable;   /* the same: reading gave an error, and the store is there */
    uint64_t unused;       /* objects and manifests of no live snapshot; when all were verified and
                            * all manifests are sound */
    uint64_t unused_bytes;
    uint64_t locked;  /* snapshots that were not decrypted, for their key was refused */
    bool is_complete; /* it came to its end, and every verdict was given */
    uint64_t unseen;  /* data keys whose snapshot record is gone; each was said by log_say */
    uint64_t records; /* damaged ones that a checkpoint's bundle makes up for */
    uint64_t stale;   /* data keys whose first envelope was passed over; each was said by log_say */
};

/* Goes on after damage, so that all of it is named; a refused key does not hide the damage of
 * others. An error that `each` returns is passed on. In this order: ERR_CORRUPT when anything is
 * damaged; ERR_STORAGE when anything cannot be read (at once, when the store is gone);
 * ERR_KEY_INVALID, ERR_KEY_UNREACHABLE or ERR_USAGE (no such key configured) of the first key that
 * was refused; ERR_ATTENTION when a bundle or an older envelope had to do. */
MUST_CHECK enum err verify_run(const struct verify_options *options, struct verify_result *out);

#endif
