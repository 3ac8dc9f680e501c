#include "core/base/clock.h"

#include <stdio.h>
#include <string.h>
#include <sys/timex.h>

#include "core/base/log.h"
#include "tests/unit/helpers.h"

/* In front of the C library's: what the kernel is to say of its clock. */
static int kernel_state = TIME_OK;
static int kernel_status;

int adjtimex(struct timex *t)
{
    t->status = kernel_status;
    return kernel_state;
}

static char said[ERR_TEXT_MAX];

static void listen(enum log_level level, const char *text)
{
    (void)level;
    snprintf(said, sizeof said, "%s", text);
}

static const struct {
    int64_t ms;
    const char *text;
} times[] = {
    {0, "1970-01-01T00:00:00.000Z"},
    {1, "1970-01-01T00:00:00.001Z"},
    {951782399999, "2000-02-28T23:59:59.999Z"},
    {951782400000, "2000-02-29T00:00:00.000Z"}, /* divisible by 400 */
    {1795500600000, "2026-11-24T06:10:00.000Z"},
    {4107542400000, "2100-03-01T00:00:00.000Z"},
    {4107542399999, "2100-02-28T23:59:59.999Z"}, /* not a leap year */
    {253402300799999, "9999-12-31T23:59:59.999Z"},
};

static void times_go_out_and_come_back(void **state)
{
    char text[CLOCK_TEXT_LEN + 1];
    int64_t ms = -1;

    (void)state;
    for (size_t i = 0; i < sizeof times / sizeof times[0]; i++) {
        clock_text(times[i].ms, text);
        assert_string_equal(text, times[i].text);
        assert_done(clock_parse(times[i].text, &ms));
        assert_int_equal(ms, times[i].ms);
    }
}

/* Files may be that old; nothing of ours is, so they do not come back. */
static void times_before_1970_go_out(void **state)
{
    static const struct {
        int64_t ms;
        const char *text;
    } rows[] = {
        {-1, "1969-12-31T23:59:59.999Z"},
        {-1000, "1969-12-31T23:59:59.000Z"},
        {-1001, "1969-12-31T23:59:58.999Z"},
        {-2208988800000, "1900-01-01T00:00:00.000Z"},
        {-62167219200000, "0000-01-01T00:00:00.000Z"},
    };
    char text[CLOCK_TEXT_LEN + 1];
    int64_t ms;

    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        clock_text(rows[i].ms, text);
        assert_string_equal(text, rows[i].text);
        assert_int_equal(clock_parse(text, &ms), ERR_CORRUPT);
    }
}

static void what_is_not_exactly_that_form_is_refused(void **state)
{
    static const char *const bad[] = {
        "",
        "2026-11-24",
        "2026-11-24T06:10:00Z",
        "2026-11-24T06:10:00.000",
        "2026-11-24T06:10:00.000z",
        "2026-11-24 06:10:00.000Z",
        "2026-11-24T06:10:00,000Z",
        "2026-11-24T06:10:00.000+",
        "2026-11-24T06:10:00.00 Z",
        "2026-1+-24T06:10:00.000Z",
        "2026-02-29T00:00:00.000Z", /* no such day */
        "2026-13-01T00:00:00.000Z",
        "2026-00-01T00:00:00.000Z",
        "2026-11-31T00:00:00.000Z",
        "2026-11-00T00:00:00.000Z",
        "2026-11-24T24:00:00.000Z",
        "2026-11-24T06:60:00.000Z",
        "2016-12-31T23:59:60.000Z", /* a leap second: we have none */
        "1969-12-31T23:59:59.999Z",
        "0000-01-01T00:00:00.000Z",
        "2026-11-24T06:10:00.000ZZ",
    };
    int64_t ms = 5;

    (void)state;
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
        assert_refused(clock_parse(bad[i], &ms), ERR_CORRUPT, NULL);
    assert_refused(clock_parse("yesterday", &ms), ERR_CORRUPT,
                   "\"yesterday\" is not a time like 2026-11-24T06:10:00.000Z");
    assert_int_equal(ms, 5);
}

static void a_time_before_1970_is_shown_as_what_it_is(void **state)
{
    char text[CLOCK_TEXT_LEN + 1];

    (void)state;
    clock_text(-1, text);
    assert_string_equal(text, "1969-12-31T23:59:59.999Z");
    clock_text(-1000, text);
    assert_string_equal(text, "1969-12-31T23:59:59.000Z");
}

static void the_clocks_run(void **state)
{
    int64_t ms = clock_now_ms();
    int64_t ns = clock_now_ns();
    int64_t steady = clock_steady_ms();

    (void)state;
    assert_true(ms > INT64_C(1600000000000));
    assert_true(ns / 1000000 - ms >= 0 && ns / 1000000 - ms < 60000);
    assert_true(clock_steady_ms() >= steady);
}

#define AHEAD(days) (clock_now_ms() - (days)*CLOCK_DAY_MS)

static void a_clock_far_ahead_is_not_believed(void **state)
{
    char now[CLOCK_TEXT_LEN + 1], newest[CLOCK_TEXT_LEN + 1];
    int64_t long_ago = AHEAD(401);

    (void)state;
    log_to(listen);
    assert_done(clock_check_ahead(0, "repository", "/r")); /* nothing is known */
    assert_done(clock_check_ahead(AHEAD(-1000), "repository", "/r"));
    assert_done(clock_check_ahead(AHEAD(399), "repository", "/r"));
    clock_text(long_ago, newest);
    assert_int_equal(clock_check_ahead(long_ago, "repository", "/r"), ERR_FAILED);
    clock_text(clock_now_ms(), now);
    now[10] = '\0'; /* the day */
    assert_non_null(strstr(err_text(), now));
    assert_non_null(strstr(err_text(), ", more than 400 days after the newest time in repository "
                                       "/r, "));
    assert_non_null(strstr(err_text(), newest));
    assert_non_null(strstr(told(), ": nothing is written\n  put the clock right; if it is right, "
                                   "give --clock-is-right"));
    log_to(NULL);
    assert_false(clock_is_doubted());
    assert_string_equal(said, "");
}

static void a_clock_that_is_not_synchronised_is_doubted_earlier(void **state)
{
    (void)state;
    log_to(listen);
    kernel_status = STA_UNSYNC;
    assert_done(clock_check_ahead(AHEAD(39), "keyring", "/k"));
    assert_false(clock_is_doubted());
    kernel_status = 0;
    assert_done(clock_check_ahead(AHEAD(41), "keyring", "/k"));
    kernel_state = -1; /* where it may not be asked */
    assert_done(clock_check_ahead(AHEAD(41), "keyring", "/k"));
    assert_false(clock_is_doubted());
    assert_string_equal(said, "");
    kernel_state = TIME_ERROR;
    assert_done(clock_check_ahead(AHEAD(41), "keyring", "/k"));
    assert_true(clock_is_doubted());
    assert_non_null(strstr(said, "is it right? The kernel says that it is not synchronised"));
    said[0] = '\0';
    assert_done(clock_check_ahead(AHEAD(41), "keyring", "/k"));
    assert_string_equal(said, ""); /* said once */
    log_to(NULL);
}

/* The last test of all: it cannot be taken back. */
static void what_is_more_than_400_days_ahead_of_the_clock_is_far_ahead(void **state)
{
    (void)state;
    assert_false(clock_is_far_ahead(0));
    assert_false(clock_is_far_ahead(clock_now_ms() + 399 * CLOCK_DAY_MS));
    assert_true(clock_is_far_ahead(clock_now_ms() + 401 * CLOCK_DAY_MS));
}

static void who_says_that_the_clock_is_right_is_believed(void **state)
{
    (void)state;
    assert_false(clock_is_vouched_for());
    clock_vouch();
    assert_true(clock_is_vouched_for());
    assert_done(clock_check_ahead(AHEAD(36500), "repository", "/r"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(times_go_out_and_come_back),
        cmocka_unit_test(times_before_1970_go_out),
        cmocka_unit_test(what_is_not_exactly_that_form_is_refused),
        cmocka_unit_test(a_time_before_1970_is_shown_as_what_it_is),
        cmocka_unit_test(the_clocks_run),
        cmocka_unit_test(a_clock_far_ahead_is_not_believed),
        cmocka_unit_test(a_clock_that_is_not_synchronised_is_doubted_earlier),
        cmocka_unit_test(what_is_more_than_400_days_ahead_of_the_clock_is_far_ahead),
        cmocka_unit_test(who_says_that_the_clock_is_right_is_believed),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
