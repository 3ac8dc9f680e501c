#include "core/base/clock.h"

#include <string.h>

#include "tests/unit/helpers.h"

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

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(times_go_out_and_come_back),
        cmocka_unit_test(what_is_not_exactly_that_form_is_refused),
        cmocka_unit_test(the_clocks_run),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
