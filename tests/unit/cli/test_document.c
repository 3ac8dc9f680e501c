#include "cli/document.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/mem.h"
#include "tests/unit/helpers.h"

typedef enum err writer(struct buf *to);

static enum err bash(struct buf *to)
{
    return completion_write("bash", to);
}

static enum err zsh(struct buf *to)
{
    return completion_write("zsh", to);
}

static enum err fish(struct buf *to)
{
    return completion_write("fish", to);
}

static writer *const writers[] = {help_write_general, man_write, bash, zsh, fish};
#define WRITER_COUNT (sizeof writers / sizeof writers[0])

/* The document as a C string; the caller frees `b`. */
static const char *text_of(writer *write, struct buf *b)
{
    *b = (struct buf){.max = DOCUMENT_LEN_MAX};
    assert_done(write(b));
    assert_done(buf_add_u(b, 0, 1));
    return (const char *)b->at;
}

/* What a reader looks for, in the escapes of the document. */
static void assert_has(const char *text, const char *what)
{
    if (strstr(text, what) == NULL)
        fail_msg("\"%s\" is missing", what);
}

static void assert_has_hyphened(const char *text, const char *front, const char *what)
{
    char wanted[160];
    size_t used = (size_t)snprintf(wanted, sizeof wanted, "%s", front);

    for (; *what != '\0' && used + 3 < sizeof wanted; what++) {
        if (*what == '-')
            wanted[used++] = '\\';
        wanted[used++] = *what;
    }
    wanted[used] = '\0';
    assert_has(text, wanted);
}

static void every_document_lists_every_command_and_option(void **state)
{
    (void)state;
    for (size_t w = 0; w < WRITER_COUNT; w++) {
        struct buf b;
        const char *text = text_of(writers[w], &b);

        for (size_t i = 0; i < COMMAND_COUNT; i++)
            assert_has(text, w == 1 ? "key status" : command_last_word(command_at(i)));
        for (size_t i = 0; i < OPTION_COUNT; i++)
            if (option_at(i)->name != NULL && (w != 0 || option_is_common(option_at(i))) && w != 1)
                assert_has(text, option_at(i)->name);
        buf_clear(&b);
    }
}

static void the_man_page_has_every_command_option_variable_and_key(void **state)
{
    struct buf b;
    const char *text = text_of(man_write, &b);

    (void)state;
    for (size_t i = 0; i < COMMAND_COUNT; i++)
        assert_has_hyphened(text, ".It Ic ", command_at(i)->name);
    for (size_t i = 0; i < OPTION_COUNT; i++) {
        const struct option *o = option_at(i);

        if (o->name != NULL)
            assert_has_hyphened(text, "Fl \\-", o->name);
        if (o->variable != NULL)
            assert_has(text, o->variable);
        if (o->key != NULL)
            assert_has(text, o->key);
    }
    assert_has(text, ".It 130\ninterrupted\n");
    buf_clear(&b);
}

/* Macros that a typing mistake would break; mandoc, where it is installed, knows the rest. */
static void the_man_page_is_what_mandoc_wants(void **state)
{
    struct buf b;
    const char *text = text_of(man_write, &b);
    char command[600];

    put_file(in(state, "sealpoint.1"), text);
    buf_clear(&b);
    if (system("command -v mandoc >/dev/null 2>&1") != 0)
        skip();
    snprintf(command, sizeof command, "mandoc -T lint -W style %s >%s 2>&1",
             in(state, "sealpoint.1"), in(state, "said"));
    assert_int_equal(system(command), 0);
    assert_true(have_file(in(state, "said"), ""));
}

static void shells_can_read_their_completions(void **state)
{
    static const char *const shells[] = {"bash", "zsh", "fish"};
    char command[600];

    for (size_t i = 0; i < 3; i++) {
        struct buf b = {.max = DOCUMENT_LEN_MAX};

        assert_done(completion_write(shells[i], &b));
        assert_done(buf_add_u(&b, 0, 1));
        put_file(in(state, shells[i]), (const char *)b.at);
        buf_clear(&b);
        snprintf(command, sizeof command, "command -v %s >/dev/null 2>&1 || exit 0; %s -n %s",
                 shells[i], shells[i], in(state, shells[i]));
        assert_int_equal(system(command), 0);
    }
}

/* The words bash offers for a command line whose last word is being typed. */
static void check_offers(void **state, const char *words, const char *offered)
{
    char command[1200];

    snprintf(command, sizeof command,
             "bash -c '. %s; COMP_WORDS=(%s); COMP_CWORD=$((${#COMP_WORDS[@]}-1)); _sealpoint; "
             "printf \"%%s \" \"${COMPREPLY[@]}\"' >%s 2>/dev/null </dev/null",
             in(state, "bash"), words, in(state, "offered"));
    assert_int_equal(system(command), 0);
    if (!have_file(in(state, "offered"), offered))
        fail_msg("for \"%s\"", words);
}

static void bash_offers_what_fits(void **state)
{
    struct buf b;
    const char *text = text_of(bash, &b);

    put_file(in(state, "bash"), text);
    buf_clear(&b);
    check_offers(state, "sealpoint res", "restore ");
    check_offers(state, "sealpoint --repository /srv res", "restore ");
    check_offers(state, "sealpoint key ro", "rotate ");
    check_offers(state, "sealpoint restore latest --del", "--delta ");
    check_offers(state, "sealpoint key schedule-deletion --da", "--days ");
    check_offers(state, "sealpoint help --completion z", "zsh ");
    check_offers(state, "sealpoint backup --descr", "--description ");
    check_offers(state, "sealpoint backup --del", " ");
}

static enum err write_backup(struct buf *to)
{
    return help_write_command(command_at(COMMAND_BACKUP), to);
}

static void help_of_a_command_has_its_options_with_their_defaults(void **state)
{
    struct buf b;
    const char *text = text_of(write_backup, &b);

    (void)state;
    assert_has(text, "Usage: sealpoint backup [OPTION…] [SOURCE]\n");
    assert_has(text, "  --chain-length N\n");
    assert_has(text, "      default: 28\n"
                     "      config: chain.length; env: SEALPOINT_CHAIN_LENGTH\n");
    assert_null(strstr(text, "--delta"));
    buf_clear(&b);
}

static void no_line_of_help_is_wider_than_a_terminal(void **state)
{
    (void)state;
    for (size_t i = 0; i <= COMMAND_COUNT; i++) {
        struct buf b = {.max = DOCUMENT_LEN_MAX};
        size_t width = 0;

        if (i < COMMAND_COUNT)
            assert_done(help_write_command(command_at(i), &b));
        else
            assert_done(help_write_general(&b));
        for (size_t at = 0; at < b.len; at++) {
            if ((b.at[at] & 0xc0) != 0x80)
                width++;
            if (b.at[at] == '\n')
                width = 0;
            assert_true(width <= 80);
        }
        buf_clear(&b);
    }
}

static void help_of_a_family_lists_its_commands(void **state)
{
    struct buf b = {.max = DOCUMENT_LEN_MAX};

    (void)state;
    assert_done(help_write_family("key", &b));
    assert_done(buf_add_u(&b, 0, 1));
    assert_has((const char *)b.at, "  key cancel-deletion   keep a master-key version");
    assert_null(strstr((const char *)b.at, "restore "));
    buf_clear(&b);
}

static void exit_statuses_come_once_each(void **state)
{
    static const int due[] = {0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 130};
    const char *meaning = NULL;
    int status = -1;
    size_t i;

    (void)state;
    for (i = 0; document_status(i, &status, &meaning); i++) {
        assert_true(i < sizeof due / sizeof due[0]);
        assert_int_equal(status, due[i]);
    }
    assert_int_equal(i, sizeof due / sizeof due[0]);
    assert_true(document_status(1, &status, &meaning));
    assert_string_equal(meaning, "failed for another reason");
}

static void another_shell_is_refused(void **state)
{
    struct buf b = {.max = DOCUMENT_LEN_MAX};

    (void)state;
    assert_refused(completion_write("csh", &b), ERR_USAGE, "\"csh\" is not bash, zsh or fish");
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_document_lists_every_command_and_option),
        cmocka_unit_test(the_man_page_has_every_command_option_variable_and_key),
        IN_FOLDER(the_man_page_is_what_mandoc_wants),
        IN_FOLDER(shells_can_read_their_completions),
        IN_FOLDER(bash_offers_what_fits),
        cmocka_unit_test(help_of_a_command_has_its_options_with_their_defaults),
        cmocka_unit_test(no_line_of_help_is_wider_than_a_terminal),
        cmocka_unit_test(help_of_a_family_lists_its_commands),
        cmocka_unit_test(exit_statuses_come_once_each),
        cmocka_unit_test(another_shell_is_refused),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
