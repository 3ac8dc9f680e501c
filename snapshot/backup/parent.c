#include "snapshot/backup/parent.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "core/base/log.h"
#include "core/base/mem.h"
#include "core/fs/file.h"
#include "core/ledger/state_files.h"

#define CACHE_SUFFIX ".index"
#define READ_LEN (256 * KIB)

void parent_clear(struct parent *p)
{
    index_free(p->index);
    manifest_clear(&p->manifest);
    *p = (struct parent){0};
}

enum err parent_cache_path(const struct repository *repository, const char *name, char **out)
{
    char *dir = NULL;
    enum err rc;

    TRY(repository_state_path(repository, STATE_INDEX_CACHE, &dir));
    TRY(file_make_dirs(dir, 0700));
    TRY(file_join(dir, name, out));
out:
    mem_free(dir);
    return rc;
}

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

static enum err open_copy(const char *path, struct index **out)
{
    struct stat st;
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
    enum err rc = ERR_OK;

    if (fd < 0)
        FAIL_SYS(ERR_NOT_FOUND, "no cached index");
    if (fstat(fd, &st) != 0 || st.st_size < HASH_LEN + INDEX_HEADER_LEN)
        FAIL(ERR_CORRUPT, "it is too short");
    TRY(check_copy(fd, (uint64_t)st.st_size - HASH_LEN));
    rc = index_open(fd, (uint64_t)st.st_size - HASH_LEN, out);
    fd = -1; /* the index's now, or closed */
out:
    if (fd >= 0)
        close(fd);
    return rc;
}

/* A copy that is missing, damaged or of something else is no failure: there is another way. */
static enum err from_cache(const struct repository *repository, struct parent *p)
{
    char name[SNAPSHOT_ID_TEXT + sizeof CACHE_SUFFIX];
    char *path = NULL;
    enum err rc;

    memcpy(name, p->snapshot->id, SNAPSHOT_ID_TEXT);
    memcpy(name + SNAPSHOT_ID_TEXT, CACHE_SUFFIX, sizeof CACHE_SUFFIX);
    TRY(parent_cache_path(repository, name, &path));
    TRY(open_copy(path, &p->index));
    TRY(manifest_matches(&p->manifest, p->index));
out:
    if (rc == ERR_CORRUPT)
        log_say(LOG_WARN, "%s: %s; it is not used", path, err_text());
    if (rc != ERR_OK) {
        index_free(p->index);
        p->index = NULL;
    }
    mem_free(path);
    return rc;
}

static enum err from_repository(const struct repository *repository, struct keyring *keyring,
                                struct parent *p)
{
    const struct manifest_object *o = &p->manifest.index;
    struct object_identity identity = manifest_identity(&p->manifest, o);
    struct secret *key = NULL;
    struct secret *k_meta = NULL;
    enum err rc;

    TRY(keyring_open_data_key(keyring, manifest_key(&p->manifest, o->scope), 0, &key));
    TRY(subkey_derive(key, SUBKEY_META, &identity.context, &k_meta));
    TRY(index_unseal(repository, k_meta, &identity, o->size, p->manifest.index_plain_len,
                     &p->index));
    TRY(manifest_matches(&p->manifest, p->index));
out:
    secret_free(key);
    secret_free(k_meta);
    return rc;
}

enum err parent_open(const struct repository *repository, struct keyring *keyring,
                     const struct snapshot *snapshot, struct parent *out)
{
    struct parent p = {.snapshot = snapshot};
    enum err rc;

    TRY(manifest_load(repository, snapshot, &p.manifest));
    TRY(manifest_check_objects(repository, &p.manifest));
    if (from_cache(repository, &p) != ERR_OK) {
        rc = from_repository(repository, keyring, &p);
        if (rc == ERR_KEY_INVALID || rc == ERR_KEY_UNREACHABLE || rc == ERR_USAGE) {
            err_note("the parent's index is not in the cache and cannot be decrypted here");
            rc = ERR_NOT_FOUND;
        }
        TRY(rc);
    }
    *out = p;
    p = (struct parent){0}; /* the caller's now */
out:
    parent_clear(&p);
    return rc;
}

enum err parent_cache_prune(const struct repository *repository, const char *id)
{
    char *dir_path = NULL;
    DIR *dir = NULL;
    enum err rc;

    TRY(parent_cache_path(repository, ".", &dir_path));
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
