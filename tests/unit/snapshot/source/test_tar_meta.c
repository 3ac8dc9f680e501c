#include "snapshot/source/tar_meta.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/syscall.h>
#include <sys/xattr.h>
#include <unistd.h>

#include <archive.h>
#include <archive_entry.h>

#include "core/base/log.h"
#include "tests/unit/snapshot/index_samples.h"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

static struct archive_entry *member(const char *path, mode_t type)
{
    struct archive_entry *from = archive_entry_new();

    assert_non_null(from);
    archive_entry_copy_pathname(from, path);
    archive_entry_set_filetype(from, type);
    archive_entry_set_perm(from, 0640);
    if (type == AE_IFREG)
        archive_entry_set_size(from, 0);
    return from;
}

/* ---- names ---- */

static void a_members_name_is_made_plain(void **state)
{
    static const char *const rows[][2] = {
        {"a", "a"},           {"./a", "a"},         {"/a", "a"},    {"a/", "a"},
        {"//a//b///", "a/b"}, {"././a/./b", "a/b"}, {".", "."},     {"./", "."},
        {"/", "."},           {"///", "."},         {"...", "..."}, {".a/b.", ".a/b."},
        {"a\\b", "a\\b"},     {"a b\n", "a b\n"},
    };
    struct entry e;

    (void)state;
    entry_init(&e);
    for (size_t i = 0; i < COUNT(rows); i++) {
        struct archive_entry *from = member(rows[i][0], AE_IFDIR);

        entry_reset(&e);
        assert_done(tar_meta_import(from, &e));
        assert_string_equal(entry_path(&e), rows[i][1]);
        assert_int_equal(e.path.len, strlen(rows[i][1]));
        archive_entry_free(from);
    }
    entry_clear(&e);
}

static void a_name_that_leads_out_is_refused_in_a_path_and_in_a_hard_link(void **state)
{
    static const char *const names[] = {"..", "../a", "a/..", "a/../b", "/..", "./../a", "a/./.."};
    struct entry e;

    (void)state;
    entry_init(&e);
    for (size_t i = 0; i < COUNT(names); i++) {
        struct archive_entry *from = member(names[i], AE_IFREG);

        entry_reset(&e);
        assert_refused(tar_meta_import(from, &e), ERR_FAILED, NULL);
        assert_non_null(strstr(err_text(), names[i]));
        archive_entry_free(from);
        from = member("a", AE_IFREG);
        archive_entry_copy_hardlink(from, names[i]);
        entry_reset(&e);
        assert_refused(tar_meta_import(from, &e), ERR_FAILED, NULL);
        archive_entry_free(from);
    }
    entry_clear(&e);
}

static void the_longest_name_is_taken_and_one_byte_more_is_not(void **state)
{
    char name[4098];
    struct entry e;

    (void)state;
    entry_init(&e);
    for (size_t i = 0; i < sizeof name; i++)
        name[i] = i % 2 == 0 ? 'a' : '/';
    name[4095] = '\0';
    for (size_t more = 0; more < 2; more++) {
        struct archive_entry *from = member(name, AE_IFDIR);

        entry_reset(&e);
        if (more == 0)
            assert_done(tar_meta_import(from, &e));
        else
            assert_true(tar_meta_import(from, &e) != ERR_OK);
        archive_entry_free(from);
        name[4095] = 'b';
        name[4096] = '\0';
    }
    entry_clear(&e);
}

/* No file system has such a name: no restore would take it. */
static void a_part_that_no_file_system_takes_is_refused(void **state)
{
    char name[3 + 256 + 1] = "d/";
    struct archive_entry *from;
    struct entry e;

    (void)state;
    entry_init(&e);
    memset(name + 2, 'n', 256);
    from = member(name, AE_IFREG);
    assert_refused(tar_meta_import(from, &e), ERR_FAILED, NULL);
    assert_non_null(strstr(err_text(), "is longer than a file's name can be"));
    archive_entry_free(from);
    name[2 + 255] = '\0';
    from = member(name, AE_IFREG);
    entry_reset(&e);
    assert_done(tar_meta_import(from, &e));
    archive_entry_free(from);
    entry_clear(&e);
}

/* Cut to 32 bits, 2^32 would be root; and -1 means "as it is" to chown(). */
static void an_owner_that_no_system_has_is_refused(void **state)
{
    static const la_int64_t numbers[] = {INT64_C(1) << 32, UINT32_MAX, INT64_MAX};
    struct entry e;

    (void)state;
    entry_init(&e);
    for (size_t i = 0; i < 2 * COUNT(numbers); i++) {
        struct archive_entry *from = member("a", AE_IFREG);
        char due[128];

        if (i % 2 == 0)
            archive_entry_set_uid(from, numbers[i / 2]);
        else
            archive_entry_set_gid(from, numbers[i / 2]);
        snprintf(due, sizeof due, "reading the tar: a: there is no owner or group %lld",
                 (long long)numbers[i / 2]);
        entry_reset(&e);
        assert_refused(tar_meta_import(from, &e), ERR_FAILED, due);
        archive_entry_free(from);
    }
    entry_clear(&e);
}

static void a_size_that_no_index_holds_is_refused(void **state)
{
    struct archive_entry *from = member("a", AE_IFREG);
    struct entry e;

    (void)state;
    entry_init(&e);
    archive_entry_set_size(from, (la_int64_t)ENTRY_SIZE_MAX + 1);
    assert_refused(tar_meta_import(from, &e), ERR_FAILED,
                   "reading the tar: a is larger than this format can hold");
    archive_entry_free(from);
    entry_clear(&e);
}

static void a_member_without_a_name_is_refused(void **state)
{
    struct archive_entry *from = archive_entry_new();
    struct entry e;

    (void)state;
    entry_init(&e);
    archive_entry_set_filetype(from, AE_IFREG);
    assert_refused(tar_meta_import(from, &e), ERR_FAILED,
                   "reading the tar: a file of the tar has no name that can be read");
    archive_entry_free(from);
    entry_clear(&e);
}

static void devices_and_sockets_are_not_held(void **state)
{
    static const mode_t types[] = {AE_IFCHR, AE_IFBLK, AE_IFSOCK, 0};
    struct entry e;

    (void)state;
    entry_init(&e);
    for (size_t i = 0; i < COUNT(types); i++) {
        struct archive_entry *from = member("a", types[i]);

        entry_reset(&e);
        assert_refused(tar_meta_import(from, &e), ERR_UNSUPPORTED,
                       "reading the tar: a is a device, which a snapshot does not hold");
        archive_entry_free(from);
    }
    entry_clear(&e);
}

/* ---- extents ---- */

/* libarchive takes no extent behind the size that is set: set_size() comes afterwards. */
static struct archive_entry *sparse(void)
{
    struct archive_entry *from = member("s", AE_IFREG);

    archive_entry_set_size(from, INT64_MAX);
    return from;
}

static void extents_at_both_ends_are_taken(void **state)
{
    struct archive_entry *from = sparse();
    struct entry e;

    (void)state;
    entry_init(&e);
    archive_entry_sparse_add_entry(from, 0, 1);
    archive_entry_sparse_add_entry(from, 999999, 1);
    archive_entry_set_size(from, 1000000);
    assert_done(tar_meta_import(from, &e));
    assert_int_equal(e.extents.len, 32);
    assert_true(entry_has_data(&e, 0, 1));
    assert_false(entry_has_data(&e, 1, 999998));
    assert_true(entry_has_data(&e, 999999, 1));
    archive_entry_free(from);
    entry_clear(&e);
}

static void an_extent_that_reaches_beyond_the_file_ends_with_it(void **state)
{
    struct archive_entry *from = sparse();
    struct entry e;

    (void)state;
    entry_init(&e);
    archive_entry_sparse_add_entry(from, 999000, 4096); /* whole pages, as a disk has them */
    archive_entry_set_size(from, 1000000);
    assert_done(tar_meta_import(from, &e));
    assert_int_equal(e.extents.len, 16);
    assert_int_equal(be_get(e.extents.data, 8), 999000);
    assert_int_equal(be_get(e.extents.data + 8, 8), 1000);
    assert_int_equal(e.size, 1000000);
    archive_entry_free(from);
    entry_clear(&e);
}

static void an_extent_that_begins_behind_the_file_is_refused(void **state)
{
    struct archive_entry *from = sparse();
    struct entry e;

    (void)state;
    entry_init(&e);
    archive_entry_sparse_add_entry(from, 0, 10);
    archive_entry_sparse_add_entry(from, 1001, 1);
    archive_entry_set_size(from, 1000);
    assert_refused(tar_meta_import(from, &e), ERR_FAILED, "reading the tar: s: impossible extents");
    archive_entry_free(from);
    entry_clear(&e);
}

/* 90,000 pieces: most holes stay. */
static void of_more_extents_than_an_entry_holds_neighbours_become_one(void **state)
{
    struct archive_entry *from = sparse();
    struct entry e;

    (void)state;
    entry_init(&e);
    for (int i = 0; i < 90000; i++)
        archive_entry_sparse_add_entry(from, 10 * i, 1);
    archive_entry_set_size(from, 1000000);
    assert_done(tar_meta_import(from, &e));
    assert_int_equal(entry_extent_count(&e), ENTRY_EXTENTS_MAX / 2 + 90000 - ENTRY_EXTENTS_MAX);
    assert_int_equal(entry_extent(&e, 0).offset, 0);
    assert_int_equal(entry_extent(&e, 0).len, 11);
    assert_int_equal(entry_extent(&e, 1).offset, 20);
    for (uint64_t i = 0; i < 90000; i++)
        assert_true(entry_has_data(&e, 10 * i, 1)); /* no data is taken for a hole */
    assert_false(entry_has_data(&e, 11, 9));
    assert_false(entry_has_data(&e, 899991, 9));
    archive_entry_free(from);
    entry_clear(&e);
}

/* ---- there and back ---- */

static void what_goes_out_comes_back(void **state)
{
    char long_name[256];
    struct entry out = entry_at(ENTRY_FILE, "d/f");
    struct entry back;
    struct archive_entry *tar = archive_entry_new();

    (void)state;
    entry_init(&back);
    out.mode = 07777;
    out.uid = 4000000000;
    out.gid = 4000000001;
    out.mtime_s = -5;
    out.mtime_ns = 999999999;
    out.size = (uint64_t)1 << 40;
    out.block_log2 = 20;
    assert_done(buf_add(&out.user, bytes_of("mongod", 7)));
    out.user.len--;
    memset(long_name, 'n', 255);
    memcpy(long_name, "user.", 5);
    long_name[255] = '\0';
    assert_done(entry_add_xattr(&out, bytes_of_text(long_name), bytes_of("", 0)));
    assert_done(entry_add_xattr(&out, bytes_of_text("user.a"), bytes_of("a\0b", 3)));
    assert_done(tar_meta_export(&out, "d/f", tar));
    assert_done(tar_meta_import(tar, &back));
    assert_string_equal(entry_path(&back), "d/f");
    assert_int_equal(back.mode, 07777);
    assert_int_equal(back.uid, 4000000000);
    assert_int_equal(back.gid, 4000000001);
    assert_int_equal(back.mtime_s, -5);
    assert_int_equal(back.mtime_ns, 999999999);
    assert_true(back.size == (uint64_t)1 << 40);
    assert_int_equal(back.block_log2, 20);
    assert_string_equal((const char *)back.user.data, "mongod");
    assert_int_equal(back.group.len, 0);
    assert_int_equal(back.xattr_count, 2);
    assert_int_equal(back.xattrs.len, out.xattrs.len);
    archive_entry_free(tar);
    entry_clear(&out);
    entry_clear(&back);
}

static void an_acl_comes_back_and_a_mode_alone_is_none(void **state)
{
    struct entry out = entry_at(ENTRY_DIR, "d");
    struct entry back;
    struct archive_entry *tar = archive_entry_new();

    (void)state;
    entry_init(&back);
    assert_done(tar_meta_export(&out, "d", tar));
    assert_done(tar_meta_import(tar, &back));
    assert_int_equal(back.acl.len, 0);
    archive_entry_clear(tar);
    assert_done(buf_add_text(&out.acl, "user::rwx\nuser:root:r-x:0\ngroup::r-x\nmask::r-x\n"
                                       "other::r-x\ndefault:user::rwx\ndefault:group::r-x\n"
                                       "default:other::---\n"));
    assert_done(buf_add(&out.acl, bytes_of("", 1)));
    out.acl.len--;
    assert_done(tar_meta_export(&out, "d", tar));
    entry_reset(&back);
    assert_done(tar_meta_import(tar, &back));
    assert_string_equal((const char *)back.acl.data, (const char *)out.acl.data);
    archive_entry_free(tar);
    entry_clear(&out);
    entry_clear(&back);
}

/* ---- from the disk ---- */

static void holes_at_both_ends_of_a_file_are_seen(void **state)
{
    struct tar_meta *m = NULL;
    bool is_whole;
    struct entry e = entry_at(ENTRY_FILE, "f");
    struct stat st;
    int fd = open(in(state, "f"), O_RDWR | O_CREAT | O_CLOEXEC, 0600);

    assert_true(fd >= 0);
    assert_int_equal(ftruncate(fd, 1 << 20), 0);
    assert_int_equal(pwrite(fd, "data", 4, 1 << 19), 4);
    assert_int_equal(fstat(fd, &st), 0);
    e.size = 1 << 20;
    e.block_log2 = 16;
    assert_done(tar_meta_new(&m));
    assert_done(tar_meta_read(m, fd, &st, &e, &is_whole));
    if (e.extents.len > 0) { /* a file system without holes has nothing to say */
        assert_false(entry_has_data(&e, 0, 1 << 18));
        assert_true(entry_has_data(&e, 1 << 19, 4));
        assert_false(entry_has_data(&e, (1 << 20) - 65536, 65536));
    }
    tar_meta_free(m);
    entry_clear(&e);
    close(fd);
}

static void a_file_that_is_one_hole_has_no_data(void **state)
{
    struct tar_meta *m = NULL;
    bool is_whole;
    struct entry e = entry_at(ENTRY_FILE, "f");
    struct buf raw = {.max = MIB};
    struct stat st;
    int fd = open(in(state, "f"), O_RDWR | O_CREAT | O_CLOEXEC, 0600);

    assert_true(fd >= 0);
    assert_int_equal(ftruncate(fd, 1 << 20), 0);
    assert_int_equal(fstat(fd, &st), 0);
    e.size = 1 << 20;
    e.block_log2 = 16;
    assert_done(tar_meta_new(&m));
    assert_done(tar_meta_read(m, fd, &st, &e, &is_whole));
    if (e.extents.len > 0)
        assert_false(entry_has_data(&e, 0, 1 << 20));
    assert_done(entry_encode(&e, &raw)); /* and it can be written and read */
    assert_done(entry_decode(buf_bytes(&raw), &e));
    tar_meta_free(m);
    buf_clear(&raw);
    entry_clear(&e);
    close(fd);
}

/* In place of the kernel's, for libarchive too. */
static bool attributes_fail;

ssize_t flistxattr(int fd, char *list, size_t len)
{
    if (!attributes_fail)
        return (ssize_t)syscall(SYS_flistxattr, fd, list, len);
    errno = EIO;
    return -1;
}

static char said[256];

static void keep_line(enum log_level level, const char *text)
{
    (void)level;
    snprintf(said, sizeof said, "%s", text);
}

static void attributes_that_cannot_be_listed_are_said(void **state)
{
    struct tar_meta *m = NULL;
    struct entry e = entry_at(ENTRY_FILE, "f\n");
    struct stat st;
    bool is_whole = false;
    int fd = open(in(state, "f"), O_RDWR | O_CREAT | O_CLOEXEC, 0600);

    assert_int_equal(fstat(fd, &st), 0);
    assert_done(tar_meta_new(&m));
    log_to(keep_line);
    assert_done(tar_meta_read(m, fd, &st, &e, &is_whole));
    assert_true(is_whole);
    assert_string_equal(said, "");
    attributes_fail = true;
    assert_done(tar_meta_read(m, fd, &st, &e, &is_whole));
    attributes_fail = false;
    log_to(NULL);
    assert_false(is_whole);
    assert_string_equal(said, "f\\x0a: its extended attributes or access list are not all there: "
                              "Couldn't list extended attributes");
    tar_meta_free(m);
    entry_clear(&e);
    close(fd);
}

static void of_what_cannot_be_opened_the_owner_is_known(void **state)
{
    struct tar_meta *m = NULL;
    bool is_whole;
    struct entry e = entry_at(ENTRY_SYMLINK, "l");
    struct stat st = {.st_mode = S_IFLNK | 0777};

    (void)state;
    assert_done(tar_meta_new(&m));
    assert_done(tar_meta_read(m, -1, &st, &e, &is_whole)); /* uid 0, gid 0 */
    assert_string_equal((const char *)e.user.data, "root");
    assert_string_equal((const char *)e.group.data, "root");
    st.st_uid = 3999999999;
    assert_done(tar_meta_read(m, -1, &st, &e, &is_whole));
    assert_int_equal(e.user.len, 0); /* nothing of the one before */
    tar_meta_free(m);
    entry_clear(&e);
}

static const struct CMUnitTest tests[] = {
    IN_DIRECTORY(a_members_name_is_made_plain),
    IN_DIRECTORY(a_name_that_leads_out_is_refused_in_a_path_and_in_a_hard_link),
    IN_DIRECTORY(the_longest_name_is_taken_and_one_byte_more_is_not),
    IN_DIRECTORY(a_part_that_no_file_system_takes_is_refused),
    IN_DIRECTORY(an_owner_that_no_system_has_is_refused),
    IN_DIRECTORY(a_size_that_no_index_holds_is_refused),
    IN_DIRECTORY(a_member_without_a_name_is_refused),
    IN_DIRECTORY(devices_and_sockets_are_not_held),
    IN_DIRECTORY(extents_at_both_ends_are_taken),
    IN_DIRECTORY(an_extent_that_reaches_beyond_the_file_ends_with_it),
    IN_DIRECTORY(an_extent_that_begins_behind_the_file_is_refused),
    IN_DIRECTORY(of_more_extents_than_an_entry_holds_neighbours_become_one),
    IN_DIRECTORY(what_goes_out_comes_back),
    IN_DIRECTORY(an_acl_comes_back_and_a_mode_alone_is_none),
    IN_DIRECTORY(holes_at_both_ends_of_a_file_are_seen),
    IN_DIRECTORY(a_file_that_is_one_hole_has_no_data),
    IN_DIRECTORY(attributes_that_cannot_be_listed_are_said),
    IN_DIRECTORY(of_what_cannot_be_opened_the_owner_is_known),
};

int main(void)
{
    return cmocka_run_group_tests(tests, NULL, NULL);
}
