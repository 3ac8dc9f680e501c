/*
 * Whether a process has the database in a dbpath open now.
 *
 * That mongod.lock is not empty proves nothing: a frozen copy of a running node has the same pid in
 * it, and so has what a killed one left. The kernel's locks are on the files that a process has
 * open, never on a copy of them: WiredTiger, and so every mongod, locks WiredTiger.lock (fcntl) as
 * long as it has the database open. We only ask, and take no lock, not even for a moment: a mongod
 * that starts just then must not meet ours.
 * Uses: nothing.
 */
#ifndef SNAPSHOT_SOURCE_DBPATH_LOCK_H
#define SNAPSHOT_SOURCE_DBPATH_LOCK_H

#include <stdbool.h>

/* The name of the lock file in the open directory `dir` that a process holds, or NULL. What another
 * kernel holds is seen only where the file system says so (NFS does, sshfs and virtiofs do not). */
const char *dbpath_lock_held(int dir);

#endif
