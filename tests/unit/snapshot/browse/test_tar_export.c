#include "snapshot/browse/tar_export.h"

#include <fcntl.h>
#include <signal.h>

#include <archive.h>
#include <archive_entry.h>

#include "tests/unit/snapshot/handmade.h"

#define BLOCK_LEN (64 * KIB)
#define FILE_LEN (3 * BLOCK_LEN + 1)

static uint8_t content[FILE_LEN];

/* A row of `content` from `at` on, in the only pack. */
static void add_part(struct handmade *h, size_t offset, size_t len)
{
    add_piece(h, 0, offset, bytes_of(content + offset, len));
}

static void begin_export(void **state, struct handmade *h)
{
    handmade_begin(state, h);
    fill_pattern(content, FILE_LEN, 1);
    add_pack(h, bytes_of(content, FILE_LEN));
}

static void add_hard(struct handmade *h, const char *path, const char *first)
{
    struct entry e = entry_at(ENTRY_FILE, path);

    e.flags = ENTRY_HARD_LINK;
    assert_done(buf_add_text(&e.link, first));
    add_entry(&h->parts, &e);
    entry_clear(&e);
}

/* The tar as libarchive reads it, a line each: name, size, what a hard link leads to, extents. */
static char *list_tar(int fd)
{
    struct archive *tar = archive_read_new();
    struct archive_entry *e = NULL;
    struct buf text = {.max = MIB};
    la_int64_t from, len;

    assert_int_equal(lseek(fd, 0, SEEK_SET), 0);
    archive_read_support_format_tar(tar);
    assert_int_equal(archive_read_open_fd(tar, fd, 10240), ARCHIVE_OK);
    while (archive_read_next_header(tar, &e) == ARCHIVE_OK) {
        const char *link = archive_entry_hardlink(e);

        assert_done(buf_add_format(&text, "%s %lld", archive_entry_pathname(e),
                                   (long long)archive_entry_size(e)));
        if (link != NULL)
            assert_done(buf_add_format(&text, " = %s", link));
        archive_entry_sparse_reset(e);
        while (archive_entry_sparse_next(e, &from, &len) == ARCHIVE_OK)
            assert_done(buf_add_format(&text, " %lld+%lld", (long long)from, (long long)len));
        assert_done(buf_add_text(&text, "\n"));
    }
    assert_done(buf_add(&text, bytes_of("", 1)));
    archive_read_free(tar);
    return (char *)text.data;
}

static int memory_file(void)
{
    int fd = memfd_create("tar", MFD_CLOEXEC);

    assert_true(fd >= 0);
    return fd;
}

static void assert_exported(struct handmade *h, const char *const *only, const char *want)
{
    static const char *const nothing[] = {NULL};
    struct path_list list = list_of(only != NULL ? only : nothing);
    const struct selection selection = {.from = &h->opened, .only = only != NULL ? &list : NULL};
    int fd = memory_file();
    char *is;

    assert_done(tar_export(&selection, fd));
    is = list_tar(fd);
    assert_string_equal(is, want);
    free(is);
    close(fd);
    path_list_clear(&list);
}

static enum err export_all(struct handmade *h, int fd)
{
    const struct selection all = {.from = &h->opened};

    return tar_export(&all, fd);
}

static void a_hard_link_comes_behind_its_first_name_or_has_the_content(void **state)
{
    static const char *const only[] = {"a", NULL};
    struct handmade h;

    begin_export(state, &h);
    add_part(&h, 0, 10);
    add_named(&h.parts, ENTRY_DIR, "a");
    add_hard(&h, "a/link", "z");
    add_sized(&h.parts, "z", 10, 0);
    handmade_index(&h);
    assert_exported(&h, NULL, "a/ 0\nz 10\na/link 0 = z\n");
    assert_exported(&h, only, "a/ 0\na/link 10\n");
    handmade_clear(&h);
}

/* Whole blocks, and no longer than the file. */
static void extents_at_both_ends_grow_to_blocks_and_stay_within_the_file(void **state)
{
    struct entry e = entry_at(ENTRY_FILE, "s");
    struct handmade h;

    begin_export(state, &h);
    e.size = FILE_LEN;
    e.block_log2 = 16;
    assert_done(entry_add_extent(&e, 1, 1));
    assert_done(entry_add_extent(&e, FILE_LEN - 1, 1));
    add_entry(&h.parts, &e);
    entry_clear(&e);
    add_part(&h, 0, BLOCK_LEN);
    add_zeros(&h);
    add_zeros(&h);
    add_part(&h, 3 * BLOCK_LEN, 1);
    handmade_index(&h);
    assert_exported(&h, NULL, "s 196609 0+65536 196608+1\n");
    handmade_clear(&h);
}

static void extents_of_one_block_become_one(void **state)
{
    struct entry e = entry_at(ENTRY_FILE, "s");
    struct handmade h;

    begin_export(state, &h);
    e.size = 3 * BLOCK_LEN;
    e.block_log2 = 16;
    assert_done(entry_add_extent(&e, BLOCK_LEN + 10, 10));
    assert_done(entry_add_extent(&e, 2 * BLOCK_LEN - 10, 20)); /* into the next block */
    add_entry(&h.parts, &e);
    entry_clear(&e);
    add_zeros(&h);
    add_part(&h, 0, BLOCK_LEN);
    add_part(&h, BLOCK_LEN, BLOCK_LEN);
    handmade_index(&h);
    assert_exported(&h, NULL, "s 196608 65536+131072\n");
    handmade_clear(&h);
}

static void a_full_disk_is_a_matter_of_storage(void **state)
{
    struct handmade h;
    int fd = open("/dev/full", O_WRONLY | O_CLOEXEC);

    assert_true(fd >= 0);
    begin_export(state, &h);
    add_part(&h, 0, 10);
    add_sized(&h.parts, "f", 10, 0);
    handmade_index(&h);
    assert_refused(export_all(&h, fd), ERR_STORAGE, NULL);
    assert_non_null(strstr(err_text(), "No space left"));
    close(fd);
    handmade_clear(&h);
}

static void a_reader_that_went_away_is_said(void **state)
{
    const struct sigaction ignore = {.sa_handler = SIG_IGN};
    struct sigaction before;
    struct handmade h;
    int ends[2];

    assert_int_equal(pipe(ends), 0);
    close(ends[0]);
    assert_int_equal(sigaction(SIGPIPE, &ignore, &before), 0);
    begin_export(state, &h);
    add_part(&h, 0, 10);
    add_sized(&h.parts, "f", 10, 0);
    handmade_index(&h);
    assert_refused(export_all(&h, ends[1]), ERR_FAILED, NULL);
    assert_non_null(strstr(err_text(), "Broken pipe"));
    assert_int_equal(sigaction(SIGPIPE, &before, NULL), 0);
    close(ends[1]);
    handmade_clear(&h);
}

/* A tar that ends early must not look like a tar that is whole. */
static void what_cannot_be_read_ends_the_tar_with_its_own_message(void **state)
{
    struct handmade h;
    bool came = true;

    begin_export(state, &h);
    add_part(&h, 0, BLOCK_LEN);
    add_part(&h, BLOCK_LEN, BLOCK_LEN);
    add_sized(&h.parts, "f", 2 * BLOCK_LEN, 0);
    handmade_index(&h);
    for (unsigned long nth = 1; came; nth++) {
        int fd = memory_file();
        enum err rc;

        set_fault(&h, FAULT_FAIL, nth, 0);
        rc = export_all(&h, fd);
        came = atomic_load(&h.faulty.count) >= nth;
        assert_int_equal(rc, came ? ERR_STORAGE : ERR_OK);
        if (came)
            assert_int_equal(strncmp(err_text(), "f: object data/01/", 18), 0);
        close(fd);
        assert_true(nth < 10);
    }
    handmade_clear(&h);
}

static const struct CMUnitTest tests[] = {
    IN_DIRECTORY(a_hard_link_comes_behind_its_first_name_or_has_the_content),
    IN_DIRECTORY(extents_at_both_ends_grow_to_blocks_and_stay_within_the_file),
    IN_DIRECTORY(extents_of_one_block_become_one),
    IN_DIRECTORY(a_full_disk_is_a_matter_of_storage),
    IN_DIRECTORY(a_reader_that_went_away_is_said),
    IN_DIRECTORY(what_cannot_be_read_ends_the_tar_with_its_own_message),
};

int main(void)
{
    return cmocka_run_group_tests(tests, NULL, NULL);
}
