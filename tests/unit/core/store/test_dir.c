#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "core/fs/file.h"
#include "core/store/store.h"
#include "tests/unit/helpers.h"

static struct store *open_in(void **state)
{
    struct store *s = NULL;

    assert_done(store_open(in(state, "repo"), true, &s));
    return s;
}

/* The message with the path of the store put in. */
static const char *text(void **state, const char *before, const char *after)
{
    static char out[ERR_TEXT_MAX];

    snprintf(out, sizeof out, "%s%s%s", before, in(state, "repo"), after);
    return out;
}

static enum err get(struct store *s, const char *name)
{
    struct buf b = {.max = 100};
    enum err rc = store_get(s, name, &b);

    buf_clear(&b);
    return rc;
}

static void a_store_is_made_only_when_that_was_asked_for(void **state)
{
    struct store *s = NULL;
    struct stat st;

    assert_refused(store_open(in(state, "repo"), false, &s), ERR_NOT_FOUND,
                   text(state, "", " is not there"));
    assert_done(store_open(in(state, "repo"), true, &s));
    assert_string_equal(store_where(s), in(state, "repo"));
    assert_int_equal(stat(in(state, "repo"), &st), 0);
    assert_int_equal(st.st_mode & 07777, 0700);
    store_free(s);
}

static void a_file_is_no_store(void **state)
{
    struct store *s = NULL;

    put_file(in(state, "repo"), "");
    assert_refused(store_open(in(state, "repo"), true, &s), ERR_STORAGE,
                   text(state, "", " cannot be reached: Not a directory"));
}

static void what_is_not_there_is_not_found(void **state)
{
    struct store *s = open_in(state);
    uint64_t size;

    assert_refused(get(s, "a"), ERR_NOT_FOUND, text(state, "reading a: ", " has no such object"));
    assert_refused(get(s, "a/b"), ERR_NOT_FOUND,
                   text(state, "opening a/b: ", " has no such object"));
    assert_refused(store_head(s, "a", &size), ERR_NOT_FOUND,
                   text(state, "looking for a: ", " has no such object"));
    assert_done(store_remove(s, "a"));
    assert_done(store_remove(s, "a/b/c"));
    store_free(s);
}

static void head_tells_the_size_and_remove_removes(void **state)
{
    struct store *s = open_in(state);
    uint64_t size = 0;

    assert_done(store_put(s, "a/b", bytes_of_text("four")));
    assert_done(store_head(s, "a/b", &size));
    assert_int_equal(size, 4);
    assert_done(store_remove(s, "a/b"));
    assert_int_equal(store_head(s, "a/b", &size), ERR_NOT_FOUND);
    store_free(s);
}

/* Someone who can write into the store points its names to a directory outside, which must be
 * neither read nor written. */
static void links_planted_in_the_store_lead_nowhere(void **state)
{
    struct store *s = open_in(state);
    uint64_t size;

    assert_int_equal(mkdir(in(state, "outside"), 0700), 0);
    put_file(in(state, "outside/x"), "secret");
    assert_int_equal(symlink("../outside", in(state, "repo/data")), 0);
    assert_int_equal(symlink("../outside/x", in(state, "repo/x")), 0);

    assert_int_equal(get(s, "data/x"), ERR_CORRUPT);
    assert_int_equal(store_head(s, "data/x", &size), ERR_CORRUPT);
    assert_int_equal(store_put(s, "data/y", bytes_of_text("y")), ERR_CORRUPT);
    assert_int_equal(store_remove(s, "data/x"), ERR_CORRUPT);
    assert_refused(get(s, "x"), ERR_CORRUPT,
                   text(state, "reading x: ",
                        " has something else at this path: Too many levels of symbolic links\n  "
                        "sealpoint makes no symbolic links in a repository: find out who did"));
    assert_refused(store_head(s, "x", &size), ERR_CORRUPT,
                   text(state, "reading x: ", " has something other than a file at this path"));
    assert_int_equal(store_put(s, "x", bytes_of_text("y")), ERR_EXISTS);
    assert_done(store_remove(s, "x"));

    assert_true(have_file(in(state, "outside/x"), "secret"));
    assert_int_equal(count_names(in(state, "outside")), 1);
    store_free(s);
}

static void a_link_for_the_temporaries_leads_nowhere(void **state)
{
    struct store *s = open_in(state);

    assert_int_equal(mkdir(in(state, "outside"), 0700), 0);
    put_file(in(state, "outside/x"), "kept");
    assert_int_equal(symlink("../outside", in(state, "repo/tmp")), 0);
    assert_int_equal(store_put(s, "a", bytes_of_text("y")), ERR_CORRUPT);
    assert_int_equal(store_sweep(s), ERR_CORRUPT);
    assert_int_equal(count_names(in(state, "outside")), 1);
    store_free(s);
}

static void what_is_no_file_is_not_opened(void **state)
{
    struct store *s = open_in(state);

    assert_int_equal(mkfifo(in(state, "repo/pipe"), 0600), 0); /* must not hang */
    assert_refused(get(s, "pipe"), ERR_CORRUPT,
                   text(state, "reading pipe: ", " has something other than a file at this path"));
    assert_int_equal(mkdir(in(state, "repo/dir"), 0700), 0);
    assert_int_equal(get(s, "dir"), ERR_CORRUPT);
    assert_int_equal(store_remove(s, "dir"), ERR_CORRUPT);
    put_file(in(state, "repo/file"), "");
    assert_int_equal(get(s, "file/a"), ERR_CORRUPT);
    assert_int_equal(store_put(s, "file/a", bytes_of_text("")), ERR_CORRUPT);
    store_free(s);
}

static void an_object_cut_while_it_is_read_is_damage(void **state)
{
    struct store *s = open_in(state);
    struct store_blob *b = NULL;
    char got[4];

    assert_done(store_put(s, "a", bytes_of_text("four")));
    assert_done(store_blob_open(s, "a", &b));
    assert_int_equal(truncate(in(state, "repo/a"), 2), 0);
    assert_refused(store_blob_read(b, 0, got, 4), ERR_CORRUPT,
                   "reading a: it was cut while it was being read");
    store_blob_free(b);
    store_free(s);
}

static enum err open_and_read(void *arg)
{
    struct store *s = NULL;
    struct buf b = {.max = 100};
    enum err rc;

    TRY(store_open(in(arg, "repo"), false, &s));
    TRY(store_get(s, "a/b", &b));
out:
    buf_clear(&b);
    store_free(s);
    return rc;
}

static void without_memory_reading_fails_cleanly(void **state)
{
    struct store *s = open_in(state);

    assert_done(store_put(s, "a/b", bytes_of_text("x")));
    store_free(s);
    assert_true(sweep_allocations(open_and_read, state) > 4);
}

static void a_store_that_cannot_be_made_is_not_merely_missing(void **state)
{
    struct store *s = NULL;

    (void)state;
    assert_refused(store_open("/proc/sealpoint", true, &s), ERR_STORAGE, NULL);
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        IN_DIRECTORY(a_store_is_made_only_when_that_was_asked_for),
        IN_DIRECTORY(a_file_is_no_store),
        IN_DIRECTORY(what_is_not_there_is_not_found),
        IN_DIRECTORY(head_tells_the_size_and_remove_removes),
        IN_DIRECTORY(links_planted_in_the_store_lead_nowhere),
        IN_DIRECTORY(a_link_for_the_temporaries_leads_nowhere),
        IN_DIRECTORY(what_is_no_file_is_not_opened),
        IN_DIRECTORY(an_object_cut_while_it_is_read_is_damage),
        IN_DIRECTORY(without_memory_reading_fails_cleanly),
        cmocka_unit_test(a_store_that_cannot_be_made_is_not_merely_missing),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
