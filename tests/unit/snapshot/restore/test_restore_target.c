#include "snapshot/restore/restore_target.h"

#include "tests/unit/snapshot/restore/restore_scene.h"

static void a_directory_is_no_mount_point_and_proc_is_one(void **state)
{
    struct restore_scene s;

    make_restore_scene(state, &s);
    target_init(&s.t, &s.tree, false, false);
    assert_done(target_check(&s.t, in(state, "target"), NULL, 0));
    assert_false(s.t.is_mount);
    target_clear(&s.t);
    target_init(&s.t, &s.tree, false, false);
    assert_refused(target_check(&s.t, "/proc", NULL, 0), ERR_USAGE, NULL);
    assert_true(s.t.is_mount);
    clear_restore_scene(&s);
}

static void a_target_must_have_a_name_of_its_own(void **state)
{
    static const char *const given[] = {"/", ".", "..", "a/..", "//"};
    struct restore_scene s;

    make_restore_scene(state, &s);
    for (size_t i = 0; i < sizeof given / sizeof given[0]; i++) {
        target_init(&s.t, &s.tree, false, false);
        assert_refused(target_check(&s.t, given[i], NULL, 0), ERR_USAGE, NULL);
        assert_non_null(strstr(err_text(), ": name the directory itself"));
        target_clear(&s.t);
    }
    target_init(&s.t, &s.tree, false, false);
    clear_restore_scene(&s);
}

/* A directory that is not there, or empty: its sibling is filled and renamed over it. */
static void an_empty_directory_is_replaced_in_one_step(void **state)
{
    struct restore_scene s;

    make_restore_scene(state, &s);
    target_init(&s.t, &s.tree, false, false);
    assert_done(target_check(&s.t, in(state, "target"), NULL, 1));
    assert_int_equal(mkdir(in(state, "target.sealpoint-partial"), 0700), 0); /* of a killed one */
    put_file(in(state, "target.sealpoint-partial/.sealpoint-guard"), "");
    put_file(in(state, "target.sealpoint-partial/left"), "over");
    assert_done(target_begin(&s.t));
    assert_int_equal(count_names(in(state, "target.sealpoint-partial/tree")), 0);
    put_file(in(state, "target.sealpoint-partial/tree/new"), "content");
    assert_int_equal(count_names(in(state, "target")), 0);
    assert_done(target_commit(&s.t));
    assert_true(file_exists(in(state, "target/new")));
    target_undo(&s.t); /* real by now: nothing is undone */
    assert_true(file_exists(in(state, "target/new")));
    clear_restore_scene(&s);
    assert_false(file_exists(in(state, "target.sealpoint-lock")));
}

/* Who owns what the target lies in can give it our name. */
static void a_directory_that_no_restore_made_is_not_removed(void **state)
{
    struct restore_scene s;

    make_restore_scene(state, &s);
    assert_int_equal(mkdir(in(state, "target.sealpoint-partial"), 0700), 0);
    put_file(in(state, "target.sealpoint-partial/precious"), "precious");
    target_init(&s.t, &s.tree, false, false);
    assert_done(target_check(&s.t, in(state, "target"), NULL, 1));
    assert_refused(target_begin(&s.t), ERR_FAILED,
                   "target.sealpoint-partial is no directory of a restore (it has no "
                   ".sealpoint-guard)\n  nothing in it was touched: move it away, then run this "
                   "again");
    target_undo(&s.t);
    assert_true(have_file(in(state, "target.sealpoint-partial/precious"), "precious"));
    clear_restore_scene(&s);
}

static void an_undone_restore_leaves_the_empty_directory(void **state)
{
    struct restore_scene s;

    make_restore_scene(state, &s);
    target_init(&s.t, &s.tree, false, false);
    assert_done(target_check(&s.t, in(state, "target"), NULL, 1));
    assert_done(target_begin(&s.t));
    put_file(in(state, "target.sealpoint-partial/tree/new"), "content");
    target_undo(&s.t);
    clear_restore_scene(&s);
    assert_int_equal(count_names(in(state, "target")), 0);
    assert_false(file_exists(in(state, "target.sealpoint-partial")));
}

static void what_is_too_large_is_refused_before_anything_is_made(void **state)
{
    struct restore_scene s;

    make_restore_scene(state, &s);
    target_init(&s.t, &s.tree, false, false);
    assert_refused(target_check(&s.t, in(state, "target"), NULL, UINT64_MAX), ERR_STORAGE, NULL);
    assert_false(file_exists(in(state, "target.sealpoint-partial")));
    clear_restore_scene(&s);
}

static const struct CMUnitTest tests[] = {
    IN_DIRECTORY(an_empty_directory_is_replaced_in_one_step),
    IN_DIRECTORY(a_directory_that_no_restore_made_is_not_removed),
    IN_DIRECTORY(an_undone_restore_leaves_the_empty_directory),
    IN_DIRECTORY(what_is_too_large_is_refused_before_anything_is_made),
    IN_DIRECTORY(a_directory_is_no_mount_point_and_proc_is_one),
    IN_DIRECTORY(a_target_must_have_a_name_of_its_own),
};

int main(void)
{
    return cmocka_run_group_tests(tests, NULL, NULL);
}
