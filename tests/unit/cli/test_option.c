#include "cli/option.h"

#include <string.h>

#include "tests/unit/helpers.h"

static void every_command_has_a_row_and_is_found_by_its_name(void **state)
{
    (void)state;
    for (size_t i = 0; i < COMMAND_COUNT; i++) {
        const struct command *c = command_at(i);

        assert_non_null(c->name);
        assert_non_null(c->arguments);
        assert_true(strlen(c->summary) > 0 && strlen(c->text) > 0);
        assert_true(c->arguments_min <= c->arguments_max);
        assert_ptr_equal(command_find(c->name), c);
        assert_int_equal(command_id(c), i);
    }
    assert_null(command_find("nonsense"));
}

static void every_option_has_a_row_and_is_found_by_its_name(void **state)
{
    (void)state;
    for (size_t i = 0; i < OPTION_COUNT; i++) {
        const struct option *o = option_at(i);

        assert_true(strlen(o->text) > 0);
        assert_true(o->commands != 0);
        assert_int_equal(option_id(o), i);
        assert_int_equal(o->type == VALUE_FLAG, o->argument == NULL);
        if (o->name != NULL)
            assert_ptr_equal(option_find(o->name, strlen(o->name)), o);
        else
            assert_true(o->key != NULL && o->variable != NULL);
        if (o->letter != '\0')
            assert_ptr_equal(option_find_letter(o->letter), o);
    }
    assert_null(option_find("repositor", 9));
    assert_null(option_find_letter('\0'));
}

/* "--xyz" must mean one thing, and so must a key and a variable. */
static void no_name_is_there_twice(void **state)
{
    (void)state;
    for (size_t i = 0; i < OPTION_COUNT; i++)
        for (size_t j = i + 1; j < OPTION_COUNT; j++) {
            const struct option *a = option_at(i);
            const struct option *b = option_at(j);

            assert_false(a->name != NULL && b->name != NULL && strcmp(a->name, b->name) == 0);
            assert_false(a->letter != '\0' && a->letter == b->letter);
            assert_false(a->key != NULL && b->key != NULL && strcmp(a->key, b->key) == 0);
            assert_false(a->variable != NULL && b->variable != NULL &&
                         strcmp(a->variable, b->variable) == 0);
        }
}

static void every_default_is_a_value_its_row_allows(void **state)
{
    (void)state;
    for (size_t i = 0; i < OPTION_COUNT; i++)
        if (option_at(i)->default_text != NULL)
            assert_done(option_check_value(option_at(i), option_at(i)->default_text));
}

/* Where a key is, there is a variable: what a file can say, a container can too. */
static void every_key_has_a_variable(void **state)
{
    (void)state;
    for (size_t i = 0; i < OPTION_COUNT; i++)
        if (option_at(i)->key != NULL)
            assert_int_equal(strncmp(option_at(i)->variable, "SEALPOINT_", 10), 0);
}

/* argv and the environment are seen by others: no option may carry a secret itself. */
static void no_option_takes_a_passphrase(void **state)
{
    (void)state;
    assert_null(option_find("passphrase", 10));
    assert_null(option_find("password", 8));
    assert_int_equal(option_at(OPTION_PASSPHRASE_FILE)->type, VALUE_FILE);
}

static void families_are_told_from_commands(void **state)
{
    (void)state;
    assert_true(command_is_family("key"));
    assert_false(command_is_family("ke"));
    assert_false(command_is_family("key status"));
    assert_false(command_is_family("backup"));
    assert_false(command_is_family(""));
    assert_string_equal(command_last_word(command_at(COMMAND_KEY_IMPACT)), "impact");
    assert_string_equal(command_last_word(command_at(COMMAND_INIT)), "init");
}

struct value_case {
    enum option_id id;
    const char *value;
    const char *message; /* NULL: taken */
};

static void values_are_checked_by_their_type(void **state)
{
    static const struct value_case cases[] = {
        {OPTION_WORKERS, "64", NULL},
        {OPTION_WORKERS, "65", "\"65\" is not a whole number from 0 to 64"},
        {OPTION_WORKERS, "-1", "\"-1\" is not a whole number from 0 to 64"},
        {OPTION_DAYS, "7", NULL},
        {OPTION_DAYS, "6", "\"6\" is not a whole number from 7 to 30"},
        {OPTION_DAYS, "31", "\"31\" is not a whole number from 7 to 30"},
        {OPTION_RETAIN, "7d", NULL},
        {OPTION_RETAIN, "never", NULL},
        {OPTION_RETAIN, "100w", NULL},
        {OPTION_RETAIN, "99999w", "\"99999w\" is more than a century"},
        {OPTION_RETAIN, "7", "\"7\" has no unit: s, min, h, d, w, mo or y"},
        {OPTION_RETAIN, "0d", "\"0d\" is no time at all: say never for no end"},
        {OPTION_RETAIN, "101y", "\"101y\" is more than a century"},
        {OPTION_SAMPLE, "5%", NULL},
        {OPTION_SAMPLE, "100", NULL},
        {OPTION_SAMPLE, "0%", "\"0%\" is not a share from 1% to 100%"},
        {OPTION_SAMPLE, "101%", "\"101%\" is not a share from 1% to 100%"},
        {OPTION_SAMPLE, "5%%", "\"5%%\" is not a share from 1% to 100%"},
        {OPTION_SAMPLE, "%", "\"%\" is not a share from 1% to 100%"},
        {OPTION_SAMPLE, "1000000", "\"1000000\" is not a share from 1% to 100%"},
        {OPTION_FINGERPRINT, "0123456789abcdef0123456789ABCDEF0123456789abcdef0123456789ABCDEF",
         NULL},
        {OPTION_FINGERPRINT, "00ff", "\"00ff\" is not a fingerprint (64 hex digits)"},
        {OPTION_COMPLETION, "fish", NULL},
        {OPTION_COMPLETION, "csh", "\"csh\" is not bash, zsh or fish"},
        {OPTION_QUIET, "yes", NULL},
        {OPTION_QUIET, "perhaps", "\"perhaps\" is neither true nor false"},
        {OPTION_TO, "", "is empty"},
        {OPTION_DESCRIPTION, "anything at all", NULL},
    };

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        const struct option *o = option_at(cases[i].id);

        if (cases[i].message == NULL)
            assert_done(option_check_value(o, cases[i].value));
        else
            assert_refused(option_check_value(o, cases[i].value), ERR_USAGE, cases[i].message);
    }
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_command_has_a_row_and_is_found_by_its_name),
        cmocka_unit_test(every_option_has_a_row_and_is_found_by_its_name),
        cmocka_unit_test(no_name_is_there_twice),
        cmocka_unit_test(every_default_is_a_value_its_row_allows),
        cmocka_unit_test(every_key_has_a_variable),
        cmocka_unit_test(no_option_takes_a_passphrase),
        cmocka_unit_test(families_are_told_from_commands),
        cmocka_unit_test(values_are_checked_by_their_type),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
