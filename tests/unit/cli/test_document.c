#include "cli/document.h"

#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "cli/setting.h"
#include "core/base/mem.h"
#include "tests/unit/helpers.h"

typedef enum err writer(struct buf *to);

/* The document as a C string; the caller frees `b`. */
static const char *text_of(writer *write, struct buf *b)
{
    *b = (struct buf){.max = DOCUMENT_LEN_MAX};
    assert_done(write(b));
    assert_done(buf_add_u(b, 0, 1));
    return (const char *)b->data;
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

static void the_general_help_lists_every_command_and_common_option(void **state)
{
    struct buf b;
    const char *text = text_of(help_write_general, &b);

    (void)state;
    for (size_t i = 0; i < COMMAND_COUNT; i++)
        assert_has(text, command_at(i)->name);
    for (size_t i = 0; i < OPTION_COUNT; i++)
        if (option_at(i)->name != NULL && option_is_common(option_at(i)))
            assert_has(text, option_at(i)->name);
    buf_clear(&b);
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
    for (size_t i = 0; i < MASTER_KEY_MEMBERS; i++)
        assert_has_hyphened(text, ".It Cm ", master_key_setting_at(i)->key);
    assert_has(text, ".It 130\ninterrupted\n");
    assert_has(text, ".Nm\n.Ic cat\n.Op Ar option ...\n.Ar SNAPSHOT Ar PATH\n");
    assert_has(text, "\nsealpoint key create \\-\\-key 1\n");
    assert_has(text, ".It Pa " SETTING_CONFIG_DEFAULT "\n");
    assert_has(text, ".It Pa " SETTING_STATE_DIR_ROOT "/keyring.json\n");
    buf_clear(&b);
}

static void no_marker_of_the_man_pages_template_is_left(void **state)
{
    struct buf b;

    (void)state;
    assert_null(strchr(text_of(man_write, &b), '@'));
    buf_clear(&b);
}

/* Run a tool, its output to the file "said" of the directory; -1: it is not installed. */
static int run_tool(void **state, const char *const *argv)
{
    char *const *words; /* execv() changes nothing, but does not say so */
    char said[400];
    int status = 0;
    pid_t child;

    if (access(argv[0], X_OK) != 0)
        return -1;
    memcpy(&words, &argv, sizeof words);
    snprintf(said, sizeof said, "%s", in(state, "said"));
    fflush(NULL);
    child = fork();
    if (child == 0) {
        int to = open(said, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);

        if (dup2(to, STDOUT_FILENO) >= 0 && dup2(to, STDERR_FILENO) >= 0)
            execv(argv[0], words); // NOLINT(clang-analyzer-core.NonNullParamChecker): a union
        _exit(99);
    }
    assert_true(child > 0 && waitpid(child, &status, 0) == child && WIFEXITED(status));
    return WEXITSTATUS(status);
}

/* mandoc, where it is installed, knows macros that a typing mistake broke. */
static void the_man_page_is_what_mandoc_wants(void **state)
{
    const char *const lint[] = {"/usr/bin/mandoc",        "-T", "lint", "-W", "style",
                                in(state, "sealpoint.1"), NULL};
    struct buf b;
    int status;

    put_file(in(state, "sealpoint.1"), text_of(man_write, &b));
    buf_clear(&b);
    status = run_tool(state, lint);
    if (status < 0)
        skip();
    assert_true(have_file(in(state, "said"), ""));
    assert_int_equal(status, 0);
}

static void shells_can_read_their_completions(void **state)
{
    static const char *const paths[] = {"/bin/bash", "/usr/bin/zsh", "/usr/bin/fish"};
    const size_t count = sizeof paths / sizeof paths[0];

    assert_null(completion_shell(count));
    for (size_t i = 0; i < count; i++) {
        const char *name = completion_shell(i);
        const char *const check[] = {paths[i], "-n", in(state, name), NULL};
        struct buf b = {.max = DOCUMENT_LEN_MAX};

        assert_done(option_check_value(option_at(OPTION_COMPLETION), name));
        assert_done(completion_write(name, &b));
        assert_done(buf_add_u(&b, 0, 1));
        put_file(check[2], (const char *)b.data);
        buf_clear(&b);
        assert_true(run_tool(state, check) <= 0);
    }
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
        for (size_t offset = 0; offset < b.len; offset++) {
            if ((b.data[offset] & 0xc0) != 0x80)
                width++;
            if (b.data[offset] == '\n')
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
    assert_has((const char *)b.data, "  key cancel-deletion   cancel the scheduled deletion");
    assert_null(strstr((const char *)b.data, "restore "));
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
        cmocka_unit_test(the_general_help_lists_every_command_and_common_option),
        cmocka_unit_test(the_man_page_has_every_command_option_variable_and_key),
        cmocka_unit_test(no_marker_of_the_man_pages_template_is_left),
        IN_DIRECTORY(the_man_page_is_what_mandoc_wants),
        IN_DIRECTORY(shells_can_read_their_completions),
        cmocka_unit_test(help_of_a_command_has_its_options_with_their_defaults),
        cmocka_unit_test(no_line_of_help_is_wider_than_a_terminal),
        cmocka_unit_test(help_of_a_family_lists_its_commands),
        cmocka_unit_test(exit_statuses_come_once_each),
        cmocka_unit_test(another_shell_is_refused),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
