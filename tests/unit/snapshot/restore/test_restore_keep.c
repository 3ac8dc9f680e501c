#include "snapshot/restore/restore_keep.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "tests/unit/helpers.h"

struct keeping {
    struct restore_keep k;
    int root, guard;
};

static void begin(void **state, struct keeping *s)
{
    assert_int_equal(mkdir(in(state, "root"), 0700), 0);
    assert_int_equal(mkdir(in(state, "guard"), 0700), 0);
    s->root = open(in(state, "root"), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    s->guard = open(in(state, "guard"), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    assert_true(s->root >= 0 && s->guard >= 0);
    keep_init(&s->k, s->guard);
}

static void end(struct keeping *s)
{
    keep_clear(&s->k);
    close(s->root);
    close(s->guard);
}

static void what_is_moved_away_lies_under_its_name_and_comes_back(void **state)
{
    struct keeping s;

    begin(state, &s);
    put_file(in(state, "root/a"), "alpha");
    assert_int_equal(mkdir(in(state, "root/d"), 0700), 0);
    put_file(in(state, "root/d/f"), "file");
    assert_done(keep_away(&s.k, "a", s.root, "a"));
    assert_done(keep_away(&s.k, "d", s.root, "d"));
    assert_int_equal(count_names(in(state, "root")), 0);
    assert_true(have_file(in(state, "guard/1-a"), "alpha"));
    assert_true(have_file(in(state, "guard/2-d/f"), "file"));
    assert_done(keep_made(&s.k, "a"));
    put_file(in(state, "root/a"), "new");
    assert_done(keep_undo(&s.k, s.root));
    assert_true(have_file(in(state, "root/a"), "alpha"));
    assert_true(have_file(in(state, "root/d/f"), "file"));
    assert_int_equal(count_names(in(state, "guard")), 0);
    end(&s);
}

static void a_directory_that_was_made_goes_with_all_that_is_in_it(void **state)
{
    struct keeping s;

    begin(state, &s);
    put_file(in(state, "root/d"), "was a file");
    assert_done(keep_away(&s.k, "d", s.root, "d"));
    assert_done(keep_made(&s.k, "d"));
    assert_int_equal(mkdir(in(state, "root/d"), 0700), 0);
    assert_done(keep_made(&s.k, "d/f"));
    put_file(in(state, "root/d/f"), "new");
    assert_done(keep_undo(&s.k, s.root));
    assert_true(have_file(in(state, "root/d"), "was a file"));
    end(&s);
}

static void a_directory_gets_its_mode_and_time_back(void **state)
{
    const struct timespec times[2] = {{.tv_nsec = UTIME_OMIT}, {.tv_sec = 1000000000}};
    struct keeping s;
    struct stat st;
    int fd;

    begin(state, &s);
    assert_int_equal(mkdir(in(state, "root/d"), 0700), 0);
    put_file(in(state, "root/d/f"), "file");
    assert_int_equal(chmod(in(state, "root/d"), 02750), 0);
    assert_int_equal(utimensat(AT_FDCWD, in(state, "root/d"), times, 0), 0);
    fd = open(in(state, "root/d"), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    assert_done(keep_look(&s.k, "d", fd));
    assert_int_equal(fchmod(fd, 0700), 0);
    assert_done(keep_away(&s.k, "d/f", fd, "f"));
    close(fd);
    assert_done(keep_undo(&s.k, s.root));
    assert_int_equal(stat(in(state, "root/d"), &st), 0);
    assert_int_equal(st.st_mode & 07777, 02750);
    assert_int_equal(st.st_mtim.tv_sec, 1000000000);
    assert_true(have_file(in(state, "root/d/f"), "file"));
    end(&s);
}

/* A killed restore has left its own: they stay. */
static void what_is_kept_already_is_not_replaced(void **state)
{
    struct keeping s;

    begin(state, &s);
    put_file(in(state, "guard/1-a"), "of the killed one");
    put_file(in(state, "root/a"), "alpha");
    assert_done(keep_away(&s.k, "a", s.root, "a"));
    assert_true(have_file(in(state, "guard/1-a"), "of the killed one"));
    assert_true(have_file(in(state, "guard/2-a"), "alpha"));
    assert_done(keep_away(&s.k, "gone", s.root, "gone"));
    assert_false(s.k.is_lost);
    end(&s);
}

static void what_cannot_come_back_is_a_failure_and_the_rest_comes(void **state)
{
    struct keeping s;

    begin(state, &s);
    put_file(in(state, "root/a"), "alpha");
    put_file(in(state, "root/b"), "beta");
    assert_done(keep_away(&s.k, "a", s.root, "a"));
    assert_done(keep_away(&s.k, "b", s.root, "b"));
    assert_int_equal(unlink(in(state, "guard/2-b")), 0);
    assert_refused(keep_undo(&s.k, s.root), ERR_FAILED, NULL);
    assert_true(have_file(in(state, "root/a"), "alpha"));
    end(&s);
}

static const struct CMUnitTest tests[] = {
    IN_DIRECTORY(what_is_moved_away_lies_under_its_name_and_comes_back),
    IN_DIRECTORY(a_directory_that_was_made_goes_with_all_that_is_in_it),
    IN_DIRECTORY(a_directory_gets_its_mode_and_time_back),
    IN_DIRECTORY(what_is_kept_already_is_not_replaced),
    IN_DIRECTORY(what_cannot_come_back_is_a_failure_and_the_rest_comes),
};

int main(void)
{
    return cmocka_run_group_tests(tests, NULL, NULL);
}
