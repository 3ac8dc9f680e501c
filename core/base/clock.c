#include "core/base/clock.h"

#include <stdio.h>
#include <string.h>
#include <sys/timex.h>
#include <time.h>

#include "core/base/log.h"

/* clock_gettime() cannot fail for the two clocks that are used here. */
static int64_t read_ns(clockid_t which)
{
    struct timespec now;

    clock_gettime(which, &now);
    return (int64_t)now.tv_sec * 1000000000 + now.tv_nsec;
}

int64_t clock_now_ms(void)
{
    return read_ns(CLOCK_REALTIME) / 1000000;
}

int64_t clock_now_ns(void)
{
    return read_ns(CLOCK_REALTIME);
}

int64_t clock_steady_ms(void)
{
    return read_ns(CLOCK_MONOTONIC) / 1000000;
}

/* The remainders change nothing within the years allowed; they tell the compiler that each field
 * has the width that `out` has room for. */
void clock_text(int64_t ms, char *out)
{
    int64_t milli = (ms % 1000 + 1000) % 1000; /* before 1970, too */
    time_t seconds = (time_t)((ms - milli) / 1000);
    struct tm utc;

    gmtime_r(&seconds, &utc);
    snprintf(out, CLOCK_TEXT_LEN + 1, "%04u-%02u-%02uT%02u:%02u:%02u.%03uZ",
             (unsigned)(utc.tm_year + 1900) % 10000, (unsigned)(utc.tm_mon + 1) % 100,
             (unsigned)utc.tm_mday % 100, (unsigned)utc.tm_hour % 100, (unsigned)utc.tm_min % 100,
             (unsigned)utc.tm_sec % 100, (unsigned)milli);
}

/* sscanf() alone would accept blanks, signs and missing zeros, so the form is checked first. */
enum err clock_parse(const char *text, int64_t *ms)
{
    static const char form[] = "dddd-dd-ddTdd:dd:dd.dddZ";
    struct tm utc = {0};
    char again[CLOCK_TEXT_LEN + 1];
    unsigned year, month, day, hour, minute, second, milli;
    int64_t value;

    if (strlen(text) != CLOCK_TEXT_LEN)
        goto bad;
    for (size_t i = 0; i < CLOCK_TEXT_LEN; i++)
        if (form[i] == 'd' ? text[i] < '0' || text[i] > '9' : text[i] != form[i])
            goto bad;
    if (sscanf(text, "%4u-%2u-%2uT%2u:%2u:%2u.%3uZ", &year, &month, &day, &hour, &minute, &second,
               &milli) != 7 ||
        year < 1970)
        goto bad;
    /* Convert; timegm() normalises dates that do not exist. */
    utc.tm_year = (int)year - 1900;
    utc.tm_mon = (int)month - 1;
    utc.tm_mday = (int)day;
    utc.tm_hour = (int)hour;
    utc.tm_min = (int)minute;
    utc.tm_sec = (int)second;
    value = (int64_t)timegm(&utc) * 1000 + milli;
    /* 31 February was normalised to March: only a date that reads the same again exists. */
    clock_text(value, again);
    if (strcmp(again, text) != 0)
        goto bad;
    *ms = value;
    return ERR_OK;
bad:
    return err_set(ERR_CORRUPT, "\"%.40s\" is not a time like 2026-11-24T06:10:00.000Z", text);
}

/* Set once, before anything is stamped, and read by the thread that stamps. */
static bool is_vouched_for;
static bool is_doubted;

void clock_vouch(void)
{
    is_vouched_for = true;
}

bool clock_is_vouched_for(void)
{
    return is_vouched_for;
}

bool clock_is_far_ahead(int64_t ms)
{
    return ms - clock_now_ms() > CLOCK_AHEAD_DAYS_MAX * CLOCK_DAY_MS;
}

bool clock_is_time(int64_t ms)
{
    return ms - clock_now_ms() <= CLOCK_DAY_MS;
}

bool clock_is_doubted(void)
{
    return is_doubted;
}

/* Where the kernel cannot be asked, it says nothing. */
static bool is_unsynchronised(void)
{
    struct timex t = {.modes = 0};
    int state = adjtimex(&t);

    return state == TIME_ERROR || (state >= 0 && (t.status & STA_UNSYNC) != 0);
}

enum err clock_check_epoch(void)
{
    char now[CLOCK_TEXT_LEN + 1];

    if (clock_now_ms() >= 0)
        return ERR_OK;
    clock_text(clock_now_ms(), now);
    err_set(ERR_FAILED, "the clock says %s, before 1970: nothing is written", now);
    err_hint("put the clock right");
    return ERR_FAILED;
}

enum err clock_check_ahead(int64_t newest_ms, const char *what, const char *name)
{
    int64_t now_ms = clock_now_ms();
    char now[CLOCK_TEXT_LEN + 1], newest[CLOCK_TEXT_LEN + 1];

    if (clock_check_epoch() != ERR_OK)
        return ERR_FAILED;
    if (is_vouched_for || newest_ms == 0 ||
        now_ms - newest_ms < CLOCK_AHEAD_DAYS_DOUBTED * CLOCK_DAY_MS)
        return ERR_OK;
    clock_text(now_ms, now);
    clock_text(newest_ms, newest);
    if (now_ms - newest_ms > CLOCK_AHEAD_DAYS_MAX * CLOCK_DAY_MS) {
        err_set(ERR_FAILED,
                "the clock says %s, more than %d days after the newest time in %s %s, %s: nothing "
                "is written",
                now, CLOCK_AHEAD_DAYS_MAX, what, name, newest);
        err_hint("put the clock right; if it is right, give --clock-is-right");
        return ERR_FAILED;
    }
    if (!is_doubted && is_unsynchronised()) {
        is_doubted = true;
        log_say(LOG_WARN,
                "the clock says %s, and the newest time in %s %s is %s: is it right? The kernel "
                "says that it is not synchronised",
                now, what, name, newest);
    }
    return ERR_OK;
}
