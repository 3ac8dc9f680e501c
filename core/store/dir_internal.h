/*
 * What the files of the dir driver share: the open root and the safe walk below it.
 *
 * Every step is an openat() below the root's descriptor that follows no link: whoever can write
 * into the store must not be able to lead us out of it.
 * Uses: core/base, core/fs.
 */
#ifndef CORE_STORE_DIR_INTERNAL_H
#define CORE_STORE_DIR_INTERNAL_H

#include <pthread.h>

#include "core/store/driver.h"

#define DIR_TMP "tmp"

struct dir {
    int root;    /* owned */
    char *where; /* owned */
    pthread_mutex_t lock;
    char **synced; /* owned; folders whose own names are known to last; under `lock` */
    size_t synced_count, synced_cap;
};

/* The open folder `name` in the open folder `at`; -1 with errno. */
int dir_enter(int dir, const char *name);

/* Open the folder that is the first `len` bytes of the object name `name`; the caller closes it.
 * ERR_NOT_FOUND when it is not there. */
MUST_CHECK enum err dir_walk(const struct dir *d, const char *name, size_t len, int *out);

/* As dir_walk, but makes what is missing, and ensures that the names of all these folders last. */
MUST_CHECK enum err dir_make(struct dir *d, const char *name, size_t len, int *out);

/* Turn errno into the error for `doing` ("reading", …) something with `name`. */
enum err dir_refuse(const struct dir *d, const char *doing, const char *name);

/* The bytes of `name` before its last part, and that part. */
size_t dir_folder_len(const char *name);
const char *dir_leaf(const char *name);

/* The driver's calls that have a file of their own. */
enum err dir_put_begin(void *self, const char *name, void **put);
enum err dir_put_write(void *put, struct bytes more);
enum err dir_put_commit(void *put);
void dir_put_free(void *put);
enum err dir_list(void *self, const char *prefix, store_each *each, void *arg);
enum err dir_sweep(void *self);

#endif
