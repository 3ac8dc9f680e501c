/*
 * What the dir_*.c files of the dir driver share: the open root and the safe walk below it.
 *
 * Every step is an openat() below the root's descriptor that follows no link: whoever can write
 * into the store must not be able to lead us out of it.
 * Uses: driver.
 */
#ifndef CORE_STORE_DIR_INTERNAL_H
#define CORE_STORE_DIR_INTERNAL_H

#include <pthread.h>
#include <stdbool.h>
#include <sys/types.h>

#include "core/store/driver.h"

#define DIR_TMP "tmp"

struct dir {
    int root;       /* owned */
    char *where;    /* owned */
    gid_t group;    /* the root directory's */
    bool is_shared; /* that group may read it */
    pthread_mutex_t lock;
    char **synced; /* owned; directories whose names are known to be on disk; under `lock` */
    size_t synced_count, synced_cap;
};

/* Open the directory `name` in the open directory `dir`, not following links. -1 with errno. */
int dir_enter(int dir, const char *name);

/* Let the group that may read the store's root directory read what was just made in it, too, a file
 * or a directory; never write. On a file system that keeps no owners it stays ours. */
void dir_share(const struct dir *d, int fd, bool is_directory);

/* Open the directory named by the first `len` bytes of the object name `name`; the caller closes
 * it. ERR_NOT_FOUND: it does not exist; other errors as dir_refuse(). */
MUST_CHECK enum err dir_walk(const struct dir *d, const char *name, size_t len, int *out);

/* As dir_walk(), but creates what is missing, and syncs so that the names of all these directories
 * survive a power failure. */
MUST_CHECK enum err dir_make(struct dir *d, const char *name, size_t len, int *out);

/* Turn errno into the error of `doing` ("reading", …) something with `name`, with a hint.
 * ERR_NOT_FOUND, ERR_EXISTS, ERR_CORRUPT (something else is there), or ERR_STORAGE. */
enum err dir_refuse(const struct dir *d, const char *doing, const char *name);

/* The length of what precedes the last part of `name`, without the slash; and the last part. */
size_t dir_parent_len(const char *name);
const char *dir_leaf(const char *name);

/* The driver's calls that have a file of their own. */
enum err dir_put_begin(void *self, const char *name, void **put);
enum err dir_put_write(void *put, struct bytes more);
enum err dir_put_commit(void *put);
void dir_put_free(void *put);
enum err dir_list(void *self, const char *prefix, store_each *each, void *arg);
enum err dir_sweep(void *self);

#endif
