/*
 * What a WiredTiger dbpath holds: what is copied, what is left out, what is worth a warning.
 *
 * A directory with the file "WiredTiger" is a dbpath; any other is copied whole. The rules are
 * MongoDB's: locks, metrics, scratch and pre-allocated log files are no part of the data. Nor are
 * lost+found and what begins with ".sealpoint-".
 * Uses: core/base.
 */
#ifndef SNAPSHOT_SOURCE_DBPATH_H
#define SNAPSHOT_SOURCE_DBPATH_H

#include <stdbool.h>
#include <stdint.h>

#include "core/base/bytes.h"
#include "core/base/err.h"

/* True when the directory holds a WiredTiger database. */
bool dbpath_is_one(int dir);

/* A dbpath that must not be copied: ERR_USAGE with why and what to do (an unfinished initial
 * sync, or restore; a file without which mongod does not start is missing, which is a warning only
 * with `any` true). Says by log_say what may be wrong: a running mongod, one that was not shut down
 * and left no journal, no storage.bson, no history store, both kinds of metadata. *warned counts
 * them: a snapshot of such a source needs attention. */
MUST_CHECK enum err dbpath_examine(int dir, bool any, uint64_t *warned);

/* True, and said by log_say, when a process has the database open now. */
bool dbpath_warn_if_open(int dir);

/* A directory that a restore has begun to fill and not finished, whatever it holds: ERR_USAGE.
 * `path` is the open directory `dir`'s, for what lies beside it; when it was renamed, or is come to
 * by a bind mount, the link that keeps mongod out still tells. */
MUST_CHECK enum err dbpath_require_finished(int dir, const char *path);

/* True for a path of a dbpath (relative to it) that is left out, and everything below it. */
bool dbpath_leaves_out(struct bytes path);

/* ERR_BUSY when `dir`'s mongod.lock is not empty, or locked: a mongod runs there or was killed, or
 * it starts just now. */
MUST_CHECK enum err dbpath_require_stopped(int dir, const char *name);

#endif
