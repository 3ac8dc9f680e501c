/*
 * The line that shows how far a long job is, on a terminal only.
 *
 * Uses: core/base, snapshot/format/progress.h, print.
 */
#ifndef CLI_TICKER_H
#define CLI_TICKER_H

#include <stdint.h>

#include "core/base/err.h"
#include "snapshot/format/progress.h"

struct ticker;

/* Show `progress` (borrowed) under the name of what is done, until ticker_free(). When standard
 * error is no terminal, or quiet is on, it does nothing. */
MUST_CHECK enum err ticker_new(const char *doing, const struct progress *progress,
                               struct ticker **out);
void ticker_free(struct ticker *t); /* takes the line away */

/* The line: "backup: 1.2 GiB of 2.0 GiB, 60 %, 350.1 MiB/s, 3 s left"; without a total the files
 * instead of share and time. `rate` is in bytes a second, 0 not known yet. */
#define TICKER_LINE_MAX 160
void ticker_line(const char *doing, const struct progress *progress, uint64_t rate,
                 char out[TICKER_LINE_MAX]);

#endif
