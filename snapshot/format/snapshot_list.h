/*
 * The snapshots of a repository: their records, decoded. The list of snapshots is a fold over the
 * ledger.
 *
 * Uses: core, keyring.
 */
#ifndef SNAPSHOT_FORMAT_SNAPSHOT_LIST_H
#define SNAPSHOT_FORMAT_SNAPSHOT_LIST_H

#include <stdbool.h>
#include <stdint.h>

#include "core/base/err.h"
#include "core/ledger/ledger.h"
#include "keyring/keyring.h"

#define SNAPSHOT_ID_LEN 12    /* 4 bytes of time, 8 random */
#define SNAPSHOT_ID_TEXT 24   /* hex digits */
#define SNAPSHOT_WORD_MAX 32  /* snapshotType, frequencyType, status */
#define SNAPSHOT_TEXT_MAX 255 /* description, replicaSetName, mongodVersion */

struct snapshot_totals {
    uint64_t files;
    uint64_t bytes;        /* of all files */
    uint64_t new_bytes;    /* plaintext stored by this snapshot itself */
    uint64_t stored_bytes; /* sealed bytes this snapshot itself added */
};

/* One decoded snapshot record; texts are borrowed from the ledger. */
struct snapshot {
    const struct record *record;
    char id[SNAPSHOT_ID_TEXT + 1];
    const char *snapshot_type;  /* "scheduled" or "onDemand" */
    const char *frequency_type; /* "ondemand", "hourly", … */
    const char *description;    /* or NULL */
    int64_t created_ms;
    int64_t started_ms;                /* when reading the source began */
    int64_t expires_ms;                /* 0: never */
    struct key_name recorded_key;      /* masterKey: as it was when the snapshot was taken */
    struct key_name effective_key;     /* what a restore needs now: after rewraps */
    char parent[SNAPSHOT_ID_TEXT + 1]; /* "" for a base */
    char base[SNAPSHOT_ID_TEXT + 1];   /* the first of its chain, itself for a base */
    uint64_t chain_position;           /* 0 for a base */
    uint64_t chain_stored_bytes;       /* what the chain up to here stores */
    uint64_t chain_needed_bytes;       /* how much of that this snapshot still needs */
    struct snapshot_totals totals;
    uint64_t manifest_size;
    uint8_t manifest_sha256[HASH_LEN];
};

/* A live record that is signed as it should be and still is no snapshot: it does not decode, or
 * another has the same id. A writer that was taken over can make one; it must not hide the rest. */
#define SNAPSHOT_REASON_MAX 255
struct damaged_snapshot {
    const struct record *record;   /* the ledger's */
    char id[SNAPSHOT_ID_TEXT + 1]; /* "" when it cannot be read */
    enum err code;                 /* ERR_CORRUPT or ERR_UNSUPPORTED */
    char reason[SNAPSHOT_REASON_MAX + 1];
};

struct snapshot_list {
    struct snapshot *items; /* live ones, oldest first; owned */
    size_t count;
    struct damaged_snapshot *damaged; /* in no `items`; owned */
    size_t damaged_count;
};

/* Borrows from `ledger`. */
MUST_CHECK enum err snapshot_list_read(const struct ledger *ledger, struct snapshot_list *out);
void snapshot_list_clear(struct snapshot_list *c);

/* By id, unique prefix (at least 6 digits), or "latest", which is never a damaged one.
 * ERR_NOT_FOUND lists what there is; ERR_USAGE: the prefix fits several; ERR_CORRUPT,
 * ERR_UNSUPPORTED: that one is damaged, and why. */
MUST_CHECK enum err snapshot_list_find(const struct snapshot_list *c, const char *name,
                                       const struct snapshot **out);

/* Would a record with these members be taken as a snapshot? ERR_CORRUPT, ERR_UNSUPPORTED: no. */
MUST_CHECK enum err snapshot_list_check_body(const struct ledger *ledger, const struct jdoc *body);

#endif
