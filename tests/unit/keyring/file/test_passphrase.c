#include "keyring/file/passphrase.h"

#include <fcntl.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "core/base/log.h"
#include "tests/unit/keyring/rings.h"

static char said[ERR_TEXT_MAX];

static void listen(enum log_level level, const char *text)
{
    (void)level;
    snprintf(said, sizeof said, "%s", text);
}

static void expect_from(const char *file, const char *expected)
{
    struct passphrase_source from = {.file = file};
    struct secret *got = NULL;

    assert_done(passphrase_get(&from, "k", false, &got));
    assert_true(bytes_equal(secret_bytes(got), bytes_of_text(expected)));
    secret_free(got);
}

static void one_newline_at_the_end_is_not_part_of_it(void **state)
{
    static const char *const cases[][2] = {
        {"abc", "abc"},     {"abc\n", "abc"},     {"abc\n\n", "abc\n"},
        {" a b ", " a b "}, {"abc\r\n", "abc\r"},
    };

    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        put_file(in(state, "p"), cases[i][0]);
        expect_from(in(state, "p"), cases[i][1]);
    }
}

static void up_to_1024_bytes_are_taken(void **state)
{
    struct passphrase_source from = {.file = in(state, "p")};
    struct secret *got = NULL;
    char text[PASSPHRASE_LEN_MAX + 4];

    memset(text, 'x', sizeof text);
    text[PASSPHRASE_LEN_MAX] = '\0';
    put_file(in(state, "p"), text);
    expect_from(in(state, "p"), text);
    put_file(in(state, "q"), textf("%s\n", text));
    expect_from(in(state, "q"), text);
    text[PASSPHRASE_LEN_MAX] = 'x';
    for (size_t more = 1; more < 3; more++) {
        text[PASSPHRASE_LEN_MAX + more] = '\0';
        put_file(in(state, "p"), text);
        assert_refused(passphrase_get(&from, "k", false, &got), ERR_USAGE,
                       textf("passphrase file %s: it is longer than 1024 bytes", in(state, "p")));
        text[PASSPHRASE_LEN_MAX + more] = 'x';
    }
}

static void an_empty_one_is_refused(void **state)
{
    struct passphrase_source from = {.file = in(state, "p")};
    struct secret *got = NULL;

    put_file(in(state, "p"), "\n");
    assert_refused(passphrase_get(&from, "k", false, &got), ERR_USAGE,
                   textf("passphrase file %s: it is empty", in(state, "p")));
    put_file(in(state, "p"), "");
    assert_refused(passphrase_get(&from, "k", false, &got), ERR_USAGE, NULL);
}

static void a_source_that_cannot_be_read_is_unreachable(void **state)
{
    struct passphrase_source from = {.file = in(state, "none")};
    struct secret *got = NULL;

    assert_refused(
        passphrase_get(&from, "k", false, &got), ERR_KEY_UNREACHABLE,
        textf("passphrase file %s: opening it: No such file or directory", in(state, "none")));
    from.file = in(state, "");
    assert_refused(passphrase_get(&from, "k", false, &got), ERR_KEY_UNREACHABLE,
                   textf("passphrase file %s: reading it: Is a directory", in(state, "")));
    from.file = "fd:999";
    assert_refused(passphrase_get(&from, "k", false, &got), ERR_KEY_UNREACHABLE,
                   "passphrase file fd:999: reading it: Bad file descriptor");
    from.file = "fd:x";
    assert_refused(passphrase_get(&from, "k", false, &got), ERR_USAGE, NULL);
    from.file = NULL;
    assert_refused(passphrase_get(&from, "k", false, &got), ERR_KEY_UNREACHABLE, NULL);
}

static void a_descriptor_is_read_to_its_end(void **state)
{
    int ends[2];

    (void)state;
    assert_int_equal(pipe(ends), 0);
    assert_int_equal(write(ends[1], "from a pipe\n", 12), 12);
    close(ends[1]);
    expect_from(textf("fd:%d", ends[0]), "from a pipe");
    close(ends[0]);
}

static void a_file_that_others_can_read_is_warned_of(void **state)
{
    put_file(in(state, "p"), "abc");
    said[0] = '\0';
    log_to(listen);
    chmod(in(state, "p"), 0600);
    expect_from(in(state, "p"), "abc");
    assert_string_equal(said, "");
    chmod(in(state, "p"), 0644);
    expect_from(in(state, "p"), "abc");
    log_to(NULL);
    assert_string_equal(
        said,
        textf(
            "passphrase file %s can be read by others (mode 0644); make it private with chmod 600",
            in(state, "p")));
}

struct asked {
    const char *what;
    bool twice;
};

static enum err answer(void *arg, const char *what, bool twice, struct secret **out)
{
    struct asked *a = arg;

    a->what = what;
    a->twice = twice;
    return secret_copy(bytes_of_text("typed"), out);
}

static void without_a_file_somebody_is_asked(void **state)
{
    struct asked asked = {NULL, false};
    struct passphrase_source from = {.ask = answer, .ask_arg = &asked};
    struct secret *got = NULL;

    (void)state;
    assert_done(passphrase_get(&from, "/srv/keyring", true, &got));
    assert_string_equal(asked.what, "/srv/keyring");
    assert_true(asked.twice);
    assert_true(bytes_equal(secret_bytes(got), bytes_of_text("typed")));
    secret_free(got);
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        IN_DIRECTORY(one_newline_at_the_end_is_not_part_of_it),
        IN_DIRECTORY(up_to_1024_bytes_are_taken),
        IN_DIRECTORY(an_empty_one_is_refused),
        IN_DIRECTORY(a_source_that_cannot_be_read_is_unreachable),
        IN_DIRECTORY(a_descriptor_is_read_to_its_end),
        IN_DIRECTORY(a_file_that_others_can_read_is_warned_of),
        IN_DIRECTORY(without_a_file_somebody_is_asked),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
