#include "cli/ticker.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <semaphore.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cli/print.h"
#include "core/base/bytes.h"
#include "tests/unit/helpers.h"

/* ---- the ticker's clock: pthread_cond_timedwait() times out when the test says so ---- */

static struct {
    pthread_mutex_t *lock; /* the ticker's own, which guards this */
    pthread_cond_t *wake;
    bool is_announced;
    bool is_due;
    sem_t waits; /* posted whenever the ticker begins to wait for a tick */
} metronome;

int pthread_cond_timedwait(pthread_cond_t *wake, pthread_mutex_t *lock,
                           const struct timespec *until)
{
    (void)until;
    metronome.wake = wake;
    metronome.lock = lock;
    if (!metronome.is_announced)
        sem_post(&metronome.waits);
    metronome.is_announced = true;
    if (!metronome.is_due)
        pthread_cond_wait(wake, lock); /* ticker_free() ends this, too */
    if (!metronome.is_due)
        return 0;
    metronome.is_due = metronome.is_announced = false;
    return ETIMEDOUT;
}

static void await_ticker(void)
{
    while (sem_wait(&metronome.waits) != 0)
        assert_int_equal(errno, EINTR);
}

/* Return when the ticker has done all that it does at a tick. */
static void tick(void)
{
    pthread_mutex_lock(metronome.lock);
    metronome.is_due = true;
    pthread_cond_signal(metronome.wake);
    pthread_mutex_unlock(metronome.lock);
    await_ticker();
}

static void check_line(unsigned long long done, unsigned long long total, uint64_t rate,
                       const char *due)
{
    struct progress progress = {.done_bytes = done, .total_bytes = total, .done_files = 3};
    char line[TICKER_LINE_MAX];

    ticker_line("backup", &progress, rate, line);
    assert_string_equal(line, due);
}

static void the_line_says_how_far_how_fast_and_how_long(void **state)
{
    (void)state;
    check_line(512 * MIB, 2048 * MIB, 128 * MIB,
               "backup: 512.0 MiB of 2.0 GiB, 25 %, 128.0 MiB/s, 12 s left");
    check_line(0, 2048 * MIB, 0, "backup: 0 B of 2.0 GiB, 0 %");
}

/* A database that grows while it is read must not give 140 %, or a time below nothing. */
static void more_than_all_is_all(void **state)
{
    (void)state;
    check_line(3 * MIB, 2 * MIB, MIB, "backup: 3.0 MiB of 2.0 MiB, 100 %, 1.0 MiB/s");
}

static void a_stream_has_no_end_to_count_to(void **state)
{
    (void)state;
    check_line(3 * MIB, 0, MIB, "backup: 3.0 MiB, 3 files, 1.0 MiB/s");
}

static void nothing_ticks_when_quiet(void **state)
{
    struct progress progress = {0};
    struct ticker *t = NULL;

    (void)state;
    print_setup(true, false);
    assert_done(ticker_new("backup", &progress, &t));
    assert_null(t);
    ticker_free(t);
}

static bool ends_with(const char *seen, const char *end)
{
    size_t len = strlen(seen), end_len = strlen(end);

    return len >= end_len && strcmp(seen + len - end_len, end) == 0;
}

/* Standard error becomes a terminal for a while; what it showed is in `seen`, with `end` behind. */
static void tick_at_terminal(const struct progress *progress, const char *end, char *seen,
                             size_t cap)
{
    int terminal = posix_openpt(O_RDWR | O_NOCTTY);
    int before = dup(STDERR_FILENO);
    struct ticker *t = NULL;
    const char *name;
    size_t len = 0;
    ssize_t got = 1;
    int fd;

    assert_true(terminal >= 0 && grantpt(terminal) == 0 && unlockpt(terminal) == 0);
    name = ptsname(terminal); // NOLINT(concurrency-mt-unsafe): one thread
    assert_non_null(name);
    fd = open(name, O_RDWR | O_NOCTTY);
    assert_true(fd >= 0 && dup2(fd, STDERR_FILENO) >= 0);
    print_setup(false, false);
    metronome.is_due = metronome.is_announced = false;
    assert_int_equal(sem_init(&metronome.waits, 0, 0), 0);
    assert_done(ticker_new("backup", progress, &t));
    await_ticker();
    tick();
    tick();
    ticker_free(t);
    sem_destroy(&metronome.waits);
    assert_true(write(fd, end, strlen(end)) == (ssize_t)strlen(end));
    for (seen[0] = '\0'; got > 0 && len + 1 < cap && !ends_with(seen, end); seen[len] = '\0') {
        got = read(terminal, seen + len, cap - 1 - len);
        len += got > 0 ? (size_t)got : 0;
    }
    assert_true(dup2(before, STDERR_FILENO) >= 0);
    close(before);
    close(fd);
    close(terminal);
}

static void a_terminal_sees_the_line_and_then_no_trace_of_it(void **state)
{
    struct progress progress = {.done_bytes = MIB, .total_bytes = 2 * MIB};
    char seen[1000];
    const char *line;

    (void)state;
    tick_at_terminal(&progress, "?", seen, sizeof seen);
    line = strstr(seen, "backup: 1.0 MiB of 2.0 MiB, 50 %");
    assert_non_null(line);
    assert_true(ends_with(seen, "\r\033[K?")); /* the last thing took the line away */
}

/* A question at the terminal, such as that for the passphrase, stays to be read. */
static void nothing_is_shown_before_there_is_something_to_do(void **state)
{
    struct progress progress = {.done_bytes = 0};
    char seen[1000];

    (void)state;
    tick_at_terminal(&progress, "?", seen, sizeof seen);
    assert_string_equal(seen, "?");
}

static void nothing_is_shown_while_somebody_is_asked(void **state)
{
    struct progress progress = {.done_bytes = MIB, .total_bytes = 2 * MIB};
    char seen[1000];

    (void)state;
    print_hold_status(true);
    tick_at_terminal(&progress, "?", seen, sizeof seen);
    print_hold_status(false);
    assert_string_equal(seen, "?");
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_line_says_how_far_how_fast_and_how_long),
        cmocka_unit_test(more_than_all_is_all),
        cmocka_unit_test(a_stream_has_no_end_to_count_to),
        cmocka_unit_test(nothing_ticks_when_quiet),
        cmocka_unit_test(nothing_is_shown_before_there_is_something_to_do),
        cmocka_unit_test(nothing_is_shown_while_somebody_is_asked),
        cmocka_unit_test(a_terminal_sees_the_line_and_then_no_trace_of_it),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
