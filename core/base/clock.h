/*
 * Time in milliseconds since 1970 UTC, and its text form (docs/FORMAT.md, 1).
 *
 * Uses: err, log.
 */
#ifndef CORE_BASE_CLOCK_H
#define CORE_BASE_CLOCK_H

#include <stdbool.h>
#include <stdint.h>

#include "core/base/err.h"

#define CLOCK_TEXT_LEN 24 /* 2026-11-24T06:10:00.000Z */
#define CLOCK_DAY_MS INT64_C(86400000)

/* Wall-clock time; it may jump in either direction when the clock is set. */
int64_t clock_now_ms(void);
int64_t clock_now_ns(void);
int64_t clock_steady_ms(void); /* for rates and timeouts: never goes back */

/* RFC 3339, UTC, milliseconds; years 0 to 9999. `out` has room for CLOCK_TEXT_LEN + 1. */
void clock_text(int64_t ms, char *out);
/* Parses exactly that form, from 1970 on. ERR_CORRUPT: another form, or a date that does not exist;
 * *ms is untouched then. */
MUST_CHECK enum err clock_parse(const char *text, int64_t *ms);

/*
 * A clock that is wrong once must not do lasting harm: what is stamped far in the future is the
 * newest for ever. So before a stamp is signed it is compared with the newest that was signed
 * before.
 *
 * ERR_FAILED: the clock is more than CLOCK_AHEAD_DAYS_MAX ahead of `newest_ms` (0: nothing is
 * known), and nobody has vouched for it; or it is before 1970, which no stamp can say. From
 * CLOCK_AHEAD_DAYS_DOUBTED on, when the kernel says that the clock is not synchronised: a warning,
 * and clock_is_doubted() from then on. `what` and `name` are for the message: "keyring",
 * "/root/keyring.json". For one thread.
 */
#define CLOCK_AHEAD_DAYS_MAX 400
#define CLOCK_AHEAD_DAYS_DOUBTED 40
MUST_CHECK enum err clock_check_ahead(int64_t newest_ms, const char *what, const char *name);
/* ERR_FAILED: the clock is before 1970. */
MUST_CHECK enum err clock_check_epoch(void);
/* The other way round: is a time that was signed this far ahead of the clock? Then one of the two
 * is wrong, and nothing that is dated counts from there. */
bool clock_is_far_ahead(int64_t ms);
/* What was signed more than a day ahead of the clock, and so all that follows it in its chain, has
 * an order and no time: no age is told of it, and nothing new is dated behind it. */
bool clock_is_time(int64_t ms);
bool clock_is_vouched_for(void);
void clock_vouch(void); /* the user says that the clock is right (--clock-is-right) */
bool clock_is_doubted(void);

#endif
