#include "snapshot/restore/restore_data.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "core/base/mem.h"
#include "core/base/pool.h"
#include "core/base/stop.h"
#include "core/fs/file.h"
#include "snapshot/read/block_reader.h"

#define PLAN_ROWS 256
#define PAGE_LEN 4096
/* The disk starts this early, so that the last fsync has little left to do. */
#define WRITE_BACK_LEN (8 * MIB)

/* Walking the wanted blocks: scratch of the planning thread. */
struct planner {
    struct restore_data *data;
    struct entry entry;
    struct entry scratch;
    struct hash *hash;
    uint8_t *rows;  /* PLAN_ROWS of them */
    uint8_t *there; /* BLOCK_LEN_MAX: what the target holds */
    uint8_t *lacks; /* delta: one bit a row of the block map, set when a file has not got it yet */
};

static void planner_clear(struct planner *p)
{
    entry_clear(&p->entry);
    entry_clear(&p->scratch);
    hash_free(p->hash);
    mem_free(p->rows);
    mem_free(p->there);
    mem_free(p->lacks);
}

static enum err planner_init(struct planner *p, struct restore_data *data)
{
    enum err rc;

    *p = (struct planner){.data = data};
    entry_init(&p->entry);
    entry_init(&p->scratch);
    TRY(hash_new(&p->hash));
    TRY(mem_new(PLAN_ROWS, BLOCK_ROW_LEN, &p->rows));
    TRY(mem_new(BLOCK_LEN_MAX, 1, &p->there));
    if (data->tree->delta)
        TRY(mem_new(index_header(data->tree->selection->from->index)->block_count / 8 + 1, 1,
                    &p->lacks));
out:
    return rc;
}

/* Whether the target's file holds this block already. */
static enum err has_block(struct planner *p, int fd, const struct block *b, uint64_t offset,
                          size_t len, bool *same)
{
    uint8_t digest[HASH_LEN];
    size_t got = 0;
    enum err rc;

    TRY(file_read_at(fd, p->there, len, offset, &got));
    *same = false;
    if (got != len)
        goto out;
    if (b->codec == BLOCK_ZERO) {
        *same = bytes_are_zero(bytes_of(p->there, len));
        goto out;
    }
    TRY(hash_add(p->hash, bytes_of(p->there, len)));
    TRY(hash_end(p->hash, digest));
    *same = memcmp(digest, b->sha256, HASH_LEN) == 0;
out:
    return rc;
}

/* Files may share a row: what one of them has, another may lack. A block of zeros is no part of any
 * object: where the old state differs, it is written here. */
static enum err compare_block(struct planner *p, int fd, const struct block *b, uint64_t row,
                              uint64_t offset, size_t len)
{
    bool same = false;
    enum err rc;

    TRY(has_block(p, fd, b, offset, len, &same));
    if (same)
        goto out;
    p->lacks[row / 8] |= (uint8_t)(1 << row % 8);
    if (b->codec == BLOCK_ZERO) {
        memset(p->there, 0, len);
        TRY(file_write_at(fd, bytes_of(p->there, len), offset));
    }
out:
    return rc;
}

/* Without a plan: compare it with the file `fd`. */
static enum err want_block(struct planner *p, struct plan *plan, int fd,
                           const struct plan_item *item, const uint8_t *encoded,
                           const struct entry *content)
{
    uint64_t row = content->first_block + item->block;
    struct plan_item placed = *item;
    struct block b = {0};
    enum err rc;

    TRY(block_decode(encoded, &b));
    placed.offset = b.offset;
    if (plan == NULL)
        TRY(compare_block(p, fd, &b, row, (uint64_t)item->block << content->block_log2,
                          entry_block_len(content, item->block)));
    else if (b.codec != BLOCK_ZERO && /* a fresh file reads as zeros */
             (p->lacks == NULL || (p->lacks[row / 8] >> row % 8 & 1) != 0))
        TRY(plan_want(plan, b.object, &placed));
out:
    return rc;
}

static enum err want_content(struct planner *p, struct plan *plan, uint32_t owner,
                             const struct entry *content, int fd)
{
    const struct index *index = p->data->tree->selection->from->index;
    uint64_t blocks = entry_blocks(content);
    enum err rc = ERR_OK;

    if (blocks > UINT32_MAX)
        FAIL(ERR_UNSUPPORTED, "%s has more blocks than this release can restore",
             entry_path(content));
    for (uint64_t i = 0; i < blocks; i += PLAN_ROWS) {
        size_t count = blocks - i < PLAN_ROWS ? (size_t)(blocks - i) : PLAN_ROWS;

        TRY(index_rows(index, content->first_block + i, count, p->rows));
        for (size_t k = 0; k < count; k++) {
            struct plan_item item = {.owner = owner, .block = (uint32_t)(i + k)};

            TRY(want_block(p, plan, fd, &item, p->rows + k * BLOCK_ROW_LEN, content));
        }
    }
out:
    return rc;
}

static enum err want_file(struct planner *p, struct plan *plan, uint32_t i)
{
    const struct restore_tree *t = p->data->tree;
    const struct entry *content = NULL;
    int fd = -1;
    enum err rc;

    TRY(index_entry(t->selection->from->index, i, &p->entry));
    if (selection_choose(t->selection, &p->entry) == SELECTION_SKIP)
        goto out;
    TRY(selection_content(t->selection, &p->entry, &p->scratch, &content));
    if (content == NULL || content->size == 0)
        goto out;
    if (plan == NULL) {
        fd = openat(t->root_fd, entry_path(&p->entry), O_RDWR | O_NOFOLLOW | O_CLOEXEC);
        if (fd < 0)
            FAIL_SYS(ERR_FAILED, "opening %s", entry_path(&p->entry));
    }
    TRY(want_content(p, plan, i, content, fd));
out:
    if (fd >= 0)
        close(fd);
    return rc;
}

static enum err want_files(void *arg, struct plan *plan)
{
    struct planner *p = arg;
    uint64_t count = index_header(p->data->tree->selection->from->index)->file_count;
    enum err rc = ERR_OK;

    for (uint32_t i = 0; i < count; i++) {
        TRY(stop_check());
        TRY(want_file(p, plan, i));
    }
out:
    return rc;
}

/* A worker: the file it writes to, and what it reads with. */
struct filler {
    struct restore_data *data;
    struct block_reader *reader;
    struct entry entry;
    struct entry scratch;
    const struct entry *content; /* of the open file */
    uint32_t owner;
    int fd; /* -1: none is open */
    size_t unsynced;
    uint8_t *plain; /* BLOCK_LEN_MAX */
};

static enum err open_target(const struct restore_tree *t, const char *path, int *fd)
{
    int flags = O_WRONLY | O_NOFOLLOW | O_CLOEXEC;

    *fd = openat(t->root_fd, path, flags);
    /* A read-only file of ours: its mode is set again at the end. */
    if (*fd < 0 && errno == EACCES && fchmodat(t->root_fd, path, S_IRUSR | S_IWUSR, 0) == 0)
        *fd = openat(t->root_fd, path, flags);
    return *fd < 0 ? err_sys(ERR_FAILED, "opening %s for writing", path) : ERR_OK;
}

static enum err switch_file(struct filler *f, uint32_t owner)
{
    const struct restore_tree *t = f->data->tree;
    enum err rc = ERR_OK;

    if (f->fd >= 0 && f->owner == owner)
        goto out;
    if (f->fd >= 0)
        close(f->fd);
    f->fd = -1;
    TRY(index_entry(t->selection->from->index, owner, &f->entry));
    TRY(selection_content(t->selection, &f->entry, &f->scratch, &f->content));
    if (f->content == NULL)
        FAIL(ERR_CORRUPT, "%s has no content", entry_path(&f->entry));
    TRY(open_target(t, entry_path(&f->entry), &f->fd));
    f->owner = owner;
out:
    return rc;
}

/* Zero pages of a sparse file are left as holes; of an old state they must be written. */
static enum err write_sparse(struct filler *f, struct bytes plain, uint64_t offset)
{
    enum err rc = ERR_OK;

    for (size_t done = 0; done < plain.len; done += PAGE_LEN) {
        size_t len = plain.len - done < PAGE_LEN ? plain.len - done : PAGE_LEN;
        struct bytes page = bytes_of(plain.data + done, len);

        if (!bytes_are_zero(page))
            TRY(file_write_at(f->fd, page, offset + done));
    }
out:
    return rc;
}

static enum err write_file_block(struct filler *f, const struct plan_item *item)
{
    const struct index *index = f->data->tree->selection->from->index;
    uint8_t row[BLOCK_ROW_LEN];
    struct block b = {0};
    uint64_t offset;
    size_t len;
    enum err rc;

    TRY(switch_file(f, item->owner));
    TRY(index_rows(index, f->content->first_block + item->block, 1, row));
    TRY(block_decode(row, &b));
    offset = (uint64_t)item->block << f->content->block_log2;
    len = entry_block_len(f->content, item->block);
    TRY(block_reader_read(f->reader, &b, f->plain, len));
    if (entry_extent_count(f->content) > 0 && !f->data->tree->delta)
        TRY(write_sparse(f, bytes_of(f->plain, len), offset));
    else
        TRY(file_write_at(f->fd, bytes_of(f->plain, len), offset));
    f->unsynced += len;
    if (f->unsynced >= WRITE_BACK_LEN) {
        sync_file_range(f->fd, 0, 0, SYNC_FILE_RANGE_WRITE);
        f->unsynced = 0;
    }
    atomic_fetch_add_explicit(&f->data->written, len, memory_order_relaxed);
    atomic_fetch_add_explicit(&f->data->read, b.stored_len, memory_order_relaxed);
    if (f->data->progress != NULL)
        atomic_fetch_add_explicit(&f->data->progress->done_bytes, len, memory_order_relaxed);
out:
    if (rc != ERR_OK && f->fd >= 0)
        err_note("restoring %s", entry_path(&f->entry));
    return rc;
}

static enum err fill_objects(struct filler *f, const atomic_bool *stop)
{
    struct plan_item *items = NULL;
    uint32_t object;
    size_t count = 0;
    enum err rc = ERR_OK;

    while (!atomic_load(stop) && plan_take(f->data->plan, &object, &items, &count))
        for (size_t i = 0; i < count && !atomic_load_explicit(stop, memory_order_relaxed); i++) {
            TRY(stop_check());
            TRY(write_file_block(f, &items[i]));
        }
out:
    return rc;
}

static enum err fill_files(void *shared, size_t worker, const atomic_bool *stop)
{
    struct filler f = {.data = shared, .fd = -1};
    enum err rc;

    (void)worker;
    entry_init(&f.entry);
    entry_init(&f.scratch);
    TRY(block_reader_new(f.data->tree->selection->from, &f.reader));
    TRY(mem_new(BLOCK_LEN_MAX, 1, &f.plain));
    TRY(fill_objects(&f, stop));
out:
    if (f.fd >= 0)
        close(f.fd);
    block_reader_free(f.reader);
    entry_clear(&f.entry);
    entry_clear(&f.scratch);
    mem_free(f.plain);
    return rc;
}

enum err restore_data_write(struct restore_data *d)
{
    struct planner planner = {.data = d};
    bool more = true;
    enum err rc;

    TRY(planner_init(&planner, d));
    if (d->tree->delta) /* the old state is read once; the plan's rounds go by what was found */
        TRY(want_files(&planner, NULL));
    TRY(plan_new(index_header(d->tree->selection->from->index)->object_count, want_files, &planner,
                 &d->plan));
    for (;;) {
        TRY(plan_round(d->plan, &more));
        if (!more)
            break;
        TRY(pool_run(d->workers > 0 ? d->workers : pool_processors(), fill_files, d));
    }
out:
    plan_free(d->plan);
    d->plan = NULL;
    planner_clear(&planner);
    return rc;
}
