#include "core/fs/file_name.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/file.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "tests/unit/helpers.h"

/* ---- a file system that does not know these calls ---- */

static bool no_link;
static bool no_noreplace;

int linkat(int from_at, const char *from, int to_at, const char *to, int flags)
{
    if (no_link) {
        errno = EPERM;
        return -1;
    }
    return (int)syscall(SYS_linkat, from_at, from, to_at, to, flags);
}

int renameat2(int from_at, const char *from, int to_at, const char *to, unsigned flags)
{
    if (no_noreplace && flags != 0) {
        errno = EINVAL;
        return -1;
    }
    return (int)syscall(SYS_renameat2, from_at, from, to_at, to, flags);
}

static bool moved;

static int give(void **state, int *cause)
{
    int dir = open(in(state, ""), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    int rc;

    assert_true(dir >= 0);
    rc = file_name_give(dir, "from", dir, "to", "claim", &moved);
    *cause = errno;
    close(dir);
    return rc;
}

static const struct {
    bool link, noreplace;
} kinds[] = {{true, true}, {false, true}, {false, false}};

static void lack(size_t kind)
{
    no_link = !kinds[kind].link;
    no_noreplace = !kinds[kind].noreplace;
}

static void a_file_gets_its_name_whatever_the_file_system_knows(void **state)
{
    int cause = 0;

    for (size_t i = 0; i < sizeof kinds / sizeof kinds[0]; i++) {
        lack(i);
        put_file(in(state, "from"), "new");
        assert_int_equal(give(state, &cause), 0);
        assert_int_equal(moved, i > 0);
        assert_true(have_file(in(state, "to"), "new"));
        assert_int_equal(count_names(in(state, "")), moved ? 1 : 2);
        unlink(in(state, "from"));
        assert_int_equal(unlink(in(state, "to")), 0);
    }
    lack(0);
}

static void a_name_that_is_there_stays_what_it_is(void **state)
{
    int cause = 0;

    for (size_t i = 0; i < sizeof kinds / sizeof kinds[0]; i++) {
        lack(i);
        put_file(in(state, "from"), "new");
        put_file(in(state, "to"), "old");
        assert_int_equal(give(state, &cause), -1);
        assert_int_equal(cause, EEXIST);
        assert_false(moved);
        assert_true(have_file(in(state, "to"), "old"));
        assert_true(have_file(in(state, "from"), "new"));
        assert_int_equal(count_names(in(state, "")), 2);
    }
    lack(0);
}

static void a_claim_that_another_run_holds_is_a_name_that_is_taken(void **state)
{
    int cause = 0;
    int fd;

    lack(2);
    put_file(in(state, "from"), "new");
    put_file(in(state, "claim"), "");
    fd = open(in(state, "claim"), O_WRONLY | O_CLOEXEC);
    assert_true(fd >= 0);
    assert_int_equal(flock(fd, LOCK_EX), 0);
    assert_int_equal(give(state, &cause), -1);
    assert_int_equal(cause, EEXIST);
    assert_true(have_file(in(state, "claim"), ""));
    close(fd); /* killed: what it left hinders nobody */
    assert_int_equal(give(state, &cause), 0);
    assert_true(have_file(in(state, "to"), "new"));
    assert_int_equal(count_names(in(state, "")), 1);
    lack(0);
}

static void other_failures_are_what_they_are(void **state)
{
    int cause = 0;

    for (size_t i = 0; i < sizeof kinds / sizeof kinds[0]; i++) {
        lack(i);
        assert_int_equal(give(state, &cause), -1);
        assert_int_equal(cause, ENOENT);
        assert_int_equal(count_names(in(state, "")), 0);
    }
    lack(0);
}

static const struct CMUnitTest tests[] = {
    IN_DIRECTORY(a_file_gets_its_name_whatever_the_file_system_knows),
    IN_DIRECTORY(a_name_that_is_there_stays_what_it_is),
    IN_DIRECTORY(a_claim_that_another_run_holds_is_a_name_that_is_taken),
    IN_DIRECTORY(other_failures_are_what_they_are),
};

int main(void)
{
    return cmocka_run_group_tests(tests, NULL, NULL);
}
