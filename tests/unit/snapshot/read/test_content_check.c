#include "snapshot/read/content_check.h"

#include "core/base/log.h"
#include "tests/unit/snapshot/handmade.h"
#include "tests/unit/snapshot/repositories.h"

#define BLOCK_LEN (64 * KIB)
#define PACK_LEN (2 * MIB) /* two sealed segments */

static uint8_t content[PACK_LEN];

/*
 * Three packs:
 *   a     one block of pack 0        hard  a second name of it
 *   b     the first block of pack 1
 *   c     the last block of pack 1, and one of pack 2
 *   e     nothing                    z     zeros
 */
struct looking {
    struct handmade h;
    struct selection selection;
    struct content_check check;
    struct path_list list; /* the selection's, when it asks for a part */
};

static void begin_looking(void **state, struct looking *l, enum content_depth depth)
{
    struct entry hard = entry_at(ENTRY_FILE, "hard");
    struct handmade *h = &l->h;

    *l = (struct looking){.selection = {.from = &l->h.opened}};
    l->check = (struct content_check){.selection = &l->selection, .depth = depth, .workers = 2};
    *said = '\0';
    log_to(keep_line);
    handmade_begin(state, h);
    fill_pattern(content, sizeof content, 1);
    for (int i = 0; i < 3; i++)
        add_pack(h, bytes_of(content, sizeof content));
    add_piece(h, 0, 0, bytes_of(content, BLOCK_LEN));
    add_piece(h, 1, 0, bytes_of(content, BLOCK_LEN));
    add_piece(h, 1, PACK_LEN - BLOCK_LEN, bytes_of(content + PACK_LEN - BLOCK_LEN, BLOCK_LEN));
    add_piece(h, 2, 0, bytes_of(content, BLOCK_LEN));
    add_zeros(h);
    add_sized(&h->parts, "a", BLOCK_LEN, 0);
    add_sized(&h->parts, "b", BLOCK_LEN, 1);
    add_sized(&h->parts, "c", 2 * BLOCK_LEN, 2);
    add_named(&h->parts, ENTRY_FILE, "e");
    hard.flags = ENTRY_HARD_LINK;
    assert_done(buf_add_text(&hard.link, "a"));
    add_entry(&h->parts, &hard);
    entry_clear(&hard);
    add_sized(&h->parts, "z", BLOCK_LEN, 4);
    handmade_index(h);
}

static void end_looking(struct looking *l)
{
    log_to(NULL);
    path_list_clear(&l->list);
    handmade_clear(&l->h);
}

static void ask_for(struct looking *l, const char *const *only)
{
    path_list_clear(&l->list);
    l->list = list_of(only);
    l->selection.only = &l->list;
}

static const char *pack_path(struct looking *l, unsigned number)
{
    static char path[512];

    snprintf(path, sizeof path, "%s/data/%02x/%02x000000000000000000000000000000",
             in(l->h.state, "repository"), number + 1, number + 1);
    return path;
}

static void flip_byte(const char *path, off_t offset)
{
    uint8_t byte;
    int fd;

    assert_int_equal(chmod(path, 0600), 0);
    fd = open(path, O_RDWR | O_CLOEXEC);
    assert_int_equal(pread(fd, &byte, 1, offset), 1);
    byte ^= 1;
    assert_int_equal(pwrite(fd, &byte, 1, offset), 1);
    close(fd);
}

/* The names that are left out, each with a blank behind it. */
static const char *left_out_of(struct looking *l)
{
    static char text[256];
    struct path_list names = {.count = 0};

    text[0] = '\0';
    assert_done(content_check_leave_out(&l->check, &l->selection, &names));
    for (size_t i = 0; i < names.count; i++) {
        struct entry e = entry_at(ENTRY_FILE, path_list_at(&names, i));

        assert_int_equal(selection_choose(&l->selection, &e), SELECTION_SKIP);
        entry_clear(&e);
        snprintf(text + strlen(text), sizeof text - strlen(text), "%s ", path_list_at(&names, i));
    }
    l->selection.without = NULL;
    path_list_clear(&names);
    return text;
}

static void what_is_whole_passes_at_every_depth(void **state)
{
    struct looking l;

    begin_looking(state, &l, CONTENT_PRESENCE);
    for (; l.check.depth <= CONTENT_ALL; l.check.depth++) {
        assert_done(content_check_run(&l.check));
        assert_done(content_check_report(&l.check));
        assert_string_equal(left_out_of(&l), "");
    }
    assert_string_equal(said, "");
    end_looking(&l);
}

/* The sentence that was false: one lost pack refused every file. */
static void a_lost_pack_refuses_only_the_files_that_need_it(void **state)
{
    static const char *const sound[] = {"a", "e", "hard", "z", NULL};
    static const char *const link[] = {"hard", NULL};
    static const char *const lost[] = {"b", NULL};
    struct looking l;

    begin_looking(state, &l, CONTENT_PRESENCE);
    assert_int_equal(unlink(pack_path(&l, 1)), 0);
    ask_for(&l, sound);
    assert_done(content_check_run(&l.check));
    ask_for(&l, lost);
    assert_refused(content_check_run(&l.check), ERR_CORRUPT,
                   "object data/02/02000000000000000000000000000000: it is missing from the "
                   "repository");
    l.selection.only = NULL;
    assert_refused(content_check_run(&l.check), ERR_CORRUPT, NULL);
    assert_string_equal(left_out_of(&l), "b c ");
    assert_int_equal(unlink(pack_path(&l, 0)), 0);
    ask_for(&l, link); /* its content is its first name's, which is not asked for */
    assert_refused(content_check_run(&l.check), ERR_CORRUPT, NULL);
    l.selection.only = NULL;
    assert_string_equal(left_out_of(&l), "a b c hard ");
    assert_true(was_said("b: its content is damaged or lost; it is left out"));
    end_looking(&l);
}

static void a_short_pack_is_lost(void **state)
{
    struct looking l;

    begin_looking(state, &l, CONTENT_PRESENCE);
    assert_int_equal(chmod(pack_path(&l, 2), 0600), 0);
    assert_int_equal(truncate(pack_path(&l, 2), 100), 0);
    assert_refused(content_check_run(&l.check), ERR_CORRUPT, NULL);
    assert_string_equal(left_out_of(&l), "c ");
    end_looking(&l);
}

/* A flipped byte is not seen by looking for the object, and takes one block of two with it. */
static void a_damaged_block_takes_the_files_that_have_it(void **state)
{
    struct looking l;

    begin_looking(state, &l, CONTENT_PRESENCE);
    flip_byte(pack_path(&l, 1), 4096); /* in the first of its segments: b's */
    assert_done(content_check_run(&l.check));
    assert_string_equal(left_out_of(&l), "");
    l.check.depth = CONTENT_BLOCKS;
    assert_refused(content_check_run(&l.check), ERR_CORRUPT, NULL);
    assert_string_equal(left_out_of(&l), "b ");
    assert_refused(content_check_report(&l.check), ERR_CORRUPT,
                   "1 of 6 files are damaged or lost (each is named above)");
    end_looking(&l);
}

/* Where nobody needs it, only the digest of the whole object tells. */
static void damage_beside_all_blocks_is_found_by_the_digest(void **state)
{
    struct looking l;

    begin_looking(state, &l, CONTENT_BLOCKS);
    flip_byte(pack_path(&l, 2), (off_t)(PACK_LEN - 4096));
    assert_done(content_check_report(&l.check));
    l.check.depth = CONTENT_ALL;
    assert_refused(
        content_check_run(&l.check), ERR_CORRUPT,
        "object data/03/03000000000000000000000000000000: its SHA-256 is not that of the "
        "manifest (damaged or tampered with)");
    assert_refused(content_check_report(&l.check), ERR_CORRUPT,
                   "1 object is damaged (each is named above), but what the files need of it is "
                   "whole");
    assert_string_equal(left_out_of(&l), "");
    end_looking(&l);
}

static void an_object_is_said_once_however_many_blocks_it_takes(void **state)
{
    struct looking l;
    char *first;

    begin_looking(state, &l, CONTENT_ALL);
    flip_byte(pack_path(&l, 1), 4096);
    flip_byte(pack_path(&l, 1), (off_t)(PACK_LEN - 4096));
    assert_string_equal(left_out_of(&l), "b c ");
    first = strstr(said, "object data/02/");
    assert_non_null(first);
    assert_null(strstr(first + 1, "object data/02/"));
    end_looking(&l);
}

static void a_store_that_is_gone_ends_it(void **state)
{
    struct soundness *found = NULL;
    struct looking l;
    uint64_t damaged;

    begin_looking(state, &l, CONTENT_PRESENCE);
    assert_done(soundness_new(&l.h.opened, &found));
    l.h.faulty.sticky = true;
    set_fault(&l.h, FAULT_FAIL, 1, 0);
    assert_refused(content_check_all(&l.check, found, &damaged), ERR_STORAGE, NULL);
    assert_string_equal(said, "");
    soundness_free(found);
    end_looking(&l);
}

static void one_file_needs_its_own_packs(void **state)
{
    struct entry e;
    struct looking l;
    uint64_t i = 0;

    entry_init(&e);
    begin_looking(state, &l, CONTENT_PRESENCE);
    assert_int_equal(unlink(pack_path(&l, 2)), 0);
    assert_done(index_find(l.h.opened.index, bytes_of_text("b"), &i));
    assert_done(index_entry(l.h.opened.index, i, &e));
    assert_done(content_check_file(&l.h.opened, &e));
    assert_done(index_entry(l.h.opened.index, i + 1, &e));
    assert_refused(content_check_file(&l.h.opened, &e), ERR_CORRUPT,
                   "c: object data/03/03000000000000000000000000000000: it is missing from the "
                   "repository");
    entry_clear(&e);
    end_looking(&l);
}

static enum err look(void *arg)
{
    struct looking *l = arg;

    return content_check_run(&l->check);
}

static void no_memory_is_said(void **state)
{
    struct looking l;

    begin_looking(state, &l, CONTENT_ALL);
    l.check.workers = 1;
    assert_true(sweep_allocations(look, &l) > 10);
    end_looking(&l);
}

static const struct CMUnitTest tests[] = {
    IN_DIRECTORY(what_is_whole_passes_at_every_depth),
    IN_DIRECTORY(a_lost_pack_refuses_only_the_files_that_need_it),
    IN_DIRECTORY(a_short_pack_is_lost),
    IN_DIRECTORY(a_damaged_block_takes_the_files_that_have_it),
    IN_DIRECTORY(damage_beside_all_blocks_is_found_by_the_digest),
    IN_DIRECTORY(an_object_is_said_once_however_many_blocks_it_takes),
    IN_DIRECTORY(a_store_that_is_gone_ends_it),
    IN_DIRECTORY(one_file_needs_its_own_packs),
    IN_DIRECTORY(no_memory_is_said),
};

int main(void)
{
    return cmocka_run_group_tests(tests, NULL, NULL);
}
