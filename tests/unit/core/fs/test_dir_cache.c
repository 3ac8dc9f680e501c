#include "core/fs/dir_cache.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "tests/unit/helpers.h"

static int root;

static struct dir_cache *begin(void **state)
{
    struct dir_cache *c = NULL;

    assert_int_equal(mkdir(in(state, "root"), 0700), 0);
    root = open(in(state, "root"), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    assert_true(root >= 0);
    assert_done(dir_cache_new(root, &c));
    return c;
}

static void end(struct dir_cache *c)
{
    dir_cache_free(c);
    close(root);
}

static void assert_same_file(int fd, const char *path)
{
    struct stat is;
    struct stat named;

    assert_int_equal(fstat(fd, &is), 0);
    assert_int_equal(stat(path, &named), 0);
    assert_int_equal(is.st_ino, named.st_ino);
}

static void a_path_is_split_into_an_open_directory_and_a_name(void **state)
{
    struct dir_cache *c = begin(state);
    const char *name = NULL;
    int dir = -1;

    assert_int_equal(mkdir(in(state, "root/a"), 0700), 0);
    assert_int_equal(mkdir(in(state, "root/a/b"), 0700), 0);
    assert_done(dir_cache_at(c, "a/b/file", &dir, &name));
    assert_string_equal(name, "file");
    assert_same_file(dir, in(state, "root/a/b"));
    assert_done(dir_cache_at(c, "file", &dir, &name));
    assert_int_equal(dir, root);
    assert_done(dir_cache_open(c, ".", &dir));
    assert_int_equal(dir, root);
    end(c);
}

/* Whatever is done to its name afterwards: it is the directory that was opened. */
static void a_directory_is_opened_once(void **state)
{
    struct dir_cache *c = begin(state);
    int first = -1;
    int again = -1;

    assert_int_equal(mkdir(in(state, "root/a"), 0700), 0);
    assert_done(dir_cache_open(c, "a", &first));
    assert_int_equal(rename(in(state, "root/a"), in(state, "root/moved")), 0);
    assert_int_equal(symlink("..", in(state, "root/a")), 0);
    assert_done(dir_cache_open(c, "a", &again));
    assert_int_equal(first, again);
    assert_same_file(again, in(state, "root/moved"));
    end(c);
}

static void no_link_is_followed_and_nothing_above_is_reached(void **state)
{
    static const char *const paths[] = {"link",    "link/below", "a/link", "..",  "a/../..",
                                        "../away", "absolute",   "file",   "none"};
    struct dir_cache *c = begin(state);
    int fd = -1;

    assert_int_equal(mkdir(in(state, "away"), 0700), 0);
    assert_int_equal(mkdir(in(state, "away/below"), 0700), 0);
    assert_int_equal(mkdir(in(state, "root/a"), 0700), 0);
    assert_int_equal(symlink("../away", in(state, "root/link")), 0);
    assert_int_equal(symlink("../../away", in(state, "root/a/link")), 0);
    assert_int_equal(symlink("/", in(state, "root/absolute")), 0);
    put_file(in(state, "root/file"), "");
    for (size_t i = 0; i < sizeof paths / sizeof paths[0]; i++)
        assert_refused(dir_cache_open(c, paths[i], &fd), ERR_FAILED, NULL);
    assert_int_equal(fd, -1);
    end(c);
}

static void many_are_opened_and_few_stay_open(void **state)
{
    struct dir_cache *c = begin(state);
    size_t before = count_names("/proc/self/fd");
    char path[32];
    int fds[4 * DIR_CACHE_KEPT];

    for (size_t i = 0; i < 4 * DIR_CACHE_KEPT; i++) {
        snprintf(path, sizeof path, "root/%zu", i);
        assert_int_equal(mkdir(in(state, path), 0700), 0);
        assert_done(dir_cache_open(c, path + 5, &fds[i]));
        /* The last answers are good still. */
        for (size_t back = 1; back < DIR_CACHE_KEPT && back <= i; back++) {
            snprintf(path, sizeof path, "root/%zu", i - back);
            assert_same_file(fds[i - back], in(state, path));
        }
    }
    assert_int_equal(count_names("/proc/self/fd"), before + DIR_CACHE_KEPT);
    dir_cache_free(c);
    assert_int_equal(count_names("/proc/self/fd"), before);
    close(root);
}

static const struct CMUnitTest tests[] = {
    IN_DIRECTORY(a_path_is_split_into_an_open_directory_and_a_name),
    IN_DIRECTORY(a_directory_is_opened_once),
    IN_DIRECTORY(no_link_is_followed_and_nothing_above_is_reached),
    IN_DIRECTORY(many_are_opened_and_few_stay_open),
};

int main(void)
{
    return cmocka_run_group_tests(tests, NULL, NULL);
}
