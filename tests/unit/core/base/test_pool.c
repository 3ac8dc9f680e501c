#include "core/base/pool.h"

#include <signal.h>
#include <time.h>

#include "tests/unit/helpers.h"

struct job {
    atomic_uint turns;
    atomic_uint seen; /* a bit for each worker */
};

static enum err count(void *shared, size_t worker, const atomic_bool *stop)
{
    struct job *job = shared;

    if (atomic_load(stop))
        return err_set(ERR_FAILED, "stopped from the start");
    atomic_fetch_add(&job->turns, 1);
    atomic_fetch_or(&job->seen, 1U << worker);
    return ERR_OK;
}

static void each_worker_runs_once_under_its_number(void **state)
{
    (void)state;
    for (size_t workers = 1; workers <= 8; workers++) {
        struct job job = {0};

        assert_done(pool_run(workers, count, &job));
        assert_int_equal(job.turns, workers);
        assert_int_equal(job.seen, (1U << workers) - 1);
    }
}

static void nap(void)
{
    nanosleep(&(struct timespec){.tv_nsec = 1000000}, NULL);
}

/* Worker 1 fails; the others wait for the sign to stop, and then fail too. */
static enum err fail_in_turn(void *shared, size_t worker, const atomic_bool *stop)
{
    struct job *job = shared;

    if (worker == 1)
        return err_set(ERR_STORAGE, "no room");
    while (!atomic_load(stop))
        nap();
    atomic_fetch_add(&job->turns, 1);
    return err_set(ERR_FAILED, "told to stop");
}

static void the_first_failure_stops_all_and_is_what_is_reported(void **state)
{
    struct job job = {0};

    (void)state;
    assert_refused(pool_run(4, fail_in_turn, &job), ERR_STORAGE, "no room");
    assert_int_equal(job.turns, 3);
}

static enum err look_at_signals(void *shared, size_t worker, const atomic_bool *stop)
{
    sigset_t blocked;

    (void)shared;
    (void)worker;
    (void)stop;
    pthread_sigmask(SIG_SETMASK, NULL, &blocked);
    if (sigismember(&blocked, SIGTERM) != 1 || sigismember(&blocked, SIGINT) != 1)
        return err_set(ERR_FAILED, "a worker would get a signal");
    return ERR_OK;
}

static void signals_go_to_the_thread_that_waits(void **state)
{
    sigset_t blocked;

    (void)state;
    assert_done(pool_run(3, look_at_signals, NULL));
    pthread_sigmask(SIG_SETMASK, NULL, &blocked);
    assert_int_equal(sigismember(&blocked, SIGTERM), 0);
}

static void there_is_at_least_one_processor(void **state)
{
    (void)state;
    assert_in_range(pool_processors(), 1, POOL_WORKERS_MAX);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_worker_runs_once_under_its_number),
        cmocka_unit_test(the_first_failure_stops_all_and_is_what_is_reported),
        cmocka_unit_test(signals_go_to_the_thread_that_waits),
        cmocka_unit_test(there_is_at_least_one_processor),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
