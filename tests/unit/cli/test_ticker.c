#include "cli/ticker.h"

#include "cli/print.h"
#include "core/base/bytes.h"
#include "tests/unit/helpers.h"

static void check_line(unsigned long long done, unsigned long long total, uint64_t rate,
                       const char *due)
{
    struct progress progress = {.done_bytes = done, .total_bytes = total, .done_files = 3};
    char line[TICKER_LINE_MAX];

    ticker_line("backup", &progress, rate, line);
    assert_string_equal(line, due);
}

static void the_line_says_how_far_how_fast_and_how_long(void **state)
{
    (void)state;
    check_line(512 * MIB, 2048 * MIB, 128 * MIB,
               "backup: 512.0 MiB of 2.0 GiB, 25 %, 128.0 MiB/s, 12 s left");
    check_line(0, 2048 * MIB, 0, "backup: 0 B of 2.0 GiB, 0 %");
}

/* A database that grows while it is read must not give 140 %, or a time below nothing. */
static void more_than_all_is_all(void **state)
{
    (void)state;
    check_line(3 * MIB, 2 * MIB, MIB, "backup: 3.0 MiB of 2.0 MiB, 100 %, 1.0 MiB/s");
}

static void a_stream_has_no_end_to_count_to(void **state)
{
    (void)state;
    check_line(3 * MIB, 0, MIB, "backup: 3.0 MiB, 3 files, 1.0 MiB/s");
}

static void nothing_ticks_when_quiet(void **state)
{
    struct progress progress = {0};
    struct ticker *t = NULL;

    (void)state;
    print_setup(true, false);
    assert_done(ticker_new("backup", &progress, &t));
    assert_null(t);
    ticker_free(t);
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_line_says_how_far_how_fast_and_how_long),
        cmocka_unit_test(more_than_all_is_all),
        cmocka_unit_test(a_stream_has_no_end_to_count_to),
        cmocka_unit_test(nothing_ticks_when_quiet),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
