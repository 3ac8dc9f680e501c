#include "snapshot/backup/index_writer.h"

#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "core/base/mem.h"
#include "core/fs/file.h"
#include "snapshot/backup/parent.h"
#include "snapshot/format/codec.h"

#define FETCH_LEN (128 * KIB)

struct index_writer {
    struct sealed_put *put;
    struct codec_stream *deflate;
    struct hash *hash; /* of the plaintext, for the cache */
    int cache;         /* owned descriptor */
    char *cache_new;   /* its name until it is kept */
    char *cache_path;
    bool kept;
    struct buf pending; /* small pieces become few writes */
    struct manifest_object facts;
};

static enum err to_put(void *arg, struct bytes compressed)
{
    struct index_writer *w = arg;

    return sealed_put_add(w->put, compressed);
}

static enum err open_cache(struct index_writer *w, const struct index_writer_options *o)
{
    char name[SNAPSHOT_ID_TEXT + 16];
    enum err rc;

    snprintf(name, sizeof name, "%s.index", o->snapshot_id);
    TRY(parent_cache_path(o->repository, name, &w->cache_path));
    TRY(mem_format(&w->cache_new, "%s.new", w->cache_path));
    w->cache = open(w->cache_new, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    if (w->cache < 0)
        FAIL_SYS(ERR_FAILED, "making %s", w->cache_new);
out:
    return rc;
}

enum err index_writer_new(const struct index_writer_options *o, struct index_writer **out)
{
    struct object_identity identity = {.type = OBJECT_INDEX, .context = o->context};
    struct index_writer *w = NULL;
    enum err rc;

    TRY(mem_new(1, sizeof *w, &w));
    w->cache = -1;
    w->pending.max = FETCH_LEN;
    TRY(open_cache(w, o));
    TRY(hash_new(&w->hash));
    TRY(sealed_put_begin(repository_store(o->repository), o->journal, o->k_meta, &identity,
                         &w->put));
    TRY(codec_deflate_new(to_put, w, &w->deflate));
    w->facts.type = OBJECT_INDEX;
    memcpy(w->facts.id, identity.id, SEAL_ID_LEN);
    memcpy(w->facts.scope, o->context.scope, SEAL_ID_LEN);
    *out = w;
    w = NULL; /* the caller's now */
out:
    index_writer_free(w);
    return rc;
}

static enum err flush_pending(struct index_writer *w)
{
    struct bytes piece = buf_bytes(&w->pending);
    enum err rc = ERR_OK;

    if (piece.len == 0)
        goto out;
    TRY(hash_add(w->hash, piece));
    TRY(file_write(w->cache, piece));
    TRY(codec_stream_add(w->deflate, piece));
    w->pending.len = 0;
out:
    return rc;
}

enum err index_writer_add(void *arg, struct bytes piece)
{
    struct index_writer *w = arg;
    enum err rc = ERR_OK;

    while (piece.len > 0) {
        size_t cap = w->pending.max - w->pending.len;
        size_t len = piece.len < cap ? piece.len : cap;

        TRY(buf_add(&w->pending, bytes_of(piece.data, len)));
        piece = bytes_of(piece.data + len, piece.len - len);
        if (w->pending.len == w->pending.max)
            TRY(flush_pending(w));
    }
out:
    return rc;
}

/* Nothing is recorded that a restore would refuse to read. */
static enum err read_back(struct index_writer *w)
{
    struct index *index = NULL;
    struct stat st;
    int fd = -1;
    enum err rc;

    if (fstat(w->cache, &st) != 0 || (fd = dup(w->cache)) < 0)
        FAIL_SYS(ERR_FAILED, "%s", w->cache_new);
    rc = index_open(fd, (uint64_t)st.st_size, &index);
    if (rc == ERR_CORRUPT) {
        err_note("the index that was just written cannot be read back");
        rc = ERR_FAILED;
    }
out:
    index_free(index);
    return rc;
}

enum err index_writer_finish(struct index_writer *w, struct manifest_object *out)
{
    uint8_t digest[HASH_LEN];
    enum err rc;

    TRY(flush_pending(w));
    TRY(codec_stream_end(w->deflate));
    TRY(sealed_put_commit(w->put, &w->facts.size, w->facts.sha256));
    TRY(read_back(w));
    TRY(hash_end(w->hash, digest));
    TRY(file_write(w->cache, bytes_of(digest, sizeof digest)));
    *out = w->facts;
out:
    return rc;
}

/* No fsync: a copy that a crash damaged fails its own digest and is not used. */
enum err index_writer_keep(struct index_writer *w)
{
    if (rename(w->cache_new, w->cache_path) != 0)
        return err_sys(ERR_FAILED, "naming %s", w->cache_path);
    w->kept = true;
    return ERR_OK;
}

void index_writer_free(struct index_writer *w)
{
    if (w == NULL)
        return;
    codec_stream_free(w->deflate);
    sealed_put_free(w->put);
    hash_free(w->hash);
    if (w->cache >= 0) {
        close(w->cache);
        if (!w->kept)
            unlink(w->cache_new);
    }
    buf_clear(&w->pending);
    mem_free(w->cache_new);
    mem_free(w->cache_path);
    mem_free(w);
}
