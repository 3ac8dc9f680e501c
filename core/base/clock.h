/*
 * Time in milliseconds since 1970 UTC, and its text form (docs/FORMAT.md, 1).
 *
 * Uses: err.
 */
#ifndef CORE_BASE_CLOCK_H
#define CORE_BASE_CLOCK_H

#include <stdint.h>

#include "core/base/err.h"

#define CLOCK_TEXT_LEN 24 /* 2026-11-24T06:10:00.000Z */
#define CLOCK_DAY_MS INT64_C(86400000)

/* Wall-clock time; it may jump in either direction when the clock is set. */
int64_t clock_now_ms(void);
int64_t clock_now_ns(void);
int64_t clock_steady_ms(void); /* for rates and timeouts: never goes back */

/* RFC 3339, UTC, milliseconds; years 1970 to 9999. `out` has room for CLOCK_TEXT_LEN + 1. */
void clock_text(int64_t ms, char *out);
/* Parses exactly that form. ERR_CORRUPT: another form, or a date that does not exist; *ms is
 * untouched then. */
MUST_CHECK enum err clock_parse(const char *text, int64_t *ms);

#endif
