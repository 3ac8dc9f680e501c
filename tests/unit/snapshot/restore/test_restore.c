#include "snapshot/restore/restore.h"

#include "tests/unit/snapshot/repositories.h"

/* A repository with a snapshot of a small tree. */
static void make_family(void **state, struct world *w)
{
    make_world(state, w);
    assert_int_equal(mkdir(in(state, "source/d"), 0750), 0);
    put_file(in(state, "source/a"), "alpha");
    put_pattern(in(state, "source/d/f"), 3 * 65536 + 5, 1);
    assert_int_equal(link(in(state, "source/d/f"), in(state, "source/hard")), 0);
    assert_int_equal(symlink("a", in(state, "source/soft")), 0);
    make_backup(w);
}

struct asked {
    const char *target; /* a name in the test's directory */
    const char *const *only;
    bool delta, dry_run;
};

static enum err restore(struct world *w, const struct asked *asked, struct restore_result *result)
{
    struct snapshot_list c = {0};
    struct restore_options options = {.repository = w->repository,
                                      .keyring = w->keyring,
                                      .snapshot_list = &c,
                                      .target = in(w->state, asked->target),
                                      .only = asked->only,
                                      .delta = asked->delta,
                                      .dry_run = asked->dry_run,
                                      .workers = 2};
    enum err rc;

    TRY(snapshot_list_read(w->ledger, &c));
    TRY(snapshot_list_find(&c, "latest", &options.snapshot));
    TRY(restore_run(&options, result));
out:
    snapshot_list_clear(&c);
    return rc;
}

/* Nothing of ours beside the target. */
static void assert_nothing_left(void **state)
{
    assert_false(file_exists(in(state, "target.sealpoint-partial")));
    assert_false(file_exists(in(state, "target.sealpoint-lock")));
    assert_false(file_exists(in(state, "target.sealpoint-incomplete")));
}

static void an_empty_directory_is_filled_and_a_full_one_refused(void **state)
{
    struct asked asked = {.target = "target"};
    struct restore_result r;
    struct world w;

    make_family(state, &w);
    assert_int_equal(mkdir(in(state, "target"), 0700), 0);
    assert_done(restore(&w, &asked, &r));
    assert_same_trees(in(state, "source"), in(state, "target"));
    assert_refused(restore(&w, &asked, &r), ERR_USAGE, NULL);
    assert_same_trees(in(state, "source"), in(state, "target"));
    assert_nothing_left(state);
    clear_world(&w);
}

static void a_dry_run_touches_nothing(void **state)
{
    struct asked asked = {.target = "target", .dry_run = true};
    struct restore_result r;
    struct world w;

    make_family(state, &w);
    assert_done(restore(&w, &asked, &r));
    assert_false(file_exists(in(state, "target")));
    assert_int_equal(r.written_bytes, 0);
    assert_nothing_left(state);
    clear_world(&w);
}

static void only_what_is_asked_for_is_restored(void **state)
{
    static const char *const only[] = {"hard", "soft", NULL};
    static const char *const missing[] = {"a", "none", NULL};
    struct asked asked = {.target = "target", .only = only};
    struct restore_result r;
    struct stat st;
    struct world w;

    make_family(state, &w);
    assert_done(restore(&w, &asked, &r));
    assert_int_equal(count_names(in(state, "target")), 2);
    assert_int_equal(stat(in(state, "target/hard"), &st), 0); /* its first name is not there */
    assert_int_equal(st.st_size, 3 * 65536 + 5);
    assert_int_equal(st.st_nlink, 1);
    asked.only = missing;
    asked.target = "target2";
    assert_refused(restore(&w, &asked, &r), ERR_NOT_FOUND, NULL);
    assert_false(file_exists(in(state, "target2")));
    clear_world(&w);
}

/* ---- damage: each object flipped, cut, gone; nothing may come of it ---- */

struct damage_count {
    struct world *w;
    unsigned seen;
};

static void damage_file(const char *path, int kind, size_t offset)
{
    struct buf content = {.max = 4 * MIB};

    assert_done(file_read(path, &content));
    assert_int_equal(chmod(path, 0600), 0);
    if (kind == 0) {
        assert_int_equal(unlink(path), 0);
    } else if (kind == 1) {
        put_bytes(path, content.data, content.len - 1);
    } else {
        content.data[offset * (content.len - 1) / 9] ^= 1;
        put_bytes(path, content.data, content.len);
    }
    buf_clear(&content);
}

static enum err damage_each(void *arg, const char *name, uint64_t size)
{
    struct damage_count *d = arg;
    void **state = d->w->state;
    struct asked asked = {.target = "target"};
    struct restore_result r;
    struct buf kept = {.max = 4 * MIB};
    char path[1024];

    (void)size;
    snprintf(path, sizeof path, "%s/%s", in(state, "repository"), name);
    assert_done(file_read(path, &kept));
    for (int kind = 0; kind <= 11; kind++) {
        damage_file(path, kind < 2 ? kind : 2, kind < 2 ? 0 : (size_t)kind - 2);
        assert_refused(restore(d->w, &asked, &r), ERR_CORRUPT, NULL);
        assert_false(file_exists(in(state, "target")));
        assert_nothing_left(state);
        put_bytes(path, kept.data, kept.len);
    }
    d->seen++;
    buf_clear(&kept);
    return ERR_OK;
}

static void no_damaged_object_is_restored(void **state)
{
    struct world w;
    struct damage_count d = {.w = &w};
    struct asked asked = {.target = "target"};
    struct restore_result r;

    make_family(state, &w);
    assert_done(store_list(w.real, "data", damage_each, &d));
    assert_done(store_list(w.real, "manifests", damage_each, &d));
    assert_true(d.seen >= 3);
    assert_done(restore(&w, &asked, &r));
    assert_same_trees(in(state, "source"), in(state, "target"));
    clear_world(&w);
}

/* ---- delta ---- */

static void an_older_state_is_brought_up_to_the_snapshot(void **state)
{
    struct asked asked = {.target = "target", .delta = true};
    struct restore_result r;
    struct world w;
    int fd;

    make_family(state, &w);
    assert_done(restore_to(&w, "latest", "target"));
    fd = open(in(state, "source/d/f"), O_RDWR | O_CLOEXEC);
    assert_int_equal(pwrite(fd, "changed", 7, 65536), 7);
    close(fd);
    put_file(in(state, "source/new"), "new");
    assert_int_equal(unlink(in(state, "source/a")), 0);
    assert_int_equal(mkdir(in(state, "source/a"), 0711), 0);
    make_backup(&w);
    put_file(in(state, "target/extra"), "not in the snapshot");
    assert_done(restore(&w, &asked, &r));
    assert_same_trees(in(state, "source"), in(state, "target"));
    assert_nothing_left(state);
    clear_world(&w);
}

static void a_failed_delta_is_marked_until_it_is_run_again(void **state)
{
    struct faulty f = {.fault = FAULT_FAIL,
                       .fail_at = 1,
                       .ops = FAULTY_BLOB_READ,
                       .below = "data/",
                       .sticky = true};
    struct asked asked = {.target = "target", .delta = true};
    struct restore_result r;
    struct world w;
    unsigned long reads;

    make_family(state, &w);
    assert_done(restore_to(&w, "latest", "target"));
    put_pattern(in(state, "source/d/f"), 3 * 65536, 2);
    make_backup(&w);
    for (reads = 1;; reads++) { /* the index first, then, the target begun, the blocks */
        f.fail_at = reads;
        open_ledger(&w, &f);
        assert_refused(restore(&w, &asked, &r), ERR_STORAGE, NULL);
        if (file_exists(in(state, "target.sealpoint-incomplete")))
            break;
        assert_true(reads < 50);
    }
    open_ledger(&w, NULL);
    assert_done(restore(&w, &asked, &r));
    assert_same_trees(in(state, "source"), in(state, "target"));
    assert_nothing_left(state);
    clear_world(&w);
}

/* A store that fails at any step of a fresh restore: there is no target. */
static void a_store_that_fails_at_any_step_leaves_no_target(void **state)
{
    struct asked asked = {.target = "target"};
    struct restore_result r;
    struct world w;
    bool came = true;

    make_family(state, &w);
    for (unsigned long nth = 1; came; nth++) {
        struct faulty f = {.fault = FAULT_FAIL, .fail_at = nth};
        enum err rc;

        open_ledger(&w, &f);
        rc = restore(&w, &asked, &r);
        came = atomic_load(&w.faulty.count) >= nth;
        if (came && rc != ERR_STORAGE)
            fail_msg("operation %lu: %d", nth, (int)rc);
        assert_int_equal(file_exists(in(state, "target")), rc == ERR_OK);
        assert_nothing_left(state);
    }
    assert_same_trees(in(state, "source"), in(state, "target"));
    clear_world(&w);
}

/* ---- bytes that a store makes up ---- */

static void wrong_bytes_from_the_store_never_reach_a_target(void **state)
{
    struct asked asked = {.target = "target"};
    struct restore_result r;
    struct world w;
    bool came = true;

    make_family(state, &w);
    for (unsigned long nth = 1; came; nth++) {
        struct faulty f = {
            .fault = FAULT_FLIP, .fail_at = nth, .ops = FAULTY_BLOB_READ, .byte = nth * 7919};
        enum err rc;

        open_ledger(&w, &f);
        rc = restore(&w, &asked, &r);
        came = atomic_load(&w.faulty.count) >= nth;
        if (came && rc != ERR_CORRUPT)
            fail_msg("read %lu: %d", nth, (int)rc);
        assert_int_equal(file_exists(in(state, "target")), rc == ERR_OK);
        assert_nothing_left(state);
    }
    assert_same_trees(in(state, "source"), in(state, "target"));
    clear_world(&w);
}

/* ---- keys ---- */

static void a_key_that_refuses_leaves_no_target(void **state)
{
    static const enum err codes[] = {ERR_KEY_INVALID, ERR_KEY_UNREACHABLE, ERR_CORRUPT};
    struct asked asked = {.target = "target"};
    struct restore_result r;
    struct world w;

    make_family(state, &w);
    for (size_t i = 0; i < sizeof codes / sizeof codes[0]; i++) {
        w.key.unwrap_refused = codes[i];
        assert_refused(restore(&w, &asked, &r), codes[i], NULL);
        assert_non_null(strstr(err_text(), "refused before anything was touched"));
        assert_false(file_exists(in(state, "target")));
        assert_nothing_left(state);
    }
    clear_world(&w);
}

static const struct CMUnitTest tests[] = {
    IN_DIRECTORY(an_empty_directory_is_filled_and_a_full_one_refused),
    IN_DIRECTORY(a_dry_run_touches_nothing),
    IN_DIRECTORY(only_what_is_asked_for_is_restored),
    IN_DIRECTORY(no_damaged_object_is_restored),
    IN_DIRECTORY(an_older_state_is_brought_up_to_the_snapshot),
    IN_DIRECTORY(a_failed_delta_is_marked_until_it_is_run_again),
    IN_DIRECTORY(a_store_that_fails_at_any_step_leaves_no_target),
    IN_DIRECTORY(wrong_bytes_from_the_store_never_reach_a_target),
    IN_DIRECTORY(a_key_that_refuses_leaves_no_target),
};

int main(void)
{
    return cmocka_run_group_tests(tests, NULL, NULL);
}
