#include "snapshot/backup/block_writer.h"

#include <string.h>

#include "core/base/hash.h"
#include "core/base/mem.h"
#include "core/base/stop.h"
#include "snapshot/format/block.h"
#include "snapshot/format/codec.h"

struct block_writer {
    struct block_writers *shared;
    struct hash *hash;
    struct codec *codec;
    struct pack_writer *pack;
    uint8_t *content; /* owned, READ_RANGE_LEN */
    uint8_t rows[READ_RANGE_BLOCKS_MAX * BLOCK_ROW_LEN];
    uint8_t parent_rows[READ_RANGE_BLOCKS_MAX * BLOCK_ROW_LEN];
};

static void writer_clear(struct block_writer *w)
{
    hash_free(w->hash);
    codec_free(w->codec);
    pack_writer_free(w->pack);
    mem_free(w->content);
}

static enum err writer_init(struct block_writer *w, struct block_writers *shared)
{
    enum err rc;

    *w = (struct block_writer){.shared = shared};
    TRY(hash_new(&w->hash));
    TRY(codec_new(&w->codec));
    TRY(pack_writer_new(shared->packs, &w->pack));
    TRY(mem_new(READ_RANGE_LEN, 1, &w->content));
out:
    return rc;
}

static enum err store_block(struct block_writer *w, struct bytes plain, struct block *b)
{
    struct bytes stored = {NULL, 0};
    enum err rc;

    TRY(codec_compress(w->codec, plain, &stored, &b->codec));
    b->stored_len = (uint32_t)stored.len;
    TRY(pack_writer_add(w->pack, stored, &b->object, &b->offset));
    atomic_fetch_add_explicit(&w->shared->new_bytes, plain.len, memory_order_relaxed);
out:
    return rc;
}

/* One block's row: zeros, the parent's, or that of a freshly stored block. */
static enum err fill_row(struct block_writer *w, struct bytes plain, const uint8_t *parent_row,
                         uint8_t *row)
{
    struct block b = {.codec = BLOCK_ZERO};
    enum err rc = ERR_OK;

    if (!bytes_are_zero(plain)) {
        TRY(hash_add(w->hash, plain));
        TRY(hash_end(w->hash, b.sha256));
        if (parent_row != NULL && block_row_has_digest(parent_row, b.sha256)) {
            memcpy(row, parent_row, BLOCK_ROW_LEN);
            goto out;
        }
        TRY(store_block(w, plain, &b));
    }
    block_encode(&b, row);
out:
    return rc;
}

static enum err write_range(struct block_writer *w, struct read_range *range)
{
    size_t comparable = 0;
    size_t count = 0;
    enum err rc;

    TRY(read_queue_read(w->shared->queue, range, w->content));
    TRY(read_queue_parent_rows(w->shared->queue, range, w->parent_rows, &comparable));
    for (size_t offset = 0; offset < range->len; offset += range->block_len, count++) {
        size_t len =
            range->len - offset < range->block_len ? range->len - offset : range->block_len;
        const uint8_t *parent_row =
            count < comparable ? w->parent_rows + count * BLOCK_ROW_LEN : NULL;

        TRY(fill_row(w, bytes_of(w->content + offset, len), parent_row,
                     w->rows + count * BLOCK_ROW_LEN));
        if (parent_row == NULL ||
            memcmp(w->rows + count * BLOCK_ROW_LEN, parent_row, BLOCK_ROW_LEN) != 0)
            range->differs = true;
    }
    TRY(spool_put_rows(w->shared->spool, range->slot, w->rows, count));
out:
    return rc;
}

static enum err write_all(struct block_writer *w, const atomic_bool *stop)
{
    struct read_range range;
    bool more = true;
    enum err released;
    enum err rc = ERR_OK;

    while (!atomic_load_explicit(stop, memory_order_relaxed)) {
        TRY(stop_check());
        TRY(read_queue_take(w->shared->queue, w->content, &range, &more));
        if (!more)
            break;
        rc = write_range(w, &range);
        released = read_queue_release(w->shared->queue, &range);
        TRY(rc);
        TRY(released);
    }
    TRY(pack_writer_finish(w->pack));
out:
    return rc;
}

enum err block_writer_work(void *shared, size_t worker, const atomic_bool *stop)
{
    struct block_writer w;
    enum err rc;

    (void)worker;
    TRY(writer_init(&w, shared));
    TRY(write_all(&w, stop));
out:
    writer_clear(&w);
    return rc;
}
