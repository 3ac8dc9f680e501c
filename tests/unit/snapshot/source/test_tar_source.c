#include "snapshot/source/source.h"

#include <archive.h>
#include <archive_entry.h>

#include "snapshot/browse/browse.h"
#include "tests/unit/snapshot/index_samples.h"
#include "tests/unit/snapshot/repositories.h"

/* ---- tars made by hand ---- */

struct member {
    const char *path;
    mode_t type;         /* AE_IFREG, …; 0: a hard link */
    const char *content; /* or the target of a link */
};

static int tar_of(const struct member *members, size_t count)
{
    struct archive *tar = archive_write_new();
    int fd = memfd_create("tar", MFD_CLOEXEC);

    assert_non_null(tar);
    assert_true(fd >= 0);
    assert_int_equal(archive_write_set_format_pax_restricted(tar), ARCHIVE_OK);
    assert_int_equal(archive_write_open_fd(tar, fd), ARCHIVE_OK);
    for (size_t i = 0; i < count; i++) {
        const struct member *m = &members[i];
        struct archive_entry *e = archive_entry_new();

        archive_entry_set_pathname(e, m->path);
        archive_entry_set_filetype(e, m->type != 0 ? m->type : AE_IFREG);
        archive_entry_set_perm(e, 0640);
        archive_entry_set_mtime(e, 1700000000, 5);
        if (m->type == 0)
            archive_entry_set_hardlink(e, m->content);
        else if (m->type == AE_IFLNK)
            archive_entry_set_symlink(e, m->content);
        else if (m->type == AE_IFREG)
            archive_entry_set_size(e, (la_int64_t)strlen(m->content));
        assert_int_equal(archive_write_header(tar, e), ARCHIVE_OK);
        if (m->type == AE_IFREG)
            assert_true(archive_write_data(tar, m->content, strlen(m->content)) >= 0);
        archive_entry_free(e);
    }
    assert_int_equal(archive_write_free(tar), ARCHIVE_OK);
    assert_int_equal(lseek(fd, 0, SEEK_SET), 0);
    return fd;
}

#define TAR(...)                                                                                   \
    tar_of((const struct member[]){__VA_ARGS__},                                                   \
           sizeof((const struct member[]){__VA_ARGS__}) / sizeof(struct member))

static int file_with(const void *data, size_t len)
{
    int fd = file_of(bytes_of(data, len));

    assert_int_equal(lseek(fd, 0, SEEK_SET), 0);
    return fd;
}

/* What the source gives, a line each: path, type, size, link. */
static char *list_source(int fd)
{
    struct source s = {.driver = NULL};
    struct buf text = {.max = MIB};
    struct entry e;
    struct snapshot_attention attention = {0};
    bool more = true;

    entry_init(&e);
    assert_done(source_stream_open(fd, "stream", &s));
    for (;;) {
        entry_reset(&e);
        assert_done(s.driver->next(s.self, &e, &more, &attention));
        if (!more)
            break;
        assert_done(buf_add_format(&text, "%s%s%d:%llu%s%s\n", entry_path(&e),
                                   (e.flags & ENTRY_HARD_LINK) != 0 ? "=" : " ", (int)e.type,
                                   (unsigned long long)e.size, e.link.len > 0 ? " " : "",
                                   e.link.len > 0 ? (const char *)e.link.data : ""));
    }
    if (snapshot_attention_count(&attention) > 0)
        assert_done(buf_add_format(&text, "attention %llu\n",
                                   (unsigned long long)snapshot_attention_count(&attention)));
    assert_done(buf_add(&text, bytes_of("", 1)));
    source_free(&s);
    close(fd);
    entry_clear(&e);
    return (char *)text.data;
}

static void assert_listed(int fd, const char *want)
{
    char *is = list_source(fd);

    assert_string_equal(is, want);
    free(is);
}

static void the_members_of_a_tar_are_files(void **state)
{
    (void)state;
    assert_listed(TAR({"./", AE_IFDIR, NULL}, {"./a", AE_IFREG, "12345"}, {"d/", AE_IFDIR, NULL},
                      {"d/p", AE_IFIFO, NULL}, {"d/l", AE_IFLNK, "../a"}, {"h", 0, "./a"}),
                  ". 2:0\na 1:5\nd 2:0\nd/p 4:0\nd/l 3:0 ../a\nh=1:0 a\n");
}

static void a_name_is_made_relative_and_plain(void **state)
{
    (void)state;
    assert_listed(TAR({"/etc/passwd", AE_IFREG, "x"}, {"././b", AE_IFREG, ""},
                      {"a//./c/", AE_IFDIR, NULL}, {"h", 0, "/b"}),
                  "etc/passwd 1:1\nb 1:0\na/c 2:0\nh=1:0 b\n");
}

static void a_device_is_left_out_and_said(void **state)
{
    (void)state;
    *said = '\0';
    log_to(keep_line);
    assert_listed(TAR({"null", AE_IFCHR, NULL}, {"a", AE_IFREG, "1"}), "a 1:1\nattention 1\n");
    assert_true(was_said("null is a device, which a snapshot does not hold; it is left out"));
    log_to(NULL);
}

static void a_name_that_leads_out_is_refused(void **state)
{
    static const char *const names[] = {"../x", "a/../../x", "..", "a/../b", "./../x"};

    (void)state;
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        struct source s = {.driver = NULL};
        struct entry e;
        struct snapshot_attention attention = {0};
        bool more = true;
        int fd = TAR({names[i], AE_IFREG, "x"});

        entry_init(&e);
        assert_done(source_stream_open(fd, "stream", &s));
        if (s.driver->next(s.self, &e, &more, &attention) != ERR_FAILED)
            fail_msg("%s became %s", names[i], entry_path(&e));
        assert_true(strncmp(err_text(), "reading the tar: ", 17) == 0);
        entry_clear(&e);
        source_free(&s);
        close(fd);
    }
}

static void anything_else_is_one_file(void **state)
{
    struct source s = {.driver = NULL};
    struct entry e;
    struct snapshot_attention attention = {0};
    bool more = true;
    uint8_t to[700];
    uint8_t plain[600];
    size_t got = 0;
    int fd;

    (void)state;
    fill_pattern(plain, sizeof plain, 1);
    entry_init(&e);
    for (size_t len = 1; len <= sizeof plain; len += 599 / 3) {
        fd = file_with(plain, len);
        assert_done(source_stream_open(fd, "dump.gz", &s));
        assert_true(s.is_stream && s.size_is_unknown && s.is_sorted);
        entry_reset(&e);
        assert_done(s.driver->next(s.self, &e, &more, &attention));
        assert_true(more);
        assert_string_equal(entry_path(&e), "dump.gz");
        assert_done(s.driver->read(s.self, to, sizeof to, &got));
        assert_int_equal(got, len);
        assert_memory_equal(to, plain, len);
        assert_done(s.driver->read(s.self, to, sizeof to, &got));
        assert_int_equal(got, 0);
        assert_done(s.driver->next(s.self, &e, &more, &attention));
        assert_false(more);
        source_free(&s);
        close(fd);
    }
    entry_clear(&e);
}

static void an_empty_stream_or_an_impossible_name_is_refused(void **state)
{
    struct source s = {.driver = NULL};
    int fd = file_with("", 0);

    (void)state;
    assert_refused(source_stream_open(fd, "stream", &s), ERR_USAGE,
                   "standard input is empty: the program that should fill it failed?");
    assert_refused(source_stream_open(fd, "../x", &s), ERR_USAGE,
                   "\"../x\" cannot be the name of a file");
    assert_refused(source_stream_open(fd, "", &s), ERR_USAGE, NULL);
    close(fd);
}

/* ---- through a whole backup ---- */

static enum err back_up_stdin(struct world *w, int fd, struct backup_result *r)
{
    struct backup_options options = backup_options_of(w);
    int kept = dup(STDIN_FILENO);
    enum err rc;

    options.source = "-";
    assert_true(dup2(fd, STDIN_FILENO) >= 0);
    rc = backup_run(&options, r);
    dup2(kept, STDIN_FILENO);
    close(kept);
    close(fd);
    return rc;
}

static void a_tar_restores_to_what_it_holds(void **state)
{
    struct world w;
    struct backup_result r;
    struct stat st;

    make_world(state, &w);
    assert_done(back_up_stdin(&w,
                              TAR({"z/link", 0, "z/the-first"}, {"b", AE_IFREG, "old"},
                                  {"z/the-first", AE_IFREG, "content"}, {"a/b/c", AE_IFREG, "c"},
                                  {"b", AE_IFREG, "new"}, {"s", AE_IFLNK, "b"}),
                              &r));
    assert_done(restore_to(&w, "latest", "target"));
    assert_true(have_file(in(state, "target/b"), "new"));
    assert_true(have_file(in(state, "target/s"), "new"));
    assert_true(have_file(in(state, "target/a/b/c"), "c"));
    assert_true(have_file(in(state, "target/z/link"), "content"));
    assert_int_equal(stat(in(state, "target/z/the-first"), &st), 0);
    assert_int_equal(st.st_nlink, 2);
    assert_int_equal(st.st_mtim.tv_sec, 1700000000);
    assert_int_equal(st.st_mode & 07777, 0640);
    assert_int_equal(count_orphans(&w), 0);
    clear_world(&w);
}

static void a_tar_no_restore_would_take_is_refused_and_leaves_nothing(void **state)
{
    struct world w;
    struct backup_result r;

    make_world(state, &w);
    assert_refused(back_up_stdin(&w, TAR({"a", AE_IFREG, "a"}, {"l", 0, "nowhere"}), &r),
                   ERR_FAILED, "l is a hard link to nowhere, which is not in the tar");
    assert_refused(back_up_stdin(&w, TAR({"a", AE_IFREG, "a"}, {"a/b", AE_IFREG, "b"}), &r),
                   ERR_FAILED, "a is both a file and a directory in the tar");
    assert_refused(back_up_stdin(&w, TAR({"a", AE_IFLNK, "/etc"}, {"a/b", AE_IFREG, "b"}), &r),
                   ERR_FAILED, "a is both a file and a directory in the tar");
    assert_int_equal(count_orphans(&w), 0);
    clear_world(&w);
}

static void a_tar_that_is_cut_is_refused_and_leaves_nothing(void **state)
{
    struct world w;
    struct backup_result r;
    uint8_t whole[4096];
    int fd = TAR({"a", AE_IFREG, "0123456789"}, {"b", AE_IFREG, "0123456789"});
    ssize_t len = read(fd, whole, sizeof whole);

    assert_true(len >= 2048);
    close(fd);
    make_world(state, &w);
    assert_refused(back_up_stdin(&w, file_with(whole, 512 + 5), &r), ERR_FAILED, NULL);
    assert_refused(back_up_stdin(&w, file_with(whole, 1024 + 100), &r), ERR_FAILED, NULL);
    assert_int_equal(count_orphans(&w), 0);
    clear_world(&w);
}

static void a_stream_of_any_length_restores(void **state)
{
    static const size_t lengths[] = {1, 511, 512, 513, 262144, 262145, MIB, MIB + 1, 2 * MIB + 7};
    struct world w;
    struct backup_result r;
    uint8_t *content = malloc(2 * MIB + 7);
    struct buf back = {.max = 4 * MIB};

    assert_non_null(content);
    fill_pattern(content, 2 * MIB + 7, 3);
    make_world(state, &w);
    for (size_t i = 0; i < sizeof lengths / sizeof lengths[0]; i++) {
        assert_done(back_up_stdin(&w, file_with(content, lengths[i]), &r));
        assert_int_equal(r.totals.bytes, lengths[i]);
        assert_done(restore_to(&w, "latest", "target"));
        back.len = 0;
        assert_done(file_read(in(state, "target/stream"), &back));
        assert_true(bytes_equal(buf_bytes(&back), bytes_of(content, lengths[i])));
        remove_all(in(state, "target"));
    }
    buf_clear(&back);
    free(content);
    clear_world(&w);
}

/* What is exported as a tar comes back as it was. */
static void an_exported_tar_backs_up_to_the_same_tree(void **state)
{
    struct world w;
    struct backup_result r;
    struct snapshot_list c = {0};
    struct browse_options options = {.repository = NULL};
    int fd = memfd_create("tar", MFD_CLOEXEC);
    int sparse;

    make_world(state, &w);
    assert_int_equal(mkdir(in(state, "source/d"), 0755), 0);
    put_pattern(in(state, "source/d/f"), 70000, 1);
    put_file(in(state, "source/empty"), "");
    assert_int_equal(link(in(state, "source/d/f"), in(state, "source/a-link")), 0);
    assert_int_equal(symlink("d/f", in(state, "source/s")), 0);
    sparse = open(in(state, "source/sparse"), O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    assert_int_equal(ftruncate(sparse, 3 * MIB), 0);
    assert_int_equal(pwrite(sparse, "data", 4, MIB + 5), 4);
    close(sparse);
    make_backup(&w);
    assert_done(snapshot_list_read(w.ledger, &c));
    options.repository = w.repository;
    options.keyring = w.keyring;
    options.snapshot = &c.items[0];
    assert_done(browse_export(&options, NULL, false, fd));
    assert_int_equal(lseek(fd, 0, SEEK_SET), 0);
    assert_done(back_up_stdin(&w, fd, &r));
    assert_done(restore_to(&w, "latest", "target"));
    assert_same_trees(in(state, "source"), in(state, "target"));
    snapshot_list_clear(&c);
    clear_world(&w);
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(the_members_of_a_tar_are_files),
    cmocka_unit_test(a_name_is_made_relative_and_plain),
    cmocka_unit_test(a_device_is_left_out_and_said),
    cmocka_unit_test(a_name_that_leads_out_is_refused),
    cmocka_unit_test(anything_else_is_one_file),
    cmocka_unit_test(an_empty_stream_or_an_impossible_name_is_refused),
    IN_DIRECTORY(a_tar_restores_to_what_it_holds),
    IN_DIRECTORY(a_tar_no_restore_would_take_is_refused_and_leaves_nothing),
    IN_DIRECTORY(a_tar_that_is_cut_is_refused_and_leaves_nothing),
    IN_DIRECTORY(a_stream_of_any_length_restores),
    IN_DIRECTORY(an_exported_tar_backs_up_to_the_same_tree),
};

int main(void)
{
    return cmocka_run_group_tests(tests, NULL, NULL);
}
