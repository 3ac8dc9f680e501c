#include "cli/ticker.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <semaphore.h>
#include <signal.h>
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

static bool ends_with(const char *seen, const char *end)
{
    size_t len = strlen(seen), end_len = strlen(end);

    return len >= end_len && strcmp(seen + len - end_len, end) == 0;
}

static void tick_times(const struct progress *progress, bool quiet, bool verbose, size_t times)
{
    struct ticker *t = NULL;

    print_setup(quiet, verbose);
    metronome.is_due = metronome.is_announced = false;
    assert_int_equal(sem_init(&metronome.waits, 0, 0), 0);
    assert_done(ticker_new("backup", progress, &t));
    await_ticker();
    for (size_t i = 0; i < times; i++)
        tick();
    ticker_free(t);
    sem_destroy(&metronome.waits);
}

/* Standard error becomes a terminal for a while; what it showed is in `seen`, with `end` behind. */
static void tick_at_terminal(const struct progress *progress, bool quiet, const char *end,
                             char *seen, size_t cap)
{
    int terminal = posix_openpt(O_RDWR | O_NOCTTY);
    int before = dup(STDERR_FILENO);
    const char *name;
    size_t len = 0;
    ssize_t got = 1;
    int fd;

    assert_true(terminal >= 0 && grantpt(terminal) == 0 && unlockpt(terminal) == 0);
    name = ptsname(terminal); // NOLINT(concurrency-mt-unsafe): one thread
    assert_non_null(name);
    fd = open(name, O_RDWR | O_NOCTTY);
    assert_true(fd >= 0 && dup2(fd, STDERR_FILENO) >= 0);
    tick_times(progress, quiet, false, 2);
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
    tick_at_terminal(&progress, false, "?", seen, sizeof seen);
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
    tick_at_terminal(&progress, false, "?", seen, sizeof seen);
    assert_string_equal(seen, "?");
}

static void nothing_is_shown_while_somebody_is_asked(void **state)
{
    struct progress progress = {.done_bytes = MIB, .total_bytes = 2 * MIB};
    char seen[1000];

    (void)state;
    print_hold_status(true);
    tick_at_terminal(&progress, false, "?", seen, sizeof seen);
    print_hold_status(false);
    assert_string_equal(seen, "?");
}

static void a_quiet_terminal_sees_nothing(void **state)
{
    struct progress progress = {.done_bytes = MIB, .total_bytes = 2 * MIB};
    char seen[1000];

    (void)state;
    tick_at_terminal(&progress, true, "?", seen, sizeof seen);
    assert_string_equal(seen, "?");
}

#define A_MINUTE 240 /* ticks */

/* Standard error becomes a file for a while. */
static size_t lines_in_a_log(void **state, const struct progress *progress, bool verbose,
                             size_t ticks)
{
    int fd = open(in(state, "log"), O_RDWR | O_CREAT | O_TRUNC, 0600);
    int before = dup(STDERR_FILENO);
    static const char due[] = "sealpoint: backup: 1.0 MiB of 2.0 MiB, 50 %";
    char log[4096] = "";
    size_t count = 0;
    char *rest = log;

    assert_true(fd >= 0 && dup2(fd, STDERR_FILENO) >= 0);
    tick_times(progress, false, verbose, ticks);
    assert_true(dup2(before, STDERR_FILENO) >= 0);
    close(before);
    assert_true(pread(fd, log, sizeof log - 1, 0) >= 0);
    close(fd);
    for (char *line = strsep(&rest, "\n"); rest != NULL; line = strsep(&rest, "\n")) {
        assert_memory_equal(line, due, sizeof due - 1); /* the rate may follow */
        count++;
    }
    return count;
}

static void a_log_gets_a_line_a_minute_when_it_is_to_have_detail(void **state)
{
    struct progress progress = {.done_bytes = MIB, .total_bytes = 2 * MIB};
    struct progress none = {.done_bytes = 0};

    assert_int_equal(lines_in_a_log(state, &progress, true, A_MINUTE - 1), 0);
    assert_int_equal(lines_in_a_log(state, &progress, true, 2 * A_MINUTE), 2);
    assert_int_equal(lines_in_a_log(state, &progress, false, 2 * A_MINUTE), 0);
    assert_int_equal(lines_in_a_log(state, &none, true, 2 * A_MINUTE), 0);
}

static void who_asks_by_a_signal_gets_a_line(void **state)
{
    struct progress progress = {.done_bytes = MIB, .total_bytes = 2 * MIB};

    ticker_listen();
    assert_int_equal(raise(SIGUSR1), 0);
    assert_int_equal(lines_in_a_log(state, &progress, false, 5), 1);
    assert_int_equal(lines_in_a_log(state, &progress, false, 5), 0);
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_line_says_how_far_how_fast_and_how_long),
        cmocka_unit_test(more_than_all_is_all),
        cmocka_unit_test(a_stream_has_no_end_to_count_to),
        cmocka_unit_test(nothing_is_shown_before_there_is_something_to_do),
        cmocka_unit_test(nothing_is_shown_while_somebody_is_asked),
        cmocka_unit_test(a_terminal_sees_the_line_and_then_no_trace_of_it),
        cmocka_unit_test(a_quiet_terminal_sees_nothing),
        IN_DIRECTORY(a_log_gets_a_line_a_minute_when_it_is_to_have_detail),
        IN_DIRECTORY(who_asks_by_a_signal_gets_a_line),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
