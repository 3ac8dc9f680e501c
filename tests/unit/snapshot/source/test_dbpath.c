#include "snapshot/source/dbpath.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "core/base/log.h"
#include "tests/unit/helpers.h"

#define ASK "\n  is this all of the dbpath? `--any-directory` backs it up all the same"

/* What was said, a line each. */
static char said[4096];

static void keep_line(enum log_level level, const char *text)
{
    size_t len = strlen(said);

    (void)level;
    snprintf(said + len, sizeof said - len, "%s\n", text);
}

static int open_directory(void **state)
{
    int dir = open(in(state, ""), O_RDONLY | O_DIRECTORY | O_CLOEXEC);

    assert_true(dir >= 0);
    return dir;
}

/* Sound: nothing to warn of. */
static void make_database(void **state)
{
    put_file(in(state, "WiredTiger"), "WiredTiger\n");
    put_file(in(state, "WiredTiger.turtle"), "");
    put_file(in(state, "WiredTiger.wt"), "");
    put_file(in(state, "_mdb_catalog.wt"), "");
    put_file(in(state, "WiredTigerHS.wt"), "");
    put_file(in(state, "storage.bson"), "");
    put_file(in(state, "mongod.lock"), "");
}

static enum err examine_any(void **state, bool any)
{
    int dir = open_directory(state);
    uint64_t warned = 0;
    enum err rc;

    *said = '\0';
    log_to(keep_line);
    rc = dbpath_examine(dir, any, &warned);
    log_to(NULL);
    close(dir);
    return rc;
}

static enum err examine(void **state)
{
    return examine_any(state, false);
}

static void a_directory_with_a_file_wiredtiger_is_a_database(void **state)
{
    int dir = open_directory(state);

    assert_false(dbpath_is_one(dir));
    assert_int_equal(mkdir(in(state, "WiredTiger"), 0700), 0);
    assert_false(dbpath_is_one(dir));
    assert_int_equal(rmdir(in(state, "WiredTiger")), 0);
    put_file(in(state, "WiredTiger"), "");
    assert_true(dbpath_is_one(dir));
    close(dir);
}

static void each_rule_leaves_out_what_is_no_data(void **state)
{
    static const struct {
        const char *path;
        bool left_out;
    } rows[] = {
        {"mongod.lock", true},
        {"WiredTiger.lock", true},
        {"ongoingBackup.lock", true},
        {"diagnostic.data", true},
        {"diagnostic.data/metrics.2026-01-01T00-00-00Z-00000", true},
        {"diagnostic.data/a/b", true},
        {"_tmp", true},
        {"_tmp/extsort.1", true},
        {"_tmp/a/b", true},
        {"lost+found", true},
        {"lost+found/#12", true},
        {".sealpoint-lock", true},
        {".sealpoint-finished/names", true},
        {"d/lost+found", false},
        {".sealpoint", false},
        {"WiredTigerPreplog.0000000001", true},
        {"WiredTigerTmplog.0000000001", true},
        {"journal/WiredTigerPreplog.0000000001", true},
        {"journal/WiredTigerTmplog.0000000001", true},
        {".", false},
        {"WiredTiger", false},
        {"WiredTiger.wt", false},
        {"WiredTiger.turtle", false},
        {"WiredTiger.backup", false},
        {"WiredTigerHS.wt", false},
        {"WiredTigerLog.0000000001", false},
        {"journal", false},
        {"journal/WiredTigerLog.0000000001", false},
        {"storage.bson", false},
        {"sizeStorer.wt", false},
        {"_mdb_catalog.wt", false},
        {"collection-0-123.wt", false},
        {"db/mongod.lock", false},
        {"db/diagnostic.data", false},
        {"diagnostic.data2", false},
        {"_tmp2", false},
        {"my_tmp", false},
        {"mongod.lock2", false},
        {"xmongod.lock", false},
        {"sub/_tmp/x", false},
        {"WiredTigerPreplog", false},
    };

    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++)
        if (dbpath_leaves_out(bytes_of_text(rows[i].path)) != rows[i].left_out)
            fail_msg("%s is %s", rows[i].path, rows[i].left_out ? "kept" : "left out");
}

static void a_sound_database_gives_no_warning(void **state)
{
    make_database(state);
    assert_done(examine(state));
    assert_string_equal(said, "");
}

static void an_unfinished_initial_sync_is_refused(void **state)
{
    make_database(state);
    put_file(in(state, ".initialsync"), "");
    assert_refused(examine(state), ERR_USAGE,
                   "the source is in the middle of an initial sync (.initialsync is there): its "
                   "data is not complete. Wait until the sync is done, or back up another member");
}

static void without_what_mongod_starts_from_it_is_refused_or_warned_of(void **state)
{
    static const char *const needed[] = {"WiredTiger.turtle", "WiredTiger.wt", "_mdb_catalog.wt"};

    make_database(state);
    for (size_t i = 0; i < sizeof needed / sizeof needed[0]; i++) {
        char message[256];

        assert_int_equal(unlink(in(state, needed[i])), 0);
        (void)snprintf(message, sizeof message,
                       "%s is missing: mongod does not start without it" ASK, needed[i]);
        assert_refused(examine(state), ERR_USAGE, message);
        assert_done(examine_any(state, true));
        *strchr(message, '\n') = '\0';
        assert_non_null(strstr(said, message));
        put_file(in(state, needed[i]), "");
    }
    assert_done(examine(state));
}

static void a_copy_of_a_backup_cursor_needs_only_the_catalogue(void **state)
{
    make_database(state);
    put_file(in(state, "WiredTiger.backup"), "");
    assert_int_equal(unlink(in(state, "WiredTiger.turtle")), 0);
    assert_int_equal(unlink(in(state, "WiredTiger.wt")), 0);
    assert_done(examine(state));
    assert_string_equal(said, "");
    assert_int_equal(unlink(in(state, "_mdb_catalog.wt")), 0);
    assert_refused(examine(state), ERR_USAGE,
                   "_mdb_catalog.wt is missing: mongod does not start without it" ASK);
}

static enum err require_finished(void **state)
{
    int dir = open(in(state, ""), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    enum err rc;

    assert_true(dir >= 0);
    rc = dbpath_require_finished(dir, in(state, ""));
    close(dir);
    return rc;
}

static void an_unfinished_restore_is_refused(void **state)
{
    static const char *const left[] = {".sealpoint-partial", ".sealpoint-incomplete"};

    make_database(state);
    for (size_t i = 0; i < sizeof left / sizeof left[0]; i++) {
        put_file(in(state, left[i]), "");
        assert_refused(require_finished(state), ERR_USAGE,
                       "a restore to the source has not finished: its data is not complete. Run "
                       "that restore again");
        assert_int_equal(unlink(in(state, left[i])), 0);
    }
    assert_done(require_finished(state));
}

static void an_unfinished_restore_is_known_by_the_link_that_keeps_mongod_out(void **state)
{
    static const struct {
        const char *to;
        bool is_refused;
    } links[] = {{".", true},
                 {".sealpoint-partial", true},
                 {"..", false},
                 {".sealpoint-partial2", false},
                 {"lock", false}};

    make_database(state);
    assert_true(unlink(in(state, "mongod.lock")) == 0 || errno == ENOENT);
    for (size_t i = 0; i < sizeof links / sizeof links[0]; i++) {
        assert_int_equal(symlink(links[i].to, in(state, "mongod.lock")), 0);
        if (links[i].is_refused)
            assert_refused(require_finished(state), ERR_USAGE,
                           "a restore to the source has not finished: its data is not complete. "
                           "Run that restore again");
        else
            assert_done(require_finished(state));
        assert_int_equal(unlink(in(state, "mongod.lock")), 0);
    }
}

#define RUNS(held)                                                                                 \
    "mongod runs on this directory (a process holds " held                                         \
    "): what is copied while it writes may "                                                       \
    "not fit together. Stop it, or back up a snapshot of the file system\n"
#define NO_LOG                                                                                     \
    "mongod.lock is not empty, so mongod was not shut down, and there is no log in journal/: "     \
    "what "                                                                                        \
    "was written since the last checkpoint is missing. Is journal/ a volume of its own that is "   \
    "not mounted?\n"

static void make_journal(void **state)
{
    assert_int_equal(mkdir(in(state, "journal"), 0700), 0);
    put_file(in(state, "journal/WiredTigerLog.0000000001"), "log");
}

/* Locks of an open file, not of a process: so they are another's to the code under test. */
static int hold(const char *path, short type)
{
    struct flock lock = {.l_type = type, .l_whence = SEEK_SET, .l_len = 1};
    int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);

    assert_true(fd >= 0);
    assert_int_equal(fcntl(fd, F_OFD_SETLK, &lock), 0);
    return fd;
}

static void a_running_mongod_is_said(void **state)
{
    int fd;

    make_database(state);
    make_journal(state);
    put_file(in(state, "mongod.lock"), "123\n");
    fd = hold(in(state, "WiredTiger.lock"), F_WRLCK);
    assert_done(examine(state));
    assert_string_equal(said, RUNS("WiredTiger.lock"));
    close(fd);
    fd = hold(in(state, "mongod.lock"), F_RDLCK);
    assert_done(examine(state));
    assert_string_equal(said, RUNS("mongod.lock"));
    close(fd);
    assert_done(examine(state));
    assert_string_equal(said, "");
}

/* A frozen copy has the pid of a node that ran; what locks there are, are on the other files. */
static void a_frozen_copy_of_a_running_mongod_is_sound_with_its_journal(void **state)
{
    make_database(state);
    make_journal(state);
    put_file(in(state, "mongod.lock"), "123\n");
    put_file(in(state, "WiredTiger.lock"), "");
    assert_done(examine(state));
    assert_string_equal(said, "");
}

static void a_mongod_that_was_not_shut_down_and_left_no_journal_is_said(void **state)
{
    make_database(state);
    put_file(in(state, "mongod.lock"), "123\n");
    assert_done(examine(state)); /* none at all */
    assert_string_equal(said, NO_LOG);
    assert_int_equal(mkdir(in(state, "journal"), 0700), 0);
    assert_done(examine(state)); /* a mount point */
    assert_string_equal(said, NO_LOG);
    put_file(in(state, "journal/WiredTigerPreplog.0000000001"), "");
    assert_done(examine(state));
    assert_string_equal(said, NO_LOG);
    put_file(in(state, "mongod.lock"), ""); /* a node that was shut down needs none */
    assert_done(examine(state));
    assert_string_equal(said, "");
}

static void a_missing_storage_bson_is_said(void **state)
{
    make_database(state);
    assert_int_equal(unlink(in(state, "storage.bson")), 0);
    assert_done(examine(state));
    assert_string_equal(said, "storage.bson is missing: mongod checks its storage options there at "
                              "start. A copy made by a backup cursor must add it\n");
}

static void a_missing_history_store_is_said(void **state)
{
    make_database(state);
    assert_int_equal(unlink(in(state, "WiredTigerHS.wt")), 0);
    assert_done(examine(state));
    assert_string_equal(said, "the history store (WiredTigerHS.wt, before 4.4 WiredTigerLAS.wt) is "
                              "missing\n");
    put_file(in(state, "WiredTigerLAS.wt"), "");
    assert_done(examine(state));
    assert_string_equal(said, "");
}

static void both_kinds_of_metadata_are_said(void **state)
{
    make_database(state);
    put_file(in(state, "WiredTiger.backup"), "");
    assert_done(examine(state));
    assert_string_equal(said, "both WiredTiger.backup and WiredTiger.turtle are there: WiredTiger "
                              "will rebuild its metadata from WiredTiger.backup\n");
    assert_int_equal(unlink(in(state, "WiredTiger.turtle")), 0);
    assert_done(examine(state));
    assert_string_equal(said, "");
}

static void a_target_where_mongod_runs_is_refused(void **state)
{
    int dir = open_directory(state);
    int held;

    assert_done(dbpath_require_stopped(dir, "/db"));
    put_file(in(state, "mongod.lock"), "");
    assert_done(dbpath_require_stopped(dir, "/db"));
    held = open(in(state, "mongod.lock"), O_RDWR | O_CLOEXEC);
    assert_int_equal(flock(held, LOCK_EX | LOCK_NB), 0);
    assert_refused(dbpath_require_stopped(dir, "/db"), ERR_BUSY,
                   "/db: mongod.lock is locked: a mongod is starting there. Stop it, then try "
                   "again");
    close(held);
    assert_done(dbpath_require_stopped(dir, "/db"));
    put_file(in(state, "mongod.lock"), "1");
    assert_refused(dbpath_require_stopped(dir, "/db"), ERR_BUSY,
                   "/db: mongod.lock is not empty: mongod runs there, or was killed. Stop it; if "
                   "it is not running, remove mongod.lock, then try again");
    close(dir);
}

static const struct CMUnitTest tests[] = {
    IN_DIRECTORY(a_directory_with_a_file_wiredtiger_is_a_database),
    cmocka_unit_test(each_rule_leaves_out_what_is_no_data),
    IN_DIRECTORY(a_sound_database_gives_no_warning),
    IN_DIRECTORY(an_unfinished_initial_sync_is_refused),
    IN_DIRECTORY(without_what_mongod_starts_from_it_is_refused_or_warned_of),
    IN_DIRECTORY(a_copy_of_a_backup_cursor_needs_only_the_catalogue),
    IN_DIRECTORY(an_unfinished_restore_is_refused),
    IN_DIRECTORY(an_unfinished_restore_is_known_by_the_link_that_keeps_mongod_out),
    IN_DIRECTORY(a_running_mongod_is_said),
    IN_DIRECTORY(a_frozen_copy_of_a_running_mongod_is_sound_with_its_journal),
    IN_DIRECTORY(a_mongod_that_was_not_shut_down_and_left_no_journal_is_said),
    IN_DIRECTORY(a_missing_storage_bson_is_said),
    IN_DIRECTORY(a_missing_history_store_is_said),
    IN_DIRECTORY(both_kinds_of_metadata_are_said),
    IN_DIRECTORY(a_target_where_mongod_runs_is_refused),
};

int main(void)
{
    return cmocka_run_group_tests(tests, NULL, NULL);
}
