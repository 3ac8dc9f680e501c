#include "cli/terminal.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <termios.h>
#include <unistd.h>

#include "core/base/stop.h"
#include "tests/unit/helpers.h"

#define SEEN_MAX 1000

/* What the person at the terminal saw, and how the program under it ended. */
static char seen[SEEN_MAX + 1];

/* A terminal of one's own: the first that a new session opens becomes its controlling one. */
static void sit_down_at(const char *name)
{
    int fd;

    if (setsid() < 0)
        _exit(98);
    fd = open(name, O_RDWR);
    for (int i = 0; i < 3; i++)
        if (fd < 0 || dup2(fd, i) != i)
            _exit(99);
}

/* Run `ask` at a terminal of its own, and answer each prompt (what ends in ": ") with the next of
 * `answers`. */
static int run_at_terminal(int (*ask)(void), const char *const *answers)
{
    size_t len = 0, answered = 0;
    int terminal = posix_openpt(O_RDWR | O_NOCTTY), status = 0;
    const char *name;
    pid_t child;

    assert_true(terminal >= 0 && grantpt(terminal) == 0 && unlockpt(terminal) == 0);
    name = ptsname(terminal); // NOLINT(concurrency-mt-unsafe): one thread
    assert_non_null(name);
    fflush(NULL);
    child = fork();
    if (child == 0) {
        sit_down_at(name);
        close(terminal);
        _exit(ask());
    }
    assert_true(child > 0);
    for (;;) {
        ssize_t got = read(terminal, seen + len, SEEN_MAX - len);

        if (got <= 0) /* EIO: the other side is closed */
            break;
        len += (size_t)got;
        seen[len] = '\0';
        if (len < 2 || strcmp(seen + len - 2, ": ") != 0 || answers[answered] == NULL)
            continue;
        assert_true(write(terminal, answers[answered], strlen(answers[answered])) > 0);
        answered++;
    }
    assert_true(waitpid(child, &status, 0) == child && WIFEXITED(status));
    close(terminal);
    return WEXITSTATUS(status);
}

static bool echo_is_on(void)
{
    struct termios now;

    return tcgetattr(STDIN_FILENO, &now) == 0 && (now.c_lflag & ECHO) != 0;
}

static int ask_for_known(void)
{
    struct secret *got = NULL;
    enum err rc = terminal_passphrase(NULL, "keyring k", false, &got);
    bool right = rc == ERR_OK && bytes_equal(secret_bytes(got), bytes_of_text("tick tock"));

    secret_free(got);
    return right && echo_is_on() ? 0 : 1;
}

static void a_passphrase_is_asked_for_and_not_shown(void **state)
{
    static const char *const answers[] = {"tick tock\n", NULL};

    (void)state;
    assert_int_equal(run_at_terminal(ask_for_known, answers), 0);
    assert_string_equal(seen, "Passphrase for keyring k: \r\n");
}

static int ask_for_new(void)
{
    struct secret *got = NULL;
    enum err rc = terminal_passphrase(NULL, "keyring k", true, &got);

    secret_free(got);
    if (rc == ERR_USAGE && strcmp(told(), "the two passphrases differ") == 0)
        return 2;
    return rc == ERR_OK ? 0 : 1;
}

static void a_new_passphrase_is_asked_for_twice(void **state)
{
    static const char *const same[] = {"abc\n", "abc\n", NULL};
    static const char *const other[] = {"abc\n", "abd\n", NULL};

    (void)state;
    assert_int_equal(run_at_terminal(ask_for_new, same), 0);
    assert_string_equal(seen, "New passphrase for keyring k: \r\nOnce more for keyring k: \r\n");
    assert_int_equal(run_at_terminal(ask_for_new, other), 2);
}

static int expect_unreachable(void)
{
    struct secret *got = NULL;
    enum err rc = terminal_passphrase(NULL, "keyring k", false, &got);

    return rc == ERR_KEY_UNREACHABLE && got == NULL && echo_is_on() &&
                   strcmp(told(), "no passphrase was typed") == 0
               ? 0
               : 1;
}

static void an_empty_line_and_the_end_of_input_are_no_passphrase(void **state)
{
    static const char *const empty[] = {"\n", NULL};
    static const char *const end[] = {"\004", NULL};

    (void)state;
    assert_int_equal(run_at_terminal(expect_unreachable, empty), 0);
    assert_int_equal(run_at_terminal(expect_unreachable, end), 0);
}

static int expect_interrupt(void)
{
    struct secret *got = NULL;
    enum err rc;

    stop_install();
    rc = terminal_passphrase(NULL, "keyring k", false, &got);
    return rc == ERR_INTERRUPTED && got == NULL && echo_is_on() ? 0 : 1;
}

static void an_interrupt_leaves_the_terminal_with_its_echo(void **state)
{
    static const char *const interrupt[] = {"ab\003", NULL};

    (void)state;
    assert_int_equal(run_at_terminal(expect_interrupt, interrupt), 0);
}

static int confirm(void)
{
    enum err rc = terminal_confirm("Disable it?", "--yes");

    if (rc == ERR_USAGE && strcmp(told(), "not confirmed; nothing was changed") == 0)
        return 2;
    return rc == ERR_OK ? 0 : 1;
}

static void only_yes_is_yes(void **state)
{
    static const char *const answers[][2] = {
        {"yes\n", NULL}, {"y\n", NULL}, {"\n", NULL}, {"yes please\n", NULL}, {"no\n", NULL}};

    (void)state;
    for (size_t i = 0; i < sizeof answers / sizeof answers[0]; i++)
        assert_int_equal(run_at_terminal(confirm, answers[i]), i == 0 ? 0 : 2);
    assert_memory_equal(seen, "Disable it? Type yes to go on: ", 31);
}

/* As under cron: a session without a terminal. */
static int run_without_terminal(int (*ask)(void))
{
    int status = 0;
    pid_t child;

    fflush(NULL);
    child = fork();
    if (child == 0) {
        if (setsid() < 0)
            _exit(99);
        _exit(ask());
    }
    assert_true(child > 0 && waitpid(child, &status, 0) == child && WIFEXITED(status));
    return WEXITSTATUS(status);
}

static int ask_nobody(void)
{
    static const char due[] = "the passphrase of keyring k cannot be asked for: there is no "
                              "terminal\n  give --passphrase-file FILE (or fd:N)";
    struct secret *got = NULL;
    enum err rc = terminal_passphrase(NULL, "keyring k", false, &got);

    return rc == ERR_KEY_UNREACHABLE && strcmp(told(), due) == 0 ? 0 : 1;
}

static int confirm_nobody(void)
{
    static const char due[] = "this needs confirmation, and there is no terminal to ask at\n  give "
                              "--yes to do it without being asked";
    enum err rc = terminal_confirm("Disable it?", "--yes");

    return rc == ERR_USAGE && strcmp(told(), due) == 0 ? 0 : 1;
}

static void without_a_terminal_it_is_said_what_to_do(void **state)
{
    (void)state;
    assert_int_equal(run_without_terminal(ask_nobody), 0);
    assert_int_equal(run_without_terminal(confirm_nobody), 0);
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_passphrase_is_asked_for_and_not_shown),
        cmocka_unit_test(a_new_passphrase_is_asked_for_twice),
        cmocka_unit_test(an_empty_line_and_the_end_of_input_are_no_passphrase),
        cmocka_unit_test(an_interrupt_leaves_the_terminal_with_its_echo),
        cmocka_unit_test(only_yes_is_yes),
        cmocka_unit_test(without_a_terminal_it_is_said_what_to_do),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
