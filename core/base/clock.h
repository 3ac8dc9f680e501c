/*
 * Time: milliseconds since 1970 UTC, and its text form.
 *
 * Uses: err.
 */
#ifndef CORE_BASE_CLOCK_H
#define CORE_BASE_CLOCK_H

#include <stdint.h>

#include "core/base/err.h"

#define CLOCK_TEXT_LEN 24 /* 2026-11-24T06:10:00.000Z */
#define CLOCK_DAY_MS INT64_C(86400000)

int64_t clock_now_ms(void);
int64_t clock_now_ns(void);
int64_t clock_steady_ms(void); /* for rates and waiting: never set back */

/* RFC 3339, UTC, milliseconds; years 1970 to 9999. `out` has room for CLOCK_TEXT_LEN + 1. */
void clock_text(int64_t ms, char *out);
/* Exactly that form. ERR_CORRUPT. */
MUST_CHECK enum err clock_parse(const char *text, int64_t *ms);

#endif
