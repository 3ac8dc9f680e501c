#include "snapshot/restore/restore_data.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "core/base/clock.h"
#include "core/base/hash.h"
#include "core/base/mem.h"
#include "core/base/pool.h"
#include "core/base/stop.h"
#include "core/fs/dir_cache.h"
#include "core/fs/file.h"
#include "core/seal/object.h"
#include "core/store/store.h"
#include "snapshot/read/block_reader.h"

#define PLAN_ROWS 256
#define PAGE_LEN 4096
/* The disk starts this early, so that the last fsync has little left to do. */
#define WRITE_BACK_LEN (8 * MIB)

/*
 * The plan.
 *
 * A fresh target lacks everything: one plan, and workers that read, check and write.
 *
 * With delta the old state is read once, before anything is changed: a bit for each row of the
 * block map says whether a file lacks it (files may share a row: what one has, another may lack).
 * Then, in rounds as they are written later, every object that is needed is read from end to end
 * and its digest compared, and every block that is needed is opened and hashed: what cannot be
 * brought back is found while the old state is still whole. Writing begins with settling the files
 * (length, and blocks of zeros, which are in no object), and a file that was written to since it
 * was compared is compared again: the bits must be true of what is there now.
 */

/* What a walk over the files is for. */
enum planning {
    PLANNING_COMPARE, /* read the old state */
    PLANNING_SETTLE,  /* its length, and its zeros */
    PLANNING_COLLECT  /* the blocks that are wanted, into a plan */
};

/* Walking the wanted blocks: scratch of the planning thread. */
struct planner {
    struct restore_data *data;
    enum planning planning;
    struct plan *plan; /* only to collect */
    struct dir_cache *dirs;
    struct entry entry;
    struct entry scratch;
    struct hash *hash;
    uint8_t *rows;                 /* PLAN_ROWS of them */
    uint8_t *there;                /* BLOCK_LEN_MAX: what the target holds */
    bool differs;                  /* the file that is compared */
    bool allocates;                /* the first round: zeros get their room */
    uint64_t zeros_from, zeros_to; /* of the file, and not allocated yet */
};

static void planner_clear(struct planner *p)
{
    dir_cache_free(p->dirs);
    entry_clear(&p->entry);
    entry_clear(&p->scratch);
    hash_free(p->hash);
    mem_free(p->rows);
    mem_free(p->there);
}

static enum err planner_init(struct planner *p, struct restore_data *data)
{
    enum err rc;

    *p = (struct planner){.data = data};
    entry_init(&p->entry);
    entry_init(&p->scratch);
    TRY(dir_cache_new(data->tree->root_fd, &p->dirs));
    TRY(hash_new(&p->hash));
    TRY(mem_new(PLAN_ROWS, BLOCK_ROW_LEN, &p->rows));
    TRY(mem_new(BLOCK_LEN_MAX, 1, &p->there));
out:
    return rc;
}

static bool lacks_row(const struct planner *p, uint64_t row)
{
    const uint8_t *lacks = p->data->tree->lacks;

    return lacks == NULL || (lacks[row / 8] >> row % 8 & 1) != 0;
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

/* fd -1: there is no file that can be used. */
static enum err compare_block(struct planner *p, int fd, const struct block *b, uint64_t row,
                              uint64_t offset, size_t len)
{
    bool same = false;
    enum err rc = ERR_OK;

    if (fd >= 0)
        TRY(has_block(p, fd, b, offset, len, &same));
    if (same)
        goto out;
    p->differs = true;
    p->data->tree->lacks[row / 8] |= (uint8_t)(1 << row % 8);
out:
    return rc;
}

static enum err settle_block(struct planner *p, int fd, const struct block *b, uint64_t row,
                             uint64_t offset, size_t len)
{
    if (b->codec != BLOCK_ZERO || !lacks_row(p, row))
        return ERR_OK;
    memset(p->there, 0, len);
    return file_write_at(fd, bytes_of(p->there, len), offset);
}

static enum err open_target(struct dir_cache *dirs, const char *path, int flags, int *fd)
{
    const char *name;
    int dir = -1;
    enum err rc;

    *fd = -1;
    TRY(dir_cache_at(dirs, path, &dir, &name));
    *fd = openat(dir, name, flags | O_NOFOLLOW | O_CLOEXEC | O_NONBLOCK);
    if (*fd < 0)
        FAIL_SYS(ERR_FAILED, "opening %s for writing", path);
out:
    return rc;
}

/* A file that was not sparse does not become so: its zeros take room, as they did. Not every file
 * system can (a compressing one does not need to). */
static enum err allocate_zeros(struct planner *p)
{
    off_t from = (off_t)p->zeros_from;
    off_t len = (off_t)(p->zeros_to - p->zeros_from);
    int fd = -1;
    enum err rc = ERR_OK;

    if (len == 0)
        goto out;
    TRY(open_target(p->dirs, entry_path(&p->entry), O_WRONLY, &fd));
    if (fallocate(fd, FALLOC_FL_KEEP_SIZE, from, len) != 0 && errno != EOPNOTSUPP &&
        errno != ENOSYS)
        FAIL_SYS(ERR_STORAGE, "restoring %s", entry_path(&p->entry));
    p->zeros_from = p->zeros_to = 0;
out:
    if (fd >= 0)
        close(fd);
    return rc;
}

static enum err note_zeros(struct planner *p, uint64_t offset, size_t len)
{
    enum err rc = ERR_OK;

    if (offset != p->zeros_to) {
        TRY(allocate_zeros(p));
        p->zeros_from = offset;
    }
    p->zeros_to = offset + len;
out:
    return rc;
}

static enum err plan_block(struct planner *p, int fd, const struct plan_item *item,
                           const uint8_t *encoded, const struct entry *content)
{
    uint64_t offset = (uint64_t)item->block << content->block_log2;
    size_t len = entry_block_len(content, item->block);
    uint64_t row = content->first_block + item->block;
    struct plan_item placed = *item;
    struct block b = {0};
    enum err rc;

    TRY(block_decode(encoded, &b));
    placed.offset = b.offset;
    if (p->planning == PLANNING_COMPARE)
        TRY(compare_block(p, fd, &b, row, offset, len));
    else if (p->planning == PLANNING_SETTLE)
        TRY(settle_block(p, fd, &b, row, offset, len));
    else if (b.codec != BLOCK_ZERO && lacks_row(p, row)) /* a fresh file reads as zeros */
        TRY(plan_want(p->plan, b.object, &placed));
    else if (b.codec == BLOCK_ZERO && p->allocates && entry_extent_count(content) == 0)
        TRY(note_zeros(p, offset, len));
out:
    return rc;
}

static enum err plan_content(struct planner *p, uint32_t owner, const struct entry *content, int fd)
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

            TRY(plan_block(p, fd, &item, p->rows + k * BLOCK_ROW_LEN, content));
        }
    }
    TRY(allocate_zeros(p));
out:
    return rc;
}

static enum err compare_file(struct planner *p, uint32_t i, const struct entry *content)
{
    struct stat st = {.st_size = 0};
    bool is_there = false;
    int fd = -1;
    enum err rc;

    TRY(tree_open_old(p->data->tree, p->dirs, &p->entry, &fd, &is_there));
    p->differs = fd < 0 || fstat(fd, &st) != 0 || (uint64_t)st.st_size != content->size;
    TRY(plan_content(p, i, content, fd));
    if (is_there && p->differs)
        p->data->overwrites++;
out:
    if (fd >= 0)
        close(fd);
    return rc;
}

static bool was_touched(const struct restore_data *d, const struct stat *st)
{
    return d->compared_s == 0 || st->st_ctim.tv_sec >= d->compared_s;
}

/* A file is compared again when its times say that it may have been written to meanwhile. */
static enum err settle_file(struct planner *p, uint32_t i, const struct entry *content)
{
    struct stat st;
    int fd = -1;
    enum err rc;

    TRY(open_target(p->dirs, entry_path(&p->entry), O_RDWR, &fd));
    if (fstat(fd, &st) != 0)
        FAIL_SYS(ERR_FAILED, "looking at %s", entry_path(&p->entry));
    if (was_touched(p->data, &st)) {
        p->planning = PLANNING_COMPARE;
        rc = plan_content(p, i, content, st.st_blocks > 0 ? fd : -1);
        p->planning = PLANNING_SETTLE;
        TRY(rc);
    }
    if ((uint64_t)st.st_size != content->size && ftruncate(fd, (off_t)content->size) != 0)
        FAIL_SYS(ERR_FAILED, "setting the size of %s", entry_path(&p->entry));
    if (st.st_blocks > 0) /* else it reads as zeros, and its holes are to stay */
        TRY(plan_content(p, i, content, fd));
out:
    if (fd >= 0)
        close(fd);
    return rc;
}

/* p->entry, which has this number. */
static enum err plan_file(struct planner *p, uint32_t i)
{
    const struct restore_tree *t = p->data->tree;
    const struct entry *content = NULL;
    enum err rc;

    TRY(selection_content(t->selection, &p->entry, &p->scratch, &content));
    if (content == NULL)
        goto out;
    if (p->planning == PLANNING_COMPARE)
        TRY(compare_file(p, i, content));
    else if (p->planning == PLANNING_SETTLE)
        TRY(settle_file(p, i, content));
    else if (content->size > 0)
        TRY(plan_content(p, i, content, -1));
out:
    return rc;
}

static enum err plan_files(void *arg, struct plan *plan)
{
    struct planner *p = arg;
    bool more = true;
    enum err rc = ERR_OK;

    p->plan = plan;
    for (uint64_t i = 0;; i++) {
        TRY(stop_check());
        TRY(selection_next(p->data->tree->selection, &i, &p->entry, &more));
        if (!more)
            break;
        TRY(plan_file(p, (uint32_t)i));
    }
    p->allocates = false;
out:
    return rc;
}

/* A worker: the file it writes to, and what it reads with. */
struct filler {
    struct restore_data *data;
    struct dir_cache *dirs;
    struct hash *hash;
    struct block_reader *reader;
    struct entry entry;
    struct entry scratch;
    const struct entry *content; /* of the open file */
    uint32_t owner;
    bool is_open; /* `content` and `owner` are good, and so is `fd` unless we only check */
    int fd;
    size_t unsynced;
    uint8_t *plain; /* BLOCK_LEN_MAX */
};

static enum err switch_file(struct filler *f, uint32_t owner)
{
    const struct restore_tree *t = f->data->tree;
    enum err rc = ERR_OK;

    if (f->is_open && f->owner == owner)
        goto out;
    if (f->fd >= 0)
        close(f->fd);
    f->fd = -1;
    f->is_open = false;
    TRY(index_entry(t->selection->from->index, owner, &f->entry));
    TRY(selection_content(t->selection, &f->entry, &f->scratch, &f->content));
    if (f->content == NULL)
        FAIL(ERR_CORRUPT, "%s has no content", entry_path(&f->entry));
    if (!f->data->checking)
        TRY(open_target(f->dirs, entry_path(&f->entry), O_WRONLY, &f->fd));
    f->is_open = true;
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

/* The sealed bytes, whole: what is damaged anywhere in an object makes all of it suspect. */
static enum err check_object(struct filler *f, uint32_t object)
{
    const struct snapshot_reader *from = f->data->tree->selection->from;
    const struct manifest_object *o = &from->manifest.objects[object];
    uint8_t digest[HASH_LEN];
    char name[OBJECT_NAME_LEN + 1];
    struct store_blob *blob = NULL;
    enum err rc;

    object_name(o->id, name);
    TRY(store_blob_open(from->store, name, &blob));
    for (uint64_t offset = 0; offset < o->size; offset += BLOCK_LEN_MAX) {
        size_t len = o->size - offset < BLOCK_LEN_MAX ? (size_t)(o->size - offset) : BLOCK_LEN_MAX;

        TRY(stop_check());
        TRY(store_blob_read(blob, offset, f->plain, len));
        TRY(hash_add(f->hash, bytes_of(f->plain, len)));
    }
    TRY(hash_end(f->hash, digest));
    if (memcmp(digest, o->sha256, HASH_LEN) != 0)
        FAIL(ERR_CORRUPT, "its SHA-256 is not that of the manifest (damaged or tampered with)");
out:
    store_blob_free(blob);
    if (rc != ERR_OK)
        err_note("object %s", name);
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
    if (f->data->checking)
        goto out;
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
    if (rc != ERR_OK && f->is_open)
        err_note("%s %s", f->data->checking ? "checking" : "restoring", entry_path(&f->entry));
    return rc;
}

static enum err fill_objects(struct filler *f, const atomic_bool *stop)
{
    struct plan_item *items = NULL;
    uint32_t object;
    size_t count = 0;
    enum err rc = ERR_OK;

    while (!atomic_load(stop) && plan_take(f->data->plan, &object, &items, &count)) {
        if (f->data->checking)
            TRY(check_object(f, object));
        for (size_t i = 0; i < count && !atomic_load_explicit(stop, memory_order_relaxed); i++) {
            TRY(stop_check());
            TRY(write_file_block(f, &items[i]));
        }
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
    TRY(dir_cache_new(f.data->tree->root_fd, &f.dirs));
    TRY(hash_new(&f.hash));
    TRY(block_reader_new(f.data->tree->selection->from, &f.reader));
    TRY(mem_new(BLOCK_LEN_MAX, 1, &f.plain));
    TRY(fill_objects(&f, stop));
out:
    if (f.fd >= 0)
        close(f.fd);
    dir_cache_free(f.dirs);
    hash_free(f.hash);
    block_reader_free(f.reader);
    entry_clear(&f.entry);
    entry_clear(&f.scratch);
    mem_free(f.plain);
    return rc;
}

/* All that is planned goes through the workers. */
static enum err run_plan(struct restore_data *d, struct planner *planner)
{
    bool more = true;
    enum err rc;

    planner->planning = PLANNING_COLLECT;
    planner->allocates = !d->checking;
    TRY(plan_new(index_header(d->tree->selection->from->index)->object_count, plan_files, planner,
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
    return rc;
}

/* File systems keep whole seconds at worst, and their clock may lag: two seconds of doubt. */
static enum err compare_old(struct restore_data *d, struct planner *planner)
{
    enum err rc;

    d->overwrites = 0;
    d->compared_s = clock_now_ms() / 1000 - 2;
    TRY(mem_new(index_header(d->tree->selection->from->index)->block_count / 8 + 1, 1,
                &d->tree->lacks));
    planner->planning = PLANNING_COMPARE;
    TRY(plan_files(planner, NULL));
out:
    return rc;
}

enum err restore_data_check(struct restore_data *d)
{
    struct planner planner = {.data = d};
    enum err rc;

    TRY(planner_init(&planner, d));
    TRY(compare_old(d, &planner));
    d->checking = true;
    TRY(run_plan(d, &planner));
out:
    d->checking = false;
    planner_clear(&planner);
    return rc;
}

enum err restore_data_write(struct restore_data *d)
{
    struct planner planner = {.data = d};
    enum err rc;

    TRY(planner_init(&planner, d));
    if (d->tree->delta && d->tree->lacks == NULL)
        TRY(compare_old(d, &planner));
    if (d->tree->delta) {
        d->is_overwriting = true;
        planner.planning = PLANNING_SETTLE;
        TRY(plan_files(&planner, NULL));
    }
    TRY(run_plan(d, &planner));
out:
    planner_clear(&planner);
    restore_data_clear(d);
    return rc;
}

void restore_data_clear(struct restore_data *d)
{
    if (d->tree != NULL) {
        mem_free(d->tree->lacks);
        d->tree->lacks = NULL;
    }
}
