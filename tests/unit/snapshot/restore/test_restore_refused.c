/* A restore whose key is refused or cannot be asked: what is said, and that nothing is touched. */
#include "snapshot/restore/restore.h"

#include "tests/unit/snapshot/repositories.h"

#define BEFORE ": refused before anything was touched"

struct asked {
    const char *target; /* a name in the test's directory */
    bool delta, dry_run;
};

static enum err restore_oldest(struct world *w, const struct asked *asked)
{
    struct snapshot_list c = {0};
    struct restore_options options = {.repository = w->repository,
                                      .keyring = w->keyring,
                                      .snapshot_list = &c,
                                      .target = in(w->state, asked->target),
                                      .delta = asked->delta,
                                      .dry_run = asked->dry_run,
                                      .workers = 2};
    struct restore_result result;
    enum err rc;

    TRY(snapshot_list_read(w->ledger, &c));
    options.snapshot = &c.items[0];
    TRY(restore_run(&options, &result));
out:
    snapshot_list_clear(&c);
    return rc;
}

/* A snapshot of version 1, then one of version 2. */
static void make_two_versions(void **state, struct world *w)
{
    make_world(state, w);
    put_file(in(state, "source/a"), "alpha");
    put_pattern(in(state, "source/f"), 65536, 1);
    make_backup(w);
    w->key.version[0] = '2';
    make_backup(w);
    double_forget_calls(&w->key);
}

/* Every way to ask is refused, and what was there stays as it is. */
static void assert_refused_and_untouched(struct world *w, enum err code)
{
    static const struct asked ways[] = {
        {.target = "absent"},
        {.target = "absent", .dry_run = true},
        {.target = "empty"},
        {.target = "full", .delta = true},
        {.target = "full", .delta = true, .dry_run = true},
    };
    char *before = tree_text(in(w->state, "full"));
    size_t names = count_names(in(w->state, ""));

    for (size_t i = 0; i < sizeof ways / sizeof ways[0]; i++) {
        assert_int_equal(restore_oldest(w, &ways[i]), code);
        assert_non_null(strstr(told(), BEFORE));
        assert_false(file_exists(in(w->state, "absent")));
        assert_int_equal(count_names(in(w->state, "empty")), 0);
        assert_same_text(in(w->state, "full"), before);
        assert_int_equal(count_names(in(w->state, "")), names); /* nor anything beside it */
    }
    free(before);
}

static void make_targets(void **state)
{
    assert_int_equal(mkdir(in(state, "empty"), 0700), 0);
    assert_int_equal(mkdir(in(state, "full"), 0700), 0);
    put_file(in(state, "full/a"), "older");
    put_file(in(state, "full/extra"), "is not in the snapshot");
}

static void a_key_that_may_not_be_used_restores_nothing(void **state)
{
    static const char *const reasons[][2] = {
        {"disabled", "version 1 is disabled (the double)\n  enable it again with `sealpoint key "
                     "enable 1`, or use a snapshot of another version"},
        {"pendingDeletion", "version 1 is pending deletion (the double)\n  keep it with "
                            "`sealpoint key cancel-deletion 1`"},
        {"destroyed", "version 1 is destroyed (the double)\n  what only version 1 can open is "
                      "lost"},
        {"notFound", "version 1 does not exist (the double)\n  bring back the keyring that has "
                     "version 1"},
    };
    struct world w;

    make_two_versions(state, &w);
    make_targets(state);
    for (size_t i = 0; i < sizeof reasons / sizeof reasons[0]; i++) {
        double_says(&w.key, "1", KEY_INVALID, reasons[i][0]);
        assert_refused_and_untouched(&w, ERR_KEY_INVALID);
        assert_non_null(strstr(told(), reasons[i][1]));
        assert_non_null(strstr(told(), "the nearest newer snapshot that can be restored is "));
        assert_int_equal(w.key.of[1].unwraps, 0);
    }
    clear_world(&w);
}

/* They are the same for all versions: no other snapshot is named. */
static void rejected_credentials_restore_nothing_and_name_no_other(void **state)
{
    struct world w;

    make_two_versions(state, &w);
    make_targets(state);
    double_says(&w.key, "1", KEY_INVALID, "credentialsRejected");
    assert_refused_and_untouched(&w, ERR_KEY_INVALID);
    assert_non_null(strstr(told(), "version 1 cannot be used, the credentials are rejected"));
    assert_null(strstr(told(), "can be restored"));
    assert_int_equal(w.key.of[2].states, 0);
    clear_world(&w);
}

/* Other words, for another thing is to be done, and nobody may take it for a key that is gone. */
static void a_key_that_cannot_be_asked_restores_nothing_and_is_not_called_invalid(void **state)
{
    struct world w;

    make_two_versions(state, &w);
    make_targets(state);
    double_says(&w.key, "1", KEY_UNREACHABLE, "time-out");
    assert_refused_and_untouched(&w, ERR_KEY_UNREACHABLE);
    assert_non_null(strstr(told(),
                           "cannot tell whether master key double key version 1 may be used: "
                           "time-out\n  nothing was changed; make the master key reachable and try "
                           "again"));
    assert_null(strstr(told(), "nearest"));
    assert_null(strstr(told(), "another version"));
    assert_int_equal(w.key.of[1].unwraps, 0);
    assert_int_equal(w.key.of[2].states, 0);
    /* It is reachable again, and everything is as before. */
    double_says(&w.key, "1", KEY_VALID, NULL);
    assert_done(restore_oldest(&w, &(struct asked){.target = "absent"}));
    assert_same_trees(in(state, "source"), in(state, "absent"));
    clear_world(&w);
}

/* It says that it is valid: only the unwrap shows that it is not. */
static void a_key_that_fails_when_it_is_used_restores_nothing(void **state)
{
    static const enum err codes[] = {ERR_KEY_INVALID, ERR_KEY_UNREACHABLE};
    struct world w;

    make_two_versions(state, &w);
    make_targets(state);
    for (size_t i = 0; i < 2; i++) {
        w.key.of[1].unwrap_fails = codes[i];
        assert_refused_and_untouched(&w, codes[i]);
        assert_non_null(strstr(told(), "the double does not unwrap by this version"));
    }
    clear_world(&w);
}

/* The data keys of a chain: each is opened, and none a second time. */
static void a_data_key_is_opened_once_for_its_scope(void **state)
{
    struct world w;

    make_world(state, &w);
    for (char name[] = "source/a"; name[7] <= 'c'; name[7]++) {
        put_pattern(in(state, name), 3 * 65536, (uint32_t)name[7]);
        make_backup(&w);
    }
    double_forget_calls(&w.key);
    assert_done(restore_to(&w, "latest", "target"));
    assert_same_trees(in(state, "source"), in(state, "target"));
    assert_int_equal(w.key.unwraps, 3);
    assert_int_equal(w.key.states, 3); /* and before each its state is asked for */
    assert_int_equal(w.key.wraps, 0);
    clear_world(&w);
}

static const struct CMUnitTest tests[] = {
    IN_DIRECTORY(a_key_that_may_not_be_used_restores_nothing),
    IN_DIRECTORY(rejected_credentials_restore_nothing_and_name_no_other),
    IN_DIRECTORY(a_key_that_cannot_be_asked_restores_nothing_and_is_not_called_invalid),
    IN_DIRECTORY(a_key_that_fails_when_it_is_used_restores_nothing),
    IN_DIRECTORY(a_data_key_is_opened_once_for_its_scope),
};

int main(void)
{
    return cmocka_run_group_tests(tests, NULL, NULL);
}
