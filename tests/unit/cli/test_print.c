#include "cli/print.h"

#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "cli/grid.h"
#include "cli/list.h"
#include "core/base/log.h"
#include "core/base/mem.h"
#include "tests/unit/helpers.h"

/* Run `print` in a child whose standard output and error are files of the test's directory; gives
 * its exit status. */
static int run_apart(void **state, int (*print)(void), const char *out)
{
    char out_path[400], err_path[400];
    int status = 0;
    pid_t child;

    snprintf(out_path, sizeof out_path, "%s", out != NULL ? out : in(state, "out"));
    snprintf(err_path, sizeof err_path, "%s", in(state, "err"));
    fflush(NULL);
    child = fork();
    if (child == 0) {
        int to = open(out_path, O_WRONLY | O_CREAT, 0600);
        int to_err = open(err_path, O_WRONLY | O_CREAT, 0600);

        if (dup2(to, STDOUT_FILENO) < 0 || dup2(to_err, STDERR_FILENO) < 0)
            _exit(99);
        _exit(print());
    }
    assert_true(child > 0 && waitpid(child, &status, 0) == child && WIFEXITED(status));
    return WEXITSTATUS(status);
}

static int print_foreign_text(void)
{
    print_clean("a\x1b[2Jb \xc3\xa9 0123456789abcdef\xc3\xa9\xff");
    print_out(" %d\n", 7);
    return print_finish() == ERR_OK ? 0 : 1;
}

static void text_from_outside_cannot_steer_a_terminal(void **state)
{
    assert_int_equal(run_apart(state, print_foreign_text, NULL), 0);
    assert_true(
        have_file(in(state, "out"), "a\\x1b[2Jb \xc3\xa9 0123456789abcdef\xc3\xa9\\xff 7\n"));
}

static int print_much(void)
{
    for (int i = 0; i < 10000; i++)
        print_out("line %d\n", i);
    if (print_finish() != ERR_STORAGE)
        return 1;
    return strcmp(err_text(), "writing to standard output: No space left on device") != 0;
}

static void a_full_disk_is_noticed(void **state)
{
    if (access("/dev/full", W_OK) != 0)
        skip();
    assert_int_equal(run_apart(state, print_much, "/dev/full"), 0);
}

static int print_messages(void)
{
    print_setup(false, false);
    log_say(LOG_DEBUG, "details");
    log_say(LOG_INFO, "a note");
    log_say(LOG_WARN, "a\nwarning");
    err_set(ERR_FAILED, "it failed: \x1b[31m\n  not a hint");
    err_hint("a hint");
    err_hint("%s", "another\n  not a third");
    print_failure();
    return 0;
}

static void notes_and_failures_go_to_standard_error(void **state)
{
    assert_int_equal(run_apart(state, print_messages, NULL), 0);
    assert_true(have_file(in(state, "out"), ""));
    assert_true(have_file(in(state, "err"), "sealpoint: a note\n"
                                            "sealpoint: warning: a\\x0awarning\n"
                                            "sealpoint: it failed: \\x1b[31m\\x0a  not a hint\n"
                                            "  a hint\n"
                                            "  another\\x0a  not a third\n"));
}

/* A version from a keyring, a name in JSON: what reorders a line on the terminal stays harmless,
 * and JSON says the same as before. */
static int print_reordering_text(void)
{
    struct jdoc *item = NULL;
    struct list l;
    enum err rc;

    print_out("version %s is active\n", "1\u202e2");
    print_clean("a\u2066b\nc\u200f\n");
    print_out("\n");
    list_begin(&l, 1);
    TRY(jdoc_object(&item));
    TRY(jdoc_set_text(item, "path", "a\u202e\u00e9\U000e0041b"));
    TRY(list_add(&l, &item));
    list_end(&l);
    TRY(print_finish());
out:
    return rc != ERR_OK;
}

static void text_that_reorders_a_line_is_escaped(void **state)
{
    assert_int_equal(run_apart(state, print_reordering_text, NULL), 0);
    assert_true(have_file(in(state, "out"), "version 1\\xe2\\x80\\xae2 is active\n"
                                            "a\\xe2\\x81\\xa6b\\x0ac\\xe2\\x80\\x8f\\x0a\n"
                                            "{\"format\":1,\"totalCount\":1,\"results\":[\n"
                                            "{\"path\":\"a\\u202e\u00e9\\udb40\\udc41b\"}\n"
                                            "]}\n"));
}

static int print_quietly(void)
{
    print_setup(true, false);
    log_say(LOG_INFO, "a note");
    log_say(LOG_WARN, "a warning");
    return print_is_quiet() ? 0 : 1;
}

static int print_verbosely(void)
{
    print_setup(true, true); /* verbose wins: who asks for more gets it */
    log_say(LOG_DEBUG, "details");
    return print_is_quiet() ? 1 : 0;
}

static void quiet_leaves_warnings(void **state)
{
    assert_int_equal(run_apart(state, print_quietly, NULL), 0);
    assert_true(have_file(in(state, "err"), "sealpoint: warning: a warning\n"));
}

static void verbose_shows_everything(void **state)
{
    assert_int_equal(run_apart(state, print_verbosely, NULL), 0);
    assert_true(have_file(in(state, "err"), "sealpoint: details\n"));
}

static int print_with_status(void)
{
    print_setup(false, false);
    print_status("50 %");
    log_say(LOG_INFO, "a note");
    print_status("60 %");
    print_status(NULL);
    return 0;
}

static void a_note_takes_the_line_of_progress_away(void **state)
{
    assert_int_equal(run_apart(state, print_with_status, NULL), 0);
    assert_true(have_file(in(state, "err"), "50 %\r\033[Ksealpoint: a note\n60 %\r\033[K"));
}

static enum err add_rows(struct grid *g)
{
    enum err rc;

    TRY(grid_add(g, "\xc3\xa9t\xc3\xa9"));
    TRY(grid_add_number(g, 7));
    TRY(grid_add_time(g, 1795500000000));
    TRY(grid_add(g, ""));
    TRY(grid_add(g, "a longer name"));
    TRY(grid_add_size(g, 1536));
    TRY(grid_add_time(g, 0));
    TRY(grid_add(g, "x\ty"));
out:
    return rc;
}

static int print_a_grid(void)
{
    static const struct grid_column columns[] = {
        {"NAME", false}, {"N", true}, {"TIME", false}, {"NOTE", false}};
    struct grid g;
    enum err rc;

    grid_init(&g, columns, 4);
    grid_print(&g); /* no rows: nothing at all */
    rc = add_rows(&g);
    grid_print(&g);
    grid_clear(&g);
    return rc == ERR_OK && print_finish() == ERR_OK ? 0 : 1;
}

static void columns_are_as_wide_as_their_widest_cell(void **state)
{
    assert_int_equal(run_apart(state, print_a_grid, NULL), 0);
    assert_true(have_file(in(state, "out"),
                          "NAME                 N  TIME                 NOTE\n"
                          "\xc3\xa9t\xc3\xa9                  7  2026-11-24 06:00:00\n"
                          "a longer name  1.5 KiB  -                    x\\x09y\n"));
}

static int print_lists(void)
{
    struct jdoc *item = NULL;
    struct list l;
    enum err rc;

    list_begin(&l, 0);
    list_end(&l);
    list_begin(&l, 2);
    for (uint64_t i = 0; i < 2; i++) {
        TRY(jdoc_object(&item));
        TRY(jdoc_set_number(item, "n", i));
        TRY(list_add(&l, &item));
    }
    list_end(&l);
    TRY(print_finish());
out:
    return rc != ERR_OK || item != NULL;
}

static void a_list_is_one_document_with_its_count(void **state)
{
    assert_int_equal(run_apart(state, print_lists, NULL), 0);
    assert_true(have_file(in(state, "out"), "{\"format\":1,\"totalCount\":0,\"results\":[]}\n"
                                            "{\"format\":1,\"totalCount\":2,\"results\":[\n"
                                            "{\"n\":0},\n"
                                            "{\"n\":1}\n"
                                            "]}\n"));
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        IN_DIRECTORY(text_from_outside_cannot_steer_a_terminal),
        IN_DIRECTORY(a_full_disk_is_noticed),
        IN_DIRECTORY(notes_and_failures_go_to_standard_error),
        IN_DIRECTORY(text_that_reorders_a_line_is_escaped),
        IN_DIRECTORY(quiet_leaves_warnings),
        IN_DIRECTORY(verbose_shows_everything),
        IN_DIRECTORY(a_note_takes_the_line_of_progress_away),
        IN_DIRECTORY(columns_are_as_wide_as_their_widest_cell),
        IN_DIRECTORY(a_list_is_one_document_with_its_count),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
