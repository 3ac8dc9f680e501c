/*
 * Look into a snapshot: list its files, write one out, export all as a tar.
 *
 * Uses: core, keyring, catalogue.
 */
#ifndef SNAPSHOT_BROWSE_BROWSE_H
#define SNAPSHOT_BROWSE_BROWSE_H

#include <stdbool.h>
#include <stdint.h>

#include "core/base/err.h"
#include "core/repository/repository.h"
#include "keyring/keyring.h"
#include "snapshot/format/snapshot_list.h"

struct browse_options {
    const struct repository *repository;
    struct keyring *keyring;
    const struct snapshot *snapshot;
    size_t envelope;
};

/* One file of a snapshot, for listing. Borrowed during the call. */
struct browse_file {
    const char *path;
    char type; /* as in ls -l: '-' 'd' 'l' 'p' */
    uint32_t mode;
    uint32_t uid, gid;
    const char *user, *group; /* "" when unknown */
    uint64_t size;
    int64_t mtime_ms; /* the nearest in the years 0 to 9999, which can be written */
    const char *link; /* target of a symlink, or the first name of a hard link; "" else */
    bool changed;     /* was being written while it was read */
};
typedef enum err browse_each(void *arg, const struct browse_file *file);
/* How many there will be. */
typedef void browse_begin(void *arg, uint64_t count);

/* Files that are meant by what was typed (choice.h; NULL: all) and below, in walk order.
 * With `begin` they are counted first. ERR_NOT_FOUND: nothing is. */
MUST_CHECK enum err browse_list(const struct browse_options *options, const char *const *only,
                                browse_begin *begin, browse_each *each, void *arg);

/* The content of one regular file to a descriptor; only its objects need be there, and are seen to
 * be before the first byte. ERR_NOT_FOUND; ERR_USAGE: not a regular file; ERR_CORRUPT. */
MUST_CHECK enum err browse_cat(const struct browse_options *options, const char *path, int fd);

/* All files (or those that are meant by `only`, as browse_list()) as a POSIX pax tar to a
 * descriptor. Before its first byte the objects that they need are seen to be there. With
 * `keep_going` every block of theirs is read first, and files that are not whole are left out: each
 * is said by log_say, and the tar of the rest ends with ERR_ATTENTION. */
MUST_CHECK enum err browse_export(const struct browse_options *options, const char *const *only,
                                  bool keep_going, int fd);

#endif
