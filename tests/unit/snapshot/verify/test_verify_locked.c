/* verify --decrypt with keys that are refused or cannot be asked. */
#include "snapshot/verify/verify.h"

#include "tests/unit/snapshot/repositories.h"

/* Two snapshots of version 1 (a chain), one of version 2, one of version 3. */
static void make_three_versions(void **state, struct world *w)
{
    make_world(state, w);
    put_pattern(in(state, "source/f"), 3 * 65536 + 5, 1);
    make_backup(w);
    put_pattern(in(state, "source/g"), 70000, 2);
    make_backup(w);
    for (w->key.version[0] = '2'; w->key.version[0] <= '3'; w->key.version[0]++)
        make_backup(w);
    double_forget_calls(&w->key);
    *said = '\0';
}

static enum err decrypt(struct world *w, struct verify_result *r)
{
    struct snapshot_list c = {0};
    struct verify_options options = {.repository = w->repository,
                                     .keyring = w->keyring,
                                     .snapshot_list = &c,
                                     .depth = VERIFY_DECRYPT,
                                     .sample = 1,
                                     .workers = 2};
    enum err rc;

    *said = '\0';
    TRY(snapshot_list_read(w->ledger, &c));
    TRY(verify_run(&options, r));
out:
    snapshot_list_clear(&c);
    return rc;
}

/* `all`: the bytes that are read when no key is refused. */
static void assert_rest_is_read(uint64_t all, const struct verify_result *r)
{
    assert_int_equal(r->snapshots, 4); /* manifests and objects of all are looked at */
    assert_int_equal(r->damaged + r->unreadable, 0);
    assert_true(r->bytes > 0 && r->bytes < all);
}

static void the_snapshots_of_a_refused_version_are_counted_and_the_rest_is_read(void **state)
{
    static const enum verdict verdicts[] = {KEY_INVALID, KEY_UNREACHABLE};
    static const enum err codes[] = {ERR_KEY_INVALID, ERR_KEY_UNREACHABLE};
    static const char *const words[] = {
        ": not decrypted, nor others of that key version: master key double key version 1 is "
        "disabled (the double)",
        ": not decrypted, nor others of that key version: cannot tell whether master key double "
        "key version 1 may be used: disabled",
    };
    struct verify_result whole = {0};
    struct verify_result r = {0};
    struct world w;

    make_three_versions(state, &w);
    assert_done(decrypt(&w, &whole));
    assert_int_equal(whole.locked, 0);
    for (size_t i = 0; i < 2; i++) {
        double_says(&w.key, "1", verdicts[i], "disabled");
        double_forget_calls(&w.key);
        assert_refused(decrypt(&w, &r), codes[i],
                       "2 of the snapshots were not decrypted: see above");
        assert_int_equal(r.locked, 2);
        assert_rest_is_read(whole.bytes, &r);
        assert_true(was_said(words[i]));
        assert_int_equal(w.key.of[1].states, 1); /* for both */
        assert_int_equal(w.key.of[1].unwraps, 0);
        assert_int_equal(w.key.of[2].unwraps + w.key.of[3].unwraps, 2);
    }
    double_says(&w.key, "1", KEY_VALID, NULL);
    assert_done(decrypt(&w, &r));
    assert_int_equal(r.bytes, whole.bytes);
    clear_world(&w);
}

/* What comes behind it is read too, and the first refusal decides the end. */
static void a_locked_snapshot_in_the_middle_ends_nothing(void **state)
{
    struct verify_result whole = {0};
    struct verify_result r = {0};
    struct world w;

    make_three_versions(state, &w);
    assert_done(decrypt(&w, &whole));
    double_says(&w.key, "2", KEY_UNREACHABLE, "time-out");
    double_forget_calls(&w.key);
    assert_refused(decrypt(&w, &r), ERR_KEY_UNREACHABLE,
                   "1 of the snapshots were not decrypted: see above");
    assert_int_equal(r.locked, 1);
    assert_rest_is_read(whole.bytes, &r);
    assert_int_equal(w.key.of[3].unwraps, 1);
    double_says(&w.key, "3", KEY_INVALID, "destroyed");
    assert_refused(decrypt(&w, &r), ERR_KEY_UNREACHABLE,
                   "2 of the snapshots were not decrypted: see above");
    assert_true(was_said("version 3 is destroyed"));
    assert_rest_is_read(whole.bytes, &r);
    clear_world(&w);
}

/* The damage matters more, and it is found without the key. */
static void a_locked_snapshot_hides_no_damage(void **state)
{
    struct verify_result r = {0};
    struct world w;

    make_three_versions(state, &w);
    double_says(&w.key, "1", KEY_INVALID, "disabled");
    remove_all(in(state, "repository/data"));
    assert_refused(decrypt(&w, &r), ERR_CORRUPT, NULL);
    assert_true(r.damaged > 0);
    clear_world(&w);
}

static void without_a_key_nobody_is_asked(void **state)
{
    struct snapshot_list c = {0};
    struct verify_options options = {.snapshot_list = &c, .sample = 1, .workers = 2};
    struct verify_result r = {0};
    struct world w;

    make_three_versions(state, &w);
    for (size_t i = 1; i <= 3; i++)
        double_says(&w.key, (const char[]){(char)('0' + i), '\0'}, KEY_INVALID, "destroyed");
    options.repository = w.repository;
    options.keyring = w.keyring; /* though it is there */
    assert_done(snapshot_list_read(w.ledger, &c));
    for (options.depth = VERIFY_PRESENCE; options.depth < VERIFY_DECRYPT; options.depth++)
        assert_done(verify_run(&options, &r));
    assert_int_equal(w.key.states + w.key.wraps + w.key.unwraps, 0);
    snapshot_list_clear(&c);
    clear_world(&w);
}

static const struct CMUnitTest tests[] = {
    IN_DIRECTORY(the_snapshots_of_a_refused_version_are_counted_and_the_rest_is_read),
    IN_DIRECTORY(a_locked_snapshot_in_the_middle_ends_nothing),
    IN_DIRECTORY(a_locked_snapshot_hides_no_damage),
    IN_DIRECTORY(without_a_key_nobody_is_asked),
};

int main(void)
{
    return cmocka_run_group_tests(tests, NULL, NULL);
}
