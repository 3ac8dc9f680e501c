#include "cli/session.h"

#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "core/base/log.h"
#include "core/fs/file.h"
#include "tests/unit/helpers.h"

#define WRONG_FINGERPRINT "0000000000000000000000000000000000000000000000000000000000000000"
#define INIT_HINT "\n  is its disk mounted? `sealpoint init` creates a new repository, once"

static char said[4096];

static void keep_line(enum log_level level, const char *text)
{
    size_t len = strlen(said);

    if (level == LOG_WARN)
        snprintf(said + len, sizeof said - len, "%s\n", text);
}

/* A command's settings and session. */
struct run {
    struct invocation invocation;
    struct settings settings;
    struct session session;
};

/* Settings as if these options were given; `repository` as the user writes it, or NULL. */
static void begin(struct run *r, void **state, const char *repository, const char *fingerprint)
{
    memset(r, 0, sizeof *r);
    r->invocation.command = command_at(COMMAND_BACKUP);
    r->settings.invocation = &r->invocation;
    r->settings.values[OPTION_REPOSITORY].text = repository;
    r->settings.values[OPTION_STATE_DIR].text = in(state, "state");
    r->settings.values[OPTION_FINGERPRINT].text = fingerprint;
    session_init(&r->session, &r->settings);
    *said = '\0';
    log_to(keep_line);
}

static void end(struct run *r)
{
    session_clear(&r->session);
    log_to(NULL);
}

static enum err open_repository(struct run *r, void **state, const char *fingerprint)
{
    begin(r, state, in(state, "repository"), fingerprint);
    return session_open_repository(&r->session, SESSION_READ);
}

/* What "init" makes; `fingerprint` is what it prints. */
static void make_repository(void **state, char fingerprint[LEDGER_FINGERPRINT_LEN + 1])
{
    struct signer *root = NULL;
    struct run r;

    begin(&r, state, in(state, "repository"), NULL);
    assert_done(signer_new(&root)); /* each repository has its own */
    assert_done(session_create_repository(&r.session, &(struct ledger_root){.key = root}));
    signer_free(root);
    snprintf(fingerprint, LEDGER_FINGERPRINT_LEN + 1, "%s",
             ledger_fingerprint(session_ledger(&r.session)));
    end(&r);
}

/* The same, and it may be a new one. */
static enum err trust_new(struct run *r, void **state)
{
    begin(r, state, in(state, "repository"), NULL);
    r->settings.values[OPTION_TRUST_NEW].text = "true";
    return session_open_repository(&r->session, SESSION_READ);
}

/* The state directory of another machine, which has seen nothing yet. */
static void leave_machine(void **state)
{
    assert_int_equal(rename(in(state, "state"), in(state, "state-of-first")), 0);
}

/* ---- a repository that is not there ---- */

static void without_a_repository_nothing_is_opened(void **state)
{
    struct run r;

    begin(&r, state, NULL, NULL);
    assert_refused(session_open_repository(&r.session, SESSION_READ), ERR_USAGE,
                   "no repository given\n  give --repository DIR, or set repository in "
                   "/etc/sealpoint/sealpoint.yaml or SEALPOINT_REPOSITORY");
    assert_refused(session_locate(&r.session), ERR_USAGE, NULL);
    assert_false(file_exists(in(state, "state")));
    end(&r);
}

static void without_a_state_directory_nothing_is_made(void **state)
{
    struct run r;

    begin(&r, state, in(state, "repository"), NULL);
    r.settings.values[OPTION_STATE_DIR].text = NULL;
    assert_refused(session_locate(&r.session), ERR_USAGE,
                   "no state directory: neither HOME nor XDG_STATE_HOME is set\n  give "
                   "--state-dir DIR");
    end(&r);
}

static void a_repository_that_was_never_used_is_not_there(void **state)
{
    char expected[ERR_TEXT_MAX];
    struct run r;

    snprintf(expected, sizeof expected, "%s is not there" INIT_HINT, in(state, "repository"));
    assert_refused(open_repository(&r, state, NULL), ERR_NOT_FOUND, expected);
    assert_null(r.session.repository);
    assert_false(session_is_known(&r.session));
    assert_false(file_exists(in(state, "state"))); /* a mistyped name leaves nothing behind */
    assert_false(file_exists(in(state, "repository")));
    end(&r);
}

static void an_empty_directory_is_no_repository(void **state)
{
    struct run r;

    assert_int_equal(mkdir(in(state, "repository"), 0700), 0);
    assert_refused(open_repository(&r, state, NULL), ERR_NOT_FOUND, NULL);
    assert_non_null(strstr(told(), INIT_HINT));
    end(&r);
}

static void a_repository_that_was_used_before_is_not_mounted(void **state)
{
    char fingerprint[LEDGER_FINGERPRINT_LEN + 1];
    char expected[ERR_TEXT_MAX];
    struct run r;

    make_repository(state, fingerprint);
    assert_int_equal(rename(in(state, "repository"), in(state, "away")), 0);
    snprintf(expected, sizeof expected,
             "there is no repository in %s, and this machine has used it before: is its disk "
             "mounted?\n  if it is gone for good and another is to take its place, give "
             "--trust-new",
             in(state, "repository"));
    assert_refused(open_repository(&r, state, NULL), ERR_STORAGE, expected);
    assert_true(session_is_known(&r.session));
    end(&r);
    assert_int_equal(trust_new(&r, state), ERR_NOT_FOUND);
    end(&r);
    assert_int_equal(rename(in(state, "away"), in(state, "repository")), 0);
    assert_done(open_repository(&r, state, NULL));
    end(&r);
}

/* Its directory is there, and no disk was ever mounted on it. */
static void a_repository_that_was_deleted_is_an_alarm(void **state)
{
    char fingerprint[LEDGER_FINGERPRINT_LEN + 1];
    char expected[ERR_TEXT_MAX];
    struct run r;

    make_repository(state, fingerprint);
    assert_int_equal(rename(in(state, "repository"), in(state, "away")), 0);
    assert_int_equal(mkdir(in(state, "repository"), 0700), 0);
    snprintf(expected, sizeof expected,
             "%s: the repository %s was here, and now there is none: it was deleted, or its place "
             "was taken\n  find out what happened; if it is gone for good and another is to take "
             "its place, give --trust-new",
             in(state, "repository"), fingerprint);
    assert_refused(open_repository(&r, state, NULL), ERR_CORRUPT, expected);
    end(&r);
    put_file(in(state, "repository/lost"), "something");
    assert_refused(open_repository(&r, state, fingerprint), ERR_CORRUPT, expected);
    end(&r);
    assert_int_equal(trust_new(&r, state), ERR_NOT_FOUND);
    end(&r);
}

/* As the state says of a disk that was mounted there when the repository was seen. */
static void an_empty_directory_where_a_disk_was_is_not_mounted(void **state)
{
    char fingerprint[LEDGER_FINGERPRINT_LEN + 1];
    struct location now;
    struct run r;

    make_repository(state, fingerprint);
    assert_done(location_read(in(state, "state"), in(state, "repository"), &now));
    assert_false(now.is_mount_point);
    now.is_mount_point = true;
    assert_done(location_keep(in(state, "state"), in(state, "repository"), &now, false));
    assert_int_equal(rename(in(state, "repository"), in(state, "away")), 0);
    assert_int_equal(mkdir(in(state, "repository"), 0700), 0);
    assert_int_equal(open_repository(&r, state, NULL), ERR_STORAGE);
    end(&r);
    put_file(in(state, "repository/lost"), "something");
    assert_int_equal(open_repository(&r, state, NULL), ERR_CORRUPT); /* no mount point has that */
    end(&r);
}

/* ---- the state directory ---- */

static void a_path_is_remembered_as_it_was_given_without_what_means_nothing(void **state)
{
    static const struct {
        const char *given, *is;
    } rows[] = {{"/", "/"},
                {"//", "/"},
                {"/./", "/"},
                {"/a", "/a"},
                {"/a/", "/a"},
                {"//a///b/./c/.", "/a/b/c"},
                {"/a/../b", "/a/../b"},
                {"/a/.b/..c", "/a/.b/..c"}};
    struct run r;

    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        begin(&r, state, rows[i].given, NULL);
        assert_done(session_locate(&r.session));
        assert_string_equal(r.session.given, rows[i].is);
        end(&r);
    }
}

static void every_way_to_write_a_path_leads_to_the_same_state(void **state)
{
    static const char *const ways[] = {"repository/", "./repository", "repository/../repository",
                                       "link", "link/."};
    char fingerprint[LEDGER_FINGERPRINT_LEN + 1];
    char first[512];
    struct run r;

    make_repository(state, fingerprint);
    assert_int_equal(symlink("repository", in(state, "link")), 0);
    assert_done(open_repository(&r, state, NULL));
    snprintf(first, sizeof first, "%s", r.session.state_dir);
    assert_non_null(strstr(first, "/state/repositories/"));
    assert_string_equal(strrchr(first, '/') + 1, fingerprint);
    end(&r);
    for (size_t i = 0; i < sizeof ways / sizeof ways[0]; i++) {
        begin(&r, state, in(state, ways[i]), NULL);
        assert_done(session_open_repository(&r.session, SESSION_READ));
        assert_string_equal(r.session.state_dir, first);
        assert_string_equal(r.session.where, in(state, "repository"));
        assert_string_equal(said, "");
        end(&r);
    }
    assert_int_equal(count_names(in(state, "state/repositories")), 1);
}

/* Its disk is not mounted: the name is the one it had. */
static void a_path_that_is_not_there_has_the_same_name_as_when_it_is(void **state)
{
    struct run r;
    char before[512];

    begin(&r, state, in(state, "disk/repository//"), NULL);
    assert_done(session_locate(&r.session));
    snprintf(before, sizeof before, "%s", r.session.where);
    assert_string_equal(before, in(state, "disk/repository"));
    end(&r);
    assert_int_equal(mkdir(in(state, "disk"), 0700), 0);
    assert_int_equal(mkdir(in(state, "disk/repository"), 0700), 0);
    begin(&r, state, in(state, "disk/repository"), NULL);
    assert_done(session_locate(&r.session));
    assert_string_equal(r.session.where, before);
    assert_false(file_exists(in(state, "state"))); /* locating makes nothing */
    end(&r);
}

static void the_state_of_a_repository_is_for_its_owner_alone(void **state)
{
    char fingerprint[LEDGER_FINGERPRINT_LEN + 1];
    struct stat st;
    struct run r;

    make_repository(state, fingerprint);
    assert_done(open_repository(&r, state, NULL));
    assert_int_equal(stat(r.session.state_dir, &st), 0);
    assert_int_equal(st.st_mode & 07777, 0700);
    end(&r);
}

/* Who reads can do without one. */
static void a_state_directory_that_cannot_be_made_is_said(void **state)
{
    char fingerprint[LEDGER_FINGERPRINT_LEN + 1];
    char expected[ERR_TEXT_MAX];
    struct run r;

    make_repository(state, fingerprint);
    leave_machine(state);
    put_file(in(state, "state"), "a file");
    begin(&r, state, in(state, "repository"), fingerprint);
    assert_int_equal(session_open_repository(&r.session, SESSION_WRITE), ERR_STORAGE);
    snprintf(expected, sizeof expected, "state directory %s/repositories/%s: ", in(state, "state"),
             fingerprint);
    assert_int_equal(strncmp(err_text(), expected, strlen(expected)), 0);
    assert_non_null(strstr(told(), "\n  --state-dir DIR names one that can be written"));
    assert_null(r.session.repository);
    end(&r);
    assert_done(open_repository(&r, state, fingerprint));
    assert_non_null(strstr(said, expected));
    assert_non_null(strstr(said, "it is done without"));
    assert_null(r.session.state_dir);
    end(&r);
}

/* ---- trust ---- */

/* Nobody reads what a job of cron says on standard error; here it is no terminal either. */
static void first_contact_needs_a_word_from_somebody(void **state)
{
    char fingerprint[LEDGER_FINGERPRINT_LEN + 1];
    char expected[1024];
    struct run r;

    make_repository(state, fingerprint);
    leave_machine(state);
    snprintf(expected, sizeof expected,
             "%s: this machine has never seen this repository; its fingerprint is %s\n  compare "
             "that with what `sealpoint init` printed, and give it with --fingerprint; or trust "
             "what is there with --trust-new",
             in(state, "repository"), fingerprint);
    assert_refused(open_repository(&r, state, NULL), ERR_USAGE, expected);
    assert_false(file_exists(in(state, "state")));
    end(&r);
}

static void first_contact_is_said_loudly_and_once(void **state)
{
    char fingerprint[LEDGER_FINGERPRINT_LEN + 1];
    char expected[1024];
    struct run r;

    make_repository(state, fingerprint);
    assert_done(open_repository(&r, state, NULL)); /* here it was made */
    assert_string_equal(said, "");
    end(&r);
    leave_machine(state);
    snprintf(expected, sizeof expected,
             "identity not verified: this repository is trusted on first use\nits fingerprint is "
             "%s\ncompare that with what `sealpoint init` printed; on a new machine give it with "
             "--fingerprint\n",
             fingerprint);
    assert_done(trust_new(&r, state));
    assert_string_equal(said, expected);
    assert_false(ledger_can_append(session_ledger(&r.session), RECORD_SNAPSHOT));
    end(&r);
    assert_done(open_repository(&r, state, NULL));
    assert_string_equal(said, "");
    assert_true(session_is_known(&r.session));
    end(&r);
}

static void with_its_fingerprint_a_repository_is_opened_without_a_word(void **state)
{
    char fingerprint[LEDGER_FINGERPRINT_LEN + 1];
    struct run r;

    make_repository(state, fingerprint);
    leave_machine(state);
    assert_done(open_repository(&r, state, fingerprint));
    assert_string_equal(said, "");
    end(&r);
}

static void another_fingerprint_opens_nothing_and_pins_nothing(void **state)
{
    char fingerprint[LEDGER_FINGERPRINT_LEN + 1];
    struct run r;

    make_repository(state, fingerprint);
    assert_refused(open_repository(&r, state, WRONG_FINGERPRINT), ERR_CORRUPT, NULL);
    assert_non_null(strstr(told(), WRONG_FINGERPRINT));
    assert_null(r.session.repository);
    end(&r);
    leave_machine(state);
    assert_refused(open_repository(&r, state, WRONG_FINGERPRINT), ERR_CORRUPT, NULL);
    assert_false(session_is_known(&r.session));
    end(&r);
    assert_done(open_repository(&r, state, fingerprint));
    end(&r);
}

/* Two repositories, the second at "repository", the first "away", with what this machine knew of
 * the first. */
static void replace_repository(void **state, char first[LEDGER_FINGERPRINT_LEN + 1],
                               char second[LEDGER_FINGERPRINT_LEN + 1])
{
    make_repository(state, first);
    assert_int_equal(rename(in(state, "repository"), in(state, "away")), 0);
    leave_machine(state);
    make_repository(state, second);
    assert_int_equal(rename(in(state, "state"), in(state, "state-of-second")), 0);
    assert_int_equal(rename(in(state, "state-of-first"), in(state, "state")), 0);
}

static void another_repository_in_its_place_is_noticed(void **state)
{
    char first[LEDGER_FINGERPRINT_LEN + 1], second[LEDGER_FINGERPRINT_LEN + 1];
    char expected[ERR_TEXT_MAX];
    struct run r;

    replace_repository(state, first, second);
    snprintf(expected, sizeof expected,
             "%s: here was the repository %s, and now it is %s: a link or another disk is in its "
             "place, or another repository was put there\n  find out what changed before anything "
             "is backed up to it or restored from it; if it is meant to be another repository, "
             "give --trust-new",
             in(state, "repository"), first, second);
    assert_refused(open_repository(&r, state, NULL), ERR_CORRUPT, expected);
    assert_null(r.session.repository);
    assert_string_equal(said, "");
    end(&r);
    assert_int_equal(count_names(in(state, "state/repositories")), 1);
    assert_int_equal(open_repository(&r, state, first), ERR_CORRUPT);
    end(&r);
    assert_done(trust_new(&r, state));
    end(&r);
    assert_done(open_repository(&r, state, NULL));
    assert_string_equal(said, "");
    end(&r);
}

/* Even one that this machine knows well: prod's backups must not go into another repository. */
static void a_link_to_another_known_repository_is_noticed(void **state)
{
    char first[LEDGER_FINGERPRINT_LEN + 1], second[LEDGER_FINGERPRINT_LEN + 1];
    struct run r;

    replace_repository(state, first, second);
    assert_int_equal(rename(in(state, "repository"), in(state, "other")), 0);
    begin(&r, state, in(state, "other"), second);
    assert_done(session_open_repository(&r.session, SESSION_READ));
    end(&r);
    assert_int_equal(symlink("other", in(state, "repository")), 0);
    assert_int_equal(open_repository(&r, state, NULL), ERR_CORRUPT);
    assert_non_null(strstr(told(), first));
    assert_non_null(strstr(told(), second));
    end(&r);
}

/* A link that always was one, and leads elsewhere now; or the disk that it leads to is another. */
static void both_ends_of_a_link_are_remembered(void **state)
{
    char first[LEDGER_FINGERPRINT_LEN + 1], second[LEDGER_FINGERPRINT_LEN + 1];
    struct run r;

    replace_repository(state, first, second);
    assert_int_equal(rename(in(state, "repository"), in(state, "other")), 0);
    assert_int_equal(symlink("away", in(state, "repository")), 0);
    assert_done(open_repository(&r, state, NULL));
    assert_string_equal(said, "");
    end(&r);
    assert_int_equal(rename(in(state, "away"), in(state, "away-2")), 0);
    assert_int_equal(rename(in(state, "other"), in(state, "away")), 0);
    begin(&r, state, in(state, "away"), NULL);
    assert_int_equal(session_open_repository(&r.session, SESSION_READ), ERR_CORRUPT);
    end(&r);
}

/* ---- the signing key ---- */

static void the_hint_says_how_to_get_a_signing_key(void **state)
{
    char fingerprint[LEDGER_FINGERPRINT_LEN + 1];
    struct run r;

    make_repository(state, fingerprint);
    leave_machine(state);
    assert_done(open_repository(&r, state, fingerprint));
    err_set(ERR_FAILED, "no key");
    session_hint_signing_key();
    assert_string_equal(told(),
                        "no key\n  to back up from here, `sealpoint writer request` asks for a "
                        "right of its own");
    end(&r);
}

static void a_moved_repository_brings_its_state_along(void **state)
{
    char fingerprint[LEDGER_FINGERPRINT_LEN + 1];
    struct run r;

    make_repository(state, fingerprint);
    assert_int_equal(rename(in(state, "repository"), in(state, "moved")), 0);
    begin(&r, state, in(state, "moved"), NULL);
    assert_done(session_open_repository(&r.session, SESSION_WRITE));
    assert_true(ledger_can_append(session_ledger(&r.session), RECORD_SNAPSHOT));
    assert_string_equal(said, "");
    end(&r);
    assert_int_equal(count_names(in(state, "state/repositories")), 1);
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        IN_DIRECTORY(without_a_repository_nothing_is_opened),
        IN_DIRECTORY(without_a_state_directory_nothing_is_made),
        IN_DIRECTORY(a_repository_that_was_never_used_is_not_there),
        IN_DIRECTORY(an_empty_directory_is_no_repository),
        IN_DIRECTORY(a_repository_that_was_used_before_is_not_mounted),
        IN_DIRECTORY(a_repository_that_was_deleted_is_an_alarm),
        IN_DIRECTORY(an_empty_directory_where_a_disk_was_is_not_mounted),
        IN_DIRECTORY(a_path_is_remembered_as_it_was_given_without_what_means_nothing),
        IN_DIRECTORY(every_way_to_write_a_path_leads_to_the_same_state),
        IN_DIRECTORY(a_path_that_is_not_there_has_the_same_name_as_when_it_is),
        IN_DIRECTORY(the_state_of_a_repository_is_for_its_owner_alone),
        IN_DIRECTORY(a_state_directory_that_cannot_be_made_is_said),
        IN_DIRECTORY(first_contact_needs_a_word_from_somebody),
        IN_DIRECTORY(first_contact_is_said_loudly_and_once),
        IN_DIRECTORY(with_its_fingerprint_a_repository_is_opened_without_a_word),
        IN_DIRECTORY(another_fingerprint_opens_nothing_and_pins_nothing),
        IN_DIRECTORY(another_repository_in_its_place_is_noticed),
        IN_DIRECTORY(a_link_to_another_known_repository_is_noticed),
        IN_DIRECTORY(both_ends_of_a_link_are_remembered),
        IN_DIRECTORY(the_hint_says_how_to_get_a_signing_key),
        IN_DIRECTORY(a_moved_repository_brings_its_state_along),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
