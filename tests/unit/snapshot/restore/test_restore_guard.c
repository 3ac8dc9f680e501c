#include "snapshot/restore/restore_guard.h"

#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "tests/unit/helpers.h"

/* Somebody who is quicker than the open that follows: what was made goes, `swap` gets its name. */
static const char *swap;

int mkdirat(int dir, const char *name, mode_t mode)
{
    int failed = (int)syscall(SYS_mkdirat, dir, name, mode);

    if (failed == 0 && swap != NULL) {
        assert_int_equal(renameat(dir, name, dir, "made"), 0);
        assert_int_equal(renameat(dir, swap, dir, name), 0);
    }
    return failed;
}

static int open_here(void **state)
{
    int dir = open(in(state, ""), O_RDONLY | O_DIRECTORY | O_CLOEXEC);

    assert_true(dir >= 0);
    return dir;
}

static void a_guard_is_ours_alone_and_is_found_again(void **state)
{
    int dir = open_here(state);
    int fd = -1;
    struct stat st;

    assert_refused(guard_open(dir, "guard", &fd), ERR_NOT_FOUND, NULL);
    assert_done(guard_make(dir, "guard", &fd));
    assert_int_equal(fstat(fd, &st), 0);
    assert_int_equal(st.st_mode & 0777, 0700);
    close(fd);
    fd = -1;
    assert_refused(guard_make(dir, "guard", &fd), ERR_FAILED, NULL);
    assert_done(guard_open(dir, "guard", &fd));
    close(fd);
    close(dir);
}

static void what_was_swapped_for_a_directory_with_something_in_it_is_no_guard(void **state)
{
    int dir = open_here(state);
    int fd = -1;

    assert_int_equal(mkdir(in(state, "precious"), 0700), 0);
    put_file(in(state, "precious/f"), "root's own");
    swap = "precious";
    assert_refused(guard_make(dir, "guard", &fd), ERR_FAILED, "guard was replaced as it was made");
    swap = NULL;
    assert_int_equal(fd, -1);
    assert_refused(guard_remove(dir, "guard"), ERR_FAILED, NULL);
    assert_true(have_file(in(state, "guard/f"), "root's own"));
    assert_int_equal(count_names(in(state, "guard")), 1);
    close(dir);
}

static void what_others_may_enter_or_lead_to_is_no_guard(void **state)
{
    int dir = open_here(state);
    int fd = -1;

    assert_int_equal(mkdir(in(state, "open"), 0700), 0);
    assert_int_equal(chmod(in(state, "open"), 0710), 0);
    assert_int_equal(mkdir(in(state, "away"), 0700), 0);
    assert_int_equal(symlink("away", in(state, "link")), 0);
    put_file(in(state, "file"), "");
    assert_refused(guard_open(dir, "open", &fd), ERR_FAILED,
                   "open is not ours, or others can enter it");
    assert_refused(guard_open(dir, "link", &fd), ERR_FAILED, NULL);
    assert_refused(guard_open(dir, "file", &fd), ERR_FAILED, NULL);
    if (geteuid() == 0) {
        assert_int_equal(chown(in(state, "away"), 4711, 4711), 0);
        assert_refused(guard_open(dir, "away", &fd), ERR_FAILED, NULL);
    }
    assert_int_equal(fd, -1);
    close(dir);
}

static void only_a_guard_is_removed_with_what_is_in_it(void **state)
{
    int dir = open_here(state);
    int fd = -1;

    assert_done(guard_remove(dir, "none"));
    assert_int_equal(mkdir(in(state, "empty"), 0755), 0);
    assert_done(guard_remove(dir, "empty"));
    assert_int_equal(mkdir(in(state, "away"), 0700), 0);
    put_file(in(state, "away/f"), "theirs");
    assert_int_equal(symlink("away", in(state, "link")), 0);
    assert_done(guard_remove(dir, "link"));
    assert_refused(guard_remove(dir, "away"), ERR_FAILED, NULL);
    assert_true(have_file(in(state, "away/f"), "theirs"));
    assert_done(guard_make(dir, "guard", &fd));
    assert_int_equal(mkdirat(fd, "tree", 0500), 0);
    put_file(in(state, "guard/names"), "x");
    assert_int_equal(symlinkat("../away", fd, "link"), 0);
    close(fd);
    assert_done(guard_remove(dir, "guard"));
    assert_int_equal(count_names(in(state, "")), 1);
    assert_true(have_file(in(state, "away/f"), "theirs"));
    close(dir);
}

static void a_look_comes_back_as_it_was_kept(void **state)
{
    struct stat look = {.st_uid = 1234, .st_gid = 5678, .st_mode = S_IFDIR | 02750};
    struct stat back = {.st_mode = S_IFDIR};
    int dir = open_here(state);

    assert_false(guard_read_look(dir, "look", &back));
    assert_done(guard_keep_look(dir, "look", "a line for people\nand one more:\n", &look));
    assert_true(guard_read_look(dir, "look", &back));
    assert_int_equal(back.st_uid, 1234);
    assert_int_equal(back.st_gid, 5678);
    assert_int_equal(back.st_mode, S_IFDIR | 02750);
    close(dir);
}

static void what_is_not_a_look_or_not_ours_is_not_believed(void **state)
{
    static const char *const texts[] = {
        "",
        "\n",
        "1 2\n",
        "1 2 3 4\n",
        "1 2 3",
        "a 2 3\n",
        "-1 2 3\n",
        "1  2 3\n",
        "1 2 4096\n",
        "4294967295 0 448\n",
        "0 4294967295 448\n",
    };
    struct stat back = {.st_uid = 99};
    int dir = open_here(state);

    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
        put_file(in(state, "look"), texts[i]);
        assert_int_equal(chmod(in(state, "look"), 0600), 0);
        assert_false(guard_read_look(dir, "look", &back));
    }
    put_file(in(state, "look"), "0 0 448\n");
    assert_true(guard_read_look(dir, "look", &back));
    back.st_uid = 99;
    assert_int_equal(chmod(in(state, "look"), 0620), 0);
    assert_false(guard_read_look(dir, "look", &back));
    assert_int_equal(chmod(in(state, "look"), 0600), 0);
    assert_int_equal(link(in(state, "look"), in(state, "second")), 0);
    assert_false(guard_read_look(dir, "look", &back));
    assert_int_equal(unlink(in(state, "look")), 0);
    assert_int_equal(symlink("second", in(state, "look")), 0);
    assert_false(guard_read_look(dir, "look", &back));
    assert_int_equal(back.st_uid, 99);
    close(dir);
}

static const struct CMUnitTest tests[] = {
    IN_DIRECTORY(a_guard_is_ours_alone_and_is_found_again),
    IN_DIRECTORY(what_was_swapped_for_a_directory_with_something_in_it_is_no_guard),
    IN_DIRECTORY(what_others_may_enter_or_lead_to_is_no_guard),
    IN_DIRECTORY(only_a_guard_is_removed_with_what_is_in_it),
    IN_DIRECTORY(a_look_comes_back_as_it_was_kept),
    IN_DIRECTORY(what_is_not_a_look_or_not_ours_is_not_believed),
};

int main(void)
{
    return cmocka_run_group_tests(tests, NULL, NULL);
}
