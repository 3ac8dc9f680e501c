/*
 * How far a long job is: a line that moves on a terminal; elsewhere, with --verbose, a line a
 * minute; and a line whenever SIGUSR1 asks.
 *
 * Uses: core/base, snapshot/format/progress.h, print.
 */
#ifndef CLI_TICKER_H
#define CLI_TICKER_H

#include <stdint.h>

#include "core/base/err.h"
#include "snapshot/format/progress.h"

struct ticker;

/* Before the first thread: SIGUSR1 asks for a line, and never ends the program. */
void ticker_listen(void);

/* Show `progress` (borrowed) under the name of what is done, until ticker_free(). Quiet leaves only
 * what SIGUSR1 asks for. */
MUST_CHECK enum err ticker_new(const char *doing, const struct progress *progress,
                               struct ticker **out);
void ticker_free(struct ticker *t); /* takes the line away */

/* The line: "backup: 1.2 GiB of 2.0 GiB, 60 %, 350.1 MiB/s, 3 s left"; without a total the files
 * instead of share and time. `rate` is in bytes a second, 0 not known yet. */
#define TICKER_LINE_MAX 160
void ticker_line(const char *doing, const struct progress *progress, uint64_t rate,
                 char out[TICKER_LINE_MAX]);

#endif
