/*
 * What a restore with --delta has taken away or made, so that it can be undone as long as no file's
 * content was overwritten.
 *
 * What is replaced or removed is moved to a guard directory and stays there until the restore has
 * committed. Where it may not be moved (it lies on another file system) it is removed, and the
 * restore cannot be undone any more. Uses: core, restore_guard.
 */
#ifndef SNAPSHOT_RESTORE_RESTORE_KEEP_H
#define SNAPSHOT_RESTORE_RESTORE_KEEP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/stat.h>

#include "core/base/err.h"

struct keep_step;

/* The guard is borrowed; the rest is this file's own. */
struct restore_keep {
    int guard;
    struct keep_step *steps; /* owned */
    size_t count;
    size_t cap;
    uint64_t number; /* of the last name that was kept */
    bool is_lost;    /* something is gone for good */
};

void keep_init(struct restore_keep *k, int guard);
void keep_clear(struct restore_keep *k);

/* All paths are relative to the root of the tree. Move `name` in `dir` away: ERR_FAILED: neither
 * moved nor removed. */
MUST_CHECK enum err keep_away(struct restore_keep *k, const char *path, int dir, const char *name);
/* It was not there, and we make it. */
MUST_CHECK enum err keep_made(struct restore_keep *k, const char *path);
/* The directory, open as `fd`, is about to be taken over. */
MUST_CHECK enum err keep_look(struct restore_keep *k, const char *path, int fd);

/* Undo all steps, the last first; the root is still ours, and is left so. ERR_FAILED: not all could
 * be undone; the rest was. */
MUST_CHECK enum err keep_undo(struct restore_keep *k, int root);

#endif
