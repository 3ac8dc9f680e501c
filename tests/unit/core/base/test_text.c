#include "core/base/text.h"

#include <string.h>

#include "tests/unit/helpers.h"

struct number {
    const char *text;
    uint64_t value;
};

static void numbers_are_read(void **state)
{
    static const struct number good[] = {
        {"0", 0}, {"7", 7}, {"007", 7}, {"18446744073709551615", UINT64_MAX}};
    uint64_t value = 1;

    (void)state;
    for (size_t i = 0; i < sizeof good / sizeof good[0]; i++) {
        assert_done(text_number(good[i].text, UINT64_MAX, &value));
        assert_int_equal(value, good[i].value);
    }
    assert_done(text_number("100", 100, &value));
}

static void what_is_not_a_number_is_refused(void **state)
{
    static const char *const bad[] = {"",
                                      "-1",
                                      "+1",
                                      " 1",
                                      "1 ",
                                      "1x",
                                      "0x1",
                                      "1.0",
                                      "101",
                                      "18446744073709551616",
                                      "99999999999999999999999999",
                                      "٣"};
    uint64_t value = 5;

    (void)state;
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
        assert_refused(text_number(bad[i], 100, &value), ERR_USAGE, NULL);
    assert_refused(text_number("101", 100, &value), ERR_USAGE,
                   "\"101\" is not a whole number from 0 to 100");
    assert_refused(text_number("18446744073709551616", UINT64_MAX, &value), ERR_USAGE, NULL);
    assert_refused(text_number("7", 5, &value), ERR_USAGE, NULL);
    assert_int_equal(value, 5);
}

static void durations_have_units(void **state)
{
    static const struct number times[] = {{"90s", 90},     {"15min", 900},  {"6h", 21600},
                                          {"7d", 604800},  {"2w", 1209600}, {"1mo", 2678400},
                                          {"2y", 63244800}};
    uint64_t value = 0;

    (void)state;
    for (size_t i = 0; i < sizeof times / sizeof times[0]; i++) {
        assert_done(text_duration(times[i].text, &value));
        assert_int_equal(value, times[i].value);
    }
}

static void durations_that_make_no_sense_are_refused(void **state)
{
    static const char *const times[] = {
        "", "h", "1H", "1mins", "1h30m", "-1d", "30500568904944w", "1 d", "d1", "1yy"};
    uint64_t value = 5;

    (void)state;
    for (size_t i = 0; i < sizeof times / sizeof times[0]; i++)
        assert_refused(text_duration(times[i], &value), ERR_USAGE, NULL);
    assert_refused(text_duration("1H", &value), ERR_USAGE,
                   "\"1H\" is not a duration (a number and s, min, h, d, w, mo or y)");
    assert_refused(text_duration("7", &value), ERR_USAGE,
                   "\"7\" has no unit: s, min, h, d, w, mo or y");
    assert_refused(text_duration("5m", &value), ERR_USAGE,
                   "\"5m\" may be minutes or months: say min or mo");
    assert_refused(text_duration("0d", &value), ERR_USAGE,
                   "\"0d\" is no time at all: say never for no end");
    assert_int_equal(value, 5);
}

static void hex_goes_out_and_comes_back(void **state)
{
    uint8_t all[256];
    uint8_t back[256];
    char hex[513];

    (void)state;
    for (size_t i = 0; i < sizeof all; i++)
        all[i] = (uint8_t)i;
    text_hex(bytes_of(all, sizeof all), hex);
    assert_int_equal(strlen(hex), 512);
    assert_memory_equal(hex + 2 * 0x9a, "9a9b9c", 6);
    assert_done(text_unhex(hex, back, sizeof back));
    assert_memory_equal(back, all, sizeof all);
    text_hex(bytes_of(all, 0), hex);
    assert_string_equal(hex, "");
    assert_done(text_unhex("", back, 0));
}

static void hex_of_another_length_or_case_is_refused(void **state)
{
    uint8_t out[2];

    (void)state;
    assert_refused(text_unhex("abc", out, 2), ERR_CORRUPT, "\"abc\" is not 4 hex digits");
    assert_refused(text_unhex("abcde0", out, 2), ERR_CORRUPT, NULL);
    assert_refused(text_unhex("abCd", out, 2), ERR_CORRUPT, "\"abCd\" is not lower-case hex");
    assert_refused(text_unhex("ab g", out, 2), ERR_CORRUPT, NULL);
}

static void base64_goes_out_and_comes_back(void **state)
{
    /* RFC 4648, 10 */
    static const char *const pairs[][2] = {{"", ""},
                                           {"f", "Zg=="},
                                           {"fo", "Zm8="},
                                           {"foo", "Zm9v"},
                                           {"foob", "Zm9vYg=="},
                                           {"fooba", "Zm9vYmE="},
                                           {"foobar", "Zm9vYmFy"}};
    uint8_t noise[100];
    uint8_t back[100];
    char text[TEXT_BASE64_LEN(sizeof noise) + 1];
    size_t len = 0;

    (void)state;
    for (size_t i = 0; i < sizeof pairs / sizeof pairs[0]; i++) {
        text_base64(bytes_of_text(pairs[i][0]), text);
        assert_string_equal(text, pairs[i][1]);
    }
    fill_pattern(noise, sizeof noise, 3);
    for (size_t n = 0; n <= sizeof noise; n++) {
        text_base64(bytes_of(noise, n), text);
        assert_int_equal(strlen(text), TEXT_BASE64_LEN(n));
        assert_done(text_unbase64(text, back, n, &len));
        assert_int_equal(len, n);
        assert_memory_equal(back, noise, n);
        if (n > 0)
            assert_refused(text_unbase64(text, back, n - 1, &len), ERR_CORRUPT, NULL);
    }
}

static void base64_that_is_not_canonical_is_refused(void **state)
{
    static const char *const bad[] = {"Z",    "Zg",       "Zg=",      "Zg= ",    "Zh==",   "Zm9=",
                                      "====", "=Zg=",     "Zg==Zg==", "Zg==\n",  "Zm9v\n", " Zm9v",
                                      "Zm 9", "Zm9v====", "Z-9v",     "Zm9\xff", "Zg=a",   "AA=A",
                                      "A===", "\nZm9v",   "    "};
    uint8_t out[20];
    size_t len = 77;

    (void)state;
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
        assert_refused(text_unbase64(bad[i], out, sizeof out, &len), ERR_CORRUPT, NULL);
    assert_refused(text_unbase64("Zm9vYmFy", out, 5, &len), ERR_CORRUPT,
                   "not base64, or longer than 5 bytes");
    assert_int_equal(len, 77);
}

static void sizes_and_times_are_said_for_people(void **state)
{
    static const struct {
        uint64_t value;
        const char *text;
    } sizes[] = {{0, "0 B"},
                 {1023, "1023 B"},
                 {1024, "1.0 KiB"},
                 {12897485, "12.3 MiB"},
                 {UINT64_C(3) << 40, "3.0 TiB"},
                 {UINT64_MAX, "16.0 EiB"}},
      times[] = {{0, "0 s"},
                 {59, "59 s"},
                 {60, "1 min 00 s"},
                 {3599, "59 min 59 s"},
                 {3720, "1 h 02 min"},
                 {259199, "71 h 59 min"},
                 {259200, "3 days"},
                 {43199999, "499 days"},
                 {UINT64_MAX, "213503982334601 days"}};
    char out[TEXT_HUMAN_MAX];

    (void)state;
    for (size_t i = 0; i < sizeof sizes / sizeof sizes[0]; i++) {
        text_human_size(sizes[i].value, out);
        assert_string_equal(out, sizes[i].text);
    }
    for (size_t i = 0; i < sizeof times / sizeof times[0]; i++) {
        text_human_time(times[i].value, out);
        assert_string_equal(out, times[i].text);
    }
}

static void clean_text_is_utf8_without_control_characters(void **state)
{
    static const char *const clean[] = {"",
                                        "a b~",
                                        "ä",
                                        "€",
                                        "\U0001f600",
                                        "\xc2\xa0",
                                        "\xed\x9f\xbf",
                                        "\xee\x80\x80",
                                        "\xf4\x8f\xbf\xbf"};
    static const char *const dirty[] = {"\n",
                                        "\x1f",
                                        "\x7f",
                                        "a\tb",
                                        "\xc2\x80", /* C1 */
                                        "\xc2\x9f",
                                        "\x80",
                                        "\xff",
                                        "\xc0\x80",
                                        "\xc1\xbf", /* overlong */
                                        "\xe0\x9f\xbf",
                                        "\xc3",
                                        "\xe2\x82",
                                        "\xf0\x8f\xbf\xbf",
                                        "\xed\xa0\x80", /* D800 */
                                        "\xf4\x90\x80\x80",
                                        "\xf5\x80\x80\x80",
                                        "\xf0\x9f\x98",
                                        "\xe2\x28\xa1",
                                        "ok\xc3(",
                                        "\xc2\xc2",
                                        "\xf1\x80\x80\x00"};

    (void)state;
    for (size_t i = 0; i < sizeof clean / sizeof clean[0]; i++)
        assert_true(text_is_clean(clean[i]));
    for (size_t i = 0; i < sizeof dirty / sizeof dirty[0]; i++)
        assert_false(text_is_clean(dirty[i]));
}

static void printable_text_is_safe_on_a_terminal(void **state)
{
    char out[16];

    (void)state;
    text_printable("a\x1b[1m\n\xff€", out, sizeof out);
    assert_string_equal(out, "a\\x1b[1m\\x0a");
    text_printable("€€", out, sizeof out);
    assert_string_equal(out, "€€");
    text_printable("0123456789abcdef", out, sizeof out);
    assert_string_equal(out, "0123456789abcde");
    text_printable("x", out, 1);
    assert_string_equal(out, "");
}

static void what_is_invisible_or_reorders_a_line_is_not_printable(void **state)
{
    static const char *const bad[] = {
        "\u202a", "\u202b", "\u202c", "\u202d", "\u202e", "\u2066", "\u2067",     "\u2068",
        "\u2069", "\u200e", "\u200f", "\u061c", "\u200b", "\u200d", "\u2028",     "\u2029",
        "\u2060", "\ufeff", "\u00ad", "\u3164", "\ufff9", "\ufe0f", "\U000e0001", "\U000e0fff",
    };
    static const char *const good[] = {"\u00e9", "\u00a0", "\u05d0", "\u0627",    "\u2027",
                                       "\u202f", "\u4e2d", "\ufffd", "\U0001f600"};
    char out[64];

    (void)state;
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        assert_true(text_is_clean(bad[i])); /* the format takes it */
        assert_false(text_is_printable(bad[i]));
        text_printable(bad[i], out, sizeof out);
        assert_int_equal(strlen(out), 4 * strlen(bad[i]));
        assert_memory_equal(out, "\\x", 2);
    }
    for (size_t i = 0; i < sizeof good / sizeof good[0]; i++)
        assert_true(text_is_printable(good[i]));
    assert_false(text_is_printable("a\nb"));
    assert_false(text_is_printable("a\xff"));
}

static void a_character_is_decoded_with_its_length(void **state)
{
    size_t len;

    (void)state;
    assert_int_equal(text_character("a", &len), 'a');
    assert_int_equal(len, 1);
    assert_int_equal(text_character("\u00e9", &len), 0xe9);
    assert_int_equal(len, 2);
    assert_int_equal(text_character("\u20ac", &len), 0x20ac);
    assert_int_equal(len, 3);
    assert_int_equal(text_character("\U0001f600", &len), 0x1f600);
    assert_int_equal(len, 4);
    assert_int_equal(text_character("\x80", &len), 0);
    assert_int_equal(len, 0);
}

static void printable_text_fits_any_room(void **state)
{
    static const char nasty[] = "a\x01€\xc3\U0001f600\xe2z";

    (void)state;
    for (size_t cap = 1; cap < 40; cap++) {
        char out[41];

        memset(out, '#', sizeof out);
        text_printable(nasty, out, cap);
        assert_true(strlen(out) < cap);
        assert_true(text_is_clean(out));
        assert_int_equal(out[cap], '#');
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(numbers_are_read),
        cmocka_unit_test(what_is_not_a_number_is_refused),
        cmocka_unit_test(durations_have_units),
        cmocka_unit_test(durations_that_make_no_sense_are_refused),
        cmocka_unit_test(hex_goes_out_and_comes_back),
        cmocka_unit_test(hex_of_another_length_or_case_is_refused),
        cmocka_unit_test(base64_goes_out_and_comes_back),
        cmocka_unit_test(base64_that_is_not_canonical_is_refused),
        cmocka_unit_test(sizes_and_times_are_said_for_people),
        cmocka_unit_test(clean_text_is_utf8_without_control_characters),
        cmocka_unit_test(printable_text_is_safe_on_a_terminal),
        cmocka_unit_test(what_is_invisible_or_reorders_a_line_is_not_printable),
        cmocka_unit_test(a_character_is_decoded_with_its_length),
        cmocka_unit_test(printable_text_fits_any_room),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
