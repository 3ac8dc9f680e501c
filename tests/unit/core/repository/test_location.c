#include "core/repository/location.h"

#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "tests/unit/helpers.h"

#define FINGERPRINT "00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff"
#define OTHER "ff112233445566778899aabbccddeeff00112233445566778899aabbccddeeff"

static struct location shows(const char *fingerprint)
{
    struct location l = {.known = true, .shown = {.root = {1, 2, 3}}};

    memcpy(l.shown.fingerprint, fingerprint, LEDGER_FINGERPRINT_LEN + 1);
    return l;
}

static void what_a_path_has_shown_is_kept(void **state)
{
    struct location is, l = shows(FINGERPRINT);

    assert_done(location_read(in(state, "state"), "/srv/backup", &is));
    assert_false(is.known);
    l.is_mount_point = true;
    assert_done(location_keep(in(state, "state"), "/srv/backup", &l, false));
    assert_done(location_read(in(state, "state"), "/srv/backup", &is));
    assert_true(is.known && is.is_mount_point);
    assert_string_equal(is.shown.fingerprint, FINGERPRINT);
    assert_memory_equal(is.shown.root, l.shown.root, SIGNER_ID_LEN);
    assert_done(location_read(in(state, "state"), "/srv/backup2", &is));
    assert_false(is.known);
}

static void a_path_that_is_no_text_is_one_too(void **state)
{
    struct location is, l = shows(FINGERPRINT);

    assert_done(location_keep(in(state, "state"), "/srv/\xff\n", &l, false));
    assert_done(location_read(in(state, "state"), "/srv/\xff\n", &is));
    assert_true(is.known);
}

static void another_repository_is_taken_only_when_that_was_said(void **state)
{
    struct location is, l = shows(FINGERPRINT), other = shows(OTHER);

    assert_done(location_keep(in(state, "state"), "/srv/backup", &l, false));
    assert_refused(location_keep(in(state, "state"), "/srv/backup", &other, false), ERR_CORRUPT,
                   "/srv/backup: another run has just seen the repository " FINGERPRINT
                   " there, and this one has seen " OTHER);
    assert_done(location_read(in(state, "state"), "/srv/backup", &is));
    assert_string_equal(is.shown.fingerprint, FINGERPRINT);
    assert_done(location_keep(in(state, "state"), "/srv/backup", &other, true));
    assert_done(location_read(in(state, "state"), "/srv/backup", &is));
    assert_string_equal(is.shown.fingerprint, OTHER);
}

/* A run in which nothing changed needs neither lock nor disk. */
static void what_is_known_is_not_written_again(void **state)
{
    struct location l = shows(FINGERPRINT);

    assert_done(location_keep(in(state, "state"), "/srv/backup", &l, false));
    assert_int_equal(unlink(in(state, "state/locations.lock")), 0);
    assert_done(location_keep(in(state, "state"), "/srv/backup", &l, false));
    assert_int_equal(access(in(state, "state/locations.lock"), F_OK), -1);
}

static void a_mount_point_is_told_from_a_directory(void **state)
{
    assert_int_equal(mkdir(in(state, "plain"), 0700), 0);
    assert_false(location_is_mount_point(in(state, "plain")));
    assert_false(location_is_mount_point(in(state, "none")));
    assert_true(location_is_mount_point("/proc"));
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        IN_DIRECTORY(what_a_path_has_shown_is_kept),
        IN_DIRECTORY(a_path_that_is_no_text_is_one_too),
        IN_DIRECTORY(another_repository_is_taken_only_when_that_was_said),
        IN_DIRECTORY(what_is_known_is_not_written_again),
        IN_DIRECTORY(a_mount_point_is_told_from_a_directory),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
