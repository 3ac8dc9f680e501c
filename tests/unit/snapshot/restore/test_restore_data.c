#include "snapshot/restore/restore_data.h"

#include <fcntl.h>
#include <sys/stat.h>

#include "core/fs/file.h"
#include "tests/unit/snapshot/handmade.h"

#define BLOCK_LEN (64 * KIB)
#define PAGE 4096

static uint8_t content[4 * BLOCK_LEN];

/* A target directory, its files made as a restore makes them before their content. */
struct filling {
    struct handmade h;
    struct selection selection;
    struct restore_tree tree;
    struct restore_data data;
};

static void begin_tree(struct filling *f, const char *root, bool delta)
{
    tree_init(&f->tree, &f->selection, delta);
    tree_set_root(&f->tree, open(root, O_RDONLY | O_DIRECTORY | O_CLOEXEC), root);
}

static void make_filling(void **state, struct filling *f)
{
    *f = (struct filling){.data = {.workers = 1}};
    handmade_begin(state, &f->h);
    fill_pattern(content, sizeof content, 1);
    assert_int_equal(mkdir(in(state, "target"), 0700), 0);
    f->selection = (struct selection){.from = &f->h.opened};
    begin_tree(f, in(state, "target"), false);
    f->data.tree = &f->tree;
}

static void clear_filling(struct filling *f)
{
    tree_close_root(&f->tree);
    handmade_clear(&f->h);
}

/* A file in the target, as long as it is going to be, and empty. */
static void make_hole(const char *path, size_t size)
{
    int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);

    assert_true(fd >= 0);
    assert_int_equal(ftruncate(fd, (off_t)size), 0);
    close(fd);
}

static void make_old(const char *path, const void *data, size_t len)
{
    make_hole(path, 0);
    if (len > 0) {
        int fd = open(path, O_WRONLY | O_CLOEXEC);

        assert_true(fd >= 0);
        assert_done(file_write(fd, bytes_of(data, len)));
        close(fd);
    }
}

static void assert_holds(const char *path, const void *data, size_t len)
{
    struct buf is = {.max = sizeof content + 1};

    assert_done(file_read(path, &is));
    assert_int_equal(is.len, len);
    assert_memory_equal(is.data, data, len);
    buf_clear(&is);
}

/* `count` blocks of `content` from its beginning, in one pack and the rows from 0 on; the last is
 * `last` bytes long. */
static void add_blocks(struct filling *f, size_t count, size_t last)
{
    add_pack(&f->h, bytes_of(content, sizeof content));
    for (size_t i = 0; i < count; i++)
        add_piece(&f->h, 0, i * BLOCK_LEN,
                  bytes_of(content + i * BLOCK_LEN, i + 1 < count ? BLOCK_LEN : last));
}

static void a_file_is_whole_wherever_its_last_block_ends(void **state)
{
    static const size_t lasts[] = {1, BLOCK_LEN - 1, BLOCK_LEN};
    static const char *const names[] = {"a", "b", "c"};
    struct filling f;

    make_filling(state, &f);
    add_pack(&f.h, bytes_of(content, sizeof content));
    for (size_t i = 0; i < 3; i++) {
        add_piece(&f.h, 0, 0, bytes_of(content, BLOCK_LEN));
        add_piece(&f.h, 0, BLOCK_LEN, bytes_of(content + BLOCK_LEN, lasts[i]));
        add_sized(&f.h.parts, names[i], BLOCK_LEN + lasts[i], 2 * i);
    }
    handmade_index(&f.h);
    for (size_t i = 0; i < 3; i++) {
        char path[16];

        snprintf(path, sizeof path, "target/%s", names[i]);
        make_hole(in(state, path), BLOCK_LEN + lasts[i]);
    }
    assert_done(restore_data_write(&f.data));
    assert_holds(in(state, "target/a"), content, BLOCK_LEN + 1);
    assert_holds(in(state, "target/b"), content, 2 * BLOCK_LEN - 1);
    assert_holds(in(state, "target/c"), content, 2 * BLOCK_LEN);
    assert_int_equal(atomic_load(&f.data.written), 5 * BLOCK_LEN);
    clear_filling(&f);
}

/* Blocks are larger than the pages of a sparse file: its holes inside of a block stay holes. */
static void of_a_sparse_file_only_its_data_takes_room(void **state)
{
    static const struct {
        const char *name;
        size_t offset, len; /* of the data in a file of two blocks and a byte */
    } rows[] = {
        {"begin", 0, PAGE},
        {"end", 2 * BLOCK_LEN - PAGE, PAGE + 1},
        {"middle", BLOCK_LEN - PAGE, 2 * PAGE},
    };
    const size_t size = 2 * BLOCK_LEN + 1;
    struct filling f;
    uint64_t first = 0;

    make_filling(state, &f);
    for (uint32_t i = 0; i < 3; i++) {
        struct entry e = entry_at(ENTRY_FILE, rows[i].name);
        static uint8_t sparse[3 * BLOCK_LEN];

        memset(sparse, 0, sizeof sparse);
        memcpy(sparse + rows[i].offset, content, rows[i].len);
        add_pack(&f.h, bytes_of(sparse, size));
        e.size = size;
        e.block_log2 = 16;
        e.first_block = first;
        assert_done(entry_add_extent(&e, rows[i].offset, rows[i].len));
        for (size_t offset = 0; offset < size; offset += BLOCK_LEN, first++) {
            size_t len = size - offset < BLOCK_LEN ? size - offset : BLOCK_LEN;

            if (bytes_are_zero(bytes_of(sparse + offset, len)))
                add_zeros(&f.h);
            else
                add_piece(&f.h, i, offset, bytes_of(sparse + offset, len));
        }
        add_entry(&f.h.parts, &e);
        entry_clear(&e);
    }
    /* The index wants its names in order. */
    assert_true(strcmp(rows[0].name, rows[1].name) < 0 && strcmp(rows[1].name, rows[2].name) < 0);
    handmade_index(&f.h);
    for (int i = 0; i < 3; i++) {
        char path[32];

        snprintf(path, sizeof path, "target/%s", rows[i].name);
        make_hole(in(state, path), size);
    }
    assert_done(restore_data_write(&f.data));
    for (int i = 0; i < 3; i++) {
        uint8_t want[2 * BLOCK_LEN + 1] = {0};
        struct stat st;
        char path[32];

        snprintf(path, sizeof path, "target/%s", rows[i].name);
        memcpy(want + rows[i].offset, content, rows[i].len);
        assert_holds(in(state, path), want, size);
        assert_int_equal(stat(in(state, path), &st), 0);
        assert_true(st.st_blocks * 512 <= 3 * PAGE);
    }
    clear_filling(&f);
}

static void what_cannot_be_read_names_the_file_it_was_for(void **state)
{
    struct filling f;
    bool came = true;

    make_filling(state, &f);
    add_blocks(&f, 2, BLOCK_LEN);
    add_sized(&f.h.parts, "f", 2 * BLOCK_LEN, 0);
    handmade_index(&f.h);
    for (unsigned long nth = 1; came; nth++) {
        enum err rc;

        make_hole(in(state, "target/f"), 2 * BLOCK_LEN);
        set_fault(&f.h, FAULT_FAIL, nth, 0);
        rc = restore_data_write(&f.data);
        came = atomic_load(&f.h.faulty.count) >= nth;
        assert_int_equal(rc, came ? ERR_STORAGE : ERR_OK);
        if (came)
            assert_int_equal(strncmp(err_text(), "restoring f: object data/01/", 28), 0);
        assert_true(nth < 10);
    }
    assert_holds(in(state, "target/f"), content, 2 * BLOCK_LEN);
    clear_filling(&f);
}

static void a_wrong_block_is_never_written(void **state)
{
    static const uint8_t zeros[2 * BLOCK_LEN];
    struct filling f;

    make_filling(state, &f);
    add_blocks(&f, 2, BLOCK_LEN);
    f.h.parts.rows.data[0] ^= 1;
    f.h.parts.rows.data[BLOCK_ROW_LEN] ^= 1;
    add_sized(&f.h.parts, "f", 2 * BLOCK_LEN, 0);
    handmade_index(&f.h);
    make_hole(in(state, "target/f"), 2 * BLOCK_LEN);
    assert_refused(restore_data_write(&f.data), ERR_CORRUPT, NULL);
    assert_holds(in(state, "target/f"), zeros, sizeof zeros);
    assert_int_equal(atomic_load(&f.data.written), 0);
    clear_filling(&f);
}

static void a_full_disk_is_a_matter_of_storage(void **state)
{
    struct filling f;

    make_filling(state, &f);
    add_blocks(&f, 1, 10);
    add_sized(&f.h.parts, "full", 10, 0);
    handmade_index(&f.h);
    tree_close_root(&f.tree);
    begin_tree(&f, "/dev", false); /* it has a file "full" */
    assert_refused(restore_data_write(&f.data), ERR_STORAGE, NULL);
    assert_int_equal(strncmp(err_text(), "restoring full: ", 16), 0);
    clear_filling(&f);
}

/* Somebody puts a link where the restore has made a file. */
static void a_link_in_place_of_the_file_is_not_written_through(void **state)
{
    struct filling f;

    make_filling(state, &f);
    add_blocks(&f, 1, 10);
    add_sized(&f.h.parts, "f", 10, 0);
    handmade_index(&f.h);
    put_file(in(state, "outside"), "0123456789");
    assert_int_equal(symlink("../outside", in(state, "target/f")), 0);
    assert_refused(restore_data_write(&f.data), ERR_FAILED, NULL);
    assert_int_equal(strncmp(err_text(), "opening f for writing", 21), 0);
    tree_close_root(&f.tree);
    begin_tree(&f, in(state, "target"), true);
    assert_refused(restore_data_write(&f.data), ERR_FAILED, NULL);
    assert_true(have_file(in(state, "outside"), "0123456789"));
    clear_filling(&f);
}

/* Zeros are written while the old state is compared, before any worker runs. */
static void a_link_in_place_of_a_file_of_zeros_is_not_written_through(void **state)
{
    struct filling f;

    make_filling(state, &f);
    add_zeros(&f.h);
    add_sized(&f.h.parts, "f", 10, 0);
    handmade_index(&f.h);
    tree_close_root(&f.tree);
    begin_tree(&f, in(state, "target"), true);
    put_file(in(state, "outside"), "0123456789");
    assert_int_equal(symlink("../outside", in(state, "target/f")), 0);
    assert_refused(restore_data_write(&f.data), ERR_FAILED, NULL);
    assert_true(have_file(in(state, "outside"), "0123456789"));
    clear_filling(&f);
}

/* ---- delta ---- */

static void delta_reads_only_what_the_target_does_not_have(void **state)
{
    struct filling f;
    uint8_t old[3 * BLOCK_LEN];

    make_filling(state, &f);
    add_blocks(&f, 3, 100);
    add_sized(&f.h.parts, "f", 2 * BLOCK_LEN + 100, 0);
    handmade_index(&f.h);
    tree_close_root(&f.tree);
    begin_tree(&f, in(state, "target"), true);
    memcpy(old, content, sizeof old);
    make_old(in(state, "target/f"), old, 2 * BLOCK_LEN + 100);
    assert_done(restore_data_write(&f.data)); /* all is there */
    assert_int_equal(atomic_load(&f.data.written), 0);
    assert_int_equal(atomic_load(&f.h.faulty.count), 0);
    old[2 * BLOCK_LEN + 99] ^= 1; /* the very last byte is another */
    make_old(in(state, "target/f"), old, 2 * BLOCK_LEN + 100);
    assert_done(restore_data_write(&f.data));
    assert_int_equal(atomic_load(&f.data.written), 100);
    assert_holds(in(state, "target/f"), content, 2 * BLOCK_LEN + 100);
    clear_filling(&f);
}

/* What was read of the block before is no part of it. */
static void delta_of_a_file_that_is_too_short_is_not_taken_in_by_equal_blocks(void **state)
{
    struct filling f;
    uint8_t want[2 * BLOCK_LEN];

    make_filling(state, &f);
    add_pack(&f.h, bytes_of(content, sizeof content));
    add_piece(&f.h, 0, 0, bytes_of(content, BLOCK_LEN));
    add_piece(&f.h, 0, 0, bytes_of(content, BLOCK_LEN));
    add_sized(&f.h.parts, "f", 2 * BLOCK_LEN, 0);
    handmade_index(&f.h);
    tree_close_root(&f.tree);
    begin_tree(&f, in(state, "target"), true);
    make_old(in(state, "target/f"), content, 2 * BLOCK_LEN - 1);
    assert_done(restore_data_write(&f.data));
    memcpy(want, content, BLOCK_LEN);
    memcpy(want + BLOCK_LEN, content, BLOCK_LEN);
    assert_holds(in(state, "target/f"), want, sizeof want);
    assert_int_equal(atomic_load(&f.data.written), BLOCK_LEN);
    clear_filling(&f);
}

static void delta_writes_zeros_over_what_was_there(void **state)
{
    struct filling f;
    uint8_t want[2 * BLOCK_LEN];

    make_filling(state, &f);
    add_pack(&f.h, bytes_of(content, sizeof content));
    add_zeros(&f.h);
    add_piece(&f.h, 0, 0, bytes_of(content, BLOCK_LEN));
    add_sized(&f.h.parts, "f", 2 * BLOCK_LEN, 0);
    handmade_index(&f.h);
    tree_close_root(&f.tree);
    begin_tree(&f, in(state, "target"), true);
    make_old(in(state, "target/f"), content, 2 * BLOCK_LEN);
    assert_done(restore_data_write(&f.data));
    memset(want, 0, BLOCK_LEN);
    memcpy(want + BLOCK_LEN, content, BLOCK_LEN);
    assert_holds(in(state, "target/f"), want, sizeof want);
    clear_filling(&f);
}

/* Files may share rows (docs/FORMAT.md, 6.2): one has them already, the other does not. */
static void delta_fills_each_of_the_files_that_share_a_block(void **state)
{
    static const char *const names[] = {"target/a", "target/b", "target/c"};
    struct filling f;
    uint8_t old[BLOCK_LEN] = {1};

    make_filling(state, &f);
    add_blocks(&f, 1, BLOCK_LEN);
    for (size_t i = 0; i < 3; i++)
        add_sized(&f.h.parts, names[i] + 7, BLOCK_LEN, 0);
    handmade_index(&f.h);
    tree_close_root(&f.tree);
    begin_tree(&f, in(state, "target"), true);
    for (size_t lacks = 0; lacks < 3; lacks++) {
        for (size_t i = 0; i < 3; i++)
            make_old(in(state, names[i]), i == lacks ? old : content, BLOCK_LEN);
        assert_done(restore_data_write(&f.data));
        for (size_t i = 0; i < 3; i++)
            assert_holds(in(state, names[i]), content, BLOCK_LEN);
    }
    clear_filling(&f);
}

/* A sparse file's zero pages are data when an old state lies below them. */
static void delta_of_a_sparse_file_leaves_nothing_old_in_its_holes(void **state)
{
    struct entry e = entry_at(ENTRY_FILE, "f");
    static uint8_t sparse[BLOCK_LEN];
    struct filling f;

    make_filling(state, &f);
    memset(sparse, 0, sizeof sparse);
    memcpy(sparse + BLOCK_LEN - PAGE, content, PAGE);
    add_pack(&f.h, bytes_of(sparse, BLOCK_LEN));
    add_piece(&f.h, 0, 0, bytes_of(sparse, BLOCK_LEN));
    e.size = BLOCK_LEN;
    e.block_log2 = 16;
    assert_done(entry_add_extent(&e, BLOCK_LEN - PAGE, PAGE));
    add_entry(&f.h.parts, &e);
    entry_clear(&e);
    handmade_index(&f.h);
    tree_close_root(&f.tree);
    begin_tree(&f, in(state, "target"), true);
    make_old(in(state, "target/f"), content, BLOCK_LEN);
    assert_done(restore_data_write(&f.data));
    assert_holds(in(state, "target/f"), sparse, BLOCK_LEN);
    clear_filling(&f);
}

static const struct CMUnitTest tests[] = {
    IN_DIRECTORY(a_file_is_whole_wherever_its_last_block_ends),
    IN_DIRECTORY(of_a_sparse_file_only_its_data_takes_room),
    IN_DIRECTORY(what_cannot_be_read_names_the_file_it_was_for),
    IN_DIRECTORY(a_wrong_block_is_never_written),
    IN_DIRECTORY(a_full_disk_is_a_matter_of_storage),
    IN_DIRECTORY(a_link_in_place_of_the_file_is_not_written_through),
    IN_DIRECTORY(a_link_in_place_of_a_file_of_zeros_is_not_written_through),
    IN_DIRECTORY(delta_reads_only_what_the_target_does_not_have),
    IN_DIRECTORY(delta_of_a_file_that_is_too_short_is_not_taken_in_by_equal_blocks),
    IN_DIRECTORY(delta_writes_zeros_over_what_was_there),
    IN_DIRECTORY(delta_fills_each_of_the_files_that_share_a_block),
    IN_DIRECTORY(delta_of_a_sparse_file_leaves_nothing_old_in_its_holes),
};

int main(void)
{
    return cmocka_run_group_tests(tests, NULL, NULL);
}
