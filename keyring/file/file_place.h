/*
 * Where the files of one keyring are: a directory that was opened once, and the names in it.
 *
 * Whoever may write in that directory, or turn a link on the way to it, decides from one moment to
 * the next what a path means. So a change resolves the path once, and then reads, checks and
 * replaces by name in one open directory, over no link: what is written over is what was checked.
 * Uses: core/base, core/fs.
 */
#ifndef KEYRING_FILE_FILE_PLACE_H
#define KEYRING_FILE_FILE_PLACE_H

#include <stdbool.h>

#include "core/base/bytes.h"
#include "core/base/err.h"

#define FILE_PREVIOUS ".previous"
#define FILE_LOCK ".lock"

struct file_place {
    int directory;  /* owned */
    char *path;     /* without links, for messages */
    char *name;     /* in the directory, as are the next two */
    char *previous; /* its copy */
    char *lock;
};

/* A link at the end of `path` is followed, so that the file is replaced and not the link; what is
 * not there has the name it would have. ERR_FAILED: its directory cannot be opened. */
MUST_CHECK enum err file_place_open(const char *path, struct file_place *out);
void file_place_clear(struct file_place *p);

/* Is something there, if only a dangling link? */
bool file_place_has(const struct file_place *p, const char *name);

#endif
