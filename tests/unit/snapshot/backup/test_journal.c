#include "snapshot/backup/journal.h"

#include <signal.h>
#include <sys/resource.h>

#include "tests/unit/snapshot/repositories.h"

static const char id[] = "0123456789abcdef01234567";

static void put_object(struct world *w, const char *name)
{
    assert_done(store_put(w->real, name, bytes_of_text("sealed")));
}

static bool has_object(struct world *w, const char *name)
{
    uint64_t size;

    return store_head(w->real, name, &size) == ERR_OK;
}

/* A run that noted two names and put one of them. */
static void be_killed(struct world *w, const char *snapshot)
{
    struct journal *j = NULL;

    assert_done(journal_new(w->ledger, snapshot, &j));
    assert_done(journal_add(j, "data/00/000102030405060708090a0b0c0d0e0f"));
    assert_done(journal_add(j, "data/11/110102030405060708090a0b0c0d0e0f"));
    put_object(w, "data/00/000102030405060708090a0b0c0d0e0f");
    journal_free(j);
}

static void nothing_pending_is_nothing_to_do(void **state)
{
    struct world w;

    make_world(state, &w);
    assert_done(journal_recover(w.ledger));
    assert_string_equal(said, "");
    clear_world(&w);
}

static void what_has_no_record_is_removed(void **state)
{
    struct world w;

    make_world(state, &w);
    put_object(&w, "data/22/220102030405060708090a0b0c0d0e0f"); /* somebody else's */
    be_killed(&w, id);
    assert_true(file_exists(in(state, "state/pending")));
    assert_done(journal_recover(w.ledger));
    assert_false(has_object(&w, "data/00/000102030405060708090a0b0c0d0e0f"));
    assert_true(has_object(&w, "data/22/220102030405060708090a0b0c0d0e0f"));
    assert_false(file_exists(in(state, "state/pending")));
    assert_string_equal(
        said, "removing what an interrupted backup (0123456789abcdef01234567) left behind\n");
    clear_world(&w);
}

/* A run that fails has an error of its own to show. */
static void a_run_that_undoes_itself_says_nothing_of_an_interrupted_one(void **state)
{
    struct world w;

    make_world(state, &w);
    be_killed(&w, id);
    said[0] = '\0';
    assert_done(journal_undo(w.ledger));
    assert_false(has_object(&w, "data/00/000102030405060708090a0b0c0d0e0f"));
    assert_false(file_exists(in(state, "state/pending")));
    assert_null(strstr(said, "interrupted"));
    clear_world(&w);
}

static void what_has_a_record_stays(void **state)
{
    struct world w;
    struct backup_result r;

    make_world(state, &w);
    put_file(in(state, "source/f"), "content");
    r = make_backup(&w);
    be_killed(&w, r.id);
    assert_done(journal_recover(w.ledger));
    assert_true(has_object(&w, "data/00/000102030405060708090a0b0c0d0e0f"));
    assert_false(file_exists(in(state, "state/pending")));
    clear_world(&w);
}

/* This run looked at the ledger, then another made its record and was killed before it forgot. */
static void a_record_that_came_after_we_looked_counts(void **state)
{
    struct world w;
    struct ledger *early = NULL;
    struct ledger_options options;
    struct backup_result r;

    make_world(state, &w);
    put_file(in(state, "source/f"), "content");
    options = options_of_ledger(&w);
    assert_done(ledger_open(&options, &early));
    r = make_backup(&w);
    be_killed(&w, r.id);
    assert_done(journal_recover(early));
    assert_true(has_object(&w, "data/00/000102030405060708090a0b0c0d0e0f"));
    ledger_free(early);
    clear_world(&w);
}

static void a_torn_line_names_nothing(void **state)
{
    static const char *const texts[] = {
        "", "0123456789ab", "0123456789abcdef01234567\n",
        "0123456789abcdef01234567\ndata/22/220102030405060708090a0b0c0d0e0f",
        "0123456789abcdef01234567\ndata/33/330102030405060708090a0b0c0d0e0f\ndata/22"};
    struct world w;

    make_world(state, &w);
    put_object(&w, "data/22/220102030405060708090a0b0c0d0e0f");
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
        put_file(in(state, "state/pending"), texts[i]);
        assert_done(journal_recover(w.ledger));
        assert_true(has_object(&w, "data/22/220102030405060708090a0b0c0d0e0f"));
        assert_false(file_exists(in(state, "state/pending")));
    }
    clear_world(&w);
}

/* The disk takes this much more of the journal, and no byte after. */
static void let_journal_grow(void **state, off_t len)
{
    struct rlimit limit;
    struct stat now;

    assert_int_equal(stat(in(state, "state/pending"), &now), 0);
    assert_int_equal(getrlimit(RLIMIT_FSIZE, &limit), 0);
    limit.rlim_cur = len < 0 ? limit.rlim_max : (rlim_t)(now.st_size + len);
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &limit), 0);
}

/* One thread's note was torn by a full disk; another's, that came after, must not join its line. */
static void a_note_after_a_torn_one_stands_in_its_place(void **state)
{
    const struct sigaction ignore = {.sa_handler = SIG_IGN};
    struct world w;
    struct journal *j = NULL;

    make_world(state, &w);
    assert_int_equal(sigaction(SIGXFSZ, &ignore, NULL), 0);
    assert_done(journal_new(w.ledger, id, &j));
    let_journal_grow(state, 10);
    assert_refused(journal_add(j, "data/00/000102030405060708090a0b0c0d0e0f"), ERR_FAILED, NULL);
    let_journal_grow(state, -1);
    assert_done(journal_add(j, "data/11/110102030405060708090a0b0c0d0e0f"));
    put_object(&w, "data/11/110102030405060708090a0b0c0d0e0f");
    journal_free(j);
    assert_done(journal_recover(w.ledger));
    assert_false(has_object(&w, "data/11/110102030405060708090a0b0c0d0e0f"));
    clear_world(&w);
}

static void a_store_that_does_not_remove_leaves_the_journal(void **state)
{
    struct faulty f = {.fault = FAULT_FAIL,
                       .fail_at = 1,
                       .ops = FAULTY_REMOVE,
                       .code = ERR_STORAGE,
                       .sticky = true};
    struct world w;

    make_world(state, &w);
    be_killed(&w, id);
    open_ledger(&w, &f);
    assert_refused(journal_recover(w.ledger), ERR_STORAGE, NULL);
    assert_memory_equal(err_text(), "cleaning up after an interrupted backup: ", 41);
    assert_true(file_exists(in(state, "state/pending")));
    open_ledger(&w, NULL);
    assert_done(journal_recover(w.ledger));
    assert_false(has_object(&w, "data/00/000102030405060708090a0b0c0d0e0f"));
    clear_world(&w);
}

static void there_is_one_journal_at_a_time(void **state)
{
    struct world w;
    struct journal *a = NULL;
    struct journal *b = NULL;

    make_world(state, &w);
    assert_done(journal_new(w.ledger, id, &a));
    assert_refused(journal_new(w.ledger, id, &b), ERR_FAILED, NULL);
    assert_null(b);
    assert_done(journal_forget(a));
    assert_false(file_exists(in(state, "state/pending")));
    assert_refused(journal_forget(a), ERR_FAILED, NULL);
    journal_free(a);
    clear_world(&w);
}

static const struct CMUnitTest tests[] = {
    IN_FOLDER(nothing_pending_is_nothing_to_do),
    IN_FOLDER(what_has_no_record_is_removed),
    IN_FOLDER(a_run_that_undoes_itself_says_nothing_of_an_interrupted_one),
    IN_FOLDER(what_has_a_record_stays),
    IN_FOLDER(a_record_that_came_after_we_looked_counts),
    IN_FOLDER(a_torn_line_names_nothing),
    IN_FOLDER(a_note_after_a_torn_one_stands_in_its_place),
    IN_FOLDER(a_store_that_does_not_remove_leaves_the_journal),
    IN_FOLDER(there_is_one_journal_at_a_time),
};

int main(void)
{
    return cmocka_run_group_tests(tests, NULL, NULL);
}
