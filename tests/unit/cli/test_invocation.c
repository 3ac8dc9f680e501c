#include "cli/invocation.h"

#include <stdio.h>
#include <string.h>

#include "core/base/mem.h"
#include "tests/unit/helpers.h"

#define WORDS_MAX 16

/* Words parted by blanks, as a shell would hand them over. */
struct line {
    char text[400];
    char *words[WORDS_MAX];
    size_t count;
};

static struct line *split(const char *text)
{
    static struct line l;
    char *rest = l.text;

    l.count = 0;
    assert_true(strlen(text) < sizeof l.text);
    memcpy(l.text, text, strlen(text) + 1);
    for (char *word = strsep(&rest, " "); word != NULL; word = strsep(&rest, " ")) {
        assert_true(l.count < WORDS_MAX);
        if (*text != '\0')
            l.words[l.count++] = word;
    }
    return &l;
}

static enum err parse(const char *text, struct invocation *out)
{
    struct line *l = split(text);

    return invocation_parse(l->count, l->words, out);
}

static void check_failure(const char *text, const char *message)
{
    struct invocation i = {0};

    assert_refused(parse(text, &i), ERR_USAGE, message);
    assert_null(i.arguments); /* untouched */
}

/* A command that takes the option, with as many arguments as it needs. */
static void write_command(const struct option *o, char *out, size_t cap)
{
    for (size_t i = 0; i < COMMAND_COUNT; i++) {
        const struct command *c = command_at(i);

        if (!option_is_of(o, c))
            continue;
        snprintf(out, cap, "%s%s", c->name,
                 c->arguments_min == 0   ? ""
                 : c->arguments_min == 1 ? " x"
                                         : " x y");
        return;
    }
    fail();
}

static void every_option_is_understood_in_every_spelling(void **state)
{
    char command[80], text[200];

    (void)state;
    for (size_t id = 0; id < OPTION_COUNT; id++) {
        const struct option *o = option_at(id);
        bool flag = o->type == VALUE_FLAG;
        const char *forms[4] = {flag ? "--%s" : "--%s v", flag ? NULL : "--%s=v",
                                flag ? "-%c" : "-%c v", flag ? NULL : "-%cv"};

        if (o->name == NULL)
            continue;
        write_command(o, command, sizeof command);
        for (size_t f = 0; f < 4; f++) {
            struct invocation i = {0};
            char spelled[80] = "";
            const char *cursor = forms[f] != NULL ? strchr(forms[f], '%') : NULL;

            if (cursor == NULL || (f >= 2 && o->letter == '\0'))
                continue;
            if (f < 2)
                snprintf(spelled, sizeof spelled, "--%s%s", o->name, cursor + 2);
            else
                snprintf(spelled, sizeof spelled, "-%c%s", o->letter, cursor + 2);
            for (size_t behind = 0; behind < 2; behind++) {
                snprintf(text, sizeof text, "%s %s", behind ? command : spelled,
                         behind ? spelled : command);
                assert_done(parse(text, &i));
                assert_string_equal(i.values[id], flag ? "true" : "v");
                assert_true(option_is_of(o, i.command));
                if (o->many)
                    assert_int_equal(i.only_count, 1);
                invocation_clear(&i);
            }
        }
    }
}

static void every_command_is_understood(void **state)
{
    (void)state;
    for (size_t n = 0; n < COMMAND_COUNT; n++) {
        const struct command *c = command_at(n);
        struct invocation i = {0};
        char text[80];

        snprintf(text, sizeof text, "%s%s", c->name,
                 c->arguments_min == 0   ? ""
                 : c->arguments_min == 1 ? " x"
                                         : " x y");
        assert_done(parse(text, &i));
        assert_ptr_equal(i.command, c);
        assert_int_equal(i.argument_count, c->arguments_min);
        assert_null(i.family);
        assert_null(i.arguments[i.argument_count]);
        invocation_clear(&i);
    }
}

static void letters_of_flags_can_be_joined(void **state)
{
    struct invocation i = {0};

    (void)state;
    assert_done(parse("snapshots -qjr /srv", &i));
    assert_non_null(i.values[OPTION_QUIET]);
    assert_non_null(i.values[OPTION_JSON]);
    assert_string_equal(i.values[OPTION_REPOSITORY], "/srv");
    invocation_clear(&i);
}

static void a_dash_is_an_argument_and_two_end_the_options(void **state)
{
    struct invocation i = {0};

    (void)state;
    assert_done(parse("backup -", &i));
    assert_string_equal(i.arguments[0], "-");
    invocation_clear(&i);
    assert_done(parse("export -- latest --quiet -x", &i));
    assert_int_equal(i.argument_count, 3);
    assert_string_equal(i.arguments[1], "--quiet");
    assert_null(i.values[OPTION_QUIET]);
    invocation_clear(&i);
}

static void only_may_be_given_more_than_once(void **state)
{
    struct invocation i = {0};

    (void)state;
    assert_done(parse("restore latest --to d --only a --only=b", &i));
    assert_int_equal(i.only_count, 2);
    assert_string_equal(i.only[0], "a");
    assert_string_equal(i.only[1], "b");
    assert_null(i.only[2]);
    invocation_clear(&i);
}

static void a_value_may_look_like_an_option(void **state)
{
    struct invocation i = {0};

    (void)state;
    assert_done(parse("backup --description --full x", &i));
    assert_string_equal(i.values[OPTION_DESCRIPTION], "--full");
    assert_null(i.values[OPTION_FULL]);
    invocation_clear(&i);
}

static void what_is_wrong_is_said_and_what_was_meant(void **state)
{
    (void)state;
    check_failure("", "no command given\n  `sealpoint help` lists the commands");
    check_failure("bakcup", "unknown command \"bakcup\"\n  did you mean backup?");
    check_failure("frobnicate",
                  "unknown command \"frobnicate\"\n  `sealpoint help` lists the commands");
    check_failure("key", "\"key\" needs one of: status, check, create, rotate, disable, enable, "
                         "schedule-deletion, cancel-deletion, purge, passphrase, impact, rewrap");
    check_failure("key rotat", "unknown command \"key rotat\"\n  did you mean rotate?");
    check_failure("backup --repositry x",
                  "unknown option \"--repositry\"\n  did you mean --repository?");
    check_failure("backup --xyzzy", "unknown option \"--xyzzy\"");
    check_failure("backup -Z", "unknown option \"-Z\"");
    check_failure("backup --to x",
                  "\"backup\" has no option --to\n  see `sealpoint backup --help`");
    check_failure("backup --workers", "--workers needs a value: N");
    check_failure("backup -r", "--repository needs a value: DIR");
    check_failure("backup --quiet=yes", "--quiet takes no value");
    check_failure("backup -q --quiet", "--quiet is given twice");
    check_failure("cat latest", "\"cat\" needs SNAPSHOT PATH");
    check_failure("init here", "\"init\" takes no argument \"here\"");
    check_failure("backup a b", "\"backup\" takes no argument \"b\"");
}

static void help_forgives_what_is_missing(void **state)
{
    struct invocation i = {0};

    (void)state;
    assert_done(parse("--help", &i));
    assert_null(i.command);
    invocation_clear(&i);
    assert_done(parse("key --help", &i));
    assert_string_equal(i.family, "key");
    invocation_clear(&i);
    assert_done(parse("restore -h", &i));
    assert_ptr_equal(i.command, command_at(COMMAND_RESTORE));
    invocation_clear(&i);
    assert_done(parse("--version", &i));
    invocation_clear(&i);
}

static enum err parse_front(const char *text, struct invocation *out)
{
    struct line *l = split(text);

    return invocation_parse_front(l->count, l->words, out);
}

static void a_front_may_lack_what_is_to_come(void **state)
{
    struct invocation i = {0};

    (void)state;
    assert_done(parse_front("", &i));
    assert_null(i.command);
    invocation_clear(&i);
    assert_done(parse_front("key", &i));
    assert_string_equal(i.family, "key");
    invocation_clear(&i);
    assert_done(parse_front("restore --to x", &i));
    assert_ptr_equal(i.command, command_at(COMMAND_RESTORE));
    assert_null(i.pending);
    assert_false(i.options_ended);
    invocation_clear(&i);
    assert_done(parse_front("restore --to", &i));
    assert_ptr_equal(i.pending, option_at(OPTION_TO));
    assert_null(i.values[OPTION_TO]);
    invocation_clear(&i);
    assert_done(parse_front("-jr", &i));
    assert_ptr_equal(i.pending, option_at(OPTION_REPOSITORY));
    invocation_clear(&i);
    assert_done(parse_front("backup --", &i));
    assert_true(i.options_ended);
    invocation_clear(&i);
}

static void a_front_that_nothing_can_mend_is_refused(void **state)
{
    struct invocation i = {0};

    (void)state;
    assert_refused(parse_front("nonsense", &i), ERR_USAGE, NULL);
    assert_refused(parse_front("backup --nonsense", &i), ERR_USAGE, NULL);
    assert_refused(parse_front("key status2", &i), ERR_USAGE, NULL);
    assert_null(i.arguments);
}

static enum err parse_long(void *arg)
{
    struct invocation i = {0};
    enum err rc = parse("restore latest --to d --only a --only=b", &i);

    (void)arg;
    invocation_clear(&i);
    return rc;
}

static void every_allocation_may_fail(void **state)
{
    (void)state;
    assert_true(sweep_allocations(parse_long, NULL) >= 2);
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_option_is_understood_in_every_spelling),
        cmocka_unit_test(every_command_is_understood),
        cmocka_unit_test(letters_of_flags_can_be_joined),
        cmocka_unit_test(a_dash_is_an_argument_and_two_end_the_options),
        cmocka_unit_test(only_may_be_given_more_than_once),
        cmocka_unit_test(a_value_may_look_like_an_option),
        cmocka_unit_test(what_is_wrong_is_said_and_what_was_meant),
        cmocka_unit_test(help_forgives_what_is_missing),
        cmocka_unit_test(a_front_may_lack_what_is_to_come),
        cmocka_unit_test(a_front_that_nothing_can_mend_is_refused),
        cmocka_unit_test(every_allocation_may_fail),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
