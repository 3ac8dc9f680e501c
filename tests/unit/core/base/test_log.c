#include "core/base/log.h"

#include <stdio.h>
#include <string.h>

#include "tests/unit/helpers.h"

static enum log_level last_level;
static char last_text[100];
static int said;

static void remember(enum log_level level, const char *text)
{
    last_level = level;
    snprintf(last_text, sizeof last_text, "%s", text);
    said++;
}

static void what_is_said_reaches_the_sink(void **state)
{
    (void)state;
    log_say(LOG_WARN, "to nobody");
    log_to(remember);
    log_say(LOG_WARN, "disk %d", 3);
    assert_int_equal(last_level, LOG_WARN);
    assert_string_equal(last_text, "disk 3");
    log_say(LOG_DEBUG, "x");
    assert_int_equal(last_level, LOG_DEBUG);
    log_to(NULL);
    log_say(LOG_INFO, "to nobody");
    assert_int_equal(said, 2);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_said_reaches_the_sink),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
