#include "core/fs/file.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include "core/base/mem.h"
#include "tests/unit/helpers.h"

static mode_t mode_of(const char *path)
{
    struct stat st;

    assert_int_equal(stat(path, &st), 0);
    return st.st_mode & 07777;
}

/* The message with the directory of this test put in. */
static const char *text(void **state, const char *before, const char *name, const char *after)
{
    static char out[ERR_TEXT_MAX];

    snprintf(out, sizeof out, "%s%s%s", before, in(state, name), after);
    return out;
}

static void reading_appends(void **state)
{
    struct buf b = {.max = 6};

    put_file(in(state, "a"), "def");
    assert_done(buf_add_text(&b, "abc"));
    assert_done(file_read(in(state, "a"), &b));
    assert_true(bytes_equal(buf_bytes(&b), bytes_of_text("abcdef")));
    buf_clear(&b);
}

static void a_file_over_the_cap_is_refused_and_the_buffer_is_as_before(void **state)
{
    struct buf b = {.max = 5};

    put_file(in(state, "a"), "def");
    assert_done(buf_add_text(&b, "abc"));
    assert_refused(file_read(in(state, "a"), &b), ERR_FAILED,
                   text(state, "", "a", ": longer than 5 bytes"));
    assert_true(bytes_equal(buf_bytes(&b), bytes_of_text("abc")));
    buf_clear(&b);
}

static void what_is_not_a_file_is_not_read(void **state)
{
    struct buf b = {.max = 100};

    assert_refused(file_read(in(state, "a"), &b), ERR_NOT_FOUND,
                   text(state, "reading ", "a", ": No such file or directory"));
    assert_refused(file_read(in(state, ""), &b), ERR_FAILED,
                   text(state, "", "", " is not a regular file"));
    assert_int_equal(mkfifo(in(state, "pipe"), 0600), 0); /* must not hang */
    assert_refused(file_read(in(state, "pipe"), &b), ERR_FAILED,
                   text(state, "", "pipe", " is not a regular file"));
    buf_clear(&b);
}

static void check_length(void *arg, size_t len)
{
    void **state = arg;
    uint8_t *content = malloc(len + 1);
    struct buf b = {.max = len};

    assert_non_null(content);
    fill_pattern(content, len, (uint32_t)len);
    assert_done(file_replace(in(state, "a"), bytes_of(content, len), 0600));
    assert_done(file_read(in(state, "a"), &b));
    assert_true(bytes_equal(buf_bytes(&b), bytes_of(content, len)));
    buf_clear(&b);
    free(content);
}

static void every_length_comes_back(void **state)
{
    sweep_lengths(64 * KIB, check_length, state); /* the step of a read */
}

static void a_file_is_replaced_whole_with_its_mode_and_nothing_is_left_beside(void **state)
{
    assert_done(file_replace(in(state, "a"), bytes_of_text("old"), 0600));
    assert_done(file_replace(in(state, "a"), bytes_of_text("new"), 0640));
    assert_true(have_file(in(state, "a"), "new"));
    assert_int_equal(mode_of(in(state, "a")), 0640);
    assert_int_equal(count_names(in(state, "")), 1);
}

static void a_replacement_that_fails_leaves_nothing(void **state)
{
    assert_int_equal(mkdir(in(state, "a"), 0700), 0);
    assert_int_equal(file_replace(in(state, "a"), bytes_of_text("new"), 0600), ERR_FAILED);
    assert_int_equal(count_names(in(state, "")), 1);
    assert_int_equal(file_replace(in(state, "no/b"), bytes_of_text("new"), 0600), ERR_FAILED);
}

static enum err replace_call(void *arg)
{
    void **state = arg;
    enum err rc = file_replace(in(state, "a"), bytes_of_text("new"), 0600);

    assert_int_equal(count_names(in(state, "")), 1);
    assert_true(have_file(in(state, "a"), rc == ERR_OK ? "new" : "old"));
    return rc;
}

static void without_memory_the_old_file_stays(void **state)
{
    put_file(in(state, "a"), "old");
    assert_true(sweep_allocations(replace_call, state) > 0);
}

static void a_file_is_created_but_never_over_another(void **state)
{
    assert_done(file_create(in(state, "a"), bytes_of_text("first"), 0600));
    assert_refused(file_create(in(state, "a"), bytes_of_text("second"), 0600), ERR_EXISTS,
                   text(state, "creating ", "a", ": File exists"));
    assert_true(have_file(in(state, "a"), "first"));
    assert_int_equal(count_names(in(state, "")), 1);
}

static void a_sweep_removes_the_temporaries_of_one_file_only(void **state)
{
    put_file(in(state, "a.tmp-0123456789abcdef"), "");
    put_file(in(state, "a.tmp-0123456789abcdeX"), "");
    put_file(in(state, "b.tmp-0123456789abcdef"), "");
    put_file(in(state, "a"), "");
    assert_done(file_sweep(in(state, "a")));
    assert_false(file_exists(in(state, "a.tmp-0123456789abcdef")));
    assert_int_equal(count_names(in(state, "")), 3);
    assert_done(file_sweep(in(state, "no/a")));
}

static void a_full_disk_is_a_matter_of_storage(void **state)
{
    int fd = open("/dev/full", O_WRONLY | O_CLOEXEC);

    (void)state;
    assert_true(fd >= 0);
    assert_refused(file_write(fd, bytes_of_text("x")), ERR_STORAGE,
                   "writing: No space left on device");
    assert_int_equal(errno, ENOSPC);
    close(fd);
}

static void a_write_lands_at_its_place_and_a_read_says_where_the_end_is(void **state)
{
    int fd = open(in(state, "a"), O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    char back[8] = "";
    size_t got = 0;

    assert_true(fd >= 0);
    assert_done(file_write_at(fd, bytes_of_text("cd"), 2));
    assert_done(file_write_at(fd, bytes_of_text("ab"), 0));
    assert_done(file_read_at(fd, back, sizeof back, 1, &got));
    assert_int_equal(got, 3);
    assert_string_equal(back, "bcd");
    close(fd);
}

static void directories_are_made_on_the_way(void **state)
{
    assert_done(file_make_dirs(in(state, "a/b//c/"), 0700));
    assert_int_equal(mode_of(in(state, "a/b/c")), 0700);
    assert_done(file_make_dirs(in(state, "a/b/c"), 0700));
    put_file(in(state, "a/file"), "");
    assert_refused(file_make_dirs(in(state, "a/file"), 0700), ERR_FAILED,
                   text(state, "", "a/file", " is there and is not a directory"));
    assert_int_equal(file_make_dirs(in(state, "a/file/b"), 0700), ERR_FAILED);
}

/* The file system below this test: what open() says to O_TMPFILE; 0: what the real one says. */
static int unnamed_gives;
static unsigned unnamed_asked;

/* In place of the library's. */
int open(const char *path, int flags, ...)
{
    mode_t mode = 0;
    va_list args;

    va_start(args, flags);
    if ((flags & (O_CREAT | O_TMPFILE)) != 0)
        mode = va_arg(args, mode_t);
    va_end(args);
    if ((flags & O_TMPFILE) == O_TMPFILE) {
        unnamed_asked++;
        errno = unnamed_gives;
        if (unnamed_gives != 0)
            return -1;
    }
    return openat(AT_FDCWD, path, flags, mode);
}

static void assert_unnamed_works(void **state)
{
    struct stat st;
    char got[4] = "";
    size_t len = 0;
    int fd = -1;

    assert_done(file_temporary(in(state, ""), &fd));
    assert_int_equal(count_names(in(state, "")), 0);
    assert_int_equal(fstat(fd, &st), 0);
    assert_int_equal(st.st_mode, S_IFREG | 0600);
    assert_int_equal(st.st_nlink, 0);
    assert_int_equal(fcntl(fd, F_GETFD), FD_CLOEXEC);
    assert_done(file_write_at(fd, bytes_of_text("abc"), 0));
    assert_done(file_read_at(fd, got, 4, 0, &len));
    assert_int_equal(len, 3);
    assert_string_equal(got, "abc");
    close(fd);
}

static void an_unnamed_file_is_made_where_there_are_none(void **state)
{
    static const int causes[] = {0, EOPNOTSUPP, EISDIR, EINVAL};

    for (size_t i = 0; i < sizeof causes / sizeof causes[0]; i++) {
        unnamed_gives = causes[i];
        unnamed_asked = 0;
        assert_unnamed_works(state);
        assert_int_equal(unnamed_asked, 1);
    }
    unnamed_gives = 0;
}

static void what_a_killed_run_left_of_an_unnamed_file_goes_with_the_next(void **state)
{
    int fd = -1;

    put_file(in(state, "unnamed.tmp-0123456789abcdef"), "");
    put_file(in(state, "unnamed.tmp-notours"), "");
    unnamed_gives = EOPNOTSUPP;
    assert_done(file_temporary(in(state, ""), &fd));
    unnamed_gives = 0;
    close(fd);
    assert_false(file_exists(in(state, "unnamed.tmp-0123456789abcdef")));
    assert_true(file_exists(in(state, "unnamed.tmp-notours")));
}

static void where_no_file_can_be_made_there_is_no_unnamed_one(void **state)
{
    int fd = -1;

    assert_refused(
        file_temporary(in(state, "none"), &fd), ERR_FAILED,
        text(state, "making a temporary file in ", "none", ": No such file or directory"));
    unnamed_gives = EOPNOTSUPP;
    assert_refused(
        file_temporary(in(state, "none"), &fd), ERR_FAILED,
        text(state, "making a temporary file in ", "none", ": No such file or directory"));
    unnamed_gives = ENOSPC;
    assert_refused(file_temporary(in(state, ""), &fd), ERR_STORAGE,
                   text(state, "making a temporary file in ", "", ": No space left on device"));
    unnamed_gives = 0;
    assert_int_equal(fd, -1);
}

static void a_dangling_link_is_there(void **state)
{
    assert_int_equal(symlink("nowhere", in(state, "a")), 0);
    assert_true(file_exists(in(state, "a")));
    assert_false(file_exists(in(state, "b")));
}

static void joining_doubles_no_slash(void **state)
{
    char *path = NULL;

    (void)state;
    assert_done(file_join("/", "a", &path));
    assert_string_equal(path, "/a");
    mem_free(path);
    assert_done(file_join("b", "a", &path));
    assert_string_equal(path, "b/a");
    mem_free(path);
}

static void a_sweep_leaves_a_file_with_another_mark(void **state)
{
    put_file(in(state, "a.old-0123456789abcdef"), "");
    assert_done(file_sweep(in(state, "a")));
    assert_true(file_exists(in(state, "a.old-0123456789abcdef")));
}

static void what_the_system_refuses_to_read_or_write_is_told(void **state)
{
    int fd = open(in(state, ""), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    char back[1];
    size_t got = 0;

    assert_true(fd >= 0);
    assert_refused(file_read_at(fd, back, sizeof back, 0, &got), ERR_FAILED,
                   "reading: Is a directory");
    assert_refused(file_write_at(fd, bytes_of_text("x"), 0), ERR_FAILED,
                   "writing: Bad file descriptor");
    close(fd);
}

static void a_write_that_fails_leaves_no_temporary(void **state)
{
    const struct sigaction ignored = {.sa_handler = SIG_IGN};
    struct sigaction handled;
    struct rlimit before, small;
    enum err rc;

    assert_int_equal(getrlimit(RLIMIT_FSIZE, &before), 0);
    small = (struct rlimit){.rlim_cur = 4, .rlim_max = before.rlim_max};
    assert_int_equal(sigaction(SIGXFSZ, &ignored, &handled), 0);
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &small), 0);
    rc = file_replace(in(state, "a"), bytes_of_text("more than four"), 0600);
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &before), 0);
    assert_int_equal(sigaction(SIGXFSZ, &handled, NULL), 0);
    assert_int_equal(rc, ERR_FAILED);
    assert_int_equal(count_names(in(state, "")), 0);
}

static void a_directory_without_a_name_is_joined(void **state)
{
    char *path = NULL;

    (void)state;
    assert_done(file_join("", "a", &path));
    assert_string_equal(path, "/a");
    mem_free(path);
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        IN_DIRECTORY(reading_appends),
        IN_DIRECTORY(a_file_over_the_cap_is_refused_and_the_buffer_is_as_before),
        IN_DIRECTORY(what_is_not_a_file_is_not_read),
        IN_DIRECTORY(every_length_comes_back),
        IN_DIRECTORY(a_file_is_replaced_whole_with_its_mode_and_nothing_is_left_beside),
        IN_DIRECTORY(a_replacement_that_fails_leaves_nothing),
        IN_DIRECTORY(without_memory_the_old_file_stays),
        IN_DIRECTORY(a_file_is_created_but_never_over_another),
        IN_DIRECTORY(a_sweep_removes_the_temporaries_of_one_file_only),
        IN_DIRECTORY(a_full_disk_is_a_matter_of_storage),
        IN_DIRECTORY(a_write_lands_at_its_place_and_a_read_says_where_the_end_is),
        IN_DIRECTORY(directories_are_made_on_the_way),
        IN_DIRECTORY(an_unnamed_file_is_made_where_there_are_none),
        IN_DIRECTORY(what_a_killed_run_left_of_an_unnamed_file_goes_with_the_next),
        IN_DIRECTORY(where_no_file_can_be_made_there_is_no_unnamed_one),
        IN_DIRECTORY(a_dangling_link_is_there),
        IN_DIRECTORY(joining_doubles_no_slash),
        IN_DIRECTORY(a_sweep_leaves_a_file_with_another_mark),
        IN_DIRECTORY(what_the_system_refuses_to_read_or_write_is_told),
        IN_DIRECTORY(a_write_that_fails_leaves_no_temporary),
        cmocka_unit_test(a_directory_without_a_name_is_joined),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
