#include "snapshot/source/source.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "tests/unit/helpers.h"

/* What the first name of the source at `path` is; standard input is the file "input". */
static void assert_first(void **state, const char *path, const char *stream_name, bool is_stream,
                         const char *first)
{
    struct source_options options = {
        .any_directory = true, .path = path, .stream_name = stream_name};
    struct source s = {.driver = NULL};
    struct entry e;
    bool more = false;
    struct snapshot_attention attention = {0};
    int kept = dup(STDIN_FILENO);
    int input = open(in(state, "input"), O_RDONLY | O_CLOEXEC);

    assert_true(kept >= 0 && input >= 0 && dup2(input, STDIN_FILENO) == STDIN_FILENO);
    close(input);
    entry_init(&e);
    assert_done(source_open(&options, &s));
    assert_int_equal(s.is_stream, is_stream);
    assert_done(s.driver->next(s.self, &e, &more, &attention));
    assert_true(more);
    assert_string_equal(entry_path(&e), first);
    entry_clear(&e);
    source_free(&s);
    assert_int_equal(dup2(kept, STDIN_FILENO), STDIN_FILENO);
    close(kept);
}

static void a_dash_is_standard_input_and_all_else_a_directory(void **state)
{
    put_file(in(state, "input"), "bytes");
    assert_int_equal(mkdir(in(state, "directory"), 0700), 0);
    put_file(in(state, "directory/f"), "");
    assert_first(state, "-", NULL, true, "stream");
    assert_first(state, "-", "dump", true, "dump");
    assert_first(state, in(state, "directory"), NULL, false, ".");
}

static void what_is_neither_is_refused(void **state)
{
    struct source_options options = {.any_directory = true, .path = in(state, "missing")};
    struct source s = {.driver = NULL};

    assert_refused(source_open(&options, &s), ERR_NOT_FOUND, NULL);
    assert_null(s.driver);
    source_free(&s); /* nothing was opened: nothing happens */
}

static const struct CMUnitTest tests[] = {
    IN_DIRECTORY(a_dash_is_standard_input_and_all_else_a_directory),
    IN_DIRECTORY(what_is_neither_is_refused),
};

int main(void)
{
    return cmocka_run_group_tests(tests, NULL, NULL);
}
