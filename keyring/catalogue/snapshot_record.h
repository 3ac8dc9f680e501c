/*
 * The snapshot record: a complete snapshot, its key, its manifest (docs/FORMAT.md, 4.3).
 *
 * A backup fills a struct snapshot and has it written; every reader gets the same struct back.
 * Uses: core/ledger, record_key, rewrap_record.
 */
#ifndef KEYRING_CATALOGUE_SNAPSHOT_RECORD_H
#define KEYRING_CATALOGUE_SNAPSHOT_RECORD_H

#include <stdint.h>

#include "core/base/err.h"
#include "core/base/hash.h"
#include "core/base/jdoc.h"
#include "core/ledger/ledger.h"
#include "keyring/catalogue/snapshot_attention.h"
#include "keyring/keyring.h"

#define SNAPSHOT_ID_LEN 12    /* 4 bytes of time, 8 random */
#define SNAPSHOT_ID_TEXT 24   /* hex digits */
#define SNAPSHOT_WORD_MAX 32  /* snapshotType, frequencyType, status, sourceType */
#define SNAPSHOT_TEXT_MAX 255 /* description, replicaSetName, mongodVersion */

struct snapshot_totals {
    uint64_t files;        /* entries of type file, hard links too */
    uint64_t bytes;        /* of all files */
    uint64_t new_bytes;    /* plaintext stored by this snapshot itself */
    uint64_t stored_bytes; /* sealed bytes this snapshot itself added */
};

/* One decoded snapshot record; only the record is borrowed. A text that is not there is "". */
struct snapshot {
    const struct record *record; /* NULL: not written yet */
    char id[SNAPSHOT_ID_TEXT + 1];
    char snapshot_type[SNAPSHOT_WORD_MAX + 1];  /* "scheduled" or "onDemand" */
    char frequency_type[SNAPSHOT_WORD_MAX + 1]; /* "onDemand", "hourly", … */
    char description[SNAPSHOT_TEXT_MAX + 1];
    int64_t created_ms;
    int64_t started_ms;                /* when reading the source began */
    int64_t expires_ms;                /* 0: never */
    struct key_name recorded_key;      /* masterKey: as it was when the snapshot was taken */
    struct key_name effective_key;     /* what a restore needs now: after rewraps; not written */
    char parent[SNAPSHOT_ID_TEXT + 1]; /* "" for a base */
    char base[SNAPSHOT_ID_TEXT + 1];   /* the first of its chain, itself for a base */
    uint64_t chain_position;           /* 0 for a base */
    uint64_t chain_stored_bytes;       /* what the chain up to here stores */
    uint64_t chain_needed_bytes;       /* how much of that this snapshot still needs */
    char source_type[SNAPSHOT_WORD_MAX + 1]; /* what was read: "dbpath", … */
    struct snapshot_attention attention;
    struct snapshot_totals totals;
    uint64_t manifest_size;
    uint8_t manifest_sha256[HASH_LEN];
};

/* The members from "id" to "totals": what record and manifest both say. */
MUST_CHECK enum err snapshot_record_write_facts(const struct snapshot *from, struct jdoc **out);
/* All members: the facts, `own` (the data key of its own scope; its first envelope is by
 * from->recorded_key) and the manifest's size and digest. */
MUST_CHECK enum err snapshot_record_write(const struct snapshot *from, const struct data_key *own,
                                          struct jdoc **out);

/* Borrows the record. `ledger` may be NULL: nothing is known of rewraps then. ERR_CORRUPT: a
 * member is missing or not as the format has it;
 * ERR_UNSUPPORTED: a status this release does not know. *out is of no use then. */
MUST_CHECK enum err snapshot_record_read(const struct ledger *ledger, const struct record *from,
                                         struct snapshot *out);
/* Would a record with these members be taken as a snapshot? ERR_CORRUPT, ERR_UNSUPPORTED: no. */
MUST_CHECK enum err snapshot_record_check(const struct ledger *ledger, const struct jdoc *body);

/* Of any snapshot record, a damaged one too: its "id". ERR_CORRUPT: there is none. */
MUST_CHECK enum err snapshot_record_read_id(const struct record *from,
                                            char out[SNAPSHOT_ID_TEXT + 1]);
/* "id" and "parent" as they stand, ids or not: at most SNAPSHOT_ID_TEXT bytes, borrowed from the
 * record; *parent is NULL when it has none. ERR_CORRUPT: no "id", or not of that form. */
MUST_CHECK enum err snapshot_record_raw_id(const struct record *from, const char **id);
MUST_CHECK enum err snapshot_record_raw_parent(const struct record *from, const char **parent);

#endif
