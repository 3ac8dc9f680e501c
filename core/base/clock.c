#include "core/base/clock.h"

#include <stdio.h>
#include <string.h>
#include <time.h>

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
    time_t seconds = (time_t)(ms / 1000);
    struct tm utc;

    gmtime_r(&seconds, &utc);
    snprintf(out, CLOCK_TEXT_LEN + 1, "%04u-%02u-%02uT%02u:%02u:%02u.%03uZ",
             (unsigned)(utc.tm_year + 1900) % 10000, (unsigned)(utc.tm_mon + 1) % 100,
             (unsigned)utc.tm_mday % 100, (unsigned)utc.tm_hour % 100, (unsigned)utc.tm_min % 100,
             (unsigned)utc.tm_sec % 100, (unsigned)(ms % 1000));
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
