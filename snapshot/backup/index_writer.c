#include "snapshot/backup/index_writer.h"

#include <inttypes.h>
#include <string.h>

#include "core/base/mem.h"
#include "snapshot/backup/index_cache.h"
#include "snapshot/format/codec.h"

/*
 * The image is cut into frames as it comes. The directory behind them says which entry begins in
 * which frame: that is known when the cached copy has been read back, so it is written last.
 */
struct index_writer {
    struct sealed_put *put; /* owned, as all here */
    struct codec *codec;
    struct index_cache *cache;
    struct buf pending;    /* the frame that is being filled */
    uint32_t *stored_lens; /* of the frames so far */
    size_t stored_cap;
    uint32_t frame_count;
    struct manifest_object facts;
    struct source_marks marks;
};

enum err index_writer_new(const struct index_writer_options *o, struct index_writer **out)
{
    struct object_identity identity = {.type = OBJECT_INDEX, .context = o->context};
    struct index_writer *w = NULL;
    enum err rc;

    TRY(mem_new(1, sizeof *w, &w));
    w->pending.max = INDEX_FRAME_LEN;
    TRY(index_cache_new(o->repository, o->snapshot_id, &w->cache));
    TRY(sealed_put_begin(repository_store(o->repository), o->journal, o->k_meta, &identity,
                         &w->put));
    TRY(codec_new(&w->codec));
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

static enum err end_frame(struct index_writer *w)
{
    struct bytes piece = buf_bytes(&w->pending);
    struct bytes stored = {NULL, 0};
    enum err rc = ERR_OK;

    if (piece.len == 0)
        goto out;
    if (w->frame_count == INDEX_FRAMES_MAX)
        FAIL(ERR_FAILED, "the index of this snapshot would be longer than %" PRIu64 " bytes",
             INDEX_LEN_MAX);
    TRY(mem_grow(w->frame_count, sizeof *w->stored_lens, &w->stored_cap, &w->stored_lens));
    TRY(index_cache_add(w->cache, piece));
    TRY(codec_compress_frame(w->codec, piece, &stored));
    TRY(sealed_put_add(w->put, stored));
    w->stored_lens[w->frame_count++] = (uint32_t)stored.len;
    w->pending.len = 0;
out:
    return rc;
}

static enum err put_directory(struct index_writer *w, const struct index *image)
{
    uint8_t row[INDEX_MARK_LEN];
    struct index_mark mark;
    enum err rc = ERR_OK;

    for (uint32_t f = 0; f < w->frame_count; f++) {
        index_mark(image, f, &mark);
        mark.stored_len = w->stored_lens[f];
        index_mark_encode(&mark, row);
        TRY(sealed_put_add(w->put, bytes_of(row, sizeof row)));
    }
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
            TRY(end_frame(w));
    }
out:
    return rc;
}

enum err index_writer_finish(struct index_writer *w, struct manifest_object *out)
{
    struct index *image = NULL;
    enum err rc;

    TRY(end_frame(w));
    TRY(index_cache_finish(w->cache, &w->marks, &image));
    TRY(put_directory(w, image));
    TRY(sealed_put_commit(w->put, &w->facts.size, w->facts.sha256));
    *out = w->facts;
out:
    index_free(image);
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
    codec_free(w->codec);
    mem_free(w->stored_lens);
    sealed_put_free(w->put);
    index_cache_free(w->cache);
    buf_clear(&w->pending);
    mem_free(w);
}
