#include <fcntl.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "core/fs/file.h"
#include "tests/unit/helpers.h"

static void a_tree_goes_and_what_its_links_point_to_stays(void **state)
{
    put_file(in(state, "kept"), "kept");
    assert_done(file_make_dirs(in(state, "kept-dir/x"), 0700));
    assert_done(file_make_dirs(in(state, "tree/a/b"), 0700));
    assert_done(file_make_dirs(in(state, "tree/c"), 0700));
    put_file(in(state, "tree/a/b/file"), "");
    assert_int_equal(symlink("../../kept", in(state, "tree/a/link")), 0);
    assert_int_equal(symlink("../kept-dir", in(state, "tree/dir-link")), 0);
    assert_done(file_remove_tree(in(state, "tree")));
    assert_false(file_exists(in(state, "tree")));
    assert_true(have_file(in(state, "kept"), "kept"));
    assert_true(file_exists(in(state, "kept-dir/x")));
}

static void a_link_instead_of_a_tree_is_unlinked_only(void **state)
{
    assert_done(file_make_dirs(in(state, "kept/x"), 0700));
    assert_int_equal(symlink("kept", in(state, "link")), 0);
    assert_done(file_remove_tree(in(state, "link")));
    assert_false(file_exists(in(state, "link")));
    assert_true(file_exists(in(state, "kept/x")));
}

static void what_is_not_there_is_removed_already(void **state)
{
    assert_done(file_remove_tree(in(state, "a")));
    assert_done(file_remove_tree(in(state, "no/such/directory")));
}

static void a_file_and_a_name_with_a_slash_behind_go_too(void **state)
{
    put_file(in(state, "a"), "");
    assert_done(file_make_dirs(in(state, "b/c"), 0700));
    assert_done(file_remove_tree(in(state, "a")));
    assert_done(file_remove_tree(in(state, "b//")));
    assert_int_equal(count_names(in(state, "")), 0);
}

static void directories_that_were_made_read_only_go_too(void **state)
{
    assert_done(file_make_dirs(in(state, "a/b"), 0700));
    put_file(in(state, "a/b/file"), "");
    assert_int_equal(chmod(in(state, "a/b"), 0500), 0);
    assert_int_equal(chmod(in(state, "a"), 0500), 0);
    assert_done(file_remove_tree(in(state, "a")));
    assert_int_equal(count_names(in(state, "")), 0);
}

/* Deeper than this process may have descriptors, and than a path may be long. */
static void a_tree_of_any_depth_goes(void **state)
{
    const char *name = "a name of forty bytes, many times over..";
    struct rlimit before, few = {.rlim_cur = 32};
    int dir = open(in(state, ""), O_RDONLY | O_DIRECTORY | O_CLOEXEC);

    for (size_t i = 0; i < 120; i++) {
        int below;

        assert_int_equal(mkdirat(dir, name, 0700), 0);
        below = openat(dir, name, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        assert_true(below >= 0);
        close(dir);
        dir = below;
    }
    close(dir);
    assert_int_equal(getrlimit(RLIMIT_NOFILE, &before), 0);
    few.rlim_max = before.rlim_max;
    assert_int_equal(setrlimit(RLIMIT_NOFILE, &few), 0);
    assert_done(file_remove_tree(in(state, name)));
    assert_int_equal(setrlimit(RLIMIT_NOFILE, &before), 0);
    assert_int_equal(count_names(in(state, "")), 0);
}

static void a_directory_is_within_itself_and_all_above_by_whatever_name(void **state)
{
    char top[512];

    snprintf(top, sizeof top, "%s", in(state, "top"));
    assert_done(file_make_dirs(in(state, "top/a/b"), 0700));
    assert_done(file_make_dirs(in(state, "topmost"), 0700));
    assert_int_equal(symlink("top/a", in(state, "link")), 0);
    assert_true(file_is_within(top, top));
    assert_true(file_is_within(in(state, "top/a"), top));
    assert_true(file_is_within(in(state, "top/a/b"), top));
    assert_true(file_is_within(in(state, "link/b"), top));
    assert_true(file_is_within(in(state, "topmost/../top/"), top));
    assert_true(file_is_within(top, "/"));
    assert_true(file_is_within("/", "/"));
    assert_false(file_is_within("/", top));
    assert_false(file_is_within(in(state, ""), top));
    assert_false(file_is_within(in(state, "topmost"), top));
    assert_false(file_is_within(in(state, "link/.."), in(state, "top/a")));
    assert_false(file_is_within(in(state, "top/none"), top));
    assert_false(file_is_within(top, "/no/such/directory"));
}

enum { OUTCOME_RIGHT, OUTCOME_WRONG, OUTCOME_NO_MOUNT };

static bool mount_privately(const char *type, const char *from, const char *to, unsigned long flags)
{
    return unshare(CLONE_NEWNS | (geteuid() != 0 ? CLONE_NEWUSER : 0)) == 0 &&
           mount("none", "/", NULL, MS_REC | MS_PRIVATE, NULL) == 0 &&
           mount(from, to, type, flags, NULL) == 0;
}

/* In a process of its own, whose mounts nobody else sees. */
static int remove_around_a_mount(void **state, const char *type, unsigned long flags)
{
    char *from = strdup(in(state, "precious"));
    char *to = strdup(in(state, "tree/a/mounted"));
    int status = 0;
    pid_t child = fork();

    if (child == 0) {
        int outcome = OUTCOME_NO_MOUNT;

        if (mount_privately(type, from, to, flags)) {
            bool is_refused = file_remove_tree(in(state, "tree")) == ERR_FAILED &&
                              strstr(err_text(), "mounted is a mount point: what is mounted "
                                                 "there is not removed") != NULL;

            outcome = is_refused && file_exists(to) ? OUTCOME_RIGHT : OUTCOME_WRONG;
        }
        _exit(outcome);
    }
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_true(WIFEXITED(status));
    free(from);
    free(to);
    return WEXITSTATUS(status);
}

static void what_is_mounted_in_a_tree_is_not_removed(void **state)
{
    int bound, other;

    assert_done(file_make_dirs(in(state, "precious/below"), 0700));
    put_file(in(state, "precious/below/file"), "precious");
    assert_done(file_make_dirs(in(state, "tree/a/mounted"), 0700));
    bound = remove_around_a_mount(state, NULL, MS_BIND);
    other = remove_around_a_mount(state, "tmpfs", 0);
    if (bound == OUTCOME_NO_MOUNT || other == OUTCOME_NO_MOUNT)
        skip();
    assert_int_equal(bound, OUTCOME_RIGHT);
    assert_int_equal(other, OUTCOME_RIGHT);
    assert_true(have_file(in(state, "precious/below/file"), "precious"));
    assert_done(file_remove_tree(in(state, "tree"))); /* nothing is mounted there here */
}

static enum err remove_call(void *arg)
{
    void **state = arg;

    (void)mkdir(in(state, "a"), 0700);
    (void)mkdir(in(state, "a/b"), 0700);
    (void)mkdir(in(state, "a/b/c"), 0700);
    return file_remove_tree(in(state, "a"));
}

static void without_memory_it_fails_cleanly(void **state)
{
    assert_true(sweep_allocations(remove_call, state) > 3);
    assert_int_equal(count_names(in(state, "")), 0);
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        IN_DIRECTORY(a_tree_goes_and_what_its_links_point_to_stays),
        IN_DIRECTORY(a_link_instead_of_a_tree_is_unlinked_only),
        IN_DIRECTORY(what_is_not_there_is_removed_already),
        IN_DIRECTORY(a_file_and_a_name_with_a_slash_behind_go_too),
        IN_DIRECTORY(directories_that_were_made_read_only_go_too),
        IN_DIRECTORY(a_tree_of_any_depth_goes),
        IN_DIRECTORY(a_directory_is_within_itself_and_all_above_by_whatever_name),
        IN_DIRECTORY(what_is_mounted_in_a_tree_is_not_removed),
        IN_DIRECTORY(without_memory_it_fails_cleanly),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
