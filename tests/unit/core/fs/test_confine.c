#include "core/fs/confine.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tests/unit/helpers.h"

enum outcome { AS_IT_SHOULD, CANNOT, WRITES_OUTSIDE, CANNOT_WRITE_INSIDE, CANNOT_READ };

static bool makes(const char *path)
{
    int fd = open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);

    if (fd >= 0)
        close(fd);
    return fd >= 0;
}

/* In a process of its own: there is no way back. */
static enum outcome try_all(void **state)
{
    int in_fd = open(in(state, "in"), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    int out_fd = open(in(state, "out"), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    int was_open = open(in(state, "out/open"), O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
    const int dirs[] = {in_fd, -1};
    char c;

    if (!confine_writes(dirs, 2))
        return CANNOT;
    if (makes(in(state, "out/new")) || makes(in(state, "out/file")) || errno != EACCES ||
        unlinkat(out_fd, "file", 0) == 0 || mkdirat(out_fd, "d", 0700) == 0 ||
        renameat(in_fd, "file", out_fd, "moved") == 0 || symlinkat("x", out_fd, "l") == 0 ||
        truncate(in(state, "out/file"), 0) == 0)
        return WRITES_OUTSIDE;
    if (!makes(in(state, "in/new")) || mkdirat(in_fd, "a", 0700) != 0 ||
        mkdirat(in_fd, "b", 0700) != 0 || !makes(in(state, "in/a/f")) ||
        renameat(in_fd, "a/f", in_fd, "b/f") != 0 || linkat(in_fd, "b/f", in_fd, "a/l", 0) != 0 ||
        renameat(in_fd, "a", in_fd, "b/a") != 0 || symlinkat("x", in_fd, "l") != 0 ||
        mkfifoat(in_fd, "p", 0600) != 0 || unlinkat(in_fd, "file", 0) != 0 ||
        write(was_open, "x", 1) != 1)
        return CANNOT_WRITE_INSIDE;
    if (read(openat(out_fd, "file", O_RDONLY | O_CLOEXEC), &c, 1) != 1)
        return CANNOT_READ;
    return AS_IT_SHOULD;
}

static void who_is_confined_writes_only_inside_and_reads_everywhere(void **state)
{
    int status = 0;
    pid_t child;

    assert_int_equal(mkdir(in(state, "in"), 0700), 0);
    assert_int_equal(mkdir(in(state, "out"), 0700), 0);
    put_file(in(state, "in/file"), "in");
    put_file(in(state, "out/file"), "out");
    child = fork();
    assert_true(child >= 0);
    if (child == 0)
        _exit((int)try_all(state));
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_true(WIFEXITED(status));
    if (WEXITSTATUS(status) == CANNOT)
        skip(); /* this kernel, or a sandbox, has no Landlock */
    assert_int_equal(WEXITSTATUS(status), AS_IT_SHOULD);
    assert_true(have_file(in(state, "out/file"), "out"));
}

static const struct CMUnitTest tests[] = {
    IN_DIRECTORY(who_is_confined_writes_only_inside_and_reads_everywhere),
};

int main(void)
{
    return cmocka_run_group_tests(tests, NULL, NULL);
}
