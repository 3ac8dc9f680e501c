#include "snapshot/restore/restore_entry.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <sys/xattr.h>
#include <unistd.h>

#include "core/base/log.h"
#include "tests/unit/snapshot/index_samples.h"

static char said[4096];
static uint64_t attention;

static void keep_line(enum log_level level, const char *text)
{
    (void)level;
    snprintf(said, sizeof said, "%s", text);
}

static struct stat look(void **state, const char *name)
{
    struct stat st;

    if (lstat(in(state, name), &st) != 0)
        fail_msg("%s is not there", name);
    return st;
}

static int open_here(void **state)
{
    int dir = open(in(state, ""), O_RDONLY | O_DIRECTORY | O_CLOEXEC);

    assert_true(dir >= 0);
    attention = 0;
    return dir;
}

static enum err finish(const struct entry *e, int dir, const char *name)
{
    const struct restore_manner manner = {.root = "/target", .attention = &attention};

    return restore_entry_finish(&manner, e, dir, name);
}

static void every_kind_of_file_is_made_for_us_alone_and_then_given_its_mode_and_time(void **state)
{
    int dir = open_here(state);
    char target[8] = {0};

    for (enum entry_type type = ENTRY_FILE; type <= ENTRY_FIFO; type++) {
        char name[2] = {(char)('0' + type), '\0'};
        struct entry e = entry_at(type, name);

        e.mode = 0751;
        e.size = type == ENTRY_FILE ? 12345 : 0;
        e.block_log2 = type == ENTRY_FILE ? 16 : 0;
        if (type == ENTRY_SYMLINK) {
            assert_done(buf_add(&e.link, bytes_of("target", 7)));
            e.link.len--;
        }
        assert_done(restore_entry_make(&e, dir, name));
        assert_true(type == ENTRY_SYMLINK || (look(state, name).st_mode & 0077) == 0);
        assert_done(finish(&e, dir, name));
        assert_int_equal(look(state, name).st_mtim.tv_sec, 1700000000);
        entry_clear(&e);
    }
    close(dir);
    assert_int_equal(attention, 0);
    assert_int_equal(look(state, "1").st_mode, S_IFREG | 0751);
    assert_int_equal(look(state, "1").st_size, 12345);
    assert_int_equal(look(state, "2").st_mode, S_IFDIR | 0751);
    assert_int_equal(readlink(in(state, "3"), target, sizeof target), 6);
    assert_string_equal(target, "target");
    assert_int_equal(look(state, "4").st_mode, S_IFIFO | 0751);
}

static void a_hard_link_is_the_same_file(void **state)
{
    struct entry e = entry_at(ENTRY_FILE, "a");
    int dir = open_here(state);

    e.size = 5;
    e.block_log2 = 16;
    assert_done(restore_entry_make(&e, dir, "a"));
    assert_done(restore_entry_link(&e, dir, "a", dir, "b"));
    assert_int_equal(look(state, "a").st_ino, look(state, "b").st_ino);
    assert_int_equal(look(state, "b").st_size, 5);
    assert_refused(restore_entry_link(&e, dir, "none", dir, "c"), ERR_FAILED, NULL);
    close(dir);
    entry_clear(&e);
}

/* The file is there, and the person is told what it lacks. */
static void an_attribute_that_the_system_refuses_is_said_and_counted(void **state)
{
    struct entry e = entry_at(ENTRY_FILE, "f");
    int dir = open_here(state);

    *said = '\0';
    log_to(keep_line);
    assert_done(entry_add_xattr(&e, bytes_of_text("nonsense.a"), bytes_of_text("b")));
    assert_done(restore_entry_make(&e, dir, "f"));
    assert_done(finish(&e, dir, "f"));
    log_to(NULL);
    assert_int_equal(attention, 1);
    assert_string_equal(said, "/target/f: its attribute nonsense.a could not be set: Operation not "
                              "supported");
    assert_int_equal(look(state, "f").st_mode, S_IFREG | 0644);
    close(dir);
    entry_clear(&e);
}

static void what_cannot_be_made_is_a_failure_and_no_warning(void **state)
{
    struct entry e = entry_at(ENTRY_FILE, "f");
    int dir = open_here(state);
    char name[300];

    memset(name, 'n', sizeof name - 1); /* longer than any file system takes */
    name[sizeof name - 1] = '\0';
    assert_refused(restore_entry_make(&e, dir, name), ERR_FAILED, NULL);
    assert_string_equal(err_text(), "making f: File name too long");
    assert_int_equal(attention, 0);
    close(dir);
    entry_clear(&e);
}

/* Nothing that is there is written to, whatever kind it is. */
static void a_name_that_is_taken_is_never_used(void **state)
{
    struct entry e = entry_at(ENTRY_FILE, "f");
    int dir = open_here(state);

    put_file(in(state, "outside"), "theirs");
    assert_int_equal(symlink("outside", in(state, "link")), 0);
    assert_int_equal(symlink("nowhere", in(state, "dangling")), 0);
    e.size = 3;
    assert_refused(restore_entry_make(&e, dir, "outside"), ERR_EXISTS, NULL);
    assert_refused(restore_entry_make(&e, dir, "link"), ERR_EXISTS, NULL);
    assert_refused(restore_entry_make(&e, dir, "dangling"), ERR_EXISTS, NULL);
    assert_true(have_file(in(state, "outside"), "theirs"));
    assert_int_equal(access(in(state, "nowhere"), F_OK), -1);
    close(dir);
    entry_clear(&e);
}

/* What took its place is not given the mode of what was made. */
static void a_name_that_is_another_file_by_now_is_not_finished(void **state)
{
    struct entry e = entry_at(ENTRY_FILE, "f");
    int dir = open_here(state);

    put_file(in(state, "outside"), "theirs");
    assert_int_equal(chmod(in(state, "outside"), 0600), 0);
    assert_int_equal(symlink("outside", in(state, "f")), 0);
    assert_refused(finish(&e, dir, "f"), ERR_FAILED, NULL);
    assert_int_equal(mkdir(in(state, "d"), 0700), 0);
    assert_refused(finish(&e, dir, "d"), ERR_FAILED, NULL);
    assert_string_equal(err_text(), "f was replaced while it was restored");
    assert_int_equal(look(state, "outside").st_mode & 07777, 0600);
    close(dir);
    entry_clear(&e);
}

/* A program that another was to own must not run as the one it belongs to now. */
static void set_user_id_bits_are_for_the_owner_of_the_snapshot_only(void **state)
{
    struct entry e = entry_at(ENTRY_FILE, "f");
    int dir = open_here(state);

    e.mode = 06755;
    e.uid = geteuid() + 1;
    e.gid = getegid() + 1;
    assert_done(restore_entry_make(&e, dir, "f"));
    assert_done(finish(&e, dir, "f")); /* the manner sets no owner */
    assert_int_equal(look(state, "f").st_mode & 07777, 0755);
    e.uid = geteuid();
    e.gid = getegid();
    assert_done(finish(&e, dir, "f"));
    assert_int_equal(look(state, "f").st_mode & 07777, 06755);
    close(dir);
    entry_clear(&e);
}

static const struct CMUnitTest tests[] = {
    IN_DIRECTORY(every_kind_of_file_is_made_for_us_alone_and_then_given_its_mode_and_time),
    IN_DIRECTORY(a_hard_link_is_the_same_file),
    IN_DIRECTORY(an_attribute_that_the_system_refuses_is_said_and_counted),
    IN_DIRECTORY(what_cannot_be_made_is_a_failure_and_no_warning),
    IN_DIRECTORY(a_name_that_is_taken_is_never_used),
    IN_DIRECTORY(a_name_that_is_another_file_by_now_is_not_finished),
    IN_DIRECTORY(set_user_id_bits_are_for_the_owner_of_the_snapshot_only),
};

int main(void)
{
    return cmocka_run_group_tests(tests, NULL, NULL);
}
