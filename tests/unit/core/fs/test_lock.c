#include "core/fs/lock.h"

#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "core/base/log.h"
#include "core/fs/file.h"
#include "tests/unit/helpers.h"

#define HINT "\n  wait for that run to end, then try again"

static void the_second_one_is_told_who_holds_it(void **state)
{
    struct lock *first = NULL;
    struct lock *second = NULL;
    char due[ERR_TEXT_MAX];

    assert_done(lock_take(in(state, "lock"), false, &first));
    snprintf(due, sizeof due, "%s is held by process %ld" HINT, in(state, "lock"), (long)getpid());
    assert_refused(lock_take(in(state, "lock"), false, &second), ERR_BUSY, due);
    assert_null(second);
    lock_free(first);
    assert_done(lock_take(in(state, "lock"), false, &second));
    lock_free(second);
    assert_true(file_exists(in(state, "lock")));
}

static void a_pid_of_rubbish_is_not_shown(void **state)
{
    static const char *const rubbish[] = {"", "\033[2J", "99999999999999999999", "-1", "0\n"};

    for (size_t i = 0; i < sizeof rubbish / sizeof rubbish[0]; i++) {
        struct lock *first = NULL;
        struct lock *second = NULL;
        char due[ERR_TEXT_MAX];

        assert_done(lock_take(in(state, "lock"), false, &first));
        put_file(in(state, "lock"), rubbish[i]);
        snprintf(due, sizeof due, "%s is held by another process" HINT, in(state, "lock"));
        assert_refused(lock_take(in(state, "lock"), false, &second), ERR_BUSY, due);
        lock_free(first);
    }
}

static void a_killed_holder_holds_nothing(void **state)
{
    struct lock *l = NULL;
    int ready[2];
    char byte;
    pid_t child;

    assert_int_equal(pipe(ready), 0);
    child = fork();
    if (child == 0) {
        struct lock *held = NULL;

        if (lock_take(in(state, "lock"), false, &held) == ERR_OK && write(ready[1], "x", 1) == 1)
            pause();
        _exit(1);
    }
    assert_int_equal(read(ready[0], &byte, 1), 1);
    assert_int_equal(lock_take(in(state, "lock"), false, &l), ERR_BUSY);
    kill(child, SIGKILL);
    assert_int_equal(waitpid(child, NULL, 0), child);
    assert_done(lock_take(in(state, "lock"), false, &l));
    lock_free(l);
    close(ready[0]);
    close(ready[1]);
}

#define POLL_MS 1
#define SETTLE_MS 100
#define POLLS_MAX 60000

/* True when process `pid` has the file of this inode open: it tries to lock it, again and again. */
static bool is_waiting(pid_t pid, ino_t inode)
{
    char path[64];
    struct stat st;
    bool found = false;

    for (int fd = 3; !found && fd < 64; fd++) {
        snprintf(path, sizeof path, "/proc/%ld/fd/%d", (long)pid, fd);
        found = stat(path, &st) == 0 && st.st_ino == inode;
    }
    return found;
}

/* Return once the child waits for the lock file at `path` as it is now. */
static void await_waiter(pid_t child, const char *path)
{
    struct stat st;

    usleep(SETTLE_MS * 1000); /* until it has let go of what it got from its parent */
    assert_int_equal(stat(path, &st), 0);
    for (int i = 0; i < POLLS_MAX; i++) {
        if (is_waiting(child, st.st_ino))
            return;
        if (waitpid(child, NULL, WNOHANG) != 0)
            fail_msg("the child did not wait for %s", path);
        usleep(POLL_MS * 1000);
    }
    fail_msg("the child never came to wait for %s", path);
}

static void waiting_ends_when_the_holder_lets_go(void **state)
{
    struct lock *l = NULL;
    pid_t child;
    int status = 1;

    assert_done(lock_take(in(state, "lock"), false, &l));
    child = fork();
    if (child == 0) {
        struct lock *waited = NULL;
        enum err rc;

        lock_free(l); /* its own descriptor only: the parent holds the lock on */
        rc = lock_take(in(state, "lock"), true, &waited);
        lock_free(waited);
        _exit(rc == ERR_OK ? 0 : 1);
    }
    await_waiter(child, in(state, "lock"));
    lock_free(l);
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_int_equal(status, 0);
}

static char said[256];
static unsigned lines;

static void keep_line(enum log_level level, const char *text)
{
    (void)level;
    lines++;
    snprintf(said, sizeof said, "%s", text);
}

static void waiting_is_said_once_and_has_an_end(void **state)
{
    struct lock *held = NULL;
    struct lock *l = NULL;
    char message[512];

    lines = 0;
    log_to(keep_line);
    assert_done(lock_take(in(state, "lock"), false, &held));
    snprintf(message, sizeof message,
             "%s is held by process %ld\n  wait for that run to end, then try again",
             in(state, "lock"), (long)getpid());
    assert_refused(lock_take_within(in(state, "lock"), 100, &l), ERR_BUSY, message);
    assert_int_equal(lines, 0); /* a moment is no wait */
    assert_refused(lock_take_within(in(state, "lock"), 1200, &l), ERR_BUSY, message);
    log_to(NULL);
    assert_int_equal(lines, 1);
    snprintf(message, sizeof message, "waiting for process %ld, which holds %s", (long)getpid(),
             in(state, "lock"));
    assert_string_equal(said, message);
    lock_free(held);
}

/* The first holder removes its file; another one makes it anew before the first lets go. */
static void a_removed_lock_file_does_not_make_two_holders(void **state)
{
    struct lock *first = NULL;
    struct lock *second = NULL;
    pid_t child;
    int status = 1;

    assert_done(lock_take(in(state, "lock"), false, &first));
    child = fork();
    if (child == 0) {
        struct lock *waited = NULL;
        enum err rc;

        lock_free(first); /* its own descriptor only */
        rc = lock_take(in(state, "lock"), true, &waited);
        lock_free(waited);
        _exit(rc == ERR_OK ? 0 : 1);
    }
    await_waiter(child, in(state, "lock"));
    assert_int_equal(unlink(in(state, "lock")), 0);
    assert_done(lock_take(in(state, "lock"), false, &second));
    lock_free(first);
    await_waiter(child, in(state, "lock"));
    lock_free(second);
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_int_equal(status, 0);
}

static void the_file_is_for_its_owner_and_never_reached_by_a_link(void **state)
{
    struct lock *l = NULL;
    struct stat st;

    assert_done(lock_take(in(state, "lock"), false, &l));
    assert_int_equal(stat(in(state, "lock"), &st), 0);
    assert_int_equal(st.st_mode & 07777, 0600);
    lock_free(l);
    assert_int_equal(symlink("lock", in(state, "link")), 0);
    assert_int_equal(lock_take(in(state, "link"), false, &l), ERR_FAILED);
    assert_int_equal(lock_take(in(state, "no/lock"), false, &l), ERR_FAILED);
}

static enum err take_call(void *arg)
{
    struct lock *l = NULL;
    enum err rc = lock_take(in(arg, "lock"), false, &l);

    lock_free(l);
    return rc;
}

static void without_memory_it_fails_cleanly(void **state)
{
    assert_int_equal(sweep_allocations(take_call, state), 1);
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        IN_DIRECTORY(the_second_one_is_told_who_holds_it),
        IN_DIRECTORY(a_pid_of_rubbish_is_not_shown),
        IN_DIRECTORY(a_killed_holder_holds_nothing),
        IN_DIRECTORY(waiting_ends_when_the_holder_lets_go),
        IN_DIRECTORY(waiting_is_said_once_and_has_an_end),
        IN_DIRECTORY(a_removed_lock_file_does_not_make_two_holders),
        IN_DIRECTORY(the_file_is_for_its_owner_and_never_reached_by_a_link),
        IN_DIRECTORY(without_memory_it_fails_cleanly),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
