#include "snapshot/read/selection.h"

#include "tests/unit/snapshot/handmade.h"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

struct choosing {
    struct handmade h;
    struct selection selection;
};

static void begin_choosing(void **state, struct choosing *c)
{
    handmade_begin(state, &c->h);
    c->selection = (struct selection){.from = &c->h.opened};
}

static void add_hard(struct choosing *c, const char *path, const char *first)
{
    struct entry e = entry_at(ENTRY_FILE, path);

    e.flags = ENTRY_HARD_LINK;
    assert_done(buf_add_text(&e.link, first));
    add_entry(&c->h.parts, &e);
    entry_clear(&e);
}

/* A file of this many bytes, all of them zero: it needs no object. */
static void add_empty(struct choosing *c, const char *path, uint64_t size)
{
    add_sized(&c->h.parts, path, size, c->h.parts.header.block_count);
    for (uint64_t offset = 0; offset < size; offset += 65536)
        add_zeros(&c->h);
}

/* ---- what is chosen ---- */

static void what_lies_at_or_below_a_path_is_chosen_and_its_directories_too(void **state)
{
    static const char *const only[] = {"a/b", "x", NULL};
    static const struct {
        const char *path;
        enum entry_type type;
        enum selection_choice choice;
    } rows[] = {
        {".", ENTRY_DIR, SELECTION_DIRECTORY},    {"a", ENTRY_DIR, SELECTION_DIRECTORY},
        {"a/b", ENTRY_DIR, SELECTION_WHOLE},      {"a/b/c", ENTRY_FILE, SELECTION_WHOLE},
        {"a/b/c/d", ENTRY_FIFO, SELECTION_WHOLE}, {"a/bc", ENTRY_FILE, SELECTION_SKIP},
        {"a/b.c", ENTRY_DIR, SELECTION_SKIP},     {"a/a", ENTRY_DIR, SELECTION_SKIP},
        {"a", ENTRY_SYMLINK, SELECTION_SKIP},     {"x", ENTRY_SYMLINK, SELECTION_WHOLE},
        {"xy", ENTRY_DIR, SELECTION_SKIP},        {"b", ENTRY_DIR, SELECTION_SKIP},
    };
    struct path_list list = list_of(only);
    struct selection s = {.only = &list};

    (void)state;
    for (size_t i = 0; i < COUNT(rows); i++) {
        struct entry e = entry_at(rows[i].type, rows[i].path);

        if (selection_choose(&s, &e) != rows[i].choice)
            fail_msg("%s of type %d", rows[i].path, (int)rows[i].type);
        entry_clear(&e);
    }
    path_list_clear(&list);
}

static void what_is_left_out_is_skipped_whatever_was_asked_for(void **state)
{
    static const char *const out[] = {"a/b/c", "x", NULL};
    struct path_list list = list_of(out);
    struct selection s = {.without = &list};
    struct entry e = entry_at(ENTRY_FILE, "a/b/c");
    struct entry other = entry_at(ENTRY_DIR, "a/b");

    (void)state;
    assert_int_equal(selection_choose(&s, &e), SELECTION_SKIP);
    assert_int_equal(selection_choose(&s, &other), SELECTION_WHOLE);
    entry_clear(&e);
    entry_clear(&other);
    path_list_clear(&list);
}

/* ---- going through them ---- */

struct visited {
    char paths[256]; /* each with a blank behind it */
    size_t stop_at;  /* the visit that fails; 0: none */
    size_t count;
};

static enum err visit(void *arg, const struct entry *e)
{
    struct visited *v = arg;
    size_t len = strlen(v->paths);

    snprintf(v->paths + len, sizeof v->paths - len, "%s ", entry_path(e));
    return ++v->count == v->stop_at ? err_set(ERR_INTERRUPTED, "stopped") : ERR_OK;
}

static void a_walk_passes_over_what_is_not_asked_for_and_links_may_come_last(void **state)
{
    static const char *const only[] = {"a", "z", NULL};
    struct path_list list;
    struct choosing c;
    struct visited v = {.count = 0};

    begin_choosing(state, &c);
    add_named(&c.h.parts, ENTRY_DIR, ".");
    add_named(&c.h.parts, ENTRY_DIR, "a");
    add_hard(&c, "a/link", "z/first");
    add_empty(&c, "m", 1);
    add_named(&c.h.parts, ENTRY_DIR, "z");
    add_empty(&c, "z/first", 10);
    handmade_index(&c.h);
    list = list_of(only);
    c.selection.only = &list;
    assert_done(selection_walk(&c.selection, visit, &v));
    assert_string_equal(v.paths, ". a a/link z z/first ");
    v = (struct visited){.count = 0};
    assert_done(selection_walk_links_last(&c.selection, visit, &v));
    assert_string_equal(v.paths, ". a z z/first a/link ");
    for (size_t at = 1; at <= 5; at++) {
        v = (struct visited){.stop_at = at};
        assert_refused(selection_walk_links_last(&c.selection, visit, &v), ERR_INTERRUPTED,
                       "stopped");
        assert_int_equal(v.count, at);
    }
    path_list_clear(&list);
    handmade_clear(&c.h);
}

/* All that a walk forwards or backwards gives, as a filter over all entries would. */
static void assert_walks(const struct choosing *c)
{
    const struct index *x = c->h.opened.index;
    uint64_t count = index_header(x)->file_count;
    uint64_t forward = 0;
    uint64_t back = count;
    struct entry e;
    struct entry due;
    bool more = true;

    entry_init(&e);
    entry_init(&due);
    for (uint64_t k = 0; k < count; k++) {
        assert_done(index_entry(x, k, &due));
        if (selection_choose(&c->selection, &due) == SELECTION_SKIP)
            continue;
        assert_done(selection_next(&c->selection, &forward, &e, &more));
        assert_true(more && forward == k);
        assert_string_equal(entry_path(&e), entry_path(&due));
        forward++;
    }
    assert_done(selection_next(&c->selection, &forward, &e, &more));
    assert_false(more);
    for (uint64_t k = count; k-- > 0;) {
        assert_done(index_entry(x, k, &due));
        if (selection_choose(&c->selection, &due) == SELECTION_SKIP)
            continue;
        assert_done(selection_previous(&c->selection, &back, &e, &more));
        assert_true(more && back == k);
    }
    assert_done(selection_previous(&c->selection, &back, &e, &more));
    assert_false(more);
    entry_clear(&e);
    entry_clear(&due);
}

/* Directories "00" to "29", in each "00" to "29" and in each a file; beside them files. */
static void a_leap_over_what_nobody_asked_for_misses_nothing(void **state)
{
    static const char *const lists[][5] = {
        {"00"},
        {"29/29/f"},
        {"00/00/f", "29/29/f"},
        {"05", "05.x", "06/07/f"},
        {"10/20"},
        {"10/20", "10/21", "11/00/f", "25"},
        {"05.x"},
        {"zz"},
        {"nobody"},
        {"10/20/nobody"},
        {"0"},
    };
    static const char *const outs[] = {"10/20/f", "25/03/f", "29/29/f", NULL};
    struct path_list without = list_of(outs);
    struct choosing c;
    char name[16];

    begin_choosing(state, &c);
    add_named(&c.h.parts, ENTRY_DIR, ".");
    for (int i = 0; i < 30; i++) {
        snprintf(name, sizeof name, "%02d", i);
        add_named(&c.h.parts, ENTRY_DIR, name);
        for (int k = 0; k < 30; k++) {
            snprintf(name, sizeof name, "%02d/%02d", i, k);
            add_named(&c.h.parts, ENTRY_DIR, name);
            snprintf(name, sizeof name, "%02d/%02d/f", i, k);
            add_named(&c.h.parts, ENTRY_FIFO, name);
        }
        snprintf(name, sizeof name, "%02d.x", i);
        add_named(&c.h.parts, ENTRY_FIFO, name);
    }
    add_named(&c.h.parts, ENTRY_FIFO, "zz");
    handmade_index(&c.h);
    assert_walks(&c);
    for (size_t i = 0; i < COUNT(lists); i++) {
        struct path_list only = list_of(lists[i]);

        c.selection = (struct selection){.from = &c.h.opened, .only = &only};
        assert_walks(&c);
        c.selection.without = &without;
        assert_walks(&c);
        path_list_clear(&only);
    }
    path_list_clear(&without);
    handmade_clear(&c.h);
}

/* ---- where the content is ---- */

static void the_content_of_a_link_is_its_own_only_without_the_first_name(void **state)
{
    static const char *const link[] = {"hard", NULL};
    struct path_list list;
    struct choosing c;
    struct entry e = entry_at(ENTRY_FILE, "hard");
    struct entry scratch;
    const struct entry *content = NULL;
    bool is_chosen = false;

    begin_choosing(state, &c);
    entry_init(&scratch);
    e.flags = ENTRY_HARD_LINK;
    assert_done(buf_add_text(&e.link, "a"));
    add_empty(&c, "a", 100000);
    add_entry(&c.h.parts, &e);
    handmade_index(&c.h);
    assert_done(selection_content(&c.selection, &e, &scratch, &content));
    assert_null(content);
    assert_done(selection_first_name(&c.selection, &e, &scratch, &is_chosen));
    assert_true(is_chosen);
    list = list_of(link);
    c.selection.only = &list;
    assert_done(selection_content(&c.selection, &e, &scratch, &content));
    assert_ptr_equal(content, &scratch);
    assert_string_equal(entry_path(content), "a");
    assert_done(selection_first_name(&c.selection, &e, &scratch, &is_chosen));
    assert_false(is_chosen);
    assert_done(selection_content(&c.selection, &scratch, &e, &content));
    assert_ptr_equal(content, &scratch); /* no link: its own */
    entry_clear(&e);
    entry_clear(&scratch);
    path_list_clear(&list);
    handmade_clear(&c.h);
}

/* ---- counting ---- */

static void a_link_counts_its_content_only_where_its_first_name_is_left_out(void **state)
{
    static const char *const link[] = {"hard", NULL};
    static const char *const both[] = {"a", "hard", NULL};
    struct path_list list;
    struct choosing c;
    struct selection_totals totals;

    begin_choosing(state, &c);
    add_empty(&c, "a", 100000);
    add_hard(&c, "hard", "a");
    handmade_index(&c.h);
    list = list_of(link);
    c.selection.only = &list;
    assert_done(selection_measure(&c.selection, &totals));
    assert_int_equal(totals.files, 1);
    assert_int_equal(totals.bytes, 100000);
    path_list_clear(&list);
    list = list_of(both);
    assert_done(selection_measure(&c.selection, &totals));
    assert_int_equal(totals.files, 2);
    assert_int_equal(totals.bytes, 100000);
    path_list_clear(&list);
    handmade_clear(&c.h);
}

static void of_a_sparse_file_only_its_data_needs_room(void **state)
{
    struct choosing c;
    struct selection_totals totals;
    struct entry e = entry_at(ENTRY_FILE, "sparse");

    begin_choosing(state, &c);
    e.size = 1 << 20;
    e.block_log2 = 16;
    assert_done(entry_add_extent(&e, 0, 4096));
    assert_done(entry_add_extent(&e, (1 << 20) - 1, 1));
    add_entry(&c.h.parts, &e);
    entry_clear(&e);
    for (int i = 0; i < 16; i++)
        add_zeros(&c.h);
    handmade_index(&c.h);
    assert_done(selection_measure(&c.selection, &totals));
    assert_int_equal(totals.bytes, 1 << 20);
    assert_int_equal(totals.needed, 4097);
    handmade_clear(&c.h);
}

static const struct CMUnitTest tests[] = {
    IN_DIRECTORY(what_lies_at_or_below_a_path_is_chosen_and_its_directories_too),
    IN_DIRECTORY(what_is_left_out_is_skipped_whatever_was_asked_for),
    IN_DIRECTORY(a_walk_passes_over_what_is_not_asked_for_and_links_may_come_last),
    IN_DIRECTORY(a_leap_over_what_nobody_asked_for_misses_nothing),
    IN_DIRECTORY(the_content_of_a_link_is_its_own_only_without_the_first_name),
    IN_DIRECTORY(a_link_counts_its_content_only_where_its_first_name_is_left_out),
    IN_DIRECTORY(of_a_sparse_file_only_its_data_needs_room),
};

int main(void)
{
    return cmocka_run_group_tests(tests, NULL, NULL);
}
