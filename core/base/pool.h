/*
 * N threads that do the same work until it is done; the first failure is everyone's.
 *
 * Uses: err.
 */
#ifndef CORE_BASE_POOL_H
#define CORE_BASE_POOL_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>

#include "core/base/err.h"

#define POOL_WORKERS_MAX 64

/* `worker` counts from 0. It asks `stop` now and then, and returns early when it is set. */
typedef enum err pool_work(void *shared, size_t worker, const atomic_bool *stop);

/*
 * Run `work` on `count` threads and wait for all. When one fails, stop is set for the others,
 * and its code and message are returned (of several, the one that failed first).
 */
MUST_CHECK enum err pool_run(size_t count, pool_work *work, void *shared);

/* Processors this process may use, at most POOL_WORKERS_MAX. */
size_t pool_processors(void);

#endif
