#include "keyring/file/file_seen.h"

#include <sys/stat.h>
#include <unistd.h>

#include "core/base/log.h"
#include "tests/unit/keyring/rings.h"

static char said[ERR_TEXT_MAX];

static void listen(enum log_level level, const char *text)
{
    (void)level;
    snprintf(said, sizeof said, "%s", text);
}

static struct file_keyring ring_of(uint8_t id, uint64_t generation, bool is_protected)
{
    struct file_keyring k = {.generation = generation};

    memset(k.id, id, sizeof k.id);
    k.protection.kdf = is_protected ? FILE_KDF_HKDF : FILE_KDF_NONE;
    return k;
}

static struct file_seen seen_at(void **state, const char *path, uint8_t id)
{
    struct file_keyring k = ring_of(id, 1, false);
    struct file_seen seen;

    assert_done(file_seen_read(in(state, "s"), path, k.id, &seen));
    return seen;
}

static void what_was_seen_is_known_by_path_and_by_keyring(void **state)
{
    struct file_keyring k = ring_of(1, 7, true);
    struct file_seen seen;

    seen = seen_at(state, "/k", 1);
    assert_false(seen.has_path || seen.was_protected || seen.generation != 0);
    file_seen_write(in(state, "s"), "/k", &k, false);
    seen = seen_at(state, "/k", 1);
    assert_true(seen.has_path && seen.was_protected);
    assert_int_equal(seen.generation, 7);
    assert_memory_equal(seen.id, k.id, sizeof k.id);
    seen = seen_at(state, "/elsewhere", 1); /* a copy at another path */
    assert_false(seen.has_path);
    assert_true(seen.was_protected);
    assert_int_equal(seen.generation, 7);
    seen = seen_at(state, "/k", 2); /* another one in its place */
    assert_true(seen.has_path && seen.was_protected);
    assert_int_equal(seen.generation, 0);
    seen = seen_at(state, "/elsewhere", 2);
    assert_false(seen.has_path || seen.was_protected);
}

static void the_highest_generation_counts_until_it_is_taken_back(void **state)
{
    struct file_keyring newest = ring_of(1, 9, true);
    struct file_keyring older = ring_of(1, 4, false);

    file_seen_write(in(state, "s"), "/k", &newest, false);
    file_seen_write(in(state, "s"), "/copy", &older, false);
    assert_int_equal(seen_at(state, "/copy", 1).generation, 9);
    file_seen_write(in(state, "s"), "/copy", &older, true);
    assert_int_equal(seen_at(state, "/k", 1).generation, 4);
    assert_false(seen_at(state, "/k", 1).was_protected);
}

static void a_link_that_is_turned_is_still_the_path_that_is_known(void **state)
{
    struct file_keyring k = ring_of(1, 3, true);
    struct file_seen seen;

    spew(in(state, "ours"), bytes_of_text("x"));
    spew(in(state, "theirs"), bytes_of_text("x"));
    assert_int_equal(symlink(in(state, "ours"), in(state, "link")), 0);
    file_seen_write(in(state, "s"), in(state, "link"), &k, false);
    assert_int_equal(unlink(in(state, "link")), 0);
    assert_int_equal(symlink(in(state, "theirs"), in(state, "link")), 0);
    seen = seen_at(state, in(state, "link"), 2);
    assert_true(seen.has_path && seen.was_protected);
}

static void however_a_path_is_written_it_is_known(void **state)
{
    struct file_keyring k = ring_of(1, 3, true);

    spew(in(state, "ours"), bytes_of_text("x"));
    assert_int_equal(symlink("ours", in(state, "link")), 0);
    file_seen_write(in(state, "s"), in(state, "ours"), &k, false);
    assert_true(seen_at(state, in(state, "./ours"), 2).has_path);
    assert_true(seen_at(state, in(state, "/ours"), 2).has_path);
    assert_true(seen_at(state, in(state, "s/../ours"), 2).has_path);
    assert_true(seen_at(state, in(state, "link"), 2).has_path);
    assert_false(seen_at(state, in(state, "link"), 1).is_complete);
    file_seen_write(in(state, "s"), in(state, "link"), &k, false);
    assert_true(seen_at(state, in(state, "link"), 1).is_complete);
}

/* It had read the keyring before the other one changed it. */
static void a_slower_run_lowers_nothing(void **state)
{
    struct file_keyring newest = ring_of(1, 9, true);
    struct file_keyring older = ring_of(1, 8, true);

    file_seen_write(in(state, "s"), "/k", &newest, false);
    file_seen_write(in(state, "s"), "/k", &older, false);
    assert_int_equal(seen_at(state, "/k", 1).generation, 9);
}

static void the_oldest_path_makes_room(void **state)
{
    for (uint8_t i = 0; i <= FILE_SEEN_MAX; i++) {
        struct file_keyring k = ring_of(i, 1, false);

        file_seen_write(in(state, "s"), textf("/%u", i), &k, false);
    }
    assert_false(seen_at(state, "/0", 0).has_path);
    assert_true(seen_at(state, "/1", 1).has_path);
    assert_true(seen_at(state, textf("/%u", FILE_SEEN_MAX), FILE_SEEN_MAX).has_path);
}

static void a_damaged_memory_is_a_warning_and_no_failure(void **state)
{
    struct file_keyring k = ring_of(1, 3, false);

    file_seen_write(in(state, "s"), "/k", &k, false);
    spew(in(state, "s/" FILE_SEEN_NAME), bytes_of_text("{}"));
    log_to(listen);
    assert_false(seen_at(state, "/k", 1).has_path);
    assert_non_null(strstr(said, "what this machine knew of its keyrings is lost"));
    file_seen_write(in(state, "s"), "/k", &k, false);
    log_to(NULL);
    assert_true(seen_at(state, "/k", 1).has_path);
}

static void what_cannot_be_written_is_a_warning(void **state)
{
    struct file_keyring k = ring_of(1, 3, false);

    spew(in(state, "s"), bytes_of_text("a file"));
    said[0] = '\0';
    log_to(listen);
    file_seen_write(in(state, "s"), "/k", &k, false);
    log_to(NULL);
    assert_non_null(strstr(said, "that an older keyring is put back would not be noticed here"));
    file_seen_write(NULL, "/k", &k, false);
}

static enum err read_and_write(void *arg)
{
    void **state = arg;
    struct file_keyring k = ring_of(1, 3, false);
    struct file_seen seen;
    enum err rc;

    TRY(file_seen_read(*state, "/k", k.id, &seen));
    file_seen_write(*state, "/k", &k, true);
out:
    return rc;
}

static void an_allocation_that_fails_leaks_nothing(void **state)
{
    log_to(listen);
    assert_true(sweep_allocations(read_and_write, state) > 3);
    log_to(NULL);
}

static const struct CMUnitTest tests[] = {
    IN_DIRECTORY(what_was_seen_is_known_by_path_and_by_keyring),
    IN_DIRECTORY(the_highest_generation_counts_until_it_is_taken_back),
    IN_DIRECTORY(a_link_that_is_turned_is_still_the_path_that_is_known),
    IN_DIRECTORY(however_a_path_is_written_it_is_known),
    IN_DIRECTORY(a_slower_run_lowers_nothing),
    IN_DIRECTORY(the_oldest_path_makes_room),
    IN_DIRECTORY(a_damaged_memory_is_a_warning_and_no_failure),
    IN_DIRECTORY(what_cannot_be_written_is_a_warning),
    IN_DIRECTORY(an_allocation_that_fails_leaks_nothing),
};

int main(void)
{
    return cmocka_run_group_tests(tests, NULL, NULL);
}
