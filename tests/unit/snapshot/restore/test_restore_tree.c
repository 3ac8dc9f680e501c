#include "snapshot/restore/restore_tree.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <sys/xattr.h>

#include "core/fs/file.h"
#include "tests/unit/snapshot/handmade.h"

struct planting {
    struct handmade h;
    struct selection selection;
    struct restore_tree tree;
    char *root;
    struct restore_keep keep;
    int kept; /* where what is replaced goes */
};

static void begin_tree(void **state, struct planting *p, bool delta)
{
    tree_init(&p->tree, &p->selection, delta);
    assert_done(mem_text(in(state, "target"), &p->root));
    tree_set_root(&p->tree, open(p->root, O_RDONLY | O_DIRECTORY | O_CLOEXEC), p->root);
    if (delta) {
        assert_int_equal(mkdir(in(state, "kept"), 0700), 0);
        p->kept = open(in(state, "kept"), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        keep_init(&p->keep, p->kept);
        p->tree.keep = &p->keep;
    }
}

static void end_tree(struct planting *p)
{
    tree_close_root(&p->tree);
    mem_free(p->root);
    if (p->tree.delta) {
        keep_clear(&p->keep);
        close(p->kept);
    }
}

static void begin_planting(void **state, struct planting *p)
{
    *p = (struct planting){.kept = -1};
    handmade_begin(state, &p->h);
    assert_int_equal(mkdir(in(state, "target"), 0700), 0);
    p->selection = (struct selection){.from = &p->h.opened};
    begin_tree(state, p, false);
}

static void end_planting(struct planting *p)
{
    end_tree(p);
    handmade_clear(&p->h);
}

static void add_hard(struct handmade *h, const char *path, const char *first)
{
    struct entry e = entry_at(ENTRY_FILE, path);

    e.flags = ENTRY_HARD_LINK;
    assert_done(buf_add_text(&e.link, first));
    add_entry(&h->parts, &e);
    entry_clear(&e);
}

/* A file of this many bytes, all of them zero: it needs no object. */
static void add_empty(struct handmade *h, const char *path, uint64_t size)
{
    add_sized(&h->parts, path, size, h->parts.header.block_count);
    for (uint64_t offset = 0; offset < size; offset += 65536)
        add_zeros(h);
}

static enum err plant(struct planting *p)
{
    enum err rc;

    TRY(tree_make(&p->tree));
    TRY(tree_finish(&p->tree));
out:
    return rc;
}

static struct stat look(void **state, const char *name)
{
    struct stat st;

    if (lstat(in(state, name), &st) != 0)
        fail_msg("%s is not there", name);
    return st;
}

static bool is_there(void **state, const char *name)
{
    return file_exists(in(state, name));
}

/* ---- making ---- */

static void a_link_may_sort_before_its_first_name(void **state)
{
    struct planting p;

    begin_planting(state, &p);
    add_named(&p.h.parts, ENTRY_DIR, "a");
    add_hard(&p.h, "a/link", "z/first");
    add_named(&p.h.parts, ENTRY_DIR, "z");
    add_empty(&p.h, "z/first", 10);
    handmade_index(&p.h);
    assert_done(plant(&p));
    assert_int_equal(look(state, "target/a/link").st_ino, look(state, "target/z/first").st_ino);
    assert_int_equal(look(state, "target/a/link").st_size, 10);
    assert_int_equal(p.tree.attention, 0);
    end_planting(&p);
}

static void two_links_without_their_first_name_are_two_files(void **state)
{
    static const char *const only[] = {"b", "c", NULL};
    struct path_list list;
    struct planting p;

    begin_planting(state, &p);
    add_empty(&p.h, "a", 10);
    add_hard(&p.h, "b", "a");
    add_hard(&p.h, "c", "a");
    handmade_index(&p.h);
    list = list_of(only);
    p.selection.only = &list;
    assert_done(plant(&p));
    assert_false(is_there(state, "target/a"));
    assert_true(look(state, "target/b").st_ino != look(state, "target/c").st_ino);
    assert_int_equal(look(state, "target/c").st_size, 10);
    path_list_clear(&list);
    end_planting(&p);
}

static void modes_and_times_are_right_when_all_is_done(void **state)
{
    struct planting p;
    struct entry e = entry_at(ENTRY_DIR, "d");

    begin_planting(state, &p);
    e.mode = 0500; /* nothing can be made in it once it is set */
    e.mtime_s = 1000000000;
    e.mtime_ns = 999999999;
    add_entry(&p.h.parts, &e);
    entry_clear(&e);
    e = entry_at(ENTRY_FILE, "d/f");
    e.mode = 04751;
    e.mtime_s = -1;
    add_entry(&p.h.parts, &e);
    entry_clear(&e);
    handmade_index(&p.h);
    assert_done(plant(&p));
    assert_int_equal(look(state, "target/d").st_mode & 07777, 0500);
    assert_int_equal(look(state, "target/d").st_mtim.tv_sec, 1000000000);
    assert_int_equal(look(state, "target/d").st_mtim.tv_nsec, 999999999);
    assert_int_equal(look(state, "target/d/f").st_mode & 07777, 04751);
    assert_int_equal(look(state, "target/d/f").st_mtim.tv_sec, -1);
    assert_int_equal(chmod(in(state, "target/d"), 0700), 0);
    end_planting(&p);
}

/* ---- what an older state is used for ---- */

/* The snapshot has the directory "d" with the file "f" of three bytes in it. */
static void begin_delta(void **state, struct planting *p)
{
    begin_planting(state, p);
    add_named(&p->h.parts, ENTRY_DIR, ".");
    add_named(&p->h.parts, ENTRY_DIR, "d");
    add_empty(&p->h, "d/f", 3);
    handmade_index(&p->h);
    end_tree(p);
    begin_tree(state, p, true);
    assert_int_equal(mkdir(in(state, "outside"), 0700), 0);
    put_file(in(state, "outside/f"), "theirs");
}

static void a_plain_file_is_left_in_place_and_not_touched_yet(void **state)
{
    struct planting p;
    ino_t was;

    begin_delta(state, &p);
    assert_int_equal(mkdir(in(state, "target/d"), 0700), 0);
    put_file(in(state, "target/d/f"), "longer than it should be");
    was = look(state, "target/d/f").st_ino;
    assert_done(plant(&p));
    assert_int_equal(look(state, "target/d/f").st_ino, was);
    /* Its content, and its length, come later. */
    assert_true(have_file(in(state, "target/d/f"), "longer than it should be"));
    end_planting(&p);
}

static void a_file_that_is_filled_in_place_gets_mode_and_time(void **state)
{
    struct planting p;

    begin_delta(state, &p);
    assert_int_equal(mkdir(in(state, "target/d"), 0700), 0);
    put_file(in(state, "target/d/f"), "old");
    assert_int_equal(chmod(in(state, "target/d/f"), 0600), 0);
    assert_done(plant(&p));
    assert_int_equal(look(state, "target/d/f").st_mode & 07777, 0644);
    assert_int_equal(look(state, "target/d/f").st_mtim.tv_sec, 1700000000);
    assert_int_equal(look(state, "target/d").st_mtim.tv_sec, 1700000000);
    end_planting(&p);
}

static void a_pipe_in_place_of_a_file_is_made_anew(void **state)
{
    struct planting p;

    begin_delta(state, &p);
    assert_int_equal(mkdir(in(state, "target/d"), 0700), 0);
    assert_int_equal(mkfifo(in(state, "target/d/f"), 0600), 0);
    assert_done(plant(&p));
    assert_true(S_ISREG(look(state, "target/d/f").st_mode));
    end_planting(&p);
}

static void a_link_in_place_of_a_directory_is_not_followed(void **state)
{
    struct planting p;

    begin_delta(state, &p);
    assert_int_equal(symlink("../outside", in(state, "target/d")), 0);
    assert_done(plant(&p));
    assert_true(S_ISDIR(look(state, "target/d").st_mode));
    assert_true(have_file(in(state, "outside/f"), "theirs"));
    end_planting(&p);
}

static void a_link_in_place_of_a_file_is_not_followed(void **state)
{
    struct planting p;

    begin_delta(state, &p);
    assert_int_equal(mkdir(in(state, "target/d"), 0700), 0);
    assert_int_equal(symlink("../../outside/f", in(state, "target/d/f")), 0);
    assert_done(plant(&p));
    assert_true(S_ISREG(look(state, "target/d/f").st_mode));
    assert_true(have_file(in(state, "outside/f"), "theirs"));
    end_planting(&p);
}

static void a_file_with_a_second_name_is_made_anew(void **state)
{
    struct planting p;

    begin_delta(state, &p);
    assert_int_equal(mkdir(in(state, "target/d"), 0700), 0);
    assert_int_equal(link(in(state, "outside/f"), in(state, "target/d/f")), 0);
    assert_done(plant(&p));
    assert_true(have_file(in(state, "outside/f"), "theirs"));
    assert_int_equal(look(state, "outside/f").st_nlink, 2); /* the other name is kept */
    assert_true(look(state, "target/d/f").st_ino != look(state, "outside/f").st_ino);
    end_planting(&p);
}

static void a_file_with_an_attribute_of_its_own_is_made_anew(void **state)
{
    struct planting p;

    begin_delta(state, &p);
    assert_int_equal(mkdir(in(state, "target/d"), 0700), 0);
    put_file(in(state, "target/d/f"), "old");
    if (setxattr(in(state, "target/d/f"), "user.mine", "1", 1, 0) != 0) {
        end_planting(&p);
        skip(); /* this file system has none */
    }
    assert_done(plant(&p));
    assert_int_equal(getxattr(in(state, "target/d/f"), "user.mine", NULL, 0), -1);
    assert_int_equal(errno, ENODATA);
    end_planting(&p);
}

static void a_directory_in_place_of_a_file_goes_with_all_that_is_in_it(void **state)
{
    struct planting p;

    begin_delta(state, &p);
    assert_int_equal(mkdir(in(state, "target/d"), 0700), 0);
    assert_int_equal(mkdir(in(state, "target/d/f"), 0700), 0);
    put_file(in(state, "target/d/f/g"), "old");
    assert_done(plant(&p));
    assert_true(S_ISREG(look(state, "target/d/f").st_mode));
    assert_int_equal(look(state, "target/d/f").st_size, 3);
    end_planting(&p);
}

static void what_the_snapshot_does_not_have_goes_but_not_when_a_part_is_asked_for(void **state)
{
    static const char *const only[] = {"d", NULL};
    struct path_list list;
    struct planting p;

    begin_delta(state, &p);
    assert_int_equal(mkdir(in(state, "target/extra"), 0700), 0);
    put_file(in(state, "target/extra/f"), "old");
    assert_int_equal(symlink("../outside", in(state, "target/link")), 0);
    list = list_of(only);
    p.selection.only = &list;
    assert_done(plant(&p));
    assert_true(is_there(state, "target/extra/f"));
    p.selection.only = NULL;
    assert_done(plant(&p));
    assert_int_equal(count_names(in(state, "target")), 1);
    assert_true(have_file(in(state, "outside/f"), "theirs"));
    path_list_clear(&list);
    end_planting(&p);
}

static void a_snapshot_without_a_root_does_not_empty_its_target(void **state)
{
    struct planting p;
    ino_t was;

    begin_planting(state, &p);
    add_empty(&p.h, "stream", 3);
    handmade_index(&p.h);
    end_tree(&p);
    begin_tree(state, &p, true);
    put_file(in(state, "target/stream"), "old");
    put_file(in(state, "target/extra"), "");
    was = look(state, "target/stream").st_ino;
    assert_done(plant(&p));
    assert_int_equal(look(state, "target/stream").st_ino, was);
    assert_int_equal(count_names(in(state, "target")), 1);
    end_planting(&p);
}

static void names_at_the_top_are_known_or_extra_and_what_no_snapshot_holds_is_neither(void **state)
{
    struct planting p;
    uint64_t known = 0;
    uint64_t extra = 0;

    begin_delta(state, &p);
    assert_int_equal(mkdir(in(state, "target/d"), 0700), 0);
    put_file(in(state, "target/d/not-in-the-snapshot"), "below the top");
    put_file(in(state, "target/e"), "");
    put_file(in(state, "target/f"), "");
    put_file(in(state, "target/mongod.lock"), "");
    assert_done(tree_compare(&p.tree, &known, &extra));
    assert_int_equal(known, 1);
    assert_int_equal(extra, 2);
    end_planting(&p);
}

static const struct CMUnitTest tests[] = {
    IN_DIRECTORY(a_link_may_sort_before_its_first_name),
    IN_DIRECTORY(two_links_without_their_first_name_are_two_files),
    IN_DIRECTORY(modes_and_times_are_right_when_all_is_done),
    IN_DIRECTORY(a_plain_file_is_left_in_place_and_not_touched_yet),
    IN_DIRECTORY(a_file_that_is_filled_in_place_gets_mode_and_time),
    IN_DIRECTORY(a_pipe_in_place_of_a_file_is_made_anew),
    IN_DIRECTORY(a_link_in_place_of_a_directory_is_not_followed),
    IN_DIRECTORY(a_link_in_place_of_a_file_is_not_followed),
    IN_DIRECTORY(a_file_with_a_second_name_is_made_anew),
    IN_DIRECTORY(a_file_with_an_attribute_of_its_own_is_made_anew),
    IN_DIRECTORY(a_directory_in_place_of_a_file_goes_with_all_that_is_in_it),
    IN_DIRECTORY(what_the_snapshot_does_not_have_goes_but_not_when_a_part_is_asked_for),
    IN_DIRECTORY(a_snapshot_without_a_root_does_not_empty_its_target),
    IN_DIRECTORY(names_at_the_top_are_known_or_extra_and_what_no_snapshot_holds_is_neither),
};

int main(void)
{
    return cmocka_run_group_tests(tests, NULL, NULL);
}
