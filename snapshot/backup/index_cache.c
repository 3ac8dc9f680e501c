#include "snapshot/backup/index_cache.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "core/base/hash.h"
#include "core/base/mem.h"
#include "core/fs/file.h"
#include "core/ledger/state_files.h"

#define SUFFIX ".index"
#define NEW_SUFFIX ".new"
#define READ_LEN (256 * KIB)
#define TRAILER_LEN (SOURCE_MARKS_LEN + HASH_LEN)

struct index_cache {
    int fd;         /* owned; of the new copy */
    char *new_path; /* owned; its name until it is committed */
    char *path;     /* owned */
    struct hash *hash;
    bool is_committed;
};

/* ---- names ---- */

/* The directory is made. */
static enum err join_directory(const struct repository *repository, char **out)
{
    char *dir = NULL;
    enum err rc;

    TRY(repository_state_path(repository, STATE_INDEX_CACHE, &dir));
    TRY(file_make_dirs(dir, 0700));
    *out = dir;
    dir = NULL; /* the caller's now */
out:
    mem_free(dir);
    return rc;
}

static enum err join_copy(const struct repository *repository, const char *id, char **out)
{
    char name[SNAPSHOT_ID_TEXT + sizeof SUFFIX];
    char *dir = NULL;
    enum err rc;

    snprintf(name, sizeof name, "%.*s" SUFFIX, SNAPSHOT_ID_TEXT, id);
    TRY(join_directory(repository, &dir));
    TRY(file_join(dir, name, out));
out:
    mem_free(dir);
    return rc;
}

/* ---- reading ---- */

/* SHA-256 of the first `len` bytes against the one that stands behind them. */
static enum err check_copy(int fd, uint64_t len)
{
    struct hash *hash = NULL;
    uint8_t *piece = NULL;
    uint8_t said[HASH_LEN];
    uint8_t is[HASH_LEN];
    size_t got = 0;
    enum err rc;

    TRY(hash_new(&hash));
    TRY(mem_new(READ_LEN, 1, &piece));
    for (uint64_t offset = 0; offset < len; offset += got) {
        TRY(file_read_at(fd, piece, len - offset < READ_LEN ? (size_t)(len - offset) : READ_LEN,
                         offset, &got));
        if (got == 0)
            FAIL(ERR_CORRUPT, "it ends early");
        TRY(hash_add(hash, bytes_of(piece, got)));
    }
    TRY(hash_end(hash, is));
    TRY(file_read_at(fd, said, sizeof said, len, &got));
    if (got != sizeof said || memcmp(said, is, sizeof is) != 0)
        FAIL(ERR_CORRUPT, "its SHA-256 does not match");
out:
    hash_free(hash);
    mem_free(piece);
    return rc;
}

static enum err open_copy(const char *path, struct source_marks *marks, struct index **out)
{
    uint8_t raw[SOURCE_MARKS_LEN];
    uint64_t len;
    size_t got = 0;
    struct stat st;
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
    enum err rc = ERR_OK;

    if (fd < 0)
        FAIL_SYS(ERR_NOT_FOUND, "no cached index");
    if (fstat(fd, &st) != 0 || st.st_size < TRAILER_LEN + INDEX_HEADER_LEN)
        FAIL(ERR_CORRUPT, "it is too short");
    TRY(check_copy(fd, (uint64_t)st.st_size - HASH_LEN));
    len = (uint64_t)st.st_size - TRAILER_LEN;
    TRY(file_read_at(fd, raw, sizeof raw, len, &got));
    if (got != sizeof raw)
        FAIL(ERR_CORRUPT, "it ends early");
    source_marks_decode(raw, marks);
    rc = index_open(fd, len, out);
    fd = -1; /* the index's now, or closed */
out:
    if (fd >= 0)
        close(fd);
    return rc;
}

enum err index_cache_open(const struct repository *repository, const char *id,
                          const struct manifest *manifest, struct source_marks *marks,
                          struct index **out)
{
    struct source_marks kept;
    struct index *index = NULL;
    char *path = NULL;
    enum err rc;

    TRY(join_copy(repository, id, &path));
    TRY(open_copy(path, &kept, &index));
    TRY(manifest_matches(manifest, index));
    *marks = kept;
    *out = index;
    index = NULL; /* the caller's now */
out:
    if (rc == ERR_CORRUPT)
        err_note("%s", path);
    index_free(index);
    mem_free(path);
    return rc;
}

enum err index_cache_prune(const struct repository *repository, const char *id)
{
    char *dir_path = NULL;
    DIR *dir = NULL;
    enum err rc;

    TRY(join_directory(repository, &dir_path));
    dir = opendir(dir_path);
    if (dir == NULL)
        FAIL_SYS(ERR_FAILED, "listing %s", dir_path);
    for (struct dirent *d; (d = readdir(dir)) != NULL;) {
        if (d->d_name[0] == '.' || strncmp(d->d_name, id, SNAPSHOT_ID_TEXT) == 0)
            continue;
        if (unlinkat(dirfd(dir), d->d_name, 0) != 0)
            FAIL_SYS(ERR_FAILED, "removing %s/%s", dir_path, d->d_name);
    }
out:
    if (dir != NULL)
        closedir(dir);
    mem_free(dir_path);
    return rc;
}

/* ---- writing ---- */

enum err index_cache_new(const struct repository *repository, const char *id,
                         struct index_cache **out)
{
    struct index_cache *c = NULL;
    enum err rc;

    TRY(mem_new(1, sizeof *c, &c));
    c->fd = -1;
    TRY(join_copy(repository, id, &c->path));
    TRY(mem_format(&c->new_path, "%s" NEW_SUFFIX, c->path));
    TRY(hash_new(&c->hash));
    c->fd = open(c->new_path, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    if (c->fd < 0)
        FAIL_SYS(ERR_FAILED, "making %s", c->new_path);
    *out = c;
    c = NULL; /* the caller's now */
out:
    index_cache_free(c);
    return rc;
}

enum err index_cache_add(struct index_cache *c, struct bytes piece)
{
    enum err rc;

    TRY(hash_add(c->hash, piece));
    TRY(file_write(c->fd, piece));
out:
    return rc;
}

static enum err read_back(const struct index_cache *c, struct index **out)
{
    struct stat st;
    int fd = -1;
    enum err rc;

    if (fstat(c->fd, &st) != 0 || (fd = dup(c->fd)) < 0)
        FAIL_SYS(ERR_FAILED, "%s", c->new_path);
    rc = index_open(fd, (uint64_t)st.st_size, out);
    if (rc == ERR_CORRUPT) {
        err_note("the index that was just written cannot be read back");
        rc = ERR_FAILED;
    }
out:
    return rc;
}

enum err index_cache_finish(struct index_cache *c, const struct source_marks *marks,
                            struct index **out)
{
    struct index *index = NULL;
    uint8_t raw[SOURCE_MARKS_LEN];
    uint8_t digest[HASH_LEN];
    enum err rc;

    TRY(read_back(c, &index));
    source_marks_encode(marks, raw);
    TRY(index_cache_add(c, bytes_of(raw, sizeof raw)));
    TRY(hash_end(c->hash, digest));
    TRY(file_write(c->fd, bytes_of(digest, sizeof digest)));
    *out = index;
    index = NULL; /* the caller's now */
out:
    index_free(index);
    return rc;
}

enum err index_cache_commit(struct index_cache *c)
{
    if (rename(c->new_path, c->path) != 0)
        return err_sys(ERR_FAILED, "naming %s", c->path);
    c->is_committed = true;
    return ERR_OK;
}

void index_cache_free(struct index_cache *c)
{
    if (c == NULL)
        return;
    if (c->fd >= 0) {
        close(c->fd);
        if (!c->is_committed)
            unlink(c->new_path);
    }
    hash_free(c->hash);
    mem_free(c->new_path);
    mem_free(c->path);
    mem_free(c);
}
