#include "snapshot/backup/intake.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "core/base/clock.h"
#include "core/base/log.h"
#include "core/base/mem.h"
#include "core/base/text.h"
#include "core/fs/file.h"
#include "snapshot/format/block.h"

#define COPY_ROWS 1024
#define SHOWN_MAX 512
/* A file that was touched so shortly before the parent began may have been touched again within
 * the same tick of the file system's clock: its times prove nothing. */
#define TICK_MS 20

struct reading {
    int fd;             /* owned; -1 for a stream */
    struct entry entry; /* as it was described; owned */
    uint64_t spooled_at;
    uint64_t first_slot;
    size_t held; /* claims out, plus one while it is the intake's current file */
    bool changed;
    uint64_t parent_first; /* first row in the parent's block map */
    uint64_t parent_size;  /* 0: nothing to compare with */
};

struct intake {
    struct intake_options options;
    pthread_mutex_t lock;    /* everything below */
    struct reading *current; /* the file that claims are cut from, or NULL */
    uint64_t next_offset;    /* in it */
    uint64_t next_slot;
    bool at_end;
    struct intake_totals totals;
    struct entry parent_entry; /* owned; scratch */
    uint8_t *rows;             /* owned; scratch of COPY_ROWS */
};

enum err intake_new(const struct intake_options *options, struct intake **out)
{
    struct intake *in = NULL;
    enum err rc;

    TRY(mem_new(1, sizeof *in, &in));
    pthread_mutex_init(&in->lock, NULL);
    in->options = *options;
    in->totals.attention = options->source->warned;
    entry_init(&in->parent_entry);
    TRY(mem_new(COPY_ROWS, BLOCK_ROW_LEN, &in->rows));
    *out = in;
    in = NULL; /* the caller's now */
out:
    intake_free(in);
    return rc;
}

static void reading_free(struct reading *r)
{
    if (r == NULL)
        return;
    if (r->fd >= 0)
        close(r->fd);
    entry_clear(&r->entry);
    mem_free(r);
}

void intake_free(struct intake *in)
{
    if (in == NULL)
        return;
    reading_free(in->current);
    entry_clear(&in->parent_entry);
    mem_free(in->rows);
    pthread_mutex_destroy(&in->lock);
    mem_free(in);
}

void intake_totals(const struct intake *in, struct intake_totals *out)
{
    *out = in->totals;
}

static void say(const struct entry *e, const char *what)
{
    char shown[SHOWN_MAX];

    text_printable(entry_path(e), shown, sizeof shown);
    log_say(LOG_WARN, "%s: %s", shown, what);
}

/* Spool an entry that stays as it is, and count it. */
static enum err spool_entry(struct intake *in, const struct entry *e, uint64_t *at)
{
    enum err rc;

    TRY(spool_add(in->options.spool, e, at));
    in->totals.files++;
    in->totals.bytes += e->size;
    if (in->options.progress != NULL)
        atomic_fetch_add(&in->options.progress->done_files, 1);
out:
    return rc;
}

static bool same_times(const struct entry *a, const struct entry *b)
{
    return a->mtime_s == b->mtime_s && a->mtime_ns == b->mtime_ns && a->ctime_s == b->ctime_s &&
           a->ctime_ns == b->ctime_ns;
}

/* Seconds and the rest apart: a file system may keep times that no count of nanoseconds holds. */
static bool was_touched_before(const struct entry *e, int64_t limit_ms)
{
    int64_t limit_s = limit_ms / 1000;
    int64_t rest_ms = limit_ms % 1000;

    if (rest_ms < 0) { /* before 1970: the division rounds towards zero */
        limit_s--;
        rest_ms += 1000;
    }
    if (e->ctime_s != limit_s)
        return e->ctime_s < limit_s;
    return e->ctime_ns < rest_ms * 1000000;
}

static bool is_unchanged(const struct intake *in, const struct entry *now, const struct entry *was)
{
    int64_t started_ms = in->options.parent->snapshot->started_ms;

    return !in->options.read_all && now->type == was->type && now->flags == 0 && was->flags == 0 &&
           now->size == was->size && now->inode == was->inode && now->inode != 0 &&
           same_times(now, was) && now->mode == was->mode && now->uid == was->uid &&
           now->gid == was->gid && was_touched_before(now, started_ms - TICK_MS);
}

/* The parent's entry of the same path, in in->parent_entry. */
static enum err find_in_parent(struct intake *in, const struct entry *e, bool *found)
{
    uint64_t i = 0;
    enum err rc = ERR_OK;

    *found = false;
    if (in->options.parent == NULL)
        return ERR_OK;
    rc = index_find(in->options.parent->index, buf_bytes(&e->path), &i);
    if (rc == ERR_NOT_FOUND)
        return ERR_OK;
    TRY(rc);
    TRY(index_entry(in->options.parent->index, i, &in->parent_entry));
    *found = true;
out:
    return rc;
}

/* Take over entry and rows as the parent has them. */
static enum err inherit(struct intake *in)
{
    struct entry *e = &in->parent_entry;
    uint64_t blocks = entry_blocks(e);
    uint64_t from = e->first_block;
    uint64_t at;
    enum err rc = ERR_OK;

    e->first_block = blocks > 0 ? in->next_slot : 0;
    for (uint64_t done = 0; done < blocks;) {
        size_t count = blocks - done < COPY_ROWS ? (size_t)(blocks - done) : COPY_ROWS;

        TRY(index_rows(in->options.parent->index, from + done, count, in->rows));
        TRY(spool_put_rows(in->options.spool, in->next_slot, in->rows, count));
        in->next_slot += count;
        done += count;
    }
    TRY(spool_entry(in, e, &at));
    if (in->options.progress != NULL)
        atomic_fetch_add(&in->options.progress->done_bytes, e->size);
out:
    return rc;
}

static void compare_with_parent(const struct intake *in, struct reading *r, bool found)
{
    const struct entry *was = &in->parent_entry;

    if (!found || was->type != ENTRY_FILE || was->size == 0 ||
        was->block_log2 != r->entry.block_log2)
        return;
    r->parent_first = was->first_block;
    r->parent_size = was->size;
}

/* An opened regular file becomes the one that claims are cut from. */
static enum err begin_file(struct intake *in, struct reading **r, bool found)
{
    struct entry *e = &(*r)->entry;
    enum err rc = ERR_OK;

    e->first_block = in->next_slot;
    (*r)->first_slot = in->next_slot;
    (*r)->held = 1;
    compare_with_parent(in, *r, found);
    if (!in->options.source->size_is_unknown) {
        TRY(spool_entry(in, e, &(*r)->spooled_at));
        in->next_slot += entry_blocks(e);
    }
    in->current = *r;
    in->next_offset = 0;
    *r = NULL; /* the intake's now */
out:
    return rc;
}

static bool has_content(const struct intake *in, const struct entry *e)
{
    return e->type == ENTRY_FILE && (e->flags & ENTRY_HARD_LINK) == 0 &&
           (e->size > 0 || in->options.source->size_is_unknown);
}

/* Look at the source's next file: pass it over, inherit it, spool it, or make it the current. */
static enum err next_file(struct intake *in)
{
    const struct source *source = in->options.source;
    struct reading *r = NULL;
    bool more = true;
    bool found = false;
    uint64_t at;
    enum err rc;

    TRY(mem_new(1, sizeof *r, &r));
    r->fd = -1;
    entry_init(&r->entry);
    TRY(source->driver->next(source->self, &r->entry, &more, &in->totals.attention));
    in->at_end = !more;
    if (!more)
        goto out;
    TRY(find_in_parent(in, &r->entry, &found));
    if (found && is_unchanged(in, &r->entry, &in->parent_entry)) {
        rc = inherit(in);
        goto out;
    }
    rc = source->driver->describe(source->self, &r->entry, &r->fd);
    if (rc == ERR_NOT_FOUND) {
        say(&r->entry, "vanished before it was read");
        in->totals.attention++;
        rc = ERR_OK;
        goto out;
    }
    TRY(rc);
    if (has_content(in, &r->entry))
        TRY(begin_file(in, &r, found));
    else
        TRY(spool_entry(in, &r->entry, &at));
out:
    reading_free(r);
    return rc;
}

/* Compare with how it was when it was opened. */
static void look_again(struct reading *r)
{
    struct stat st;

    if (r->fd < 0 || fstat(r->fd, &st) != 0)
        return;
    if ((uint64_t)st.st_size != r->entry.size || st.st_mtim.tv_sec != r->entry.mtime_s ||
        st.st_mtim.tv_nsec != r->entry.mtime_ns)
        r->changed = true;
}

static enum err let_go(struct intake *in, struct reading *r)
{
    enum err rc = ERR_OK;

    if (--r->held > 0)
        return ERR_OK;
    look_again(r);
    if (r->changed) {
        say(&r->entry, "changed while it was read; the snapshot has a mixture of before and after");
        in->totals.attention++;
        TRY(spool_mark_changed(in->options.spool, r->spooled_at));
    }
out:
    reading_free(r);
    return rc;
}

/* The entry of a stream of unknown length is spooled now that its end is known. */
static enum err end_file(struct intake *in)
{
    struct reading *r = in->current;
    enum err rc = ERR_OK;
    enum err gone;

    in->current = NULL;
    if (in->options.source->size_is_unknown) {
        r->entry.size = in->next_offset;
        if (r->entry.size == 0)
            r->entry.block_log2 = 0;
        r->entry.mtime_s = r->entry.ctime_s = clock_now_ms() / 1000;
        rc = spool_entry(in, &r->entry, &r->spooled_at);
    }
    gone = let_go(in, r);
    return rc != ERR_OK ? rc : gone;
}

static void cut(struct intake *in, size_t len, struct claim *c)
{
    struct reading *r = in->current;

    *c = (struct claim){.file = r,
                        .offset = in->next_offset,
                        .len = len,
                        .block_len = (size_t)1 << r->entry.block_log2,
                        .slot = r->first_slot + (in->next_offset >> r->entry.block_log2)};
    in->next_offset += len;
    r->held++;
}

/* The next piece of a stream; *len is 0 at the end of its current file. */
static enum err read_stream(struct intake *in, uint8_t *buffer, size_t *len)
{
    const struct source *source = in->options.source;
    const struct entry *e = &in->current->entry;
    uint64_t want = CLAIM_LEN;
    enum err rc;

    if (!source->size_is_unknown && e->size - in->next_offset < want)
        want = e->size - in->next_offset;
    TRY(source->driver->read(source->self, buffer, (size_t)want, len));
    if (!source->size_is_unknown && *len < want)
        FAIL(ERR_FAILED, "%s: the tar on standard input ends in the middle of it", entry_path(e));
    if (source->size_is_unknown)
        in->next_slot += (*len + ((size_t)1 << e->block_log2) - 1) >> e->block_log2;
out:
    return rc;
}

static enum err cut_next(struct intake *in, uint8_t *buffer, struct claim *c, bool *cut_one)
{
    struct reading *r = in->current;
    uint64_t left = r->entry.size - in->next_offset;
    size_t len = left < CLAIM_LEN ? (size_t)left : CLAIM_LEN;
    enum err rc = ERR_OK;

    if (in->options.source->is_stream)
        TRY(read_stream(in, buffer, &len));
    *cut_one = len > 0;
    if (len > 0)
        cut(in, len, c);
    else
        TRY(end_file(in));
out:
    return rc;
}

enum err intake_claim(struct intake *in, uint8_t *buffer, struct claim *out, bool *more)
{
    bool cut_one = false;
    enum err rc = ERR_OK;

    pthread_mutex_lock(&in->lock);
    while (!cut_one && (in->current != NULL || !in->at_end)) {
        if (in->current != NULL)
            TRY(cut_next(in, buffer, out, &cut_one));
        else
            TRY(next_file(in));
    }
    in->totals.rows = in->next_slot;
    *more = cut_one;
out:
    pthread_mutex_unlock(&in->lock);
    return rc;
}

/* Blocks that lie in holes are not read: they are zeros. */
static enum err read_around_holes(const struct claim *c, uint8_t *buffer, size_t *got)
{
    enum err rc = ERR_OK;

    memset(buffer, 0, c->len);
    for (size_t at = 0; at < c->len; at += c->block_len) {
        size_t len = c->len - at < c->block_len ? c->len - at : c->block_len;
        size_t some = len;

        if (entry_has_data(&c->file->entry, c->offset + at, len))
            TRY(file_read_at(c->file->fd, buffer + at, len, c->offset + at, &some));
        *got += some;
        if (some < len)
            break;
    }
out:
    return rc;
}

enum err intake_read(struct intake *in, const struct claim *c, uint8_t *buffer)
{
    size_t got = 0;
    enum err rc = ERR_OK;

    if (in->options.source->is_stream)
        return ERR_OK;
    if (c->file->entry.extents.len > 0)
        TRY(read_around_holes(c, buffer, &got));
    else
        TRY(file_read_at(c->file->fd, buffer, c->len, c->offset, &got));
    if (got < c->len) {
        memset(buffer + got, 0, c->len - got);
        pthread_mutex_lock(&in->lock);
        c->file->changed = true;
        pthread_mutex_unlock(&in->lock);
    }
out:
    if (rc != ERR_OK)
        err_note("reading %s", entry_path(&c->file->entry));
    return rc;
}

enum err intake_parent_rows(const struct intake *in, const struct claim *c, uint8_t *rows,
                            size_t *count)
{
    const struct reading *r = c->file;
    uint64_t end = c->offset + c->len;
    enum err rc = ERR_OK;

    /* A shorter last block is comparable only when it ends at the same place in both. */
    if (end != r->parent_size) {
        end -= end % c->block_len;
        if (end > r->parent_size)
            end = r->parent_size - r->parent_size % c->block_len;
    }
    *count = end > c->offset ? (size_t)((end - c->offset + c->block_len - 1) / c->block_len) : 0;
    if (*count > 0)
        TRY(index_rows(in->options.parent->index,
                       r->parent_first + (c->offset >> r->entry.block_log2), *count, rows));
out:
    return rc;
}

enum err intake_release(struct intake *in, struct claim *c)
{
    struct reading *r = c->file;
    enum err rc = ERR_OK;

    pthread_mutex_lock(&in->lock);
    c->file = NULL;
    if (in->options.progress != NULL)
        atomic_fetch_add(&in->options.progress->done_bytes, c->len);
    rc = let_go(in, r);
    pthread_mutex_unlock(&in->lock);
    return rc;
}
