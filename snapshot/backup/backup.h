/*
 * Take a snapshot: source → ranges → workers → packs → index → manifest → record.
 *
 * The record is the commit point: what has no record does not exist.
 * Uses: core, keyring, catalogue.
 */
#ifndef SNAPSHOT_BACKUP_BACKUP_H
#define SNAPSHOT_BACKUP_BACKUP_H

#include "core/base/err.h"
#include "core/repository/repository.h"
#include "keyring/keyring.h"
#include "snapshot/format/progress.h"
#include "snapshot/format/snapshot_list.h"

/* When a chain ends and the next snapshot is a full base. */
#define BACKUP_CHAIN_AGE_MS (7 * CLOCK_DAY_MS)
#define BACKUP_CHAIN_LENGTH 28

struct backup_options {
    const struct repository *repository;
    struct keyring *keyring;
    const char *source;      /* a directory, or "-" for standard input (a tar or one stream) */
    const char *stream_name; /* the file name of a raw stream; NULL: "stream" */
    const char *description; /* or NULL */
    const char *snapshot_type;
    const char *frequency_type;
    int64_t expires_ms;    /* 0: never */
    bool full;             /* a base, whatever the chain says */
    bool any_directory;    /* of a directory that is neither dbpath nor mongodump's, too */
    bool read_all;         /* read files whose times say they are unchanged */
    size_t workers;        /* 0: as many as processors */
    int64_t chain_age_ms;  /* 0: the default */
    uint64_t chain_length; /* 0: the default */
    struct progress *progress;
};

struct backup_result {
    char id[SNAPSHOT_ID_TEXT + 1];
    bool is_base;
    char why_base[120]; /* "first snapshot", "the active key version changed", … ; "" if not */
    struct snapshot_totals totals;
    uint64_t attention; /* all that was warned of: what the record says, and a damaged parent */
};

/*
 * A checkpoint of the ledger that is due then is the caller's to write.
 * ERR_OK: objects and record are durable. ERR_ATTENTION: the same, but files changed or vanished
 * while they were read, or a dbpath looked wrong (each was said by log_say). Anything else: no
 * snapshot was made and what was written for it is removed again. ERR_BUSY: another backup runs.
 * ERR_USAGE: a text is too long or not clean, the source is no directory, is empty, neither a
 * dbpath nor mongodump's, no dbpath though the last snapshot was of one, or a database that must
 * not be copied (initial sync). ERR_KEY_…: no data key.
 */
MUST_CHECK enum err backup_run(const struct backup_options *options, struct backup_result *out);

#endif
