/*
 * A source names files and gives their content: a directory, a tar, one raw stream.
 *
 * One table a kind. A directory is read by many workers at once, each by position; a stream comes
 * in order, so it is read while it is claimed.
 * Uses: core, entry.
 */
#ifndef SNAPSHOT_SOURCE_SOURCE_H
#define SNAPSHOT_SOURCE_SOURCE_H

#include <stdbool.h>
#include <stdint.h>

#include "core/base/err.h"
#include "keyring/catalogue/snapshot_attention.h"
#include "snapshot/format/entry.h"
#include "snapshot/source/source_clock.h"
#include "snapshot/source/source_type.h"

struct source_driver {
    void (*free)(void *self);
    /* The next file's name, type, size, times and ENTRY_SETTLED into `e` (reset by the caller);
     * *more is false at the end. What is left out is passed over; what vanished or cannot be kept
     * is said by log_say and counted by *attention. */
    enum err (*next)(void *self, struct entry *e, bool *more, struct snapshot_attention *attention);
    /* The rest of the metadata (owner names, xattrs, ACL, extents, link target) of that file, and
     * for a regular one its descriptor: a file that changed since next() is described as it is now.
     * *fd is -1 for other types and for streams. ERR_NOT_FOUND: it vanished. */
    enum err (*describe)(void *self, struct entry *e, int *fd);
    /* Streams only: the next bytes of that file's content; *got is less than `len` at its end. */
    enum err (*read)(void *self, void *to, size_t len, size_t *got);
};

struct source {
    const struct source_driver *driver;
    void *self;                /* owned */
    const char *type;          /* SOURCE_TYPE_… */
    bool is_stream;            /* content comes by read(), in order */
    bool size_is_unknown;      /* one file, as long as it is: its entry is spooled at its end */
    bool is_sorted;            /* next() gives the order of path_compare(), parents first */
    uint64_t warned;           /* warnings said when it was opened: they count as attention */
    uint64_t total_len;        /* bytes of content, 0 when not known */
    struct source_marks marks; /* of a directory; a stream's are not known */
};

struct source_options {
    const char *path;         /* a directory, or "-" for standard input */
    const char *const *apart; /* see source_dir_open() */
    bool any_directory;       /* see source_type_find() */
    const char *stream_name;  /* see source_stream_open(); NULL: "stream" */
};

/* Whichever kind `path` names; the kinds are a table in source.c. *out is untouched when this
 * fails; the errors are those of the kind. */
MUST_CHECK enum err source_open(const struct source_options *options, struct source *out);
void source_free(struct source *s);

/* A directory, by the rules of dbpath.h if it is one. `any`, and the directories that are refused
 * (ERR_USAGE): see source_type_find().
 * `apart` names directories that are left out, with a warning, where they lie inside
 * (NULL-terminated): the repository and the state directory must not back themselves up. ERR_USAGE
 * when `path` is one of them or lies in one. */
MUST_CHECK enum err source_dir_open(const char *path, const char *const *apart, bool any,
                                    struct source *out);

/* Standard input (or another descriptor, borrowed): a tar becomes files, anything else one file
 * with this name. ERR_USAGE: nothing comes. */
MUST_CHECK enum err source_stream_open(int fd, const char *name, struct source *out);

#endif
