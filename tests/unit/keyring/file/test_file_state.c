#include "keyring/file/file_state.h"

#include "tests/unit/keyring/rings.h"

#define NOW INT64_C(1795500000000)
#define THEN (NOW - 5 * CLOCK_DAY_MS)

static struct file_version version_in(enum file_key_state state)
{
    struct file_version v = {
        .number = 1, .state = state, .created_ms = THEN, .changed_ms = THEN, .stored_len = 32};

    if (state == FILE_KEY_PENDING)
        v.deletion_ms = NOW + CLOCK_DAY_MS;
    if (state == FILE_KEY_DESTROYED) {
        v.deletion_ms = THEN;
        v.stored_len = 0;
    }
    return v;
}

struct cell {
    enum key_action action;
    enum file_key_state from;
    enum err rc;
    enum file_key_state to;
    bool changed;
    const char *hint;
};

#define GONE "its key material was destroyed and cannot be recovered"
#define FIRST "cancel the deletion first (key cancel-deletion)"
#define OTHER "to choose another date, cancel the deletion first"
#define NONE "no deletion is scheduled"
#define E FILE_KEY_ENABLED
#define D FILE_KEY_DISABLED
#define P FILE_KEY_PENDING
#define X FILE_KEY_DESTROYED

static const struct cell cells[] = {
    {KEY_DISABLE, E, ERR_OK, D, true, NULL},
    {KEY_DISABLE, D, ERR_OK, D, false, NULL},
    {KEY_DISABLE, P, ERR_USAGE, P, false, FIRST},
    {KEY_DISABLE, X, ERR_USAGE, X, false, GONE},
    {KEY_ENABLE, E, ERR_OK, E, false, NULL},
    {KEY_ENABLE, D, ERR_OK, E, true, NULL},
    {KEY_ENABLE, P, ERR_USAGE, P, false, FIRST},
    {KEY_ENABLE, X, ERR_USAGE, X, false, GONE},
    {KEY_SCHEDULE_DELETION, E, ERR_OK, P, true, NULL},
    {KEY_SCHEDULE_DELETION, D, ERR_OK, P, true, NULL},
    {KEY_SCHEDULE_DELETION, P, ERR_USAGE, P, false, OTHER},
    {KEY_SCHEDULE_DELETION, X, ERR_USAGE, X, false, GONE},
    {KEY_CANCEL_DELETION, E, ERR_USAGE, E, false, NONE},
    {KEY_CANCEL_DELETION, D, ERR_USAGE, D, false, NONE},
    {KEY_CANCEL_DELETION, P, ERR_OK, D, true, NULL},
    {KEY_CANCEL_DELETION, X, ERR_USAGE, X, false, GONE},
};

static void every_action_does_in_every_state_what_the_table_says(void **state)
{
    char since[CLOCK_TEXT_LEN + 1];

    (void)state;
    clock_text(THEN, since);
    for (size_t i = 0; i < sizeof cells / sizeof cells[0]; i++) {
        const struct cell *c = &cells[i];
        struct file_version v = version_in(c->from);
        bool changed = !c->changed;

        if (c->rc == ERR_OK)
            assert_done(file_act(&v, c->action, 30, NOW, &changed));
        else
            assert_refused(file_act(&v, c->action, 30, NOW, &changed), c->rc,
                           textf("key version 1 is %s since %s\n  %s", file_key_state_name(c->from),
                                 since, c->hint));
        assert_int_equal(v.state, c->to);
        assert_int_equal(changed, c->changed);
        assert_int_equal(v.changed_ms, c->changed ? NOW : THEN);
        assert_int_equal(v.deletion_ms != 0, c->to == P || c->to == X);
    }
}

static void a_deletion_comes_after_7_to_30_days(void **state)
{
    static const uint64_t good[] = {7, 8, 30};
    static const uint64_t bad[] = {0, 6, 31, UINT64_MAX};
    bool changed;

    (void)state;
    for (size_t i = 0; i < 3; i++) {
        struct file_version v = version_in(E);

        assert_done(file_act(&v, KEY_SCHEDULE_DELETION, good[i], NOW, &changed));
        assert_int_equal(v.deletion_ms, NOW + (int64_t)good[i] * CLOCK_DAY_MS);
    }
    for (size_t i = 0; i < 4; i++) {
        struct file_version v = version_in(E);

        assert_refused(file_act(&v, KEY_SCHEDULE_DELETION, bad[i], NOW, &changed), ERR_USAGE,
                       textf("a deletion is scheduled for 7 to 30 days, not %llu",
                             (unsigned long long)bad[i]));
        assert_int_equal(v.state, E);
    }
}

static void a_version_is_destroyed_from_its_date_on(void **state)
{
    struct file_version v = version_in(P);
    int64_t since_ms = 0;

    (void)state;
    assert_int_equal(file_state_at(&v, v.deletion_ms - 1, &since_ms), P);
    assert_int_equal(since_ms, THEN);
    assert_int_equal(file_state_at(&v, v.deletion_ms, &since_ms), X);
    assert_int_equal(since_ms, v.deletion_ms);
}

static void settling_takes_the_material_of_what_is_due_and_of_nothing_else(void **state)
{
    static const uint8_t none[FILE_KEY_STORED_MAX];
    struct file_version v[] = {version_in(P), version_in(P), version_in(E)};
    struct file_keyring k = {.versions = v, .count = 3, .active = 3};

    (void)state;
    v[0].deletion_ms = NOW;
    v[1].deletion_ms = NOW + 1;
    memset(v[0].stored, 7, sizeof v[0].stored);
    assert_true(file_settle(&k, NOW));
    assert_int_equal(v[0].state, X);
    assert_int_equal(v[0].changed_ms, NOW);
    assert_int_equal(v[0].stored_len, 0);
    assert_memory_equal(v[0].stored, none, sizeof none);
    assert_int_equal(v[1].state, P);
    assert_int_equal(v[2].state, E);
    assert_false(file_settle(&k, NOW));
}

static void a_clock_set_back_is_not_believed(void **state)
{
    struct file_version v[] = {version_in(E), version_in(E)};
    struct file_keyring k = {.versions = v, .count = 2, .active = 2, .created_ms = THEN};

    (void)state;
    v[1].changed_ms = NOW - 10;
    assert_int_equal(file_clock(&k, NOW), NOW);
    assert_int_equal(file_clock(&k, 5), NOW - 10);
    v[0].created_ms = NOW - 5;
    assert_int_equal(file_clock(&k, 5), NOW - 5);
    k.created_ms = NOW - 1;
    assert_int_equal(file_clock(&k, 5), NOW - 1);
}

static void a_version_is_found_by_exactly_its_number(void **state)
{
    static const char *const strange[] = {"0", "3", "01", "+1", " 1", "1 ", "", "one"};
    struct file_version v[] = {version_in(E), version_in(D)};
    struct file_keyring k = {.versions = v, .count = 2};
    struct file_version *found = NULL;

    (void)state;
    v[1].number = 2;
    assert_done(file_find(&k, "2", &found));
    assert_ptr_equal(found, &v[1]);
    for (size_t i = 0; i < sizeof strange / sizeof strange[0]; i++)
        assert_refused(file_find(&k, strange[i], &found), ERR_NOT_FOUND,
                       textf("the keyring has no key version \"%s\"; it has 1 to 2", strange[i]));
}

static void a_new_version_is_active_until_no_more_fit(void **state)
{
    struct file_keyring k = {.count = 0};
    struct file_version *v = NULL;

    (void)state;
    for (uint64_t i = 1; i <= FILE_KEYRING_VERSIONS_MAX; i++) {
        assert_done(file_add(&k, NOW, &v));
        assert_int_equal(v->number, i);
        assert_int_equal(k.active, i);
        assert_int_equal(v->state, E);
    }
    assert_refused(file_add(&k, NOW, &v), ERR_FAILED,
                   "the keyring has 1000 key versions, and no more fit: make a new keyring");
    assert_int_equal(k.count, FILE_KEYRING_VERSIONS_MAX);
    file_keyring_clear(&k);
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_action_does_in_every_state_what_the_table_says),
        cmocka_unit_test(a_deletion_comes_after_7_to_30_days),
        cmocka_unit_test(a_version_is_destroyed_from_its_date_on),
        cmocka_unit_test(settling_takes_the_material_of_what_is_due_and_of_nothing_else),
        cmocka_unit_test(a_clock_set_back_is_not_believed),
        cmocka_unit_test(a_version_is_found_by_exactly_its_number),
        cmocka_unit_test(a_new_version_is_active_until_no_more_fit),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
