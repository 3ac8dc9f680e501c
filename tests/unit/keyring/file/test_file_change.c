/* Every change of the file keyring, killed at each of its steps. */
#include "keyring/file/file_change.h"

#include <dirent.h>
#include <stdio.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tests/unit/keyring/fake_crash.h"
#include "tests/unit/keyring/rings.h"

static enum err with_ring(const char *path, enum err (*run)(struct keyring *k))
{
    struct master_key_options options = options_of(path, NULL);
    struct keyring *k = NULL;
    enum err rc;

    TRY(keyring_open(&options, 1, &k));
    TRY(run(k));
out:
    keyring_free(k);
    return rc;
}

static enum err rotate_ring(struct keyring *k)
{
    struct key_name name;

    return keyring_rotate(k, 0, &name);
}

static enum err disable_ring(struct keyring *k)
{
    return keyring_act(k, 0, KEY_DISABLE, "1", 0, NULL);
}

static enum err purge_ring(struct keyring *k)
{
    return keyring_purge(k, 0);
}

static enum err enable_ring(struct keyring *k)
{
    return keyring_act(k, 0, KEY_ENABLE, "1", 0, NULL);
}

static enum err purge(const char *path)
{
    return with_ring(path, purge_ring);
}

static enum err enable(const char *path)
{
    return with_ring(path, enable_ring);
}

/* The state of version 1 in a file, as a new process sees it. */
static const char *state_in(const char *path)
{
    struct keyring *k = open_ring(path, NULL);
    const char *found = state_of(k, "1");

    keyring_free(k);
    return found;
}

static enum err rotate(const char *path)
{
    return with_ring(path, rotate_ring);
}

static enum err disable(const char *path)
{
    return with_ring(path, disable_ring);
}

static enum err create(const char *path)
{
    struct master_key_options options = options_of(path, NULL);
    struct key_name name;

    return create_ring(&options, true, &name);
}

/* A data key under version 1, made before anything is killed. */
struct before {
    struct data_key record;
};

static struct before make_before(const char *path)
{
    struct before b = {.record = {.envelope_count = 0}};
    struct keyring *k;
    struct secret *key = NULL;

    make_ring(path, NULL);
    k = open_ring(path, NULL);
    assert_done(keyring_new_data_key(k, test_repository, &b.record, &key));
    secret_free(key);
    keyring_free(k);
    return b;
}

static enum err open_before(const char *path, const struct before *b)
{
    struct keyring *k = open_ring(path, NULL);
    struct secret *key = NULL;
    enum err rc = keyring_open_data_key(k, &b->record, 0, &key);

    secret_free(key);
    keyring_free(k);
    return rc;
}

/* A keyring in a directory of its own for each step: "<directory>/<nth>". */
static const char *place(void **state, unsigned long nth)
{
    static char path[512];

    snprintf(path, sizeof path, "%s", in(state, textf("%lu", nth)));
    return path;
}

static size_t count_temporaries(void **state)
{
    DIR *directory = opendir(in(state, ""));
    const struct dirent *entry;
    size_t count = 0;

    assert_non_null(directory);
    while ((entry = readdir(directory)) != NULL)
        count += strstr(entry->d_name, ".tmp-") != NULL;
    closedir(directory);
    return count;
}

static void a_rotation_killed_anywhere_leaves_a_keyring_that_opens_what_it_opened(void **state)
{
    unsigned long nth = 1;
    bool killed = true;

    for (; killed; nth++) {
        const char *path = place(state, nth);
        struct before b = make_before(path);
        struct keyring *k;

        killed = kill_at(rotate, path, nth);
        assert_done(open_before(path, &b));
        assert_true(has_material(textf("%s.previous", path), 1));
        assert_done(rotate(path));
        assert_done(open_before(path, &b));
        assert_int_equal(count_temporaries(state), 0);
        /* The rescue has every key that the keyring has. */
        k = open_ring(path, NULL);
        assert_string_equal(state_of(k, "2"), "enabled");
        assert_true(has_material(textf("%s.previous", path), 2));
        keyring_free(k);
        data_key_clear(&b.record);
    }
    assert_true(nth > 12);
}

static void disabling_killed_anywhere_happened_or_did_not(void **state)
{
    unsigned long nth = 1;
    bool killed = true;

    for (; killed; nth++) {
        const char *path = place(state, nth);
        struct before b = make_before(path);
        struct keyring *k;
        bool is_disabled;
        enum err rc;

        killed = kill_at(disable, path, nth);
        k = open_ring(path, NULL);
        is_disabled = strcmp(state_of(k, "1"), "disabled") == 0;
        rc = open_before(path, &b);
        assert_int_equal(rc, is_disabled ? ERR_KEY_INVALID : ERR_OK);
        assert_true(is_disabled || killed);
        /* The copy never allows what the keyring does not. */
        if (is_disabled)
            assert_string_equal(state_in(textf("%s.previous", path)), "disabled");
        assert_done(disable(path));
        assert_string_equal(state_in(path), "disabled");
        do_act(k, KEY_ENABLE, "1");
        assert_done(open_before(path, &b));
        keyring_free(k);
        data_key_clear(&b.record);
    }
    assert_true(nth > 12);
}

static void enabling_killed_anywhere_gives_the_copy_no_more_than_the_keyring(void **state)
{
    unsigned long nth = 1;
    bool killed = true;

    for (; killed; nth++) {
        const char *path = place(state, nth);

        make_ring(path, NULL);
        assert_done(disable(path));
        killed = kill_at(enable, path, nth);
        if (strcmp(state_in(path), "disabled") == 0)
            assert_string_equal(state_in(textf("%s.previous", path)), "disabled");
        assert_done(enable(path));
        assert_string_equal(state_in(path), "enabled");
    }
    assert_true(nth > 12);
}

/* What may not be: the keyring says destroyed, and the file beside it still has the key. */
static void check_destruction(const char *path)
{
    const char *previous = textf("%s.previous", path);

    if (!has_material(path, 1))
        assert_false(has_material(previous, 1));
}

static void a_destruction_killed_anywhere_is_finished_by_the_next(void **state)
{
    unsigned long nth = 1;
    bool killed = true;

    for (; killed; nth++) {
        const char *path = place(state, nth);
        struct before b = make_before(path);

        assert_done(rotate(path));
        edit_ring(path, make_due);
        killed = kill_at(purge, path, nth);
        check_destruction(path);
        assert_refused(open_before(path, &b), ERR_KEY_INVALID, NULL);
        assert_done(purge(path));
        assert_false(has_material(path, 1));
        check_destruction(path);
        assert_true(has_material(path, 2));
        assert_int_equal(count_temporaries(state), 0);
        data_key_clear(&b.record);
    }
    assert_true(nth > 12);
}

static void making_a_keyring_killed_anywhere_can_be_repeated(void **state)
{
    unsigned long nth = 1;
    bool killed = true;

    for (; killed; nth++) {
        const char *path = place(state, nth);
        struct keyring *k;
        enum err rc;

        killed = kill_at(create, path, nth);
        rc = create(path);
        assert_true(rc == ERR_OK || rc == ERR_EXISTS);
        k = open_ring(path, NULL);
        assert_string_equal(state_of(k, "1"), "enabled");
        keyring_free(k);
    }
    assert_true(nth > 12);
}

static void two_processes_that_rotate_lose_no_version(void **state)
{
    enum { ROUNDS = 8 };
    const char *path = place(state, 1);
    struct key_versions v = {.count = 0};
    struct keyring *k;
    int status = 0;
    pid_t child;

    make_ring(path, NULL);
    child = fork();
    assert_true(child >= 0);
    for (int i = 0; i < ROUNDS; i++)
        if (rotate(path) != ERR_OK && child == 0)
            _exit(1);
    if (child == 0)
        _exit(0);
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_int_equal(status, 0);
    k = open_ring(path, NULL);
    assert_done(keyring_versions(k, 0, true, &v));
    assert_int_equal(v.count, 2 * ROUNDS + 1);
    key_versions_clear(&v);
    keyring_free(k);
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        IN_DIRECTORY(a_rotation_killed_anywhere_leaves_a_keyring_that_opens_what_it_opened),
        IN_DIRECTORY(disabling_killed_anywhere_happened_or_did_not),
        IN_DIRECTORY(enabling_killed_anywhere_gives_the_copy_no_more_than_the_keyring),
        IN_DIRECTORY(a_destruction_killed_anywhere_is_finished_by_the_next),
        IN_DIRECTORY(making_a_keyring_killed_anywhere_can_be_repeated),
        IN_DIRECTORY(two_processes_that_rotate_lose_no_version),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
