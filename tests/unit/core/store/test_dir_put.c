#include <errno.h>
#include <limits.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "core/base/pool.h"
#include "core/fs/file.h"
#include "core/store/store.h"
#include "tests/unit/helpers.h"

/* A server that did what it was asked, was asked again because its answer was lost, and refused. */
static bool link_is_asked_twice;

int linkat(int from_at, const char *from, int to_at, const char *to, int flags)
{
    long done = syscall(SYS_linkat, from_at, from, to_at, to, flags);

    if (done == 0 && link_is_asked_twice) {
        errno = EEXIST;
        return -1;
    }
    return (int)done;
}

static struct store *open_in(void **state)
{
    struct store *s = NULL;

    assert_done(store_open(in(state, "repo"), true, &s));
    return s;
}

static void an_object_has_no_name_before_its_commit(void **state)
{
    struct store *s = open_in(state);
    struct store_put *p = NULL;
    uint64_t size;

    assert_done(store_put_begin(s, "a/b", &p));
    assert_done(store_put_write(p, bytes_of_text("one ")));
    assert_int_equal(store_head(s, "a/b", &size), ERR_NOT_FOUND);
    assert_done(store_put_write(p, bytes_of_text("two")));
    assert_done(store_put_commit(p));
    store_put_free(p);
    assert_true(have_file(in(state, "repo/a/b"), "one two"));
    assert_int_equal(count_names(in(state, "repo/tmp")), 0);
    store_free(s);
}

static void a_put_given_up_leaves_nothing(void **state)
{
    struct store *s = open_in(state);
    struct store_put *p = NULL;

    assert_done(store_put_begin(s, "a/b", &p));
    assert_done(store_put_write(p, bytes_of_text("x")));
    assert_int_equal(count_names(in(state, "repo/tmp")), 1);
    store_put_free(p);
    assert_int_equal(count_names(in(state, "repo/tmp")), 0);
    assert_false(file_exists(in(state, "repo/a")));
    store_free(s);
}

static void a_taken_name_keeps_what_it_has(void **state)
{
    struct store *s = open_in(state);
    char due[ERR_TEXT_MAX];

    assert_done(store_put(s, "a", bytes_of_text("first")));
    snprintf(due, sizeof due, "writing a: %s has an object of this name already",
             in(state, "repo"));
    assert_refused(store_put(s, "a", bytes_of_text("second")), ERR_EXISTS, due);
    assert_true(have_file(in(state, "repo/a"), "first"));
    assert_int_equal(count_names(in(state, "repo/tmp")), 0);
    store_free(s);
}

static void a_name_that_was_given_is_given_whatever_the_link_says(void **state)
{
    struct store *s = open_in(state);

    link_is_asked_twice = true;
    assert_done(store_put(s, "a", bytes_of_text("first")));
    assert_int_equal(store_put(s, "a", bytes_of_text("second")), ERR_EXISTS);
    link_is_asked_twice = false;
    assert_true(have_file(in(state, "repo/a"), "first"));
    assert_int_equal(count_names(in(state, "repo/tmp")), 0);
    store_free(s);
}

static void objects_are_for_their_owner_only(void **state)
{
    struct store *s = open_in(state);
    struct stat st;

    assert_done(store_put(s, "a/b", bytes_of_text("x")));
    assert_int_equal(stat(in(state, "repo/a/b"), &st), 0);
    assert_int_equal(st.st_mode & 07777, 0600);
    assert_int_equal(st.st_nlink, 1);
    assert_int_equal(stat(in(state, "repo/a"), &st), 0);
    assert_int_equal(st.st_mode & 07777, 0700);
    store_free(s);
}

/* Whoever made the directory has said so. Writing and others are never let in. */
static void a_group_that_may_read_the_store_may_read_what_is_made_in_it(void **state)
{
    static const struct {
        mode_t root, directory, file;
    } rows[] = {
        {02770, 02750, 0640}, {0755, 0750, 0640}, {0750, 0750, 0640},
        {0710, 0700, 0600},   {0740, 0700, 0600}, {0707, 0700, 0600},
    };
    struct stat st;

    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct store *s = open_in(state);

        store_free(s);
        assert_int_equal(chmod(in(state, "repo"), rows[i].root), 0);
        s = open_in(state);
        assert_done(store_put(s, "a/b/c", bytes_of_text("x")));
        assert_int_equal(stat(in(state, "repo/a/b/c"), &st), 0);
        assert_int_equal(st.st_mode & 07777, rows[i].file);
        for (size_t dir = 0; dir < 2; dir++) {
            assert_int_equal(stat(in(state, dir == 0 ? "repo/a" : "repo/a/b"), &st), 0);
            assert_int_equal(st.st_mode & 07777, rows[i].directory);
        }
        store_free(s);
        assert_done(file_remove_tree(in(state, "repo")));
    }
}

static void a_store_that_was_removed_under_our_hands_is_said(void **state)
{
    struct store *s = open_in(state);
    char due[ERR_TEXT_MAX];

    assert_done(file_remove_tree(in(state, "repo")));
    snprintf(due, sizeof due, "%s was removed while it was in use", in(state, "repo"));
    assert_refused(store_put(s, "a/b", bytes_of_text("x")), ERR_STORAGE, due);
    store_free(s);
}

static void a_directory_removed_in_between_is_made_again(void **state)
{
    struct store *s = open_in(state);

    assert_done(store_put(s, "a/b/c", bytes_of_text("x")));
    assert_done(file_remove_tree(in(state, "repo/a")));
    assert_done(file_remove_tree(in(state, "repo/tmp")));
    assert_done(store_put(s, "a/b/c", bytes_of_text("y")));
    assert_true(have_file(in(state, "repo/a/b/c"), "y"));
    store_free(s);
}

static void check_length(void *arg, size_t len)
{
    void **state = arg;
    struct store *s = open_in(state);
    uint8_t *content = malloc(len + 1);
    struct buf back = {.max = 32 * MIB};

    assert_non_null(content);
    fill_pattern(content, len, 7);
    assert_done(store_put(s, "a/b", bytes_of(content, len)));
    assert_done(store_get(s, "a/b", &back));
    assert_true(bytes_equal(buf_bytes(&back), bytes_of(content, len)));
    assert_done(store_remove(s, "a/b"));
    buf_clear(&back);
    free(content);
    store_free(s);
}

static void every_length_around_the_write_behind_comes_back(void **state)
{
    for (size_t len = 8 * MIB - 1; len <= 8 * MIB + 1; len++)
        check_length(state, len);
    check_length(state, 0);
}

struct race {
    struct store *store;
    atomic_size_t won, lost;
};

#define RACE_ROUNDS 20
#define RACE_WORKERS 4

static enum err race_for_names(void *shared, size_t worker, const atomic_bool *stop)
{
    struct race *r = shared;
    char name[32];

    (void)stop;
    for (unsigned i = 0; i < RACE_ROUNDS; i++) {
        uint8_t who = (uint8_t)worker;
        enum err rc;

        snprintf(name, sizeof name, "race/%02u/x", i);
        rc = store_put(r->store, name, bytes_of(&who, 1));
        if (rc != ERR_OK && rc != ERR_EXISTS)
            return rc;
        atomic_fetch_add(rc == ERR_OK ? &r->won : &r->lost, 1);
    }
    return ERR_OK;
}

static void of_several_writers_of_one_name_one_wins(void **state)
{
    struct race r = {.store = open_in(state)};

    assert_done(pool_run(RACE_WORKERS, race_for_names, &r));
    assert_int_equal(r.won, RACE_ROUNDS);
    assert_int_equal(r.lost, RACE_ROUNDS * (RACE_WORKERS - 1));
    assert_int_equal(count_names(in(state, "repo/race")), RACE_ROUNDS);
    assert_int_equal(count_names(in(state, "repo/tmp")), 0);
    store_free(r.store);
}

static enum err open_and_put(void *arg)
{
    struct store *s = NULL;
    enum err rc;

    TRY(store_open(in(arg, "repo"), true, &s));
    TRY(store_put(s, "a/b", bytes_of_text("x")));
    TRY(store_remove(s, "a/b"));
out:
    store_free(s);
    assert_int_equal(count_names(in(arg, "repo/a")), 0);
    assert_int_equal(count_names(in(arg, "repo/tmp")), 0);
    return rc;
}

static void without_memory_nothing_is_left(void **state)
{
    assert_true(sweep_allocations(open_and_put, state) > 6);
}

static void a_store_removed_under_a_put_is_no_missing_object(void **state)
{
    struct store *s = open_in(state);
    struct store_put *p = NULL;
    char due[PATH_MAX + 100];

    snprintf(due, sizeof due, "%s was removed while it was in use", in(state, "repo"));
    assert_done(store_put_begin(s, "a/b", &p));
    assert_done(file_remove_tree(in(state, "repo")));
    assert_refused(store_put_commit(p), ERR_STORAGE, due);
    store_put_free(p);
    store_free(s);
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        IN_DIRECTORY(an_object_has_no_name_before_its_commit),
        IN_DIRECTORY(a_put_given_up_leaves_nothing),
        IN_DIRECTORY(a_taken_name_keeps_what_it_has),
        IN_DIRECTORY(a_name_that_was_given_is_given_whatever_the_link_says),
        IN_DIRECTORY(objects_are_for_their_owner_only),
        IN_DIRECTORY(a_group_that_may_read_the_store_may_read_what_is_made_in_it),
        IN_DIRECTORY(a_store_that_was_removed_under_our_hands_is_said),
        IN_DIRECTORY(a_directory_removed_in_between_is_made_again),
        IN_DIRECTORY(every_length_around_the_write_behind_comes_back),
        IN_DIRECTORY(of_several_writers_of_one_name_one_wins),
        IN_DIRECTORY(without_memory_nothing_is_left),
        IN_DIRECTORY(a_store_removed_under_a_put_is_no_missing_object),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
