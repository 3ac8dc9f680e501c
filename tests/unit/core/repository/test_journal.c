#include "core/repository/journal.h"

#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>

#include "core/base/log.h"
#include "core/fs/file.h"
#include "tests/unit/core/repository/opened.h"

static const char id[] = "0123456789abcdef01234567";

/* What was said to the user. */
static char said[1024];

static void keep_line(enum log_level level, const char *text)
{
    size_t len = strlen(said);

    if (level != LOG_DEBUG)
        snprintf(said + len, sizeof said - len, "%s\n", text);
}

static void begin_journals(void **state, struct opened *o)
{
    *said = '\0';
    log_to(keep_line);
    make_opened(state, o);
}

static void end_journals(struct opened *o)
{
    clear_opened(o);
    log_to(NULL);
}

static void put_object(struct opened *o, const char *name)
{
    assert_done(store_put(o->real, name, bytes_of_text("sealed")));
}

static bool has_object(struct opened *o, const char *name)
{
    uint64_t size;

    return store_head(o->real, name, &size) == ERR_OK;
}

/* The commit point of the run `id`. */
static void put_record(struct repository *repository, enum record_type type)
{
    struct jdoc *body = NULL;

    assert_done(jdoc_object(&body));
    assert_done(jdoc_set_text(body, "id", id));
    assert_done(ledger_append(repository_ledger(repository), type, body, NULL));
    jdoc_free(body);
}

/* A run that noted two names and put one of them. */
static void be_killed(struct opened *o)
{
    struct journal *j = NULL;

    assert_done(journal_new(o->repository, RECORD_SNAPSHOT, id, &j));
    assert_done(journal_add(j, "data/00/000102030405060708090a0b0c0d0e0f"));
    assert_done(journal_add(j, "data/11/110102030405060708090a0b0c0d0e0f"));
    put_object(o, "data/00/000102030405060708090a0b0c0d0e0f");
    journal_free(j);
}

static void nothing_pending_is_nothing_to_do(void **state)
{
    struct opened o;

    begin_journals(state, &o);
    assert_done(journal_recover(o.repository, RECORD_SNAPSHOT));
    assert_string_equal(said, "");
    end_journals(&o);
}

static void what_has_no_record_is_removed(void **state)
{
    struct opened o;

    begin_journals(state, &o);
    put_object(&o, "data/22/220102030405060708090a0b0c0d0e0f"); /* somebody else's */
    be_killed(&o);
    assert_true(file_exists(in(state, "state/pending")));
    assert_done(journal_recover(o.repository, RECORD_SNAPSHOT));
    assert_false(has_object(&o, "data/00/000102030405060708090a0b0c0d0e0f"));
    assert_true(has_object(&o, "data/22/220102030405060708090a0b0c0d0e0f"));
    assert_false(file_exists(in(state, "state/pending")));
    assert_string_equal(
        said, "removing what an interrupted backup (0123456789abcdef01234567) left behind\n");
    end_journals(&o);
}

/* A run that fails has an error of its own to show. */
static void a_run_that_undoes_itself_says_nothing_of_an_interrupted_one(void **state)
{
    struct opened o;

    begin_journals(state, &o);
    be_killed(&o);
    said[0] = '\0';
    assert_done(journal_undo(o.repository, RECORD_SNAPSHOT));
    assert_false(has_object(&o, "data/00/000102030405060708090a0b0c0d0e0f"));
    assert_false(file_exists(in(state, "state/pending")));
    assert_null(strstr(said, "interrupted"));
    end_journals(&o);
}

static void what_has_a_record_stays(void **state)
{
    struct opened o;

    begin_journals(state, &o);
    be_killed(&o);
    put_record(o.repository, RECORD_SNAPSHOT);
    assert_done(journal_recover(o.repository, RECORD_SNAPSHOT));
    assert_true(has_object(&o, "data/00/000102030405060708090a0b0c0d0e0f"));
    assert_false(file_exists(in(state, "state/pending")));
    end_journals(&o);
}

/* Only the record of the run makes its objects real, not another kind's of the same id. */
static void a_record_of_another_type_is_none_of_this_run(void **state)
{
    struct opened o;

    begin_journals(state, &o);
    be_killed(&o);
    put_record(o.repository, RECORD_OPLOG_SEGMENT);
    assert_done(journal_recover(o.repository, RECORD_SNAPSHOT));
    assert_false(has_object(&o, "data/00/000102030405060708090a0b0c0d0e0f"));
    end_journals(&o);
}

/* This run looked at the ledger, then another made its record and was killed before it forgot. */
static void a_record_that_came_after_we_looked_counts(void **state)
{
    struct opened o;
    struct repository *early = NULL;
    struct repository_options options;

    begin_journals(state, &o);
    options = options_of_opened(&o);
    assert_done(repository_open(&options, &early));
    be_killed(&o);
    put_record(o.repository, RECORD_SNAPSHOT);
    assert_done(journal_recover(early, RECORD_SNAPSHOT));
    assert_true(has_object(&o, "data/00/000102030405060708090a0b0c0d0e0f"));
    repository_free(early);
    end_journals(&o);
}

static void a_torn_line_names_nothing(void **state)
{
    static const char *const texts[] = {
        "", "0123456789ab", "0123456789abcdef01234567\n",
        "0123456789abcdef01234567\ndata/22/220102030405060708090a0b0c0d0e0f",
        "0123456789abcdef01234567\ndata/33/330102030405060708090a0b0c0d0e0f\ndata/22"};
    struct opened o;

    begin_journals(state, &o);
    put_object(&o, "data/22/220102030405060708090a0b0c0d0e0f");
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
        put_file(in(state, "state/pending"), texts[i]);
        assert_done(journal_recover(o.repository, RECORD_SNAPSHOT));
        assert_true(has_object(&o, "data/22/220102030405060708090a0b0c0d0e0f"));
        assert_false(file_exists(in(state, "state/pending")));
    }
    end_journals(&o);
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
    struct opened o;
    struct journal *j = NULL;

    begin_journals(state, &o);
    assert_int_equal(sigaction(SIGXFSZ, &ignore, NULL), 0);
    assert_done(journal_new(o.repository, RECORD_SNAPSHOT, id, &j));
    let_journal_grow(state, 10);
    assert_refused(journal_add(j, "data/00/000102030405060708090a0b0c0d0e0f"), ERR_FAILED, NULL);
    let_journal_grow(state, -1);
    assert_done(journal_add(j, "data/11/110102030405060708090a0b0c0d0e0f"));
    put_object(&o, "data/11/110102030405060708090a0b0c0d0e0f");
    journal_free(j);
    assert_done(journal_recover(o.repository, RECORD_SNAPSHOT));
    assert_false(has_object(&o, "data/11/110102030405060708090a0b0c0d0e0f"));
    end_journals(&o);
}

static void a_store_that_does_not_remove_leaves_the_journal(void **state)
{
    struct opened o;

    begin_journals(state, &o);
    be_killed(&o);
    o.faulty.sticky = true;
    set_opened_fault(&o, FAULT_FAIL, 1, FAULTY_REMOVE);
    assert_refused(journal_recover(o.repository, RECORD_SNAPSHOT), ERR_STORAGE, NULL);
    assert_memory_equal(err_text(), "cleaning up after an interrupted backup: ", 41);
    assert_true(file_exists(in(state, "state/pending")));
    o.faulty.fault = FAULT_NONE;
    assert_done(journal_recover(o.repository, RECORD_SNAPSHOT));
    assert_false(has_object(&o, "data/00/000102030405060708090a0b0c0d0e0f"));
    end_journals(&o);
}

static void there_is_one_journal_at_a_time(void **state)
{
    struct opened o;
    struct journal *a = NULL;
    struct journal *b = NULL;

    begin_journals(state, &o);
    assert_done(journal_new(o.repository, RECORD_SNAPSHOT, id, &a));
    assert_refused(journal_new(o.repository, RECORD_SNAPSHOT, id, &b), ERR_FAILED, NULL);
    assert_null(b);
    assert_done(journal_forget(a));
    assert_false(file_exists(in(state, "state/pending")));
    assert_refused(journal_forget(a), ERR_FAILED, NULL);
    journal_free(a);
    end_journals(&o);
}

static enum err note_once(void *arg)
{
    struct opened *o = arg;
    struct journal *j = NULL;
    enum err rc;

    TRY(journal_new(o->repository, RECORD_SNAPSHOT, id, &j));
    TRY(journal_add(j, "data/00/000102030405060708090a0b0c0d0e0f"));
    TRY(journal_forget(j));
out:
    journal_free(j);
    (void)remove(in(o->state, "state/pending")); /* of the run that failed */
    return rc;
}

static enum err recover_once(void *arg)
{
    struct opened *o = arg;

    return journal_recover(o->repository, RECORD_SNAPSHOT);
}

static void no_memory_is_said(void **state)
{
    struct opened o;

    begin_journals(state, &o);
    assert_true(sweep_allocations(note_once, &o) >= 4);
    be_killed(&o);
    assert_true(sweep_allocations(recover_once, &o) >= 3);
    assert_false(has_object(&o, "data/00/000102030405060708090a0b0c0d0e0f"));
    assert_false(file_exists(in(state, "state/pending")));
    end_journals(&o);
}

static const struct CMUnitTest tests[] = {
    IN_DIRECTORY(nothing_pending_is_nothing_to_do),
    IN_DIRECTORY(what_has_no_record_is_removed),
    IN_DIRECTORY(a_run_that_undoes_itself_says_nothing_of_an_interrupted_one),
    IN_DIRECTORY(what_has_a_record_stays),
    IN_DIRECTORY(a_record_of_another_type_is_none_of_this_run),
    IN_DIRECTORY(a_record_that_came_after_we_looked_counts),
    IN_DIRECTORY(a_torn_line_names_nothing),
    IN_DIRECTORY(a_note_after_a_torn_one_stands_in_its_place),
    IN_DIRECTORY(a_store_that_does_not_remove_leaves_the_journal),
    IN_DIRECTORY(there_is_one_journal_at_a_time),
    IN_DIRECTORY(no_memory_is_said),
};

int main(void)
{
    return cmocka_run_group_tests(tests, NULL, NULL);
}
