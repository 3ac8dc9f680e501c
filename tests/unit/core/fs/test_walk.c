#include "core/fs/walk.h"

#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "tests/unit/helpers.h"

/* Makes `depth` folders "d", each in the one before. */
static void make_nest(void **state, size_t depth)
{
    int at = open(in(state, ""), O_RDONLY | O_DIRECTORY | O_CLOEXEC);

    for (size_t i = 0; i < depth; i++) {
        int below;

        assert_int_equal(mkdirat(at, "d", 0700), 0);
        below = openat(at, "d", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        assert_true(below >= 0);
        close(at);
        at = below;
    }
    close(at);
}

/* Walks to the end; *count is how many items there were. */
static enum err walk_all(void **state, size_t *count)
{
    struct walk *w = NULL;
    struct walk_item item;
    bool more = true;
    enum err rc;

    *count = 0;
    TRY(walk_open(in(state, ""), &w));
    for (;;) {
        TRY(walk_next(w, &item, &more));
        if (!more)
            break;
        ++*count;
    }
out:
    walk_free(w);
    return rc;
}

static void the_deepest_tree_is_walked(void **state)
{
    size_t count;

    make_nest(state, WALK_DEPTH_MAX - 1); /* and the root */
    assert_done(walk_all(state, &count));
    assert_int_equal(count, WALK_DEPTH_MAX);
}

static void a_deeper_tree_is_refused(void **state)
{
    char due[4 * WALK_DEPTH_MAX];
    size_t len = 0;
    size_t count;

    make_nest(state, WALK_DEPTH_MAX);
    for (size_t i = 0; i < WALK_DEPTH_MAX; i++)
        len += (size_t)snprintf(due + len, sizeof due - len, "%sd", i > 0 ? "/" : "");
    snprintf(due + len, sizeof due - len, ": folders are nested deeper than 100");
    assert_refused(walk_all(state, &count), ERR_FAILED, due);
}

static void a_file_is_no_tree(void **state)
{
    struct walk *w = NULL;
    char due[ERR_TEXT_MAX];

    put_file(in(state, "a"), "");
    snprintf(due, sizeof due, "%s is not a directory", in(state, "a"));
    assert_refused(walk_open(in(state, "a"), &w), ERR_USAGE, due);
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        IN_FOLDER(the_deepest_tree_is_walked),
        IN_FOLDER(a_deeper_tree_is_refused),
        IN_FOLDER(a_file_is_no_tree),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
