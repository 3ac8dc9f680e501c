/*
 * Directories that nobody but us can enter: made so, or taken over for a while.
 *
 * Root that works in a directory of somebody else's does what that user makes of its names. So what
 * is filled lies in a guard directory, which is ours, 0700; and a directory that must be worked in
 * itself is taken over first and given back at the end. All by descriptor.
 * Uses: core.
 */
#ifndef SNAPSHOT_RESTORE_RESTORE_GUARD_H
#define SNAPSHOT_RESTORE_RESTORE_GUARD_H

#include <stdbool.h>
#include <sys/stat.h>

#include "core/base/err.h"

/* In each guard: a file of ours. It tells a guard from a directory of root's that somebody has
 * renamed, for whoever owns what that lies in may do so, and we remove what a killed restore left.
 */
#define GUARD_SIGN ".sealpoint-guard"

/* Open the guard `name` in `dir`: a directory of ours that nobody else can enter, with the sign.
 * ERR_NOT_FOUND: nothing has the name; ERR_FAILED: it is something else. */
MUST_CHECK enum err guard_open(int dir, const char *name, int *fd);
/* The same, made first; ERR_FAILED: the name is there already. */
MUST_CHECK enum err guard_make(int dir, const char *name, int *fd);
/* A directory in an open guard, without the sign. */
MUST_CHECK enum err guard_make_inside(int guard, const char *name, int *fd);

/* False where the file system keeps no modes (FAT): nothing can be taken over there. */
bool guard_has_modes(int guard);

/* Remove what a restore left under one of our names in `dir`: a guard with all that is in it, an
 * empty directory, or anything that is none. Nothing there is no error. ERR_FAILED: it is a
 * directory that is not ours. */
MUST_CHECK enum err guard_remove(int dir, const char *name);

/* Owner and mode of a directory into the file `name` in `dir`, behind `text`, durable; and back.
 * False: there is no such file of ours, and *look is as it was. */
MUST_CHECK enum err guard_keep_look(int dir, const char *name, const char *text,
                                    const struct stat *look);
bool guard_read_look(int dir, const char *name, struct stat *look);

/* Make an open directory ours, 0700: as root always, else as far as we may. Its default ACL goes
 * for good, also when the restore is undone. ERR_FAILED: root may not. */
MUST_CHECK enum err guard_take_over(int fd, const char *shown);

#endif
