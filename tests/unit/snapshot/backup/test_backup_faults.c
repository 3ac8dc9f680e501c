/* backup.c again: a store that fails or dies at each step, and memory that runs out. */
#include "snapshot/backup/backup.h"

#include "core/base/mem.h"
#include "core/repository/journal.h"
#include "tests/unit/snapshot/repositories.h"

/* The state that every failing backup starts from: one snapshot, and a source that has changed. */
static void make_changed(void **state, struct world *w, char **first_tree)
{
    make_world(state, w);
    put_pattern(in(state, "source/f"), 3 * 65536, 1);
    put_file(in(state, "source/a"), "alpha");
    make_backup(w);
    *first_tree = tree_text(in(state, "source"));
    put_pattern(in(state, "source/f"), 3 * 65536 + 9, 2);
    put_pattern(in(state, "source/g"), 70000, 3);
}

static size_t count_snapshots(struct world *w)
{
    struct snapshot_list c = {0};
    size_t count;

    assert_done(snapshot_list_read(w->ledger, &c));
    count = c.count;
    snapshot_list_clear(&c);
    return count;
}

static void check_whole(struct world *w, const char *name, const char *tree)
{
    void **state = w->state;

    assert_done(restore_to(w, name, "target"));
    assert_same_text(in(state, "target"), tree);
    remove_all(in(state, "target"));
}

/* The `at`-th operation on the store goes wrong. False: there is none so late. */
static bool fail_one(void **state, enum fault fault, unsigned long nth)
{
    struct faulty f = {.fault = fault, .fail_at = nth};
    struct world w;
    struct backup_options options;
    struct backup_result r = {.id = ""};
    char *first_tree;
    char *now;
    char first_id[SNAPSHOT_ID_TEXT + 1];
    struct snapshot_list c = {0};
    bool recorded;
    bool came;
    enum err rc;

    make_changed(state, &w, &first_tree);
    now = tree_text(in(state, "source"));
    assert_done(snapshot_list_read(w.ledger, &c));
    memcpy(first_id, c.items[0].id, sizeof first_id);
    snapshot_list_clear(&c);
    open_ledger(&w, &f);
    options = backup_options_of(&w);
    options.workers = 1;
    rc = backup_run(&options, &r);
    came = atomic_load(&w.faulty.count) >= nth;
    if (rc != ERR_OK && *err_text() == '\0')
        fail_msg("operation %lu: no message", nth);
    open_ledger(&w, NULL);
    recorded = count_snapshots(&w) == 2;
    if (rc == ERR_OK && !recorded)
        fail_msg("operation %lu: acknowledged, and not there", nth);
    if (recorded)
        check_whole(&w, "latest", now);
    /* A run that failed, but lives, has cleaned up unless the store would not let it. */
    assert_done(journal_recover(w.repository, RECORD_SNAPSHOT));
    assert_done(store_sweep(w.real));
    assert_int_equal(count_orphans(&w), 0);
    assert_false(file_exists(in(state, "state/pending")));
    check_whole(&w, first_id, first_tree);
    /* And a rerun just works. */
    r = make_backup(&w);
    check_whole(&w, r.id, now);
    assert_int_equal(count_snapshots(&w), recorded ? 3 : 2);
    assert_int_equal(count_orphans(&w), 0);
    free(first_tree);
    free(now);
    clear_world(&w);
    return came;
}

static void empty_directory(void **state)
{
    remove_all(in(state, "repository"));
    remove_all(in(state, "state"));
    remove_all(in(state, "source"));
}

static void fail_each(void **state, enum fault fault)
{
    unsigned long nth = 1;

    while (fail_one(state, fault, nth)) {
        empty_directory(state);
        nth++;
    }
    assert_true(nth > 15);
}

static void a_full_disk_at_any_step_leaves_nothing(void **state)
{
    fail_each(state, FAULT_FAIL);
}

static void a_lost_reply_at_any_step_loses_no_snapshot(void **state)
{
    fail_each(state, FAULT_FAIL_AFTER);
}

/* After one step is before the next: only before the first there is nothing yet. */
static void a_crash_at_any_step_leaves_nothing_after_the_next_run(void **state)
{
    assert_true(fail_one(state, FAULT_CRASH, 1));
    empty_directory(state);
    fail_each(state, FAULT_CRASH_AFTER);
}

/* A disk that fills up for good: also the cleaning up fails to write, and still it removes. */
static void a_disk_that_stays_full_is_said_and_nothing_is_listed(void **state)
{
    struct faulty f = {.fault = FAULT_FAIL, .fail_at = 1, .ops = FAULTY_PUTS, .sticky = true};
    struct world w;
    struct backup_options options;
    struct backup_result r;
    char *first_tree;

    make_changed(state, &w, &first_tree);
    open_ledger(&w, &f);
    options = backup_options_of(&w);
    assert_refused(backup_run(&options, &r), ERR_STORAGE, NULL);
    assert_int_equal(count_snapshots(&w), 1);
    assert_int_equal(count_orphans(&w), 0); /* by the run itself */
    assert_false(file_exists(in(state, "state/pending")));
    check_whole(&w, "latest", first_tree);
    free(first_tree);
    clear_world(&w);
}

/* ---- memory ---- */

static void copy_file(const char *from, const char *to)
{
    struct buf content = {.max = MIB};
    FILE *file = fopen(from, "rb");
    uint8_t piece[4096];
    size_t got;

    assert_non_null(file);
    while ((got = fread(piece, 1, sizeof piece, file)) > 0)
        assert_done(buf_add(&content, bytes_of(piece, got)));
    fclose(file);
    put_bytes(to, content.data, content.len);
    buf_clear(&content);
}

/* A directory's copy without the code under test, for that is short of memory. */
static void copy_tree(const char *from, const char *to)
{
    struct dirent **names = NULL;
    int count = scandir(from, &names, NULL, alphasort);

    assert_true(count >= 2);
    assert_int_equal(mkdir(to, 0700), 0);
    for (int i = 0; i < count; free(names[i++])) {
        char a[1024];
        char b[1024];
        struct stat st;

        if (strcmp(names[i]->d_name, ".") == 0 || strcmp(names[i]->d_name, "..") == 0)
            continue;
        snprintf(a, sizeof a, "%s/%s", from, names[i]->d_name);
        snprintf(b, sizeof b, "%s/%s", to, names[i]->d_name);
        assert_int_equal(lstat(a, &st), 0);
        if (S_ISDIR(st.st_mode)) {
            copy_tree(a, b);
        } else {
            copy_file(a, b);
            assert_int_equal(chmod(b, st.st_mode & 07777), 0);
        }
    }
    free(names);
}

/* How many allocations a call makes: as many as a failure, ordered for much later, came nearer. */
#define MUCH_LATER 1000000
static unsigned long count_allocations(sweep_call *call, void *arg)
{
    unsigned long left = 0;
    bool failed = false;

    mem_fail_at(MUCH_LATER);
    assert_done(call(arg));
    while (!failed) {
        void *probe = NULL;

        failed = mem_new(1, 1, &probe) != ERR_OK;
        mem_free(probe);
        left++;
    }
    return MUCH_LATER - left;
}

static enum err back_up_once(void *arg)
{
    struct world *w = arg;
    struct backup_options options = backup_options_of(w);
    struct backup_result r;

    options.workers = 1;
    return backup_run(&options, &r);
}

/* Repository and state as they were before the backup. */
static void start_over(struct world *w)
{
    void **state = w->state;

    close_ledger(w);
    store_free(w->real);
    remove_all(in(state, "repository"));
    remove_all(in(state, "state"));
    copy_tree(in(state, "saved-repository"), in(state, "repository"));
    copy_tree(in(state, "saved-state"), in(state, "state"));
    *said = '\0';
    assert_done(store_open(in(state, "repository"), false, &w->real));
    w->store = w->real;
    open_ledger(w, NULL);
}

/* Not sweep_allocations(): what was recorded must not be there when the next one is let fail. */
static void a_backup_without_memory_leaves_nothing(void **state)
{
    struct world w;
    char *first_tree;
    char *now;
    unsigned long count;

    make_changed(state, &w, &first_tree);
    now = tree_text(in(state, "source"));
    copy_tree(in(state, "repository"), in(state, "saved-repository"));
    copy_tree(in(state, "state"), in(state, "saved-state"));
    count = count_allocations(back_up_once, &w);
    assert_true(count > 100);
    for (unsigned long nth = 1; nth <= count; nth++) {
        enum err rc;

        start_over(&w);
        err_clear();
        mem_fail_at(nth);
        rc = back_up_once(&w);
        mem_fail_at(0);
        if (rc != ERR_OK && *err_text() == '\0')
            fail_msg("no message when allocation %lu failed", nth);
        open_ledger(&w, NULL);
        assert_done(journal_recover(w.repository, RECORD_SNAPSHOT));
        if (count_orphans(&w) != 0)
            fail_msg("orphans when allocation %lu failed", nth);
        if (rc == ERR_OK && count_snapshots(&w) != 2)
            fail_msg("acknowledged and not there when allocation %lu failed", nth);
        check_whole(&w, "latest", count_snapshots(&w) == 2 ? now : first_tree);
    }
    free(first_tree);
    free(now);
    clear_world(&w);
}

static enum err restore_once(void *arg)
{
    struct world *w = arg;
    struct snapshot_list c = {0};
    struct restore_result result;
    struct restore_options options = {.repository = w->repository,
                                      .keyring = w->keyring,
                                      .target = in(w->state, "target"),
                                      .workers = 1};
    enum err rc;

    TRY(snapshot_list_read(w->ledger, &c));
    TRY(snapshot_list_find(&c, "latest", &options.snapshot));
    options.snapshot_list = &c;
    TRY(restore_run(&options, &result));
out:
    snapshot_list_clear(&c);
    return rc;
}

/* Whole or not there; and nothing beside it. */
static enum err restore_and_look(void *arg)
{
    struct world *w = arg;
    enum err rc = restore_once(w);
    bool there = file_exists(in(w->state, "target"));

    if ((rc == ERR_OK) != there)
        fail_msg("the restore gave %d, and the target is %s", (int)rc,
                 there ? "there" : "not there");
    remove_all(in(w->state, "target"));
    return rc;
}

static void a_restore_without_memory_leaves_nothing(void **state)
{
    struct world w;
    char *first_tree;

    make_changed(state, &w, &first_tree);
    make_backup(&w);
    assert_true(sweep_allocations(restore_and_look, &w) > 30);
    free(first_tree);
    clear_world(&w);
}

static const struct CMUnitTest tests[] = {
    IN_DIRECTORY(a_full_disk_at_any_step_leaves_nothing),
    IN_DIRECTORY(a_lost_reply_at_any_step_loses_no_snapshot),
    IN_DIRECTORY(a_crash_at_any_step_leaves_nothing_after_the_next_run),
    IN_DIRECTORY(a_disk_that_stays_full_is_said_and_nothing_is_listed),
    IN_DIRECTORY(a_backup_without_memory_leaves_nothing),
    IN_DIRECTORY(a_restore_without_memory_leaves_nothing),
};

int main(void)
{
    return cmocka_run_group_tests(tests, NULL, NULL);
}
