#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include "core/base/mem.h"
#include "core/fs/file.h"
#include "core/store/store.h"
#include "tests/unit/helpers.h"

static struct store *open_in(void **state)
{
    struct store *s = NULL;

    assert_done(store_open(in(state, "repo"), true, &s));
    return s;
}

static enum err add_line(void *arg, const char *name, uint64_t size)
{
    return buf_add_format(arg, "%s %u\n", name, (unsigned)size);
}

static void assert_listed(struct store *s, const char *prefix, const char *due)
{
    struct buf lines = {.max = 10000};

    assert_done(store_list(s, prefix, add_line, &lines));
    assert_done(buf_add(&lines, bytes_of("", 1)));
    assert_string_equal((const char *)lines.data, due);
    buf_clear(&lines);
}

static void names_come_in_byte_order_through_all_directories(void **state)
{
    static const char *const names[] = {"b", "a/z", "a-b", "a.b", "a0", "a/b/c", "a/b-c"};
    struct store *s = open_in(state);

    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++)
        assert_done(store_put(s, names[i], bytes_of("xxxxxxx", i)));
    assert_listed(s, "", "a-b 2\na.b 3\na/b-c 6\na/b/c 5\na/z 1\na0 4\nb 0\n");
    assert_listed(s, "a", "a/b-c 6\na/b/c 5\na/z 1\n");
    assert_listed(s, "a/b", "a/b/c 5\n");
    store_free(s);
}

static void a_directory_that_is_not_there_is_empty(void **state)
{
    struct store *s = open_in(state);

    assert_listed(s, "", "");
    assert_listed(s, "ledger", "");
    assert_listed(s, "ledger/a", "");
    store_free(s);
}

static void what_no_put_would_make_is_passed_over(void **state)
{
    struct store *s = open_in(state);
    char too_long[] =
        "repo/long/xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx"
        "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx"
        "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx";

    assert_done(store_put(s, "a/b", bytes_of_text("x")));
    put_file(in(state, "repo/README.md"), ""); /* capitals */
    put_file(in(state, "repo/a/\033[2J\n"), "");
    put_file(in(state, "repo/a/b c"), "");
    assert_int_equal(mkdir(in(state, "repo/Directory"), 0700), 0);
    put_file(in(state, "repo/Directory/a"), "");
    assert_int_equal(mkdir(in(state, "repo/long"), 0700), 0);
    put_file(in(state, too_long), "");
    assert_listed(s, "", "a/b 1\n");
    store_free(s);
}

static void links_devices_and_temporaries_are_passed_over(void **state)
{
    struct store *s = open_in(state);
    struct store_put *p = NULL;

    assert_done(store_put(s, "a/b", bytes_of_text("x")));
    assert_int_equal(symlink("b", in(state, "repo/a/c")), 0);
    assert_int_equal(symlink("a", in(state, "repo/d")), 0);
    assert_int_equal(symlink(".", in(state, "repo/a/loop")), 0);
    assert_int_equal(mkfifo(in(state, "repo/a/pipe"), 0600), 0);
    assert_done(store_put_begin(s, "e", &p));
    assert_listed(s, "", "a/b 1\n");
    store_put_free(p);
    store_free(s);
}

static void a_link_is_not_listed_through(void **state)
{
    struct store *s = open_in(state);
    struct buf lines = {.max = 100};

    assert_int_equal(mkdir(in(state, "outside"), 0700), 0);
    put_file(in(state, "outside/x"), "");
    assert_int_equal(symlink("../outside", in(state, "repo/ledger")), 0);
    assert_int_equal(store_list(s, "ledger", add_line, &lines), ERR_CORRUPT);
    assert_int_equal(lines.len, 0);
    store_free(s);
}

static enum err stop_at_second(void *arg, const char *name, uint64_t size)
{
    size_t *count = arg;

    (void)size;
    return ++*count == 2 ? err_set(ERR_ATTENTION, "enough at %s", name) : ERR_OK;
}

static void the_caller_may_stop_the_listing(void **state)
{
    struct store *s = open_in(state);
    size_t count = 0;

    assert_done(store_put(s, "a/1", bytes_of_text("")));
    assert_done(store_put(s, "a/2", bytes_of_text("")));
    assert_done(store_put(s, "b", bytes_of_text("")));
    assert_refused(store_list(s, "", stop_at_second, &count), ERR_ATTENTION, "enough at a/2");
    assert_int_equal(count, 2);
    store_free(s);
}

struct entry_sort {
    struct store *store;
    char last[STORE_NAME_MAX + 1];
    size_t count;
    bool removes;
};

static enum err check_order(void *arg, const char *name, uint64_t size)
{
    struct entry_sort *o = arg;

    (void)size;
    assert_true(strcmp(o->last, name) < 0);
    snprintf(o->last, sizeof o->last, "%s", name);
    o->count++;
    return o->removes ? store_remove(o->store, name) : ERR_OK;
}

/* More names than two sorted batches hold, so that the directory is read several times. */
#define MANY 16500

static void a_directory_of_very_many_files_is_listed_in_order(void **state)
{
    struct entry_sort o = {.store = open_in(state)};
    int directory;

    assert_int_equal(mkdir(in(state, "repo/a"), 0700), 0);
    directory = open(in(state, "repo/a"), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    put_file(in(state, "one"), "");
    for (unsigned i = 0; i < MANY; i++) {
        char name[16];

        snprintf(name, sizeof name, "%08x", i * 2654435761u);
        /* A link to one file is made and removed faster than a file. */
        assert_int_equal(linkat(AT_FDCWD, in(state, "one"), directory, name, 0), 0);
    }
    close(directory);
    assert_done(store_list(o.store, "", check_order, &o));
    assert_int_equal(o.count, MANY);

    /* A caller that removes what it is told misses nothing. */
    o.removes = true;
    o.last[0] = '\0';
    assert_done(store_list(o.store, "a", check_order, &o));
    assert_int_equal(o.count, 2 * MANY);
    assert_int_equal(count_names(in(state, "repo/a")), 0);
    store_free(o.store);
}

static void the_deepest_and_longest_names_are_listed(void **state)
{
    struct store *s = open_in(state);
    char name[STORE_NAME_MAX + 1];
    struct entry_sort o = {.store = s};

    for (size_t i = 0; i < STORE_NAME_MAX; i++)
        name[i] = i % 2 == 0 ? 'a' : '/';
    name[STORE_NAME_MAX - 1] = '\0'; /* a hundred parts of one letter */
    assert_done(store_put(s, name, bytes_of_text("")));
    memset(name, 'b', STORE_NAME_MAX);
    name[STORE_NAME_MAX] = '\0';
    assert_done(store_put(s, name, bytes_of_text("")));
    assert_done(store_list(s, "", check_order, &o));
    assert_int_equal(o.count, 2);
    assert_string_equal(o.last, name);
    store_free(s);
}

static void a_sweep_empties_the_temporaries_only(void **state)
{
    struct store *s = open_in(state);

    assert_done(store_sweep(s)); /* nothing there yet */
    assert_done(store_put(s, "a", bytes_of_text("")));
    put_file(in(state, "repo/tmp/00ff"), "half");
    assert_done(file_make_dirs(in(state, "repo/tmp/x/y"), 0700));
    assert_int_equal(symlink("../a", in(state, "repo/tmp/link")), 0);
    assert_done(store_sweep(s));
    assert_int_equal(count_names(in(state, "repo/tmp")), 0);
    assert_listed(s, "", "a 0\n");
    store_free(s);
}

static void a_sweep_lets_a_put_that_runs_be(void **state)
{
    struct store *s = open_in(state);
    struct store_put *p = NULL;

    assert_done(store_put_begin(s, "a", &p));
    assert_done(store_put_write(p, bytes_of_text("whole")));
    put_file(in(state, "repo/tmp/00ff"), "half");
    assert_done(store_sweep(s));
    assert_int_equal(count_names(in(state, "repo/tmp")), 1);
    assert_done(store_put_commit(p));
    store_put_free(p);
    assert_listed(s, "", "a 5\n");
    store_free(s);
}

/* Too many open files must not cost another run its half-written object. */
static void a_sweep_leaves_what_it_cannot_open(void **state)
{
    struct store *s = open_in(state);
    struct store_put *p = NULL;
    struct rlimit before, few;
    int next;

    assert_done(store_put_begin(s, "a", &p));
    assert_done(store_put_write(p, bytes_of_text("whole")));
    assert_int_equal(getrlimit(RLIMIT_NOFILE, &before), 0);
    next = dup(0);
    close(next);
    few = (struct rlimit){.rlim_cur = (rlim_t)next + 1, .rlim_max = before.rlim_max};
    assert_int_equal(setrlimit(RLIMIT_NOFILE, &few), 0); /* the directory, and nothing more */
    assert_done(store_sweep(s));
    assert_int_equal(setrlimit(RLIMIT_NOFILE, &before), 0);
    assert_int_equal(count_names(in(state, "repo/tmp")), 1);
    assert_done(store_put_commit(p));
    store_put_free(p);
    assert_listed(s, "", "a 5\n");
    store_free(s);
}

static enum err nothing(void *arg, const char *name, uint64_t size)
{
    (void)arg;
    (void)name;
    (void)size;
    return ERR_OK;
}

static enum err list_call(void *arg)
{
    return store_list(arg, "", nothing, NULL);
}

static void without_memory_it_fails_cleanly(void **state)
{
    struct store *s = open_in(state);

    assert_done(store_put(s, "a/b/c", bytes_of_text("")));
    assert_done(store_put(s, "a/d", bytes_of_text("")));
    assert_true(sweep_allocations(list_call, s) > 4);
    store_free(s);
}

/* Lists one name, and takes away those behind it. */
static enum err remove_the_rest(void *arg, const char *name, uint64_t size)
{
    void **state = arg;

    assert_string_equal(name, "a");
    assert_int_equal(size, 1);
    assert_int_equal(unlink(in(state, "repo/b")), 0);
    return file_remove_tree(in(state, "repo/c"));
}

static void what_goes_while_it_is_listed_is_passed_over(void **state)
{
    struct store *s = open_in(state);

    assert_done(store_put(s, "a", bytes_of_text("x")));
    assert_done(store_put(s, "b", bytes_of_text("x")));
    assert_done(store_put(s, "c/d", bytes_of_text("x")));
    assert_done(store_list(s, "", remove_the_rest, state));
    store_free(s);
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        IN_DIRECTORY(names_come_in_byte_order_through_all_directories),
        IN_DIRECTORY(a_directory_that_is_not_there_is_empty),
        IN_DIRECTORY(what_no_put_would_make_is_passed_over),
        IN_DIRECTORY(links_devices_and_temporaries_are_passed_over),
        IN_DIRECTORY(a_link_is_not_listed_through),
        IN_DIRECTORY(the_caller_may_stop_the_listing),
        IN_DIRECTORY(a_directory_of_very_many_files_is_listed_in_order),
        IN_DIRECTORY(the_deepest_and_longest_names_are_listed),
        IN_DIRECTORY(a_sweep_empties_the_temporaries_only),
        IN_DIRECTORY(a_sweep_lets_a_put_that_runs_be),
        IN_DIRECTORY(a_sweep_leaves_what_it_cannot_open),
        IN_DIRECTORY(without_memory_it_fails_cleanly),
        IN_DIRECTORY(what_goes_while_it_is_listed_is_passed_over),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
