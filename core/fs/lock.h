/*
 * A lock file: one holder at a time, released by the kernel when the holder dies.
 *
 * Uses: core/base.
 */
#ifndef CORE_FS_LOCK_H
#define CORE_FS_LOCK_H

#include <stdbool.h>
#include <stdint.h>

#include "core/base/err.h"

struct lock;

#define LOCK_WAIT_MS 60000

/* Take an exclusive flock() on `path`, which is created with mode 0600 and holds the pid. ERR_BUSY:
 * another process holds it, with `wait` true for LOCK_WAIT_MS; the message names its pid. Who waits
 * longer than a moment says so (log_say). ERR_INTERRUPTED: a signal came while waiting. ERR_FAILED:
 * the file cannot be opened or locked. Release with lock_free(); the file stays. A holder may
 * remove the file before it releases the lock: waiters then use the new file. */
MUST_CHECK enum err lock_take(const char *path, bool wait, struct lock **out);
/* The same for a `name` in the open directory `at`; messages call it `shown`. */
MUST_CHECK enum err lock_take_at(int at, const char *name, const char *shown, bool wait,
                                 struct lock **out);
/* The same with another time to wait. */
MUST_CHECK enum err lock_take_within(const char *path, int64_t wait_ms, struct lock **out);
void lock_free(struct lock *l);

#endif
