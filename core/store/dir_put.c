#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "core/base/hash.h"
#include "core/base/mem.h"
#include "core/base/rand.h"
#include "core/base/text.h"
#include "core/fs/file.h"
#include "core/fs/file_name.h"
#include "core/store/dir_internal.h"

/*
 * How an object gets its name, whole and durable, or does not get it:
 *
 *   1. begin: create a temporary with a random name in the directory "tmp" and lock it.
 *   2. write: append to it; the disk is told early to start (WRITE_BEHIND).
 *   3. commit: fdatasync the temporary; create the object's directory and make that durable; link()
 *      the temporary to its name, which fails with EEXIST when the name is taken (where there are
 * no links: file_name.c); unlink() the temporary; fsync the directory. Only now is the object
 *      reported as stored.
 *
 * When a step fails, what was done is undone, in reverse. A run that is killed leaves a temporary,
 * or after the link() an object that is whole but was never reported. The first is removed by
 * dir_sweep(); the second is data that no record names, or a record that the next run reads.
 *
 * The sweep tells a temporary that was left behind from one that is being written by the lock: the
 * kernel releases it when its process ends. Between creating a temporary and locking it, a sweep
 * may remove it; the put then sees that no name is left and starts with a new one.
 */
#define TMP_RANDOM_LEN 16

/* Writing to disk begins after this many bytes, so that the sync at the end need not wait for all.
 */
#define WRITE_BEHIND (8 * MIB)

struct put {
    struct dir *dir;
    char *name;                             /* owned */
    int tmp;                                /* owned: the directory of temporaries */
    int fd;                                 /* owned: the temporary */
    char temporary[2 * TMP_RANDOM_LEN + 1]; /* its name; "" when it is gone */
    uint64_t written, started; /* bytes written; of those, how many the disk was told to start on */
};

/* Opens the directory of temporaries, creating it on first use. */
static enum err open_tmp(const struct dir *d, int *out)
{
    *out = dir_enter(d->root, DIR_TMP);
    if (*out < 0 && errno == ENOENT && (mkdirat(d->root, DIR_TMP, 0700) == 0 || errno == EEXIST))
        *out = dir_enter(d->root, DIR_TMP);
    if (*out >= 0)
        return ERR_OK;
    if (errno == ENOENT)
        return err_set(ERR_STORAGE, "%s was removed while it was in use", d->where);
    return dir_refuse(d, "opening the directory", DIR_TMP);
}

static enum err create_temporary(struct put *p)
{
    uint8_t random[TMP_RANDOM_LEN];
    enum err rc;

    TRY(rand_fill(random, sizeof random));
    text_hex(bytes_of(random, sizeof random), p->temporary);
    p->fd =
        openat(p->tmp, p->temporary, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
    if (p->fd < 0) {
        rc = dir_refuse(p->dir, "writing", p->name);
        p->temporary[0] = '\0';
        goto out;
    }
    dir_share(p->dir, p->fd, false);
out:
    return rc;
}

/* Locks the temporary. False when a sweep holds it or has already removed its name. A file system
 * that knows no locks gives another error, and the temporary is used all the same. */
static bool claim_temporary(const struct put *p)
{
    struct stat st;

    if (flock(p->fd, LOCK_EX | LOCK_NB) != 0 && errno == EWOULDBLOCK)
        return false;
    return fstat(p->fd, &st) == 0 && st.st_nlink > 0;
}

static enum err open_temporary(struct put *p)
{
    enum err rc;

    TRY(create_temporary(p));
    while (!claim_temporary(p)) {
        close(p->fd);
        TRY(create_temporary(p));
    }
out:
    return rc;
}

enum err dir_put_begin(void *self, const char *name, void **put)
{
    struct put *p = NULL;
    enum err rc;

    TRY(mem_new(1, sizeof *p, &p));
    p->dir = self;
    p->tmp = p->fd = -1;
    TRY(mem_text(name, &p->name));
    TRY(open_tmp(p->dir, &p->tmp));
    TRY(open_temporary(p));
    *put = p;
    p = NULL;
out:
    dir_put_free(p);
    return rc;
}

enum err dir_put_write(void *put, struct bytes more)
{
    struct put *p = put;

    if (file_write(p->fd, more) != ERR_OK)
        return dir_refuse(p->dir, "writing", p->name);
    p->written += more.len;
    if (p->written - p->started >= WRITE_BEHIND) {
        /* Only an early start: fdatasync() at the end reports what goes wrong. */
        sync_file_range(p->fd, (off_t)p->started, (off_t)(p->written - p->started),
                        SYNC_FILE_RANGE_WRITE);
        p->started = p->written;
    }
    return ERR_OK;
}

/* Over NFS, link() may fail although it succeeded: the first reply was lost and the server refuses
 * the repetition. The link count tells (open(2), O_EXCL). errno stays that of link(). */
static bool has_its_name(const struct put *p)
{
    int why = errno;
    struct stat st;
    bool has = fstat(p->fd, &st) == 0 && st.st_nlink == 2;

    errno = why;
    return has;
}

/* The same for all who write this object, and in the form of a temporary's name: a sweep removes
 * what a killed run leaves. */
static enum err name_claim(const char *name, char out[2 * TMP_RANDOM_LEN + 1])
{
    uint8_t digest[HASH_LEN];
    enum err rc;

    TRY(hash_of(bytes_of(name, strlen(name)), digest));
    text_hex(bytes_of(digest, TMP_RANDOM_LEN), out);
out:
    return rc;
}

/* Gives the complete temporary its name in the open directory. If that cannot be made durable the
 * name is removed again: a put has happened or it has not. */
static enum err make_real(struct put *p, int directory)
{
    const char *leaf = dir_leaf(p->name);
    char claim[2 * TMP_RANDOM_LEN + 1];
    bool moved = false;
    enum err rc;

    TRY(name_claim(p->name, claim));
    if (file_name_give(p->tmp, p->temporary, directory, leaf, claim, &moved) != 0 &&
        !has_its_name(p))
        return dir_refuse(p->dir, "writing", p->name);
    if (moved || unlinkat(p->tmp, p->temporary, 0) == 0) {
        p->temporary[0] = '\0';
        if (fsync(directory) == 0)
            return ERR_OK;
    }
    rc = dir_refuse(p->dir, "writing", p->name);
    if (unlinkat(directory, leaf, 0) != 0 || fsync(directory) != 0)
        err_note("the object may reappear");
out:
    return rc;
}

enum err dir_put_commit(void *put)
{
    struct put *p = put;
    int directory = -1;
    enum err rc;

    /* The content before the name: a name must never refer to bytes that are not on disk. */
    if (fdatasync(p->fd) != 0) {
        rc = dir_refuse(p->dir, "writing", p->name);
        goto out;
    }
    TRY(dir_make(p->dir, p->name, dir_parent_len(p->name), &directory));
    TRY(make_real(p, directory));
out:
    if (directory >= 0)
        close(directory);
    /* To a writer, a directory that disappeared is a fault of the storage. */
    return rc == ERR_NOT_FOUND ? ERR_STORAGE : rc;
}

void dir_put_free(void *put)
{
    struct put *p = put;

    if (p == NULL)
        return;
    if (p->fd >= 0)
        close(p->fd);
    if (p->temporary[0] != '\0')
        unlinkat(p->tmp, p->temporary, 0);
    if (p->tmp >= 0)
        close(p->tmp);
    mem_free(p->name);
    mem_free(p);
}
