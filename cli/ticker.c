#include "cli/ticker.h"

#include <inttypes.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "cli/print.h"
#include "core/base/clock.h"
#include "core/base/mem.h"
#include "core/base/text.h"

#define TICK_MS 250
#define TICKS_A_LINE 240 /* a minute of them, in a log */

static atomic_int asked; /* by SIGUSR1; lock-free, so that a handler may write it */
_Static_assert(ATOMIC_INT_LOCK_FREE == 2, "a signal handler writes it");

struct ticker {
    const char *doing;
    const struct progress *progress;
    pthread_t thread;
    pthread_mutex_t lock;
    pthread_cond_t wake;
    bool done;
    bool has_line;  /* on a terminal */
    bool is_logged; /* where there is none */
    unsigned ticks;
};

static void on_asked(int number)
{
    (void)number;
    atomic_store(&asked, 1);
}

void ticker_listen(void)
{
    /* No call that waits has to end for it. */
    struct sigaction action = {.sa_handler = on_asked, .sa_flags = SA_RESTART};

    sigaction(SIGUSR1, &action, NULL);
}

void ticker_line(const char *doing, const struct progress *progress, uint64_t rate,
                 char out[TICKER_LINE_MAX])
{
    uint64_t done = atomic_load(&progress->done_bytes);
    uint64_t total = atomic_load(&progress->total_bytes);
    uint64_t files = atomic_load(&progress->done_files);
    char done_text[TEXT_HUMAN_MAX], total_text[TEXT_HUMAN_MAX], human[TEXT_HUMAN_MAX];
    char rate_text[TEXT_HUMAN_MAX + 8] = "", left_text[TEXT_HUMAN_MAX + 8] = "";

    text_human_size(done, done_text);
    text_human_size(total, total_text);
    if (rate > 0) {
        text_human_size(rate, human);
        snprintf(rate_text, sizeof rate_text, ", %s/s", human);
    }
    if (rate > 0 && total > done) {
        text_human_time((total - done) / rate, human);
        snprintf(left_text, sizeof left_text, ", %s left", human);
    }
    if (total > 0)
        snprintf(out, TICKER_LINE_MAX, "%s: %s of %s, %" PRIu64 " %%%s%s", doing, done_text,
                 total_text, done < total ? done * 100 / total : 100, rate_text, left_text);
    else
        snprintf(out, TICKER_LINE_MAX, "%s: %s, %" PRIu64 " file%s%s", doing, done_text, files,
                 files == 1 ? "" : "s", rate_text);
}

/* Wait for a tick; true when the job is done. */
static bool wait_tick(struct ticker *t)
{
    struct timespec until;
    bool done;

    clock_gettime(CLOCK_MONOTONIC, &until);
    until.tv_nsec += TICK_MS * 1000000L;
    if (until.tv_nsec >= 1000000000L) {
        until.tv_sec++;
        until.tv_nsec -= 1000000000L;
    }
    pthread_mutex_lock(&t->lock);
    while (!t->done && pthread_cond_timedwait(&t->wake, &t->lock, &until) == 0)
        continue;
    done = t->done;
    pthread_mutex_unlock(&t->lock);
    return done;
}

static void show(struct ticker *t, uint64_t rate)
{
    /* Nothing has begun: the keys and the ledger are being looked at. */
    bool has_begun =
        atomic_load(&t->progress->done_bytes) > 0 || atomic_load(&t->progress->total_bytes) > 0;
    bool is_asked = atomic_exchange(&asked, 0) != 0;
    char line[TICKER_LINE_MAX];

    t->ticks++;
    ticker_line(t->doing, t->progress, rate, line);
    if (is_asked || (t->is_logged && has_begun && t->ticks % TICKS_A_LINE == 0))
        print_progress(line);
    if (t->has_line && has_begun)
        print_status(line);
}

static void *run_ticker(void *arg)
{
    struct ticker *t = arg;
    int64_t then = clock_steady_ms();
    uint64_t then_bytes = 0;
    double rate = 0;

    while (!wait_tick(t)) {
        int64_t now = clock_steady_ms();
        uint64_t bytes = atomic_load(&t->progress->done_bytes);

        if (now > then && bytes >= then_bytes) {
            double latest = (double)(bytes - then_bytes) * 1000 / (double)(now - then);

            /* Smoothed over a few seconds: an estimate that jumps helps nobody. */
            rate = rate > 0 ? rate * 0.9 + latest * 0.1 : latest;
        }
        then = now;
        then_bytes = bytes;
        show(t, (uint64_t)rate);
    }
    return NULL;
}

static void setup_wake(struct ticker *t)
{
    pthread_condattr_t how;

    pthread_condattr_init(&how);
    pthread_condattr_setclock(&how, CLOCK_MONOTONIC); /* a clock set back must not stop it */
    pthread_cond_init(&t->wake, &how);
    pthread_condattr_destroy(&how);
    pthread_mutex_init(&t->lock, NULL);
}

enum err ticker_new(const char *doing, const struct progress *progress, struct ticker **out)
{
    struct ticker *t = NULL;
    enum err rc = ERR_OK;

    *out = NULL;
    TRY(mem_new(1, sizeof *t, &t));
    t->has_line = !print_is_quiet() && isatty(STDERR_FILENO);
    t->is_logged = print_is_verbose() && !isatty(STDERR_FILENO);
    t->doing = doing;
    t->progress = progress;
    setup_wake(t);
    if (pthread_create(&t->thread, NULL, run_ticker, t) != 0) {
        mem_free(t); /* the job goes on without a line */
        goto out;
    }
    *out = t;
out:
    return rc;
}

void ticker_free(struct ticker *t)
{
    if (t == NULL)
        return;
    pthread_mutex_lock(&t->lock);
    t->done = true;
    pthread_cond_signal(&t->wake);
    pthread_mutex_unlock(&t->lock);
    pthread_join(t->thread, NULL);
    print_status(NULL);
    pthread_cond_destroy(&t->wake);
    pthread_mutex_destroy(&t->lock);
    mem_free(t);
}
