#include "core/fs/walk.h"

#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "core/fs/file.h"
#include "core/fs/path.h"
#include "tests/unit/helpers.h"

#define TEXT_MAX 131072 /* also for the deepest tree */

/* d/, d/a, d/e/, d/e/f, d-x, d.x, link to d, z */
static void make_tree(void **state)
{
    assert_int_equal(mkdir(in(state, "root"), 0755), 0);
    assert_int_equal(mkdir(in(state, "root/d"), 0755), 0);
    assert_int_equal(mkdir(in(state, "root/d/e"), 0755), 0);
    put_file(in(state, "root/z"), "zz");
    put_file(in(state, "root/d.x"), "");
    put_file(in(state, "root/d-x"), "");
    put_file(in(state, "root/d/a"), "");
    put_file(in(state, "root/d/e/f"), "");
    assert_int_equal(symlink("d", in(state, "root/link")), 0);
}

/* "path path …" of all that is left; directories have a '/' behind, links '@', what vanished '!'.
 */
static enum err list_rest(struct walk *w, char text[TEXT_MAX])
{
    struct walk_item item;
    bool more = false;
    size_t used = 0;
    enum err rc;

    text[0] = '\0';
    do {
        TRY(walk_next(w, &item, &more));
        if (more)
            used += (size_t)snprintf(text + used, TEXT_MAX - used, "%s%s ",
                                     (const char *)item.path.data,
                                     item.vanished              ? "!"
                                     : S_ISDIR(item.st.st_mode) ? "/"
                                     : S_ISLNK(item.st.st_mode) ? "@"
                                                                : "");
    } while (more);
out:
    return rc;
}

static void check_rest(struct walk *w, const char *due)
{
    char text[TEXT_MAX];

    assert_done(list_rest(w, text));
    assert_string_equal(text, due);
}

/* Go on to the item of this path. */
static struct walk_item walk_to(struct walk *w, const char *path)
{
    struct walk_item item;
    bool more = true;

    do {
        assert_done(walk_next(w, &item, &more));
        assert_true(more);
    } while (strcmp((const char *)item.path.data, path) != 0);
    return item;
}

static void a_directory_comes_before_its_content_in_the_order_of_paths(void **state)
{
    struct walk *w = NULL;

    make_tree(state);
    assert_done(walk_open(in(state, "root"), &w));
    check_rest(w, "./ d/ d/a d/e/ d/e/f d-x d.x link@ z ");
    walk_free(w);
}

/* walk.h promises more than path_compare() of whole paths gives: see that they agree. */
static void each_path_is_behind_the_one_before(void **state)
{
    char before[PATH_LEN_MAX + 1] = "";
    struct walk *w = NULL;
    struct walk_item item;
    bool more = true;

    make_tree(state);
    assert_done(walk_open(in(state, "root"), &w));
    assert_done(walk_next(w, &item, &more));
    for (assert_done(walk_next(w, &item, &more)); more; assert_done(walk_next(w, &item, &more))) {
        assert_true(path_compare(bytes_of_text(before), item.path) < 0);
        snprintf(before, sizeof before, "%s", (const char *)item.path.data);
    }
    walk_free(w);
}

static void an_item_is_reached_by_its_directory_and_name(void **state)
{
    struct walk *w = NULL;
    struct walk_item item;
    struct stat st;

    make_tree(state);
    assert_done(walk_open(in(state, "root"), &w));
    item = walk_to(w, "d/e/f");
    assert_string_equal(item.name, "f");
    assert_int_equal(fstatat(item.dir, item.name, &st, AT_SYMLINK_NOFOLLOW), 0);
    assert_int_equal(st.st_ino, item.st.st_ino);
    walk_free(w);
}

static void a_skipped_directory_is_not_entered(void **state)
{
    struct walk *w = NULL;

    make_tree(state);
    assert_done(walk_open(in(state, "root"), &w));
    walk_to(w, "d");
    walk_skip(w);
    check_rest(w, "d-x d.x link@ z ");
    walk_free(w);
}

static void what_goes_while_the_walk_is_there_has_vanished(void **state)
{
    struct walk *w = NULL;

    make_tree(state);
    assert_done(walk_open(in(state, "root"), &w));
    walk_to(w, "d");
    assert_int_equal(unlink(in(state, "root/d-x")), 0);
    check_rest(w, "d/a d/e/ d/e/f d-x! d.x link@ z ");
    walk_free(w);
}

static void a_directory_that_goes_before_it_is_entered_has_vanished(void **state)
{
    struct walk *w = NULL;

    make_tree(state);
    assert_done(walk_open(in(state, "root"), &w));
    walk_to(w, "d/e");
    assert_int_equal(rename(in(state, "root/d/e"), in(state, "elsewhere")), 0);
    check_rest(w, "d/e! d-x d.x link@ z ");
    walk_free(w);
}

/* Whoever may write to the tree must not lead the walk out of it. */
static void a_directory_replaced_by_a_link_is_not_entered(void **state)
{
    struct walk *w = NULL;

    make_tree(state);
    assert_int_equal(mkdir(in(state, "outside"), 0755), 0);
    put_file(in(state, "outside/secret"), "");
    assert_done(walk_open(in(state, "root"), &w));
    walk_to(w, "d/e");
    assert_int_equal(rename(in(state, "root/d/e"), in(state, "elsewhere")), 0);
    assert_int_equal(symlink("../../outside", in(state, "root/d/e")), 0);
    check_rest(w, "d/e! d-x d.x link@ z ");
    walk_free(w);
}

static void a_link_to_a_directory_above_makes_no_loop(void **state)
{
    struct walk *w = NULL;

    assert_int_equal(mkdir(in(state, "root"), 0755), 0);
    assert_int_equal(symlink("..", in(state, "root/up")), 0);
    assert_int_equal(symlink("self", in(state, "root/self")), 0);
    assert_done(walk_open(in(state, "root"), &w));
    check_rest(w, "./ self@ up@ ");
    walk_free(w);
}

/* The root is what its user named: that may be a link. */
static void the_root_may_be_a_link(void **state)
{
    struct walk *w = NULL;

    make_tree(state);
    assert_int_equal(symlink("root/d", in(state, "to-d")), 0);
    assert_done(walk_open(in(state, "to-d"), &w));
    check_rest(w, "./ a e/ e/f ");
    walk_free(w);
}

static void a_root_that_is_no_directory_is_refused(void **state)
{
    struct walk *w = NULL;
    char due[ERR_TEXT_MAX];

    put_file(in(state, "file"), "");
    snprintf(due, sizeof due, "%s is not a directory", in(state, "file"));
    assert_refused(walk_open(in(state, "file"), &w), ERR_USAGE, due);
    snprintf(due, sizeof due, "%s: No such file or directory", in(state, "none"));
    assert_refused(walk_open(in(state, "none"), &w), ERR_NOT_FOUND, due);
    assert_null(w);
}

/* `depth` levels, the root among them. */
static void make_deep(void **state, const char *name, size_t depth)
{
    char path[TEXT_MAX];
    size_t used = (size_t)snprintf(path, sizeof path, "%s", in(state, name));

    assert_int_equal(mkdir(path, 0755), 0);
    for (size_t i = 1; i < depth; i++) {
        used += (size_t)snprintf(path + used, sizeof path - used, "/d");
        assert_int_equal(mkdir(path, 0755), 0);
    }
}

static void too_deep_a_tree_is_refused(void **state)
{
    char text[TEXT_MAX];
    char due[ERR_TEXT_MAX];
    size_t used = 1;
    struct walk *w = NULL;

    make_deep(state, "deep", WALK_DEPTH_MAX);
    assert_done(walk_open(in(state, "deep"), &w));
    assert_done(list_rest(w, text));
    walk_free(w);
    make_deep(state, "deeper", WALK_DEPTH_MAX + 1);
    assert_done(walk_open(in(state, "deeper"), &w));
    snprintf(due, sizeof due, "d");
    for (size_t i = 1; i < WALK_DEPTH_MAX; i++)
        used += (size_t)snprintf(due + used, sizeof due - used, "/d");
    snprintf(due + used, sizeof due - used, ": directories are nested deeper than 256");
    assert_refused(list_rest(w, text), ERR_FAILED, due);
    walk_free(w);
}

/* Names of 250 bytes, one in another, made from within: no call takes such a path. */
static void a_path_longer_than_any_call_takes_is_refused_by_its_name(void **state)
{
    char name[251];
    char text[TEXT_MAX];
    char due[ERR_TEXT_MAX];
    int at = open(in(state, ""), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    struct walk *w = NULL;

    memset(name, 'd', 250);
    name[250] = '\0';
    for (int i = 0; i < 18; i++) {
        int below;

        assert_int_equal(mkdirat(at, name, 0755), 0);
        below = openat(at, name, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        assert_true(below >= 0);
        close(at);
        at = below;
    }
    close(at);
    assert_done(walk_open(in(state, name), &w));
    snprintf(due, sizeof due,
             "%s: the path of \"%.100s\" in \"%.100s...\" is longer than 4095 bytes",
             in(state, name), name, name);
    assert_refused(list_rest(w, text), ERR_FAILED, due);
    walk_free(w);
    assert_done(file_remove_tree(in(state, name)));
}

static enum err walk_call(void *arg)
{
    struct walk *w = NULL;
    char text[TEXT_MAX];
    enum err rc;

    TRY(walk_open(in(arg, "root"), &w));
    TRY(list_rest(w, text));
out:
    walk_free(w);
    return rc;
}

static void without_memory_it_fails_cleanly(void **state)
{
    make_tree(state);
    assert_true(sweep_allocations(walk_call, state) >= 5);
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        IN_DIRECTORY(a_directory_comes_before_its_content_in_the_order_of_paths),
        IN_DIRECTORY(each_path_is_behind_the_one_before),
        IN_DIRECTORY(an_item_is_reached_by_its_directory_and_name),
        IN_DIRECTORY(a_skipped_directory_is_not_entered),
        IN_DIRECTORY(what_goes_while_the_walk_is_there_has_vanished),
        IN_DIRECTORY(a_directory_that_goes_before_it_is_entered_has_vanished),
        IN_DIRECTORY(a_directory_replaced_by_a_link_is_not_entered),
        IN_DIRECTORY(a_link_to_a_directory_above_makes_no_loop),
        IN_DIRECTORY(the_root_may_be_a_link),
        IN_DIRECTORY(a_root_that_is_no_directory_is_refused),
        IN_DIRECTORY(too_deep_a_tree_is_refused),
        IN_DIRECTORY(a_path_longer_than_any_call_takes_is_refused_by_its_name),
        IN_DIRECTORY(without_memory_it_fails_cleanly),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
