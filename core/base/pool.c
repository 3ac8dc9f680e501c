#include "core/base/pool.h"

#include <assert.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>

struct pool {
    pool_work *work;
    void *shared;
    atomic_bool stop;
    pthread_mutex_t lock;
    struct err_record first; /* under lock; code ERR_OK until a worker fails */
};

struct worker {
    struct pool *pool;
    size_t number;
    pthread_t thread;
};

/* The order matters: the failure is kept before `stop` is set, or a worker that returns early
 * because of it could be the first to report. */
static void keep_first_failure(struct pool *p, enum err code)
{
    pthread_mutex_lock(&p->lock);
    if (p->first.code == ERR_OK)
        err_take(code, &p->first);
    pthread_mutex_unlock(&p->lock);
    atomic_store(&p->stop, true);
}

static void *run_worker(void *arg)
{
    struct worker *worker = arg;
    struct pool *p = worker->pool;
    enum err rc = p->work(p->shared, worker->number, &p->stop);

    if (rc != ERR_OK)
        keep_first_failure(p, rc);
    return NULL;
}

enum err pool_run(size_t count, pool_work *work, void *shared)
{
    struct pool p = {.work = work, .shared = shared, .first = {.code = ERR_OK}};
    struct worker workers[POOL_WORKERS_MAX];
    sigset_t all, before;
    size_t started = 0;

    assert(count > 0 && count <= POOL_WORKERS_MAX);
    pthread_mutex_init(&p.lock, NULL);
    /* New threads inherit the mask: signals go to the main thread, which checks for them (stop.h),
     * and do not interrupt the system calls of workers. */
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    for (; started < count; started++) {
        workers[started] = (struct worker){.pool = &p, .number = started};
        if (pthread_create(&workers[started].thread, NULL, run_worker, &workers[started]) != 0) {
            keep_first_failure(&p, err_set(ERR_FAILED, "a thread cannot be started"));
            break;
        }
    }
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    /* Those that started are joined also when one could not be: they use this stack frame. */
    for (size_t i = 0; i < started; i++)
        pthread_join(workers[i].thread, NULL);
    pthread_mutex_destroy(&p.lock);
    return p.first.code == ERR_OK ? ERR_OK : err_give(&p.first);
}

/* The affinity mask, not the number of processors: a container or taskset may allow fewer. */
size_t pool_processors(void)
{
    cpu_set_t set;
    int count;

    if (sched_getaffinity(0, sizeof set, &set) != 0)
        return 1;
    count = CPU_COUNT(&set);
    return count > POOL_WORKERS_MAX ? POOL_WORKERS_MAX : (size_t)count;
}
