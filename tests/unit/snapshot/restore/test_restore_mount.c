#include "snapshot/restore/restore_mount.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "core/base/mem.h"
#include "tests/unit/snapshot/restore/restore_scene.h"

/* What needs no real mount: the list, the guard, the sweep after a kill. The rest is in the
 * scenario tests. */

/* An ordinary directory stands in for a mount point's target: but for being found, that is all it
 * takes. */

/* What target_check() does, once it has found a mount point. */
static enum err begin(struct restore_scene *s)
{
    void **state = s->w.state;
    enum err rc;

    target_init(&s->t, &s->tree, false, false);
    s->t.kind = &target_kind_mount;
    s->t.is_mount = true;
    s->tree.at_mount = true;
    assert_done(mem_text(in(state, "target"), &s->t.path));
    s->tree.root = s->t.path;
    assert_done(mem_text(TARGET_PARTIAL, &s->t.partial));
    assert_done(mem_text(TARGET_MARK, &s->t.mark));
    assert_done(mem_text(TARGET_LOCK, &s->t.lock_name));
    assert_done(mem_text(in(state, "."), &s->t.parent));
    assert_done(mem_text("target", &s->t.name));
    s->t.parent_fd = open(s->t.parent, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    s->t.fd = open(s->t.path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    s->t.side = s->t.fd;
    TRY(s->t.kind->check(&s->t));
    TRY(target_begin(&s->t));
out:
    return rc;
}

/* Without content: files of no bytes. */
static void fill(struct restore_scene *s)
{
    assert_done(tree_make(&s->tree));
    assert_done(tree_finish(&s->tree));
}

static void assert_empty(void **state)
{
    assert_int_equal(count_names(in(state, "target")), 0);
}

static void what_is_filled_comes_up_and_nothing_of_ours_stays(void **state)
{
    struct restore_scene s;
    struct stat from;
    struct stat to;

    make_restore_scene(state, &s);
    assert_done(begin(&s));
    assert_true(file_exists(in(state, "target/.sealpoint-partial/content")));
    fill(&s);
    assert_done(target_commit(&s.t));
    target_clear(&s.t);
    assert_int_equal(count_names(in(state, "target")), 4);
    assert_true(file_exists(in(state, "target/WiredTiger.turtle")));
    assert_true(file_exists(in(state, "target/d/f")));
    assert_int_equal(stat(in(state, "source"), &from), 0);
    assert_int_equal(stat(in(state, "target"), &to), 0);
    assert_int_equal(to.st_mode, from.st_mode);
    assert_int_equal(to.st_mtim.tv_sec, from.st_mtim.tv_sec);
    assert_int_equal(to.st_mtim.tv_nsec, from.st_mtim.tv_nsec);
    target_init(&s.t, &s.tree, false, false);
    clear_restore_scene(&s);
}

/* mongod opens mongod.lock for writing before it looks at anything else. */
static void no_mongod_can_start_until_all_is_there(void **state)
{
    struct restore_scene s;

    make_restore_scene(state, &s);
    assert_done(begin(&s));
    assert_int_equal(open(in(state, "target/mongod.lock"), O_RDWR | O_CREAT | O_CLOEXEC, 0600), -1);
    assert_int_equal(errno, EISDIR);
    fill(&s);
    assert_done(target_commit(&s.t));
    assert_false(file_exists(in(state, "target/mongod.lock")));
    clear_restore_scene(&s);
}

static void an_undone_restore_leaves_what_was_there(void **state)
{
    struct restore_scene s;
    struct stat before;
    struct stat after;

    make_restore_scene(state, &s);
    assert_int_equal(stat(in(state, "target"), &before), 0);
    assert_done(begin(&s));
    fill(&s);
    target_undo(&s.t);
    target_clear(&s.t);
    assert_empty(state);
    assert_int_equal(stat(in(state, "target"), &after), 0);
    assert_int_equal(after.st_mode, before.st_mode);
    assert_memory_equal(&after.st_mtim, &before.st_mtim, sizeof after.st_mtim);
    target_init(&s.t, &s.tree, false, false);
    clear_restore_scene(&s);
}

#define LIST "target/.sealpoint-partial/names"

static uint64_t inode_of(const char *path)
{
    struct stat st;

    assert_int_equal(lstat(path, &st), 0);
    return st.st_ino;
}

/* The names of `from`, each with the inode number of what it has in the target; 0: nothing. */
static void put_list(void **state, const char *from, size_t len)
{
    struct buf list = {.max = KIB};
    char path[64];

    for (size_t at = 0; at < len; at += strlen(from + at) + 1) {
        uint64_t inode;

        snprintf(path, sizeof path, "target/%s", from + at);
        inode = file_exists(in(state, path)) ? inode_of(in(state, path)) : 0;
        assert_done(buf_add(&list, bytes_of(from + at, strlen(from + at) + 1)));
        assert_done(buf_add(&list, bytes_of(&inode, sizeof inode)));
    }
    put_bytes(in(state, LIST), list.data, list.len);
    buf_clear(&list);
}

/* Of the list, "a" was moved up and "z" was not. */
static void leave_half(void **state)
{
    assert_int_equal(mkdir(in(state, "target/.sealpoint-partial"), 0700), 0);
    put_file(in(state, "target/.sealpoint-partial/.sealpoint-guard"), "");
    assert_int_equal(mkdir(in(state, "target/.sealpoint-partial/content"), 0700), 0);
    put_file(in(state, "target/.sealpoint-partial/content/z"), "omega");
    put_file(in(state, "target/a"), "alpha");
    put_list(state, "a\0z", 4);
}

static void a_restore_killed_between_two_moves_is_removed_by_the_next(void **state)
{
    struct restore_scene s;

    make_restore_scene(state, &s);
    leave_half(state);
    assert_done(begin(&s));
    assert_true(was_said("an unfinished restore is there; what is left of it is removed first"));
    assert_false(file_exists(in(state, "target/a")));
    fill(&s);
    assert_done(target_commit(&s.t));
    assert_true(file_exists(in(state, "target/z")));
    clear_restore_scene(&s);
}

static void what_others_put_beside_a_killed_restore_is_refused_and_stays(void **state)
{
    static const char *const theirs[] = {"mongod.lock", "z", "other"};
    struct restore_scene s;

    make_restore_scene(state, &s);
    for (size_t i = 0; i < sizeof theirs / sizeof theirs[0]; i++) {
        char name[64];

        leave_half(state);
        snprintf(name, sizeof name, "target/%s", theirs[i]);
        put_file(in(state, name), "precious");
        assert_refused(begin(&s), ERR_USAGE, NULL);
        assert_non_null(strstr(told(), "is not empty (it holds "));
        assert_non_null(strstr(told(), theirs[i]));
        assert_non_null(strstr(
            told(),
            "an unfinished restore is there (.sealpoint-partial): remove what else is there"));
        target_clear(&s.t);
        assert_true(file_exists(in(state, name)));
        assert_true(file_exists(in(state, "target/a")));
        remove_all(in(state, "target"));
        assert_int_equal(mkdir(in(state, "target"), 0755), 0);
    }
    target_init(&s.t, &s.tree, false, false);
    clear_restore_scene(&s);
}

/* Whoever the target belongs to may have renamed in it. */
static void what_took_the_name_of_what_was_moved_up_is_not_removed(void **state)
{
    struct restore_scene s;

    make_restore_scene(state, &s);
    leave_half(state);
    assert_int_equal(rename(in(state, "target/a"), in(state, "a.moved")), 0);
    put_file(in(state, "target/a"), "precious");
    assert_refused(begin(&s), ERR_USAGE, NULL);
    assert_non_null(strstr(told(), "is not empty (it holds a)"));
    target_clear(&s.t);
    assert_true(have_file(in(state, "target/a"), "precious"));
    target_init(&s.t, &s.tree, false, false);
    clear_restore_scene(&s);
}

static void a_name_that_comes_meanwhile_stops_the_moves_and_stays(void **state)
{
    struct restore_scene s;

    make_restore_scene(state, &s);
    assert_done(begin(&s));
    fill(&s);
    put_file(in(state, "target/d"), "theirs");
    assert_refused(target_commit(&s.t), ERR_FAILED, NULL);
    assert_non_null(strstr(told(), "d came into "));
    target_undo(&s.t);
    target_clear(&s.t);
    assert_int_equal(count_names(in(state, "target")), 1);
    assert_true(file_exists(in(state, "target/d")));
    target_init(&s.t, &s.tree, false, false);
    clear_restore_scene(&s);
}

static void a_list_that_leads_out_of_the_target_is_refused(void **state)
{
    static const struct {
        const char *at;
        size_t len;
    } lists[] = {{"../source", 10}, {"..", 3}, {".", 2}, {"", 1}, {"a\0d/f", 6}};
    struct restore_scene s;

    make_restore_scene(state, &s);
    for (size_t i = 0; i < sizeof lists / sizeof lists[0]; i++) {
        leave_half(state);
        put_list(state, lists[i].at, lists[i].len);
        assert_refused(begin(&s), ERR_FAILED, NULL);
        assert_non_null(strstr(told(), "/names is damaged"));
        target_clear(&s.t);
        assert_true(file_exists(in(state, "source/a")));
        remove_all(in(state, "target"));
        assert_int_equal(mkdir(in(state, "target"), 0755), 0);
    }
    target_init(&s.t, &s.tree, false, false);
    clear_restore_scene(&s);
}

static void a_list_that_was_cut_is_refused(void **state)
{
    struct restore_scene s;

    make_restore_scene(state, &s);
    for (size_t len = 1; len < 2 + sizeof(uint64_t); len++) {
        leave_half(state);
        put_bytes(in(state, LIST), "a\0abcdefgh", len);
        assert_refused(begin(&s), ERR_FAILED, NULL);
        assert_non_null(strstr(told(), "/names is damaged: it does not end with a name"));
        target_clear(&s.t);
        assert_true(file_exists(in(state, "target/a")));
        remove_all(in(state, "target"));
        assert_int_equal(mkdir(in(state, "target"), 0755), 0);
    }
    target_init(&s.t, &s.tree, false, false);
    clear_restore_scene(&s);
}

static void a_link_in_our_directories_place_is_not_followed(void **state)
{
    struct restore_scene s;

    make_restore_scene(state, &s);
    assert_int_equal(mkdir(in(state, "away"), 0700), 0);
    put_file(in(state, "away/.sealpoint-guard"), "");
    assert_int_equal(mkdir(in(state, "away/content"), 0700), 0);
    put_file(in(state, "away/content/precious"), "precious");
    put_bytes(in(state, "away/names"), "a", 2);
    assert_int_equal(symlink("../away", in(state, "target/.sealpoint-partial")), 0);
    assert_done(begin(&s));
    assert_true(file_exists(in(state, "away/names")));
    assert_true(file_exists(in(state, "away/content/precious")));
    target_undo(&s.t);
    clear_restore_scene(&s);
}

/* The list is durable before the first move, and is what tells our names from others'. */
static void the_list_has_every_name_that_is_moved_up(void **state)
{
    static const char *const list[] = {"WiredTiger.turtle", "a", "d", "z"};
    struct restore_scene s;
    struct buf is = {.max = KIB};

    make_restore_scene(state, &s);
    assert_done(begin(&s));
    fill(&s);
    assert_int_equal(mkdir(in(state, "target/.sealpoint-finished"), 0700), 0);
    put_file(in(state, "target/.sealpoint-finished/.sealpoint-guard"), "");
    put_file(in(state, "target/.sealpoint-finished/f"), "in the way of the commit point");
    assert_refused(target_commit(&s.t), ERR_FAILED, NULL);
    assert_done(file_read(in(state, LIST), &is));
    for (size_t i = 0, at = 0; i < sizeof list / sizeof list[0]; i++) {
        size_t len = strlen(list[i]) + 1;
        char path[64];
        uint64_t inode;

        assert_true(at + len + sizeof inode <= is.len);
        assert_memory_equal(is.data + at, list[i], len);
        memcpy(&inode, is.data + at + len, sizeof inode);
        snprintf(path, sizeof path, "target/%s", list[i]);
        assert_int_equal(inode, inode_of(in(state, path)));
        at += len + sizeof inode;
    }
    assert_true(file_exists(in(state, "target/d/f"))); /* all were moved already, */
    target_undo(&s.t);
    target_clear(&s.t);
    assert_empty(state); /* and all are gone again */
    buf_clear(&is);
    target_init(&s.t, &s.tree, false, false);
    clear_restore_scene(&s);
}

static void a_name_that_is_ours_is_refused_in_a_snapshot(void **state)
{
    struct restore_scene s;

    make_restore_scene(state, &s);
    snapshot_list_clear(&s.c);
    snapshot_reader_clear(&s.opened);
    put_file(in(state, "source/.sealpoint-lock"), "of another restore");
    make_backup(&s.w);
    assert_done(snapshot_list_read(s.w.ledger, &s.c));
    assert_done(
        snapshot_reader_open(s.w.repository, s.w.keyring, &s.c.items[s.c.count - 1], 0, &s.opened));
    assert_refused(begin(&s), ERR_USAGE, NULL);
    assert_non_null(strstr(told(), "the snapshot has a name of its own, .sealpoint-lock"));
    assert_empty(state);
    clear_restore_scene(&s);
}

static const struct CMUnitTest tests[] = {
    IN_DIRECTORY(what_is_filled_comes_up_and_nothing_of_ours_stays),
    IN_DIRECTORY(no_mongod_can_start_until_all_is_there),
    IN_DIRECTORY(an_undone_restore_leaves_what_was_there),
    IN_DIRECTORY(a_restore_killed_between_two_moves_is_removed_by_the_next),
    IN_DIRECTORY(what_others_put_beside_a_killed_restore_is_refused_and_stays),
    IN_DIRECTORY(what_took_the_name_of_what_was_moved_up_is_not_removed),
    IN_DIRECTORY(a_name_that_comes_meanwhile_stops_the_moves_and_stays),
    IN_DIRECTORY(a_list_that_leads_out_of_the_target_is_refused),
    IN_DIRECTORY(a_list_that_was_cut_is_refused),
    IN_DIRECTORY(a_link_in_our_directories_place_is_not_followed),
    IN_DIRECTORY(the_list_has_every_name_that_is_moved_up),
    IN_DIRECTORY(a_name_that_is_ours_is_refused_in_a_snapshot),
};

int main(void)
{
    return cmocka_run_group_tests(tests, NULL, NULL);
}
