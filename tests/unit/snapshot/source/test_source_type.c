#include "snapshot/source/source_type.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "tests/unit/helpers.h"

#define ASK "\n  is the path right, and its disk mounted? `--any-directory` backs up any directory"
#define NEITHER                                                                                    \
    "it is neither a dbpath (it has no file WiredTiger) nor a directory that mongodump wrote" ASK
#define REMAINS                                                                                    \
    "it holds files of a database, but not the file WiredTiger, without which mongod does not "    \
    "start" ASK

static enum err find(void **state, bool any, const char **type)
{
    int dir = open(in(state, ""), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    uint64_t warned = 0;
    enum err rc;

    assert_true(dir >= 0);
    rc = source_type_find(dir, any, type, &warned);
    close(dir);
    return rc;
}

static void assert_type(void **state, bool any, const char *want)
{
    const char *type = NULL;

    assert_done(find(state, any, &type));
    assert_string_equal(type, want);
}

static void an_empty_directory_is_refused_whatever_was_asked_for(void **state)
{
    const char *type = NULL;

    assert_refused(find(state, false, &type), ERR_USAGE, "it is empty\n  is its disk mounted?");
    assert_refused(find(state, true, &type), ERR_USAGE, "it is empty\n  is its disk mounted?");
    assert_int_equal(mkdir(in(state, "lost+found"), 0700), 0);
    assert_refused(find(state, true, &type), ERR_USAGE, "it is empty\n  is its disk mounted?");
    assert_null(type);
}

static void what_is_neither_dbpath_nor_dump_is_refused_unless_asked_for(void **state)
{
    const char *type = NULL;

    put_file(in(state, "notes.txt"), "");
    assert_refused(find(state, false, &type), ERR_USAGE, NEITHER);
    assert_type(state, true, SOURCE_TYPE_DIRECTORY);
    assert_int_equal(mkdir(in(state, "shop"), 0700), 0);
    put_file(in(state, "shop/notes"), "");
    assert_refused(find(state, false, &type), ERR_USAGE, NEITHER);
}

static void what_mongodump_wrote_is_known_by_its_names(void **state)
{
    static const char *const names[] = {"prelude.json",
                                        "oplog.bson",
                                        "prelude.json.gz",
                                        "shop/orders.bson",
                                        "shop/orders.metadata.json",
                                        "shop/orders.bson.gz",
                                        "orders.bson"};

    assert_int_equal(mkdir(in(state, "shop"), 0700), 0);
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        put_file(in(state, names[i]), "");
        assert_type(state, false, SOURCE_TYPE_MONGODUMP);
        assert_int_equal(unlink(in(state, names[i])), 0);
    }
}

static void what_is_left_of_a_database_is_no_dump(void **state)
{
    static const char *const names[] = {"storage.bson", "WiredTiger.turtle", "_mdb_catalog.wt"};
    const char *type = NULL;

    put_file(in(state, "oplog.bson"), "");
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        put_file(in(state, names[i]), "");
        assert_refused(find(state, false, &type), ERR_USAGE, REMAINS);
        assert_type(state, true, SOURCE_TYPE_DIRECTORY);
        assert_int_equal(unlink(in(state, names[i])), 0);
    }
}

static void a_dbpath_is_one_by_its_file_wiredtiger(void **state)
{
    const char *type = NULL;

    put_file(in(state, "WiredTiger"), "");
    assert_refused(find(state, false, &type), ERR_USAGE,
                   "WiredTiger.turtle is missing: mongod does not start without it\n  is this all "
                   "of the dbpath? `--any-directory` backs it up all the same");
    assert_type(state, true, SOURCE_TYPE_DBPATH);
}

static const struct CMUnitTest tests[] = {
    IN_DIRECTORY(an_empty_directory_is_refused_whatever_was_asked_for),
    IN_DIRECTORY(what_is_neither_dbpath_nor_dump_is_refused_unless_asked_for),
    IN_DIRECTORY(what_mongodump_wrote_is_known_by_its_names),
    IN_DIRECTORY(what_is_left_of_a_database_is_no_dump),
    IN_DIRECTORY(a_dbpath_is_one_by_its_file_wiredtiger),
};

int main(void)
{
    return cmocka_run_group_tests(tests, NULL, NULL);
}
