#include "snapshot/backup/read_queue.h"

#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>

#include "core/base/clock.h"
#include "core/base/log.h"
#include "tests/unit/snapshot/index_samples.h"

#define STARTED_MS INT64_C(1700000100000) /* the parent's beginning */
#define TICK_NS INT64_C(20000000)

/* ---- a source of one file, as it is said to be ---- */

struct double_source {
    const struct entry *file; /* borrowed; what next() gives */
    const char *path;         /* what describe() opens; NULL: it vanished */
    bool given;
    unsigned described;
};

static void no_free(void *self)
{
    (void)self;
}

static enum err double_next(void *self, struct entry *e, bool *more,
                            struct snapshot_attention *attention)
{
    struct double_source *d = self;
    const struct entry *f = d->file;
    enum err rc = ERR_OK;

    (void)attention;
    *more = !d->given;
    if (d->given)
        goto out;
    d->given = true;
    e->type = f->type;
    e->flags = f->flags;
    e->mode = f->mode;
    e->uid = f->uid;
    e->gid = f->gid;
    e->mtime_s = f->mtime_s;
    e->mtime_ns = f->mtime_ns;
    e->ctime_s = f->ctime_s;
    e->ctime_ns = f->ctime_ns;
    e->inode = f->inode;
    e->size = f->size;
    e->block_log2 = f->block_log2;
    TRY(buf_add(&e->path, bytes_of(f->path.data, f->path.len + 1)));
    e->path.len--;
out:
    return rc;
}

static enum err double_describe(void *self, struct entry *e, int *fd)
{
    struct double_source *d = self;
    struct stat st;

    d->described++;
    *fd = -1;
    if (d->path == NULL)
        return err_set(ERR_NOT_FOUND, "gone");
    *fd = open(d->path, O_RDONLY | O_CLOEXEC);
    assert_true(*fd >= 0);
    assert_int_equal(fstat(*fd, &st), 0);
    e->mtime_s = st.st_mtim.tv_sec; /* or it would have changed while it was read */
    e->mtime_ns = (uint32_t)st.st_mtim.tv_nsec;
    return ERR_OK;
}

static const struct source_driver double_driver = {
    .free = no_free, .next = double_next, .describe = double_describe};

/* ---- a parent whose index has the file "f" ---- */

struct family {
    void **state;
    struct entry was, now;
    struct parts parts;
    struct snapshot snapshot;
    struct parent parent;
    struct double_source d;
    struct source source;
    struct spool *spool;
    struct read_queue *queue;
    bool read_all;
    bool no_parent;
};

static void make_family(void **state, struct family *f, uint64_t size)
{
    *f = (struct family){.state = state};
    f->was = entry_at(ENTRY_FILE, "f");
    f->now = entry_at(ENTRY_FILE, "f");
    f->was.size = f->now.size = size;
    f->was.block_log2 = f->now.block_log2 = size > 0 ? 16 : 0;
    f->parts = parts_of_nothing();
    f->snapshot.started_ms = STARTED_MS;
    f->d = (struct double_source){.file = &f->now, .path = in(state, "f")};
    f->source = (struct source){.driver = &double_driver, .self = &f->d};
    f->source.marks.mount[0] = f->parent.marks.mount[0] = 1;
    f->source.marks.state[0] = f->parent.marks.state[0] = 1;
}

/* The file's modification time as the disk has it, or it would look like a change. */
static void real_times(struct family *f)
{
    struct stat st;

    assert_int_equal(stat(f->d.path, &st), 0);
    f->was.mtime_s = f->now.mtime_s = st.st_mtim.tv_sec;
    f->was.mtime_ns = f->now.mtime_ns = (uint32_t)st.st_mtim.tv_nsec;
}

static void begin(struct family *f)
{
    struct read_queue_options options = {.source = &f->source, .read_all = f->read_all};
    uint64_t rows = entry_blocks(&f->was);

    add_object(&f->parts, 1);
    add_entry(&f->parts, &f->was);
    for (uint64_t i = 0; i < f->was.first_block + rows; i++)
        add_block(&f->parts, 0, i);
    assert_done(open_parts(&f->parts, &f->parent.index));
    f->parent.snapshot = &f->snapshot;
    assert_done(spool_new(in(f->state, ""), &f->spool));
    options.spool = f->spool;
    options.parent = f->no_parent ? NULL : &f->parent;
    assert_done(read_queue_new(&options, &f->queue));
}

static void clear_family(struct family *f)
{
    read_queue_free(f->queue);
    spool_free(f->spool);
    index_free(f->parent.index);
    parts_clear(&f->parts);
    entry_clear(&f->was);
    entry_clear(&f->now);
}

/* Takes all ranges; how many there were. */
static unsigned take_all(struct family *f)
{
    static uint8_t buffer[READ_RANGE_LEN];
    struct read_range c;
    unsigned count = 0;
    bool more = true;

    for (;;) {
        assert_done(read_queue_take(f->queue, buffer, &c, &more));
        if (!more)
            return count;
        count++;
        assert_done(read_queue_read(f->queue, &c, buffer));
        assert_done(read_queue_release(f->queue, &c));
    }
}

/* ---- inherited or read ---- */

typedef void change_family(struct family *f);
static void nothing(struct family *f)
{
    (void)f;
}
static void all_is_read(struct family *f)
{
    f->read_all = true;
}
static void there_is_no_parent(struct family *f)
{
    f->no_parent = true;
}
static void another_size(struct family *f)
{
    f->was.size++;
}
static void another_mtime(struct family *f)
{
    f->now.mtime_s++;
}
static void another_mtime_ns(struct family *f)
{
    f->now.mtime_ns++;
}
static void another_ctime(struct family *f)
{
    f->now.ctime_s--;
}
static void another_ctime_ns(struct family *f)
{
    f->now.ctime_ns++;
}
static void another_inode(struct family *f)
{
    f->now.inode++;
}
static void no_inode(struct family *f)
{
    f->was.inode = f->now.inode = 0; /* a tar's: it proves nothing */
}
static void another_mode(struct family *f)
{
    f->now.mode = 0600;
}
static void another_owner(struct family *f)
{
    f->now.uid = 7;
}
static void another_group(struct family *f)
{
    f->now.gid = 7;
}
static void changed_while_it_was_read(struct family *f)
{
    f->was.flags = ENTRY_CHANGED;
}
static void touched(struct family *f, int64_t before_ns)
{
    int64_t time_ms = STARTED_MS * 1000000 - before_ns;

    f->was.ctime_s = f->now.ctime_s = time_ms / 1000000000;
    f->was.ctime_ns = f->now.ctime_ns = (uint32_t)(time_ms % 1000000000);
}
static void touched_just_before(struct family *f)
{
    touched(f, 1);
}
static void touched_a_tick_before(struct family *f)
{
    touched(f, TICK_NS);
}
static void touched_more_than_a_tick_before(struct family *f)
{
    touched(f, TICK_NS + 1);
}
static void the_file_system_keeps_whole_seconds(struct family *f)
{
    f->was.ctime_s = f->now.ctime_s = STARTED_MS / 1000 - 2;
    f->was.ctime_ns = f->now.ctime_ns = 0;
}
static void whole_seconds_earlier(struct family *f)
{
    the_file_system_keeps_whole_seconds(f);
    f->was.ctime_s = --f->now.ctime_s;
}
static void another_mount(struct family *f)
{
    f->source.marks.mount[0] = 2;
}
static void no_known_mount(struct family *f)
{
    f->source.marks.mount[0] = f->parent.marks.mount[0] = 0;
}
static void another_mount_but_settled(struct family *f)
{
    another_mount(f);
    touched(f, -1);
    f->was.flags = ENTRY_SETTLED;
}
static void another_mount_settled_only_now(struct family *f)
{
    another_mount(f);
    f->now.flags = ENTRY_SETTLED;
}
static void settled_but_changed_then(struct family *f)
{
    f->was.flags = ENTRY_SETTLED | ENTRY_CHANGED;
}
static void on_another_machine(struct family *f)
{
    f->source.marks.is_remote = true;
    touched(f, CLOCK_DAY_MS * 1000000);
}
static void on_another_machine_a_day_earlier(struct family *f)
{
    f->source.marks.is_remote = true;
    touched(f, CLOCK_DAY_MS * 1000000 + 1);
}
static void touched_afterwards(struct family *f)
{
    touched(f, -1);
}
/* Times that do not fit into 64 bits of nanoseconds. */
static void touched_beyond_2262(struct family *f)
{
    f->was.ctime_s = f->now.ctime_s = INT64_C(9300000000);
}
static void the_parent_began_beyond_2262(struct family *f)
{
    f->snapshot.started_ms = INT64_C(253402300799000);
}
static void all_is_older_than_1970(struct family *f)
{
    f->snapshot.started_ms = TICK_NS / 1000000 - 1;
    f->was.ctime_s = f->now.ctime_s = -1;
    f->was.ctime_ns = f->now.ctime_ns = 998999999;
}
static void touched_a_tick_before_1970(struct family *f)
{
    all_is_older_than_1970(f);
    f->was.ctime_ns = f->now.ctime_ns = 999000000;
}
static void it_was_a_fifo(struct family *f)
{
    f->was.type = ENTRY_FIFO;
    f->was.size = f->was.block_log2 = 0;
}
static void it_had_another_name(struct family *f)
{
    f->was.path.data[0] = 'g';
}

static void only_what_is_surely_unchanged_is_inherited(void **state)
{
    static const struct {
        const char *name;
        change_family *change;
        bool inherited;
    } rows[] = {
        {"nothing", nothing, true},
        {"read all", all_is_read, false},
        {"no parent", there_is_no_parent, false},
        {"size", another_size, false},
        {"mtime", another_mtime, false},
        {"mtime ns", another_mtime_ns, false},
        {"ctime", another_ctime, false},
        {"ctime ns", another_ctime_ns, false},
        {"inode", another_inode, false},
        {"no inode", no_inode, false},
        {"mode", another_mode, false},
        {"uid", another_owner, false},
        {"gid", another_group, false},
        {"changed then", changed_while_it_was_read, false},
        {"touched just before", touched_just_before, false},
        {"touched a tick before", touched_a_tick_before, false},
        {"touched earlier", touched_more_than_a_tick_before, true},
        {"touched afterwards", touched_afterwards, false},
        {"touched beyond 2262", touched_beyond_2262, false},
        {"begun beyond 2262", the_parent_began_beyond_2262, true},
        {"before 1970", all_is_older_than_1970, true},
        {"a tick before 1970", touched_a_tick_before_1970, false},
        {"a fifo", it_was_a_fifo, false},
        {"whole seconds", the_file_system_keeps_whole_seconds, false},
        {"whole seconds earlier", whole_seconds_earlier, true},
        {"another mount", another_mount, false},
        {"an unknown mount", no_known_mount, false},
        {"another mount, settled", another_mount_but_settled, true},
        {"another mount, settled now", another_mount_settled_only_now, false},
        {"settled, changed then", settled_but_changed_then, false},
        {"another machine's", on_another_machine, false},
        {"another machine's, a day earlier", on_another_machine_a_day_earlier, true},
        {"another name", it_had_another_name, false},
    };

    put_file(in(state, "f"), "0123456789");
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct family f;
        unsigned ranges;

        make_family(state, &f, 10);
        rows[i].change(&f);
        begin(&f);
        ranges = take_all(&f);
        if ((ranges == 0) != rows[i].inherited || (f.d.described == 0) != rows[i].inherited)
            fail_msg("%s: %u ranges", rows[i].name, ranges);
        assert_int_equal(spool_entry_count(f.spool), 1);
        clear_family(&f);
    }
}

static void what_is_inherited_keeps_its_rows(void **state)
{
    struct family f;
    struct read_queue_totals totals;
    uint8_t want[3 * BLOCK_ROW_LEN];
    uint8_t got[3 * BLOCK_ROW_LEN];

    put_file(in(state, "f"), "");
    make_family(state, &f, 3 * 65536);
    f.was.first_block = 5;
    begin(&f);
    assert_int_equal(take_all(&f), 0);
    assert_done(index_rows(f.parent.index, 5, 3, want));
    assert_done(spool_get_rows(f.spool, 0, got, 3));
    assert_memory_equal(got, want, sizeof got);
    read_queue_totals(f.queue, &totals);
    assert_int_equal(totals.rows, 3);
    assert_int_equal(totals.files, 1);
    assert_int_equal(totals.bytes, 3 * 65536);
    clear_family(&f);
}

/* ---- which rows of the parent a range is compared with ---- */

static void write_zeros(const char *path, uint64_t size)
{
    int fd = open(path, O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);

    assert_true(fd >= 0);
    assert_int_equal(ftruncate(fd, (off_t)size), 0);
    close(fd);
}

/* How many rows of the first range and of the second have a counterpart. */
static void assert_comparable(void **state, uint64_t was, uint64_t now, size_t first, size_t second)
{
    static uint8_t buffer[READ_RANGE_LEN];
    uint8_t rows[READ_RANGE_BLOCKS_MAX * BLOCK_ROW_LEN];
    size_t want[2] = {first, second};
    struct family f;
    struct read_range c;
    bool more = true;

    write_zeros(in(state, "f"), now);
    make_family(state, &f, now);
    f.was.size = was;
    f.was.block_log2 = was > 0 ? 16 : 0;
    f.now.inode++;
    begin(&f);
    for (size_t i = 0; i < 2; i++) {
        size_t count = 99;
        struct block b = {0};

        assert_done(read_queue_take(f.queue, buffer, &c, &more));
        if (!more) {
            assert_int_equal(want[i], 0);
            break;
        }
        assert_int_equal(c.offset, i * READ_RANGE_LEN);
        assert_int_equal(c.slot, i * READ_RANGE_BLOCKS_MAX);
        assert_done(read_queue_parent_rows(f.queue, &c, rows, &count));
        if (count != want[i])
            fail_msg("was %llu, is %llu: %zu rows of range %zu", (unsigned long long)was,
                     (unsigned long long)now, count, i);
        for (size_t k = 0; k < count; k++) {
            assert_done(block_decode(rows + k * BLOCK_ROW_LEN, &b));
            assert_int_equal(b.offset, i * READ_RANGE_BLOCKS_MAX + k);
        }
        assert_done(read_queue_release(f.queue, &c));
    }
    clear_family(&f);
}

static void a_partial_last_block_is_compared_only_with_one_of_the_same_end(void **state)
{
    static const uint64_t block = 65536;

    assert_comparable(state, 10, 10, 1, 0);
    assert_comparable(state, 10, 11, 0, 0);
    assert_comparable(state, 11, 10, 0, 0);
    assert_comparable(state, 0, 10, 0, 0);
    assert_comparable(state, block, block, 1, 0);
    assert_comparable(state, block, block + 1, 1, 0);
    assert_comparable(state, block + 1, block, 1, 0);
    assert_comparable(state, block + 1, block + 1, 2, 0);
    assert_comparable(state, block - 1, block, 0, 0);
    assert_comparable(state, block, block - 1, 0, 0);
    assert_comparable(state, 3 * block + 7, 5 * block + 7, 3, 0);
    assert_comparable(state, 5 * block + 7, 3 * block + 7, 3, 0);
    assert_comparable(state, 16 * block, 16 * block, 16, 0);
    assert_comparable(state, 16 * block, 16 * block + 1, 16, 0);
    assert_comparable(state, 16 * block + 1, 16 * block + 1, 16, 1);
    assert_comparable(state, 16 * block + 1, 16 * block + 2, 16, 0);
    assert_comparable(state, 16 * block + 2, 16 * block, 16, 0);
    assert_comparable(state, 16 * block - 1, 17 * block, 15, 0);
    assert_comparable(state, 17 * block, 18 * block + 5, 16, 1);
    assert_comparable(state, 18 * block + 5, 17 * block + 5, 16, 1);
    assert_comparable(state, 3 * block, 32 * block, 3, 0);
    assert_comparable(state, 32 * block, 32 * block, 16, 16);
}

static void blocks_of_another_size_are_not_compared(void **state)
{
    static uint8_t buffer[READ_RANGE_LEN];
    uint8_t rows[READ_RANGE_BLOCKS_MAX * BLOCK_ROW_LEN];
    struct family f;
    struct read_range c;
    bool more = true;
    size_t count = 99;

    write_zeros(in(state, "f"), 65536);
    make_family(state, &f, 65536);
    f.was.block_log2 = 12;
    f.now.inode++;
    begin(&f);
    assert_done(read_queue_take(f.queue, buffer, &c, &more));
    assert_done(read_queue_parent_rows(f.queue, &c, rows, &count));
    assert_int_equal(count, 0);
    assert_done(read_queue_release(f.queue, &c));
    clear_family(&f);
}

/* ---- what changes while it is read ---- */

static char said[1024];

static void keep_line(enum log_level level, const char *text)
{
    (void)level;
    snprintf(said, sizeof said, "%s", text);
}

static void assert_marked(struct family *f, const char *message)
{
    struct read_queue_totals totals;
    struct entry e;
    uint8_t raw[256];
    size_t len = (size_t)spool_entries_len(f->spool);

    entry_init(&e);
    read_queue_totals(f->queue, &totals);
    assert_int_equal(totals.attention.changed, 1);
    assert_string_equal(said, message);
    assert_done(spool_read(f->spool, 0, raw, len));
    assert_done(entry_decode(bytes_of(raw, len), &e));
    assert_int_equal(e.flags, ENTRY_CHANGED);
    entry_clear(&e);
}

/* Before anything of it is read. */
static void more_blocks_than_an_index_holds_are_refused(void **state)
{
    static uint8_t buffer[READ_RANGE_LEN];
    struct family f;
    struct read_range c;
    bool more = true;

    put_file(in(state, "f"), "x");
    make_family(state, &f, 1);
    f.now.size = ENTRY_SIZE_MAX;
    f.now.block_log2 = 20;
    begin(&f);
    assert_refused(read_queue_take(f.queue, buffer, &c, &more), ERR_FAILED,
                   "f: this source has more blocks than an index can hold");
    clear_family(&f);
}

static void a_file_that_shrinks_while_it_is_read_is_marked_and_ends_in_zeros(void **state)
{
    static uint8_t buffer[READ_RANGE_LEN];
    struct family f;
    struct read_range c;
    bool more = true;

    log_to(keep_line);
    put_file(in(state, "f"), "0123456789");
    make_family(state, &f, 10);
    f.now.inode++;
    begin(&f);
    assert_done(read_queue_take(f.queue, buffer, &c, &more));
    put_file(in(state, "f"), "0123");
    memset(buffer, 'x', 10);
    assert_done(read_queue_read(f.queue, &c, buffer));
    assert_memory_equal(buffer, "0123\0\0\0\0\0\0", 10);
    assert_done(read_queue_release(f.queue, &c));
    assert_done(read_queue_take(f.queue, buffer, &c, &more));
    assert_false(more);
    assert_marked(
        &f, "f: changed while it was read; the snapshot holds a mixture of old and new content");
    log_to(NULL);
    clear_family(&f);
}

static void a_file_that_grows_while_it_is_read_is_marked(void **state)
{
    static uint8_t buffer[READ_RANGE_LEN];
    struct family f;
    struct read_range c;
    bool more = true;

    log_to(keep_line);
    put_file(in(state, "f"), "0123456789");
    make_family(state, &f, 10);
    f.now.inode++;
    begin(&f);
    assert_done(read_queue_take(f.queue, buffer, &c, &more));
    assert_done(read_queue_read(f.queue, &c, buffer));
    put_file(in(state, "f"), "0123456789abc");
    assert_done(read_queue_release(f.queue, &c));
    assert_done(read_queue_take(f.queue, buffer, &c, &more));
    assert_false(more);
    assert_marked(
        &f, "f: changed while it was read; the snapshot holds a mixture of old and new content");
    log_to(NULL);
    clear_family(&f);
}

static void a_file_that_vanished_is_said_and_passed_over(void **state)
{
    struct family f;
    struct read_queue_totals totals;

    log_to(keep_line);
    make_family(state, &f, 10);
    f.now.inode++;
    f.d.path = NULL;
    begin(&f);
    assert_int_equal(take_all(&f), 0);
    read_queue_totals(f.queue, &totals);
    assert_int_equal(totals.files, 0);
    assert_int_equal(totals.attention.vanished, 1);
    assert_string_equal(said, "f: vanished before it was read");
    assert_int_equal(spool_entry_count(f.spool), 0);
    log_to(NULL);
    clear_family(&f);
}

/* ---- what is settled ---- */

/* Reads all of "f", with the worker's word on whether its blocks are the parent's; the flags of its
 * entry then. */
static unsigned read_as(void **state, change_family *change, bool differs)
{
    static uint8_t buffer[READ_RANGE_LEN];
    uint8_t raw[256];
    struct read_range c;
    struct family f;
    struct entry e;
    unsigned flags;
    size_t len;
    bool more = true;

    put_file(in(state, "f"), "0123456789");
    make_family(state, &f, 10);
    another_mount(&f);
    f.source.marks.state[0] = 2;
    touched(&f, TICK_NS + 1);
    real_times(&f);
    change(&f);
    begin(&f);
    for (;;) {
        assert_done(read_queue_take(f.queue, buffer, &c, &more));
        if (!more)
            break;
        assert_done(read_queue_read(f.queue, &c, buffer));
        c.differs = differs;
        assert_done(read_queue_release(f.queue, &c));
    }
    len = (size_t)spool_entries_len(f.spool);
    assert_done(spool_read(f.spool, 0, raw, len));
    entry_init(&e);
    assert_done(entry_decode(bytes_of(raw, len), &e));
    flags = e.flags;
    entry_clear(&e);
    clear_family(&f);
    return flags;
}

static void the_state_is_the_same(struct family *f)
{
    f->source.marks.state[0] = 1;
}
static void it_is_a_snapshot_of_the_parents(struct family *f)
{
    f->source.marks.origin[0] = 1;
}
static void the_time_is_another(struct family *f)
{
    f->was.ctime_ns++;
}
static void inherited_and_settled_now(struct family *f)
{
    f->source.marks.mount[0] = 1;
    f->now.flags = ENTRY_SETTLED;
}
static void inherited(struct family *f)
{
    f->source.marks.mount[0] = 1;
}

static void a_second_reading_that_finds_the_same_settles_a_file(void **state)
{
    assert_int_equal(read_as(state, nothing, false), ENTRY_SETTLED);
    assert_int_equal(read_as(state, nothing, true), 0);
    assert_int_equal(read_as(state, the_state_is_the_same, false), 0);
    assert_int_equal(read_as(state, it_is_a_snapshot_of_the_parents, false), 0);
    assert_int_equal(read_as(state, the_time_is_another, false), 0);
    assert_int_equal(read_as(state, touched_a_tick_before, false), 0);
    assert_int_equal(read_as(state, on_another_machine_a_day_earlier, false), 0);
    assert_int_equal(read_as(state, inherited, false), 0);
    assert_int_equal(read_as(state, inherited_and_settled_now, false), ENTRY_SETTLED);
}

static const struct CMUnitTest tests[] = {
    IN_DIRECTORY(a_second_reading_that_finds_the_same_settles_a_file),
    IN_DIRECTORY(only_what_is_surely_unchanged_is_inherited),
    IN_DIRECTORY(what_is_inherited_keeps_its_rows),
    IN_DIRECTORY(a_partial_last_block_is_compared_only_with_one_of_the_same_end),
    IN_DIRECTORY(blocks_of_another_size_are_not_compared),
    IN_DIRECTORY(more_blocks_than_an_index_holds_are_refused),
    IN_DIRECTORY(a_file_that_shrinks_while_it_is_read_is_marked_and_ends_in_zeros),
    IN_DIRECTORY(a_file_that_grows_while_it_is_read_is_marked),
    IN_DIRECTORY(a_file_that_vanished_is_said_and_passed_over),
};

int main(void)
{
    return cmocka_run_group_tests(tests, NULL, NULL);
}
