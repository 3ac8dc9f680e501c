/*
 * Runs the same work on several threads; the first failure stops all of them.
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

/* `worker` counts from 0. The function checks `stop` regularly and returns ERR_OK early when it is
 * set. */
typedef enum err pool_work(void *shared, size_t worker, const atomic_bool *stop);

/*
 * Run `work` on `count` threads and wait for all. When one fails, stop is set for the others,
 * and its code and message are returned (with several failures, the first). ERR_FAILED: a thread
 * could not be started; those that were have ended.
 */
MUST_CHECK enum err pool_run(size_t count, pool_work *work, void *shared);

/* Processors this process may use, at most POOL_WORKERS_MAX. */
size_t pool_processors(void);

#endif
