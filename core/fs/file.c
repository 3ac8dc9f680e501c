#include "core/fs/file.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <libgen.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "core/base/log.h"
#include "core/base/mem.h"
#include "core/base/rand.h"
#include "core/base/text.h"
#include "core/fs/file_name.h"

/*
 * A file appears whole or not at all. file_replace() and file_create() do the same steps:
 *
 *   1. Write the content to "<path>.tmp-<random>" in the same directory, with the final mode, and
 *      fsync it. Until now the name `path` has not been touched.
 *   2. Give it its name: rename() replaces what was there; file_name_give() fails when there is
 *      something.
 *   3. fsync the directory, so that the name survives a power failure too.
 *
 * A run that is killed leaves a temporary at most, besides the old file or the new one. Its name
 * says what it is, so file_sweep() can remove it, but only when no other run writes the same path:
 * the callers hold a lock.
 *
 * file_temporary() is for data that never gets a name. O_TMPFILE does that; where the file system
 * does not support it, the file is created under a temporary name that is removed at once.
 */
#define READ_STEP (64 * KIB)
#define TEMPORARY_MARK ".tmp-"
#define TEMPORARY_RANDOM_LEN 8
#define UNNAMED_BASE "unnamed"
/* In the form of a temporary's, so that it is swept like one. */
#define CLAIM_RANDOM "c1a1c1a1c1a1c1a1"

/* As err_sys(), but errno is preserved: the store driver turns it into a message of its own. */
static enum err failed_doing(const char *doing)
{
    int cause = errno;
    enum err rc = err_sys(ERR_FAILED, "%s", doing);

    errno = cause;
    return rc;
}

/* Signals interrupt no single write here; a caller checks for them between its own steps. */
enum err file_write(int fd, struct bytes what)
{
    while (what.len > 0) {
        ssize_t done = write(fd, what.data, what.len);

        if (done < 0 && errno == EINTR)
            continue;
        if (done < 0)
            return failed_doing("writing");
        what.data += done;
        what.len -= (size_t)done;
    }
    return ERR_OK;
}

enum err file_write_at(int fd, struct bytes what, uint64_t offset)
{
    while (what.len > 0) {
        ssize_t done = pwrite(fd, what.data, what.len, (off_t)offset);

        if (done < 0 && errno == EINTR)
            continue;
        if (done < 0)
            return failed_doing("writing");
        what.data += done;
        what.len -= (size_t)done;
        offset += (uint64_t)done;
    }
    return ERR_OK;
}

/* A short read is repeated until it returns 0: network file systems may return less than asked for.
 */
enum err file_read_at(int fd, void *to, size_t len, uint64_t offset, size_t *got)
{
    uint8_t *data = to;
    size_t have = 0;

    while (have < len) {
        ssize_t done = pread(fd, data + have, len - have, (off_t)(offset + have));

        if (done < 0 && errno == EINTR)
            continue;
        if (done < 0)
            return failed_doing("reading");
        if (done == 0)
            break;
        have += (size_t)done;
    }
    *got = have;
    return ERR_OK;
}

/* Reads to the end or to the cap. The size from fstat() is not used: the file may grow, and files
 * in /proc have none. */
static enum err read_all(int fd, const char *path, struct buf *to)
{
    uint8_t over;
    size_t got = 0;
    uint64_t offset = 0;
    enum err rc = ERR_OK;

    while (to->len < to->max) {
        size_t step = to->max - to->len < READ_STEP ? to->max - to->len : READ_STEP;

        TRY(buf_reserve(to, step));
        TRY(file_read_at(fd, to->data + to->len, step, offset, &got));
        to->len += got;
        offset += got;
        if (got < step)
            goto out;
    }
    /* The buffer is full: one more byte tells a file of exactly that length from a longer one. */
    TRY(file_read_at(fd, &over, 1, offset, &got));
    if (got > 0)
        FAIL(ERR_FAILED, "longer than %zu bytes", to->max);
out:
    if (rc != ERR_OK)
        err_note("%s", path);
    return rc;
}

static enum err read_file(int at, const char *path, struct buf *to)
{
    struct stat st;
    size_t before = to->len;
    int fd = -1;
    enum err rc;

    /* O_NONBLOCK: opening a pipe that somebody put there must not block. */
    fd = openat(at, path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | (at == AT_FDCWD ? 0 : O_NOFOLLOW));
    if (fd < 0 || fstat(fd, &st) != 0) {
        rc = err_sys(errno == ENOENT ? ERR_NOT_FOUND : ERR_FAILED, "reading %s", path);
        goto out;
    }
    if (!S_ISREG(st.st_mode))
        FAIL(ERR_FAILED, "%s is not a regular file", path);
    TRY(read_all(fd, path, to));
out:
    if (rc != ERR_OK)
        to->len = before;
    if (fd >= 0)
        close(fd);
    return rc;
}

enum err file_read(const char *path, struct buf *to)
{
    return read_file(AT_FDCWD, path, to);
}

enum err file_read_at_name(int directory, const char *name, struct buf *to)
{
    return read_file(directory, name, to);
}

/* FAT and its kin keep no modes, and may refuse one that the mount's options do not give. */
static bool set_mode(int fd, const char *path, mode_t mode)
{
    if (fchmod(fd, mode) == 0)
        return true;
    if (errno != EPERM)
        return false;
    log_say(LOG_WARN,
            "%s: its file system keeps no permissions: who may read it is for the mount's options "
            "to say (umask=077)",
            path);
    return true;
}

/* Creates "<path>.tmp-<random>" with this content, synced; `path` is relative to `at`. On failure
 * it is removed again. */
static enum err write_temporary(int at, const char *path, struct bytes content, mode_t mode,
                                char **out)
{
    uint8_t random[TEMPORARY_RANDOM_LEN];
    char hex[2 * TEMPORARY_RANDOM_LEN + 1];
    char *temporary = NULL;
    int fd = -1;
    enum err rc;

    TRY(rand_fill(random, sizeof random));
    text_hex(bytes_of(random, sizeof random), hex);
    TRY(mem_format(&temporary, "%s" TEMPORARY_MARK "%s", path, hex));
    fd = openat(at, temporary, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    if (fd < 0) {
        rc = err_sys(ERR_FAILED, "creating %s", temporary);
        goto out;
    }
    /* 0600 until the content is complete; the mode is set here, for the umask would limit open().
     */
    rc = file_write(fd, content);
    if (rc == ERR_OK && (!set_mode(fd, path, mode) || fsync(fd) != 0))
        rc = failed_doing("writing");
    if (rc != ERR_OK) {
        err_note("%s", temporary);
        unlinkat(at, temporary, 0);
        goto out;
    }
    *out = temporary;
    temporary = NULL;
out:
    if (fd >= 0)
        close(fd);
    mem_free(temporary);
    return rc;
}

/* The directory part of `path`; the caller frees it. */
static enum err copy_directory_of(const char *path, char **out)
{
    char *copy = NULL;
    enum err rc;

    TRY(mem_text(path, &copy));
    TRY(mem_text(dirname(copy), out));
out:
    mem_free(copy);
    return rc;
}

/* Steps 1 and 2. */
static enum err put_in_place(int at, const char *path, struct bytes content, mode_t mode)
{
    char *temporary = NULL;
    enum err rc;

    TRY(write_temporary(at, path, content, mode, &temporary));
    if (renameat(at, temporary, at, path) != 0) {
        rc = err_sys(ERR_FAILED, "renaming %s to %s", temporary, path);
        unlinkat(at, temporary, 0);
        goto out;
    }
out:
    mem_free(temporary);
    return rc;
}

enum err file_replace(const char *path, struct bytes content, mode_t mode)
{
    char *directory = NULL;
    enum err rc;

    TRY(copy_directory_of(path, &directory));
    TRY(put_in_place(AT_FDCWD, path, content, mode));
    TRY(file_sync_dir(directory));
out:
    mem_free(directory);
    return rc;
}

/* EINVAL: a file system that cannot sync a directory, and so has nothing to sync there. */
static enum err sync_open_dir(int directory, const char *name)
{
    if (fsync(directory) != 0 && errno != EINVAL)
        return err_sys(ERR_FAILED, "syncing the directory of %s", name);
    return ERR_OK;
}

enum err file_replace_at(int directory, const char *name, struct bytes content, mode_t mode)
{
    enum err rc;

    TRY(put_in_place(directory, name, content, mode));
    TRY(sync_open_dir(directory, name));
out:
    return rc;
}

/* Steps 1 and 2, where nothing may be replaced. */
static enum err create_in_place(int at, const char *path, struct bytes content, mode_t mode)
{
    char *temporary = NULL;
    char *claim = NULL;
    bool moved = false;
    enum err rc;

    TRY(write_temporary(at, path, content, mode, &temporary));
    TRY(mem_format(&claim, "%s" TEMPORARY_MARK CLAIM_RANDOM, path));
    if (file_name_give(at, temporary, at, path, claim, &moved) != 0)
        rc = err_sys(errno == EEXIST ? ERR_EXISTS : ERR_FAILED, "creating %s", path);
out:
    if (temporary != NULL && !moved)
        unlinkat(at, temporary, 0);
    mem_free(claim);
    mem_free(temporary);
    return rc;
}

enum err file_create(const char *path, struct bytes content, mode_t mode)
{
    char *directory = NULL;
    bool named = false;
    enum err rc;

    TRY(copy_directory_of(path, &directory));
    TRY(create_in_place(AT_FDCWD, path, content, mode));
    named = true; /* from here on a failure must take the name away again */
    TRY(file_sync_dir(directory));
out:
    if (rc != ERR_OK && named)
        unlink(path);
    mem_free(directory);
    return rc;
}

enum err file_create_at(int directory, const char *name, struct bytes content, mode_t mode)
{
    enum err rc;

    TRY(create_in_place(directory, name, content, mode));
    rc = sync_open_dir(directory, name);
    if (rc != ERR_OK)
        unlinkat(directory, name, 0);
out:
    return rc;
}

/* True for "<base>.tmp-<16 hex digits>" only: other files beside it are not ours to remove. */
static bool is_temporary_of(const char *name, const char *base)
{
    size_t len = strlen(base);
    uint8_t random[TEMPORARY_RANDOM_LEN];

    if (strncmp(name, base, len) != 0 ||
        strncmp(name + len, TEMPORARY_MARK, strlen(TEMPORARY_MARK)) != 0)
        return false;
    return text_unhex(name + len + strlen(TEMPORARY_MARK), random, sizeof random) == ERR_OK;
}

/* Takes over `fd`, the open directory; `shown` is its name for messages. */
static enum err sweep_directory(int fd, const char *base, const char *shown)
{
    DIR *dir = fd >= 0 ? fdopendir(fd) : NULL;
    struct dirent *entry;
    enum err rc = ERR_OK;

    if (dir == NULL) {
        rc = errno == ENOENT ? ERR_OK : err_sys(ERR_FAILED, "reading the directory %s", shown);
        if (fd >= 0)
            close(fd);
        goto out;
    }
    while ((entry = readdir(dir)) != NULL)
        if (is_temporary_of(entry->d_name, base) && unlinkat(dirfd(dir), entry->d_name, 0) != 0 &&
            errno != ENOENT) {
            rc = err_sys(ERR_FAILED, "removing %s/%s", shown, entry->d_name);
            goto out;
        }
out:
    if (dir != NULL)
        closedir(dir);
    return rc;
}

enum err file_sweep(const char *path)
{
    const char *slash = strrchr(path, '/');
    char *directory = NULL;
    enum err rc;

    TRY(copy_directory_of(path, &directory));
    TRY(sweep_directory(open(directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC),
                        slash != NULL ? slash + 1 : path, directory));
out:
    mem_free(directory);
    return rc;
}

enum err file_sweep_at(int directory, const char *name)
{
    return sweep_directory(openat(directory, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC), name, ".");
}

/* The errors of a file system, or a kernel, that does not support O_TMPFILE. */
static bool knows_no_unnamed(int cause)
{
    return cause == EOPNOTSUPP || cause == EISDIR || cause == EINVAL;
}

/* Creates a file with a temporary name and removes the name. What killed runs left is swept first.
 * Another run may sweep our file before we remove its name; ENOENT then means that it is done. */
static enum err open_and_unlink(const char *dir, int *fd)
{
    uint8_t random[TEMPORARY_RANDOM_LEN];
    char hex[2 * TEMPORARY_RANDOM_LEN + 1];
    char *base = NULL;
    char *path = NULL;
    int made = -1;
    enum err rc;

    TRY(file_join(dir, UNNAMED_BASE, &base));
    TRY(file_sweep(base));
    TRY(rand_fill(random, sizeof random));
    text_hex(bytes_of(random, sizeof random), hex);
    TRY(mem_format(&path, "%s" TEMPORARY_MARK "%s", base, hex));
    made = open(path, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    if (made < 0)
        FAIL_SYS(ERR_FAILED, "making a temporary file in %s", dir);
    if (unlink(path) != 0 && errno != ENOENT)
        FAIL_SYS(ERR_FAILED, "removing %s", path);
    *fd = made;
    made = -1; /* the caller's now */
out:
    if (made >= 0)
        close(made);
    mem_free(path);
    mem_free(base);
    return rc;
}

enum err file_temporary(const char *dir, int *fd)
{
    int made = open(dir, O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);

    if (made < 0 && knows_no_unnamed(errno))
        return open_and_unlink(dir, fd);
    if (made < 0)
        return err_sys(ERR_FAILED, "making a temporary file in %s", dir);
    *fd = made;
    return ERR_OK;
}

enum err file_sync_dir(const char *dir)
{
    int fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    enum err rc = ERR_OK;

    /* EINVAL: a file system that cannot sync a directory, and so has nothing to sync there. */
    if (fd < 0 || (fsync(fd) != 0 && errno != EINVAL))
        rc = err_sys(ERR_FAILED, "syncing the directory %s", dir);
    if (fd >= 0)
        close(fd);
    return rc;
}

static enum err make_dir(const char *dir, mode_t mode)
{
    struct stat st;
    char *parent = NULL;
    enum err rc = ERR_OK;

    /* Look before mkdir(): under a read-only or automounted parent, mkdir() of an existing
     * directory may fail with something other than EEXIST. */
    if (stat(dir, &st) == 0) {
        if (!S_ISDIR(st.st_mode))
            FAIL(ERR_FAILED, "%s is there and is not a directory", dir);
        goto out;
    }
    if (mkdir(dir, mode) != 0 && errno != EEXIST) {
        rc = err_sys(ERR_FAILED, "making the directory %s", dir);
        goto out;
    }
    TRY(copy_directory_of(dir, &parent));
    TRY(file_sync_dir(parent));
out:
    mem_free(parent);
    return rc;
}

/* Each prefix that ends before a slash is made in turn, then the whole path. */
enum err file_make_dirs(const char *dir, mode_t mode)
{
    char *path = NULL;
    enum err rc;

    TRY(mem_text(dir, &path));
    for (char *cursor = path; *cursor != '\0'; cursor++) {
        if (cursor == path || *cursor != '/')
            continue;
        *cursor = '\0';
        TRY(make_dir(path, mode));
        *cursor = '/';
    }
    TRY(make_dir(path, mode));
out:
    mem_free(path);
    return rc;
}

bool file_exists(const char *path)
{
    struct stat st;

    return lstat(path, &st) == 0;
}

enum err file_join(const char *dir, const char *name, char **out)
{
    size_t len = strlen(dir);

    return mem_format(out, "%s%s%s", dir, len > 0 && dir[len - 1] == '/' ? "" : "/", name);
}
