#include "snapshot/backup/read_queue.h"

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

/*
 * The plan.
 *
 * The queue has one current file, from which ranges are cut front to back, each for whichever
 * worker asks next. When it is used up, the source's next file is looked at, still under the lock,
 * and one of these becomes of it:
 *
 * - unchanged, by name, size, times, inode, mode and owner, and the times prove it: its entry and
 *   rows are copied from the parent; it is never opened
 * - no content (a directory, a link, an empty file): its entry is spooled, and that is all
 * - content: it is opened and becomes the current file
 *
 * Who holds a file: the queue, while it is the current one, and each range that is out. Each counts
 * one in `held`. Whoever gives back the last of them looks at the file once more, marks its entry
 * when it has changed, and closes it. A worker may still read its range long after the queue has
 * gone on to other files.
 *
 * When an entry is spooled: before the first range is cut, with the rows' places in it, so that
 * workers may write rows in any order. An entry that turns out to have changed is marked where it
 * lies, in the spool. The one exception is a stream of unknown length: its rows' places are handed
 * out as it is read, and its entry is spooled at its end, when its size is known.
 *
 * What times prove. A change that comes in the same tick of the file system's clock as the one
 * before leaves all times as they were. So equal times prove equal content only if the parent's
 * copy was read when that clock was past the tick. What we read may be a snapshot, frozen at a
 * moment that nobody tells us, so our own clock says nothing of that. What does:
 *
 *   a newer change    Something else in the source was newer by 2 s before the first file was read:
 *                     the file is ENTRY_SETTLED, for good (source_clock.h). A running mongod sees
 *                     to that by itself.
 *   the same mount    Parent and this backup read the very same mounted volume. Whatever it is, all
 *                     changes since went through this kernel, whose clock is ours: a file that was
 *                     touched 20 ms before the parent began (2 s where times are whole seconds, a
 *                     day if the file system is another machine's) is unchanged.
 *   a second reading  Of a database that rests, nothing is ever newer than its last checkpoint. Its
 *                     files are read at the next backup from another snapshot; one whose blocks
 *                     are all the parent's, and which was touched a tick before the parent began,
 *                     is settled then: the other snapshot was frozen after that. That it is
 *                     another one is known by its volume (source_marks_other_state()); where that
 *                     cannot be told, the files of that checkpoint are read at every backup.
 *
 * What remains: a copy of a frozen snapshot (a clone of a snapshot) looks like another one; and
 * what is written through a shared mapping changes the times when it is written back, not before.
 *
 * What is under the lock: all of the queue, the source, the adding to the spool, and of the files
 * that are read `held` and `changed`. A directory's content is read outside of it, by position; a
 * stream's is read under it, for it comes in order.
 */

#define COPY_ROWS 1024
#define SHOWN_MAX 512
/* How long before our own clock's time a file must have been touched, so that another change would
 * have another time: longer than any tick of the kernel's; where times are whole seconds, longer
 * than one; on another machine's file system longer than its clock can be wrong. */
#define TICK_MS 20
#define WHOLE_SECOND_TICK_MS 2000
#define REMOTE_TICK_MS CLOCK_DAY_MS

struct reading {
    int fd;             /* owned; -1 for a stream */
    struct entry entry; /* as it was described; owned */
    uint64_t spooled_at;
    uint64_t first_slot;
    size_t held; /* ranges out, plus one while it is the queue's current file */
    bool changed;
    bool may_settle; /* a second reading: settled, unless a block differs */
    bool differs;
    uint64_t parent_first; /* first row in the parent's block map */
    uint64_t parent_size;  /* 0: nothing to compare with */
};

struct read_queue {
    struct read_queue_options options;
    pthread_mutex_t lock;    /* everything below */
    struct reading *current; /* the file that ranges are cut from, or NULL */
    uint64_t next_offset;    /* in it */
    uint64_t next_slot;
    bool at_end;
    bool failed; /* a worker was told why; the others get nothing more */
    struct read_queue_totals totals;
    struct entry parent_entry; /* owned; scratch */
    uint8_t *rows;             /* owned; scratch of COPY_ROWS */
};

enum err read_queue_new(const struct read_queue_options *options, struct read_queue **out)
{
    struct read_queue *queue = NULL;
    enum err rc;

    TRY(mem_new(1, sizeof *queue, &queue));
    pthread_mutex_init(&queue->lock, NULL);
    queue->options = *options;
    queue->totals.attention.warnings = options->source->warned;
    entry_init(&queue->parent_entry);
    TRY(mem_new(COPY_ROWS, BLOCK_ROW_LEN, &queue->rows));
    *out = queue;
    queue = NULL; /* the caller's now */
out:
    read_queue_free(queue);
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

void read_queue_free(struct read_queue *queue)
{
    if (queue == NULL)
        return;
    reading_free(queue->current);
    entry_clear(&queue->parent_entry);
    mem_free(queue->rows);
    pthread_mutex_destroy(&queue->lock);
    mem_free(queue);
}

void read_queue_totals(const struct read_queue *queue, struct read_queue_totals *out)
{
    *out = queue->totals;
}

static void warn_of_entry(const struct entry *e, const char *what)
{
    char shown[SHOWN_MAX];

    text_printable(entry_path(e), shown, sizeof shown);
    log_say(LOG_WARN, "%s: %s", shown, what);
}

/* Spool an entry that stays as it is, and count it. */
static enum err spool_entry(struct read_queue *queue, const struct entry *e, uint64_t *offset)
{
    enum err rc;

    TRY(spool_add(queue->options.spool, e, offset));
    queue->totals.files += e->type == ENTRY_FILE;
    queue->totals.bytes += e->size;
    if (queue->options.progress != NULL)
        atomic_fetch_add(&queue->options.progress->done_files, 1);
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

static bool looks_unchanged(const struct entry *now, const struct entry *was)
{
    return now->type == was->type && ((now->flags | was->flags) & ~ENTRY_SETTLED) == 0 &&
           now->size == was->size && now->inode == was->inode && now->inode != 0 &&
           same_times(now, was) && now->mode == was->mode && now->uid == was->uid &&
           now->gid == was->gid;
}

static int64_t tick_ms(const struct entry *e)
{
    return e->ctime_ns == 0 ? WHOLE_SECOND_TICK_MS : TICK_MS;
}

/* Would a change after the parent's reading show in the times? */
static bool times_prove(const struct read_queue *queue, const struct entry *was)
{
    const struct parent *parent = queue->options.parent;
    const struct source_marks *marks = &queue->options.source->marks;

    if ((was->flags & ENTRY_SETTLED) != 0)
        return true;
    return source_marks_same_mount(&parent->marks, marks) &&
           was_touched_before(was, parent->snapshot->started_ms -
                                       (marks->is_remote ? REMOTE_TICK_MS : tick_ms(was)));
}

static bool is_unchanged(const struct read_queue *queue, const struct entry *now,
                         const struct entry *was)
{
    return !queue->options.read_all && looks_unchanged(now, was) && times_prove(queue, was);
}

/* It looks as it did in another, earlier state of the volume: see "a second reading" above. */
static bool is_second_reading(const struct read_queue *queue, const struct entry *now,
                              const struct entry *was)
{
    const struct parent *parent = queue->options.parent;
    const struct source_marks *marks = &queue->options.source->marks;

    return looks_unchanged(now, was) && !marks->is_remote &&
           source_marks_other_state(&parent->marks, marks) &&
           was_touched_before(was, parent->snapshot->started_ms - tick_ms(was));
}

/* The parent's entry of the same path, in in->parent_entry. */
static enum err find_in_parent(struct read_queue *queue, const struct entry *e, bool *found)
{
    uint64_t i = 0;
    enum err rc = ERR_OK;

    *found = false;
    if (queue->options.parent == NULL)
        return ERR_OK;
    rc = index_find(queue->options.parent->index, buf_bytes(&e->path), &i);
    if (rc == ERR_NOT_FOUND)
        return ERR_OK;
    TRY(rc);
    TRY(index_entry(queue->options.parent->index, i, &queue->parent_entry));
    *found = true;
out:
    return rc;
}

/* Room for the rows of one more file: what no index holds is refused before it is read. */
static enum err take_slots(struct read_queue *queue, const struct entry *e, uint64_t *first)
{
    uint64_t blocks = entry_blocks(e);

    if (blocks > INDEX_ROWS_MAX - queue->next_slot)
        return err_set(ERR_FAILED, "%s: this source has more blocks than an index can hold",
                       entry_path(e));
    *first = queue->next_slot;
    queue->next_slot += blocks;
    return ERR_OK;
}

/* Take over entry and rows as the parent has them; what is settled by now is marked. */
static enum err inherit_file(struct read_queue *queue, const struct entry *now)
{
    struct entry *e = &queue->parent_entry;
    uint64_t blocks = entry_blocks(e);
    uint64_t from = e->first_block;
    uint64_t slot = 0;
    uint64_t offset;
    enum err rc;

    TRY(take_slots(queue, e, &slot));
    e->flags |= now->flags & ENTRY_SETTLED;
    e->first_block = blocks > 0 ? slot : 0;
    for (uint64_t done = 0; done < blocks;) {
        size_t count = blocks - done < COPY_ROWS ? (size_t)(blocks - done) : COPY_ROWS;

        TRY(index_rows(queue->options.parent->index, from + done, count, queue->rows));
        TRY(spool_put_rows(queue->options.spool, slot + done, queue->rows, count));
        done += count;
    }
    TRY(spool_entry(queue, e, &offset));
    if (queue->options.progress != NULL)
        atomic_fetch_add(&queue->options.progress->done_bytes, e->size);
out:
    return rc;
}

static void compare_with_parent(const struct read_queue *queue, struct reading *r, bool found)
{
    const struct entry *was = &queue->parent_entry;

    if (!found || was->type != ENTRY_FILE || was->size == 0 ||
        was->block_log2 != r->entry.block_log2)
        return;
    r->parent_first = was->first_block;
    r->parent_size = was->size;
}

/* An opened regular file becomes the one that ranges are cut from. */
static enum err begin_file(struct read_queue *queue, struct reading **r, bool found)
{
    struct entry *e = &(*r)->entry;
    enum err rc = ERR_OK;

    e->first_block = queue->next_slot;
    (*r)->first_slot = queue->next_slot;
    (*r)->held = 1;
    compare_with_parent(queue, *r, found);
    (*r)->may_settle = found && is_second_reading(queue, e, &queue->parent_entry);
    if (!queue->options.source->size_is_unknown) {
        TRY(take_slots(queue, e, &e->first_block));
        TRY(spool_entry(queue, e, &(*r)->spooled_at));
    }
    queue->current = *r;
    queue->next_offset = 0;
    *r = NULL; /* the queue's now */
out:
    return rc;
}

static bool has_content(const struct read_queue *queue, const struct entry *e)
{
    return e->type == ENTRY_FILE && (e->flags & ENTRY_HARD_LINK) == 0 &&
           (e->size > 0 || queue->options.source->size_is_unknown);
}

/* Look at the source's next file: pass it over, inherit it, spool it, or make it the current. */
static enum err next_file(struct read_queue *queue)
{
    const struct source *source = queue->options.source;
    struct reading *r = NULL;
    bool more = true;
    bool found = false;
    uint64_t offset;
    enum err rc;

    TRY(mem_new(1, sizeof *r, &r));
    r->fd = -1;
    entry_init(&r->entry);
    TRY(source->driver->next(source->self, &r->entry, &more, &queue->totals.attention));
    queue->at_end = !more;
    if (!more)
        goto out;
    TRY(find_in_parent(queue, &r->entry, &found));
    if (found && is_unchanged(queue, &r->entry, &queue->parent_entry)) {
        rc = inherit_file(queue, &r->entry);
        goto out;
    }
    rc = source->driver->describe(source->self, &r->entry, &r->fd);
    if (rc == ERR_NOT_FOUND) {
        warn_of_entry(&r->entry, "vanished before it was read");
        queue->totals.attention.vanished++;
        rc = ERR_OK;
        goto out;
    }
    TRY(rc);
    if (has_content(queue, &r->entry))
        TRY(begin_file(queue, &r, found));
    else
        TRY(spool_entry(queue, &r->entry, &offset));
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

static enum err let_go(struct read_queue *queue, struct reading *r)
{
    enum err rc = ERR_OK;

    if (--r->held > 0)
        return ERR_OK;
    look_again(r);
    if (r->changed) {
        warn_of_entry(
            &r->entry,
            "changed while it was read; the snapshot holds a mixture of old and new content");
        queue->totals.attention.changed++;
        TRY(spool_mark(queue->options.spool, r->spooled_at, ENTRY_CHANGED));
    } else if (r->may_settle && !r->differs) {
        TRY(spool_mark(queue->options.spool, r->spooled_at, ENTRY_SETTLED));
    }
out:
    reading_free(r);
    return rc;
}

/* The entry of a stream of unknown length is spooled now that its end is known. */
static enum err end_file(struct read_queue *queue)
{
    struct reading *r = queue->current;
    enum err rc = ERR_OK;
    enum err gone;

    queue->current = NULL;
    if (queue->options.source->size_is_unknown) {
        r->entry.size = queue->next_offset;
        if (r->entry.size == 0)
            r->entry.block_log2 = 0;
        r->entry.mtime_s = r->entry.ctime_s = clock_now_ms() / 1000;
        rc = spool_entry(queue, &r->entry, &r->spooled_at);
    }
    gone = let_go(queue, r);
    return rc != ERR_OK ? rc : gone;
}

static void cut_range(struct read_queue *queue, size_t len, struct read_range *range)
{
    struct reading *r = queue->current;

    *range =
        (struct read_range){.file = r,
                            .offset = queue->next_offset,
                            .len = len,
                            .block_len = (size_t)1 << r->entry.block_log2,
                            .slot = r->first_slot + (queue->next_offset >> r->entry.block_log2)};
    queue->next_offset += len;
    r->held++;
}

/* The next piece of a stream; *len is 0 at the end of its current file. */
static enum err read_stream(struct read_queue *queue, uint8_t *buffer, size_t *len)
{
    const struct source *source = queue->options.source;
    const struct entry *e = &queue->current->entry;
    uint64_t want = READ_RANGE_LEN;
    enum err rc;

    if (!source->size_is_unknown && e->size - queue->next_offset < want)
        want = e->size - queue->next_offset;
    TRY(source->driver->read(source->self, buffer, (size_t)want, len));
    if (!source->size_is_unknown && *len < want)
        FAIL(ERR_FAILED, "%s: the tar on standard input ends in the middle of it", entry_path(e));
    if (source->size_is_unknown)
        queue->next_slot += (*len + ((size_t)1 << e->block_log2) - 1) >> e->block_log2;
out:
    return rc;
}

static enum err cut_next(struct read_queue *queue, uint8_t *buffer, struct read_range *range,
                         bool *cut_one)
{
    struct reading *r = queue->current;
    uint64_t left = r->entry.size - queue->next_offset;
    size_t len = left < READ_RANGE_LEN ? (size_t)left : READ_RANGE_LEN;
    enum err rc = ERR_OK;

    if (queue->options.source->is_stream)
        TRY(read_stream(queue, buffer, &len));
    *cut_one = len > 0;
    if (len > 0)
        cut_range(queue, len, range);
    else
        TRY(end_file(queue));
out:
    return rc;
}

enum err read_queue_take(struct read_queue *queue, uint8_t *buffer, struct read_range *out,
                         bool *more)
{
    bool cut_one = false;
    enum err rc = ERR_OK;

    pthread_mutex_lock(&queue->lock);
    while (!cut_one && !queue->failed && (queue->current != NULL || !queue->at_end)) {
        if (queue->current != NULL)
            TRY(cut_next(queue, buffer, out, &cut_one));
        else
            TRY(next_file(queue));
    }
    queue->totals.rows = queue->next_slot;
    *more = cut_one;
out:
    queue->failed = queue->failed || rc != ERR_OK;
    pthread_mutex_unlock(&queue->lock);
    return rc;
}

/* Blocks that lie in holes are not read: they are zeros. */
static enum err read_around_holes(const struct read_range *range, uint8_t *buffer, size_t *got)
{
    enum err rc = ERR_OK;

    memset(buffer, 0, range->len);
    for (size_t offset = 0; offset < range->len; offset += range->block_len) {
        size_t len =
            range->len - offset < range->block_len ? range->len - offset : range->block_len;
        size_t some = len;

        if (entry_has_data(&range->file->entry, range->offset + offset, len))
            TRY(file_read_at(range->file->fd, buffer + offset, len, range->offset + offset, &some));
        *got += some;
        if (some < len)
            break;
    }
out:
    return rc;
}

enum err read_queue_read(struct read_queue *queue, const struct read_range *range, uint8_t *buffer)
{
    size_t got = 0;
    enum err rc = ERR_OK;

    if (queue->options.source->is_stream)
        return ERR_OK;
    if (entry_extent_count(&range->file->entry) > 0)
        TRY(read_around_holes(range, buffer, &got));
    else
        TRY(file_read_at(range->file->fd, buffer, range->len, range->offset, &got));
    if (got < range->len) {
        memset(buffer + got, 0, range->len - got);
        pthread_mutex_lock(&queue->lock);
        range->file->changed = true;
        pthread_mutex_unlock(&queue->lock);
    }
out:
    if (rc != ERR_OK)
        err_note("reading %s", entry_path(&range->file->entry));
    return rc;
}

enum err read_queue_parent_rows(const struct read_queue *queue, const struct read_range *range,
                                uint8_t *rows, size_t *count)
{
    const struct reading *r = range->file;
    uint64_t end = range->offset + range->len;
    enum err rc = ERR_OK;

    /* A shorter last block is comparable only when it ends at the same place in both. */
    if (end != r->parent_size) {
        end -= end % range->block_len;
        if (end > r->parent_size)
            end = r->parent_size - r->parent_size % range->block_len;
    }
    *count = end > range->offset
                 ? (size_t)((end - range->offset + range->block_len - 1) / range->block_len)
                 : 0;
    if (*count > 0)
        TRY(index_rows(queue->options.parent->index,
                       r->parent_first + (range->offset >> r->entry.block_log2), *count, rows));
out:
    return rc;
}

enum err read_queue_release(struct read_queue *queue, struct read_range *range)
{
    struct reading *r = range->file;
    enum err rc = ERR_OK;

    pthread_mutex_lock(&queue->lock);
    range->file = NULL;
    r->differs |= range->differs;
    if (queue->options.progress != NULL)
        atomic_fetch_add(&queue->options.progress->done_bytes, range->len);
    rc = let_go(queue, r);
    pthread_mutex_unlock(&queue->lock);
    return rc;
}
