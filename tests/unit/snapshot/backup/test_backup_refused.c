/* A backup whose active key is refused or cannot be asked: nothing of it is in the store. */
#include "snapshot/backup/backup.h"

#include "tests/unit/snapshot/repositories.h"

static enum err try_backup(struct world *w, bool full)
{
    struct backup_options options = backup_options_of(w);
    struct backup_result result;

    options.full = full;
    return backup_run(&options, &result);
}

/* As a base and as an increment the backup is refused, and the store is as it was. */
static void assert_nothing_is_made(struct world *w, enum err code, const char *part)
{
    size_t records = ledger_count(w->ledger);
    char *before = tree_text(in(w->state, "repository"));

    for (int full = 0; full < 2; full++) {
        assert_int_equal(try_backup(w, full), code);
        if (strstr(told(), part) == NULL)
            fail_msg("\"%s\" is not in: %s", part, told());
        assert_same_text(in(w->state, "repository"), before);
        assert_int_equal(ledger_count(w->ledger), records);
    }
    assert_int_equal(w->key.unwraps, 0);
    free(before);
}

static void make_source(void **state, struct world *w)
{
    make_world(state, w);
    put_pattern(in(state, "source/f"), 3 * 65536, 1);
}

static void an_active_key_that_may_not_be_used_makes_nothing(void **state)
{
    static const char *const reasons[][2] = {
        {"disabled", "version 1 is disabled (the double)\n  enable it again with `sealpoint key "
                     "enable 1`, or make a new version active with `sealpoint key rotate`"},
        {"pendingDeletion", "version 1 is pending deletion (the double)\n  keep it with "
                            "`sealpoint key cancel-deletion 1`, or make a new version active"},
        {"destroyed", "version 1 is destroyed (the double)"},
        {"notFound", "version 1 does not exist (the double)"},
        {"credentialsRejected", "version 1 cannot be used, the credentials are rejected"},
    };
    struct world w;

    make_source(state, &w);
    for (size_t i = 0; i < sizeof reasons / sizeof reasons[0]; i++) {
        double_says(&w.key, "1", KEY_INVALID, reasons[i][0]);
        assert_nothing_is_made(&w, ERR_KEY_INVALID, reasons[i][1]);
    }
    clear_world(&w);
}

static void an_active_key_that_cannot_be_asked_makes_nothing(void **state)
{
    struct world w;

    make_source(state, &w);
    double_says(&w.key, "1", KEY_UNREACHABLE, "time-out");
    assert_nothing_is_made(&w, ERR_KEY_UNREACHABLE,
                           "cannot tell whether master key double key version 1 may be used: "
                           "time-out\n  nothing was changed; make the master key reachable and try "
                           "again");
    double_says(&w.key, "1", KEY_VALID, NULL);
    w.key.wrap_refused = ERR_KEY_UNREACHABLE;
    assert_nothing_is_made(&w, ERR_KEY_UNREACHABLE, "the double does not wrap");
    clear_world(&w);
}

/* The chain that is there stays as it was, and goes on when the key may be used again. */
static void a_refused_increment_leaves_the_chain_as_it_was(void **state)
{
    struct world w;

    make_source(state, &w);
    make_backup(&w);
    put_pattern(in(state, "source/g"), 65536, 2);
    double_says(&w.key, "1", KEY_INVALID, "disabled");
    assert_nothing_is_made(&w, ERR_KEY_INVALID, "version 1 is disabled");
    double_says(&w.key, "1", KEY_UNREACHABLE, "time-out");
    assert_nothing_is_made(&w, ERR_KEY_UNREACHABLE, "time-out");
    double_says(&w.key, "1", KEY_VALID, NULL);
    assert_false(make_backup(&w).is_base);
    assert_done(restore_to(&w, "latest", "target"));
    assert_same_trees(in(state, "source"), in(state, "target"));
    assert_int_equal(count_orphans(&w), 0);
    clear_world(&w);
}

/* An old version is needed to restore, not to back up. */
static void an_older_version_may_be_withdrawn(void **state)
{
    struct world w;

    make_source(state, &w);
    make_backup(&w);
    double_says(&w.key, "1", KEY_INVALID, "destroyed");
    w.key.version[0] = '2';
    assert_true(make_backup(&w).is_base);
    assert_done(restore_to(&w, "latest", "target"));
    clear_world(&w);
}

/* One key operation a snapshot, whatever its length. */
static void a_data_key_is_wrapped_once_and_never_opened(void **state)
{
    struct world w;

    make_source(state, &w);
    w.key.unwrap_aborts = true;
    for (unsigned i = 1; i <= 3; i++) {
        put_pattern(in(state, "source/f"), 65536 * (size_t)(i + 3), i);
        make_backup(&w);
        assert_int_equal(w.key.wraps, i);
    }
    clear_world(&w);
}

static const struct CMUnitTest tests[] = {
    IN_DIRECTORY(an_active_key_that_may_not_be_used_makes_nothing),
    IN_DIRECTORY(an_active_key_that_cannot_be_asked_makes_nothing),
    IN_DIRECTORY(a_refused_increment_leaves_the_chain_as_it_was),
    IN_DIRECTORY(an_older_version_may_be_withdrawn),
    IN_DIRECTORY(a_data_key_is_wrapped_once_and_never_opened),
};

int main(void)
{
    return cmocka_run_group_tests(tests, NULL, NULL);
}
