#include "tests/unit/keyring/fake_crash.h"

#include <stdio.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tests/unit/helpers.h"

#define KILLED 99
#define FAILED_CHILD 98
#define CALL(...) (step(), changing(syscall(__VA_ARGS__)))

static unsigned long die_at; /* 0: never; each call has a step before it and one after */
static unsigned long passed;

static void step(void)
{
    passed++;
    if (die_at != 0 && passed == die_at)
        _exit(KILLED);
}

static long changing(long result)
{
    step();
    return result;
}

ssize_t write(int fd, const void *data, size_t len)
{
    /* Half of it, so that a torn write is seen too. */
    if (die_at != 0 && len > 1 && passed + 1 == die_at)
        syscall(SYS_write, fd, data, len / 2);
    return CALL(SYS_write, fd, data, len);
}

int fsync(int fd)
{
    return (int)CALL(SYS_fsync, fd);
}

int rename(const char *from, const char *to)
{
    return (int)CALL(SYS_renameat2, -100, from, -100, to, 0);
}

int link(const char *from, const char *to)
{
    return (int)CALL(SYS_linkat, -100, from, -100, to, 0);
}

int unlink(const char *path)
{
    return (int)CALL(SYS_unlinkat, -100, path, 0);
}

bool kill_at(operation *run, const char *path, unsigned long nth)
{
    int status = 0;
    pid_t child = fork();

    assert_true(child >= 0);
    if (child == 0) {
        die_at = nth;
        passed = 0;
        _exit(run(path) == ERR_OK ? 0 : FAILED_CHILD);
    }
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_true(WIFEXITED(status));
    assert_int_not_equal(WEXITSTATUS(status), FAILED_CHILD);
    return WEXITSTATUS(status) == KILLED;
}
