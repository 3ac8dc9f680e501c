/*
 * A lock file: one run at a time, freed by the kernel when its holder dies.
 *
 * Uses: core/base.
 */
#ifndef CORE_FS_LOCK_H
#define CORE_FS_LOCK_H

#include <stdbool.h>

#include "core/base/err.h"

struct lock;

/* Take an exclusive flock on `path` (made 0600, holds the pid). Does not wait unless `wait`.
 * ERR_BUSY names the pid that holds it. Release with lock_free(); the file stays. A holder may
 * remove the file before it lets go: who waited for it then takes the new one. */
MUST_CHECK enum err lock_take(const char *path, bool wait, struct lock **out);
void lock_free(struct lock *l);

#endif
