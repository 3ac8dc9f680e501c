/*
 * A put on a disk that fails: each call that changes something fails once, and each time nothing
 * of the object is left. The calls are defined here and so stand before those of libc.
 */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "core/fs/file.h"
#include "core/store/store.h"
#include "tests/unit/helpers.h"

static unsigned long calls, fail_at;
static int fail_with;

static bool is_due(void)
{
    if (fail_at == 0 || ++calls != fail_at)
        return false;
    errno = fail_with;
    return true;
}

int fsync(int fd)
{
    return is_due() ? -1 : (int)syscall(SYS_fsync, fd);
}

int fdatasync(int fd)
{
    return is_due() ? -1 : (int)syscall(SYS_fdatasync, fd);
}

ssize_t write(int fd, const void *data, size_t len)
{
    return is_due() ? -1 : syscall(SYS_write, fd, data, len);
}

int linkat(int from_at, const char *from, int to_at, const char *to, int flags)
{
    return is_due() ? -1 : (int)syscall(SYS_linkat, from_at, from, to_at, to, flags);
}

int unlinkat(int dir, const char *name, int flags)
{
    return is_due() ? -1 : (int)syscall(SYS_unlinkat, dir, name, flags);
}

int mkdirat(int dir, const char *name, mode_t mode)
{
    return is_due() ? -1 : (int)syscall(SYS_mkdirat, dir, name, mode);
}

/* One put into a fresh store, whose nth change fails with `error`. */
static enum err put_with_fault(void **state, unsigned long nth, int error)
{
    struct store *s = NULL;
    enum err rc;

    assert_done(file_remove_tree(in(state, "repo")));
    assert_int_equal(mkdir(in(state, "repo"), 0700), 0);
    assert_done(store_open(in(state, "repo"), false, &s));
    calls = 0;
    fail_with = error;
    fail_at = nth;
    rc = store_put(s, "data/ab/cd", bytes_of_text("content"));
    fail_at = 0;
    store_free(s);
    return rc;
}

static void check_nothing_is_left_and_a_rerun_works(void **state)
{
    struct store *s = NULL;

    assert_false(file_exists(in(state, "repo/data/ab/cd")));
    assert_int_equal(count_names(in(state, "repo/tmp")), 0);
    assert_done(store_open(in(state, "repo"), false, &s));
    assert_done(store_put(s, "data/ab/cd", bytes_of_text("content")));
    assert_true(have_file(in(state, "repo/data/ab/cd"), "content"));
    store_free(s);
}

static void each_change_that_fails_leaves_nothing(void **state)
{
    static const int errors[] = {ENOSPC, EIO, EROFS};

    for (size_t i = 0; i < sizeof errors / sizeof errors[0]; i++) {
        unsigned long nth = 1;

        while (put_with_fault(state, nth, errors[i]) == ERR_STORAGE) {
            check_nothing_is_left_and_a_rerun_works(state);
            nth++;
        }
        /* The temporaries' directory, write, fdatasync, two directories made and their parents
         * synced, link, unlink, the directory synced. */
        assert_int_equal(nth, 11);
        assert_true(have_file(in(state, "repo/data/ab/cd"), "content"));
    }
}

static void the_person_is_told_what_to_do(void **state)
{
    static const struct {
        int error;
        const char *state, *rest;
    } due[] = {
        {ENOSPC, "is full", "No space left on device\n  make room there, then run this again"},
        {EDQUOT, "is over its quota",
         "Disk quota exceeded\n  make room there, then run this again"},
        {EROFS, "is mounted read-only",
         "Read-only file system\n  mount it writable, then run this again"},
        {EACCES, "refuses access", "Permission denied\n  check owner and mode of that directory"},
        {EIO, "has a failing disk or connection",
         "Input/output error\n  look into the system's log (dmesg); do not trust that disk"},
        {ESTALE, "cannot be reached",
         "Stale file handle\n  see that it is mounted, then run this again"},
    };

    for (size_t i = 0; i < sizeof due / sizeof due[0]; i++) {
        char text[ERR_TEXT_MAX];

        snprintf(text, sizeof text, "writing data/ab/cd: %s %s: %s", in(state, "repo"),
                 due[i].state, due[i].rest);
        assert_refused(put_with_fault(state, 2, due[i].error), ERR_STORAGE, text);
    }
}

static void a_name_that_cannot_be_made_to_last_is_taken_away_again(void **state)
{
    /* The tenth change is the sync of the directory that has the new name. */
    assert_int_equal(put_with_fault(state, 10, EIO), ERR_STORAGE);
    check_nothing_is_left_and_a_rerun_works(state);
}

static void replacing_a_file_fails_whole(void **state)
{
    for (unsigned long nth = 1;; nth++) {
        enum err rc;

        put_file(in(state, "a"), "old");
        calls = 0;
        fail_with = ENOSPC;
        fail_at = nth;
        rc = file_replace(in(state, "a"), bytes_of_text("new"), 0600);
        fail_at = 0;
        assert_true(have_file(in(state, "a"), "old") || have_file(in(state, "a"), "new"));
        assert_int_equal(count_names(in(state, "")), 1);
        if (rc == ERR_OK) {
            assert_int_equal(nth, 4); /* write, sync, sync of the directory */
            return;
        }
        assert_int_equal(rc, ERR_STORAGE);
    }
}

static void creating_a_file_is_done_or_it_is_not(void **state)
{
    for (unsigned long nth = 1;; nth++) {
        enum err rc;

        calls = 0;
        fail_with = ENOSPC;
        fail_at = nth;
        rc = file_create(in(state, "a"), bytes_of_text("new"), 0600);
        fail_at = 0;
        if (rc == ERR_OK && calls < nth) {
            assert_int_equal(nth, 6); /* write, sync, link, unlink, sync of the directory */
            return;
        }
        if (rc == ERR_OK) {
            assert_int_equal(nth, 4); /* the other name of what is there: swept by the next run */
            assert_done(file_sweep(in(state, "a")));
            assert_int_equal(count_names(in(state, "")), 1);
            assert_int_equal(unlink(in(state, "a")), 0);
            continue;
        }
        assert_int_equal(rc, ERR_STORAGE);
        assert_int_equal(count_names(in(state, "")), 0);
    }
}

/* How many changes a put makes when none fails. */
static unsigned long count_changes(struct store *s, const char *name)
{
    calls = 0;
    fail_at = ULONG_MAX;
    assert_done(store_put(s, name, bytes_of_text("x")));
    fail_at = 0;
    return calls;
}

/* A run that was killed may have made the directory and not synced its name. */
static void a_directory_that_is_there_is_synced_once_by_each_run(void **state)
{
    struct store *s = NULL;

    assert_done(store_open(in(state, "repo"), true, &s));
    assert_done(store_put(s, "data/ab/1", bytes_of_text("x")));
    store_free(s);
    assert_done(store_open(in(state, "repo"), true, &s));
    assert_int_equal(count_changes(s, "data/ab/2"), 7); /* two of them for data and data/ab */
    assert_int_equal(count_changes(s, "data/ab/3"), 5);
    store_free(s);
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        IN_DIRECTORY(each_change_that_fails_leaves_nothing),
        IN_DIRECTORY(the_person_is_told_what_to_do),
        IN_DIRECTORY(a_name_that_cannot_be_made_to_last_is_taken_away_again),
        IN_DIRECTORY(replacing_a_file_fails_whole),
        IN_DIRECTORY(creating_a_file_is_done_or_it_is_not),
        IN_DIRECTORY(a_directory_that_is_there_is_synced_once_by_each_run),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
