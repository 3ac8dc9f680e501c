#include "snapshot/backup/index_writer.h"

#include <string.h>

#include "core/base/mem.h"
#include "snapshot/backup/index_cache.h"
#include "snapshot/format/codec.h"

#define FETCH_LEN (128 * KIB)

struct index_writer {
    struct sealed_put *put;
    struct codec_stream *deflate;
    struct index_cache *cache; /* owned */
    struct buf pending;        /* small pieces become few writes */
    struct manifest_object facts;
    struct source_marks marks;
};

static enum err to_put(void *arg, struct bytes compressed)
{
    struct index_writer *w = arg;

    return sealed_put_add(w->put, compressed);
}

enum err index_writer_new(const struct index_writer_options *o, struct index_writer **out)
{
    struct object_identity identity = {.type = OBJECT_INDEX, .context = o->context};
    struct index_writer *w = NULL;
    enum err rc;

    TRY(mem_new(1, sizeof *w, &w));
    w->pending.max = FETCH_LEN;
    TRY(index_cache_new(o->repository, o->snapshot_id, &w->cache));
    TRY(sealed_put_begin(repository_store(o->repository), o->journal, o->k_meta, &identity,
                         &w->put));
    TRY(codec_deflate_new(to_put, w, &w->deflate));
    w->facts.type = OBJECT_INDEX;
    w->marks = o->marks;
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
    TRY(index_cache_add(w->cache, piece));
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

enum err index_writer_finish(struct index_writer *w, struct manifest_object *out)
{
    enum err rc;

    TRY(flush_pending(w));
    TRY(codec_stream_end(w->deflate));
    TRY(sealed_put_commit(w->put, &w->facts.size, w->facts.sha256));
    TRY(index_cache_finish(w->cache, &w->marks));
    *out = w->facts;
out:
    return rc;
}

enum err index_writer_keep(struct index_writer *w)
{
    return index_cache_commit(w->cache);
}

void index_writer_free(struct index_writer *w)
{
    if (w == NULL)
        return;
    codec_stream_free(w->deflate);
    sealed_put_free(w->put);
    index_cache_free(w->cache);
    buf_clear(&w->pending);
    mem_free(w);
}
