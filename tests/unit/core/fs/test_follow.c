#include "core/fs/follow.h"

#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "core/fs/file.h"
#include "tests/unit/helpers.h"

static void assert_leads(void **state, const char *path, const char *to)
{
    int fd = -1;

    assert_done(follow_open_dir(in(state, path), &fd));
    assert_true(file_is_still_there(AT_FDCWD, in(state, to), fd));
    close(fd);
}

static void make(void **state)
{
    assert_int_equal(mkdir(in(state, "a"), 0755), 0);
    assert_int_equal(mkdir(in(state, "a/b"), 0755), 0);
    assert_int_equal(mkdir(in(state, "c"), 0755), 0);
    put_file(in(state, "file"), "");
}

static void put_link(void **state, const char *to, const char *name)
{
    assert_int_equal(symlink(to, in(state, name)), 0);
}

static void a_path_leads_where_the_kernel_says(void **state)
{
    int fd = -1;

    make(state);
    put_link(state, "../c", "a/near");
    put_link(state, in(state, "a"), "far");
    put_link(state, "far/near/.", "both");
    assert_leads(state, "a/b", "a/b");
    assert_leads(state, "a//b/../b/.", "a/b");
    assert_leads(state, "a/near", "c");
    assert_leads(state, "far/b", "a/b");
    assert_leads(state, "both", "c");
    assert_leads(state, "a/near/..", "");
    assert_done(follow_open_dir("/", &fd));
    close(fd);
    assert_done(follow_open_dir(".", &fd));
    close(fd);
    assert_done(follow_open_dir("/proc/self/root/proc", &fd));
    close(fd);
}

static void what_leads_to_no_directory_is_refused(void **state)
{
    static const char *const paths[] = {"file",     "none", "a/none/b",
                                        "dangling", "loop", "to-file/x"};
    int fd = -1;

    make(state);
    put_link(state, "none", "dangling");
    put_link(state, "loop", "loop");
    put_link(state, "file", "to-file");
    for (size_t i = 0; i < sizeof paths / sizeof paths[0]; i++)
        assert_refused(follow_open_dir(in(state, paths[i]), &fd), ERR_USAGE, NULL);
    assert_int_equal(fd, -1);
}

static void as_root_a_link_of_anothers_leads_only_to_what_is_his(void **state)
{
    int fd = -1;

    if (geteuid() != 0)
        skip();
    make(state);
    put_link(state, "c", "his");
    put_link(state, "a", "ours");
    put_link(state, "his/../a", "through");
    assert_int_equal(lchown(in(state, "his"), 4711, 4711), 0);
    assert_refused(follow_open_dir(in(state, "his"), &fd), ERR_USAGE, NULL);
    assert_non_null(strstr(told(),
                           "the link his on the way belongs to the user 4711, the directory "
                           "that it leads to does not"));
    assert_refused(follow_open_dir(in(state, "through/b"), &fd), ERR_USAGE, NULL);
    assert_leads(state, "ours/b", "a/b");
    assert_int_equal(chown(in(state, "c"), 4711, 4711), 0);
    assert_leads(state, "his", "c");
    assert_int_equal(chown(in(state, "c"), 4712, 4711), 0);
    assert_refused(follow_open_dir(in(state, "his"), &fd), ERR_USAGE, NULL);
}

static const struct CMUnitTest tests[] = {
    IN_DIRECTORY(a_path_leads_where_the_kernel_says),
    IN_DIRECTORY(what_leads_to_no_directory_is_refused),
    IN_DIRECTORY(as_root_a_link_of_anothers_leads_only_to_what_is_his),
};

int main(void)
{
    return cmocka_run_group_tests(tests, NULL, NULL);
}
