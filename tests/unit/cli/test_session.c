#include "cli/session.h"

#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "core/base/log.h"
#include "core/fs/file.h"
#include "tests/unit/helpers.h"

#define WRONG_FINGERPRINT "0000000000000000000000000000000000000000000000000000000000000000"
#define INIT_HINT "\n  `sealpoint init` creates a repository"

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
    return session_open_repository(&r->session, false);
}

/* What "init" makes; `fingerprint` is what it prints. */
static void make_repository(void **state, char fingerprint[LEDGER_FINGERPRINT_LEN + 1])
{
    struct repository_options options = {.store = NULL};
    struct signer *root = NULL;
    struct run r;

    begin(&r, state, in(state, "repository"), NULL);
    assert_done(session_open_store(&r.session, true));
    options.store = r.session.store;
    options.state_dir = r.session.state_dir;
    assert_done(signer_new(&root)); /* each repository has its own */
    options.root = root;
    assert_done(repository_create(&options, &r.session.repository));
    signer_free(root);
    snprintf(fingerprint, LEDGER_FINGERPRINT_LEN + 1, "%s",
             ledger_fingerprint(session_ledger(&r.session)));
    end(&r);
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
    assert_refused(session_open_repository(&r.session, false), ERR_USAGE,
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
    assert_non_null(strstr(err_text(), INIT_HINT));
    assert_null(strstr(err_text(), "mounted"));
    end(&r);
}

/* The words for a repository that this machine has used. */
static const char *unmounted(void **state, const struct run *r)
{
    static char text[ERR_TEXT_MAX];

    snprintf(text, sizeof text,
             "there is no repository in %s, and this machine has used it before: is its disk "
             "mounted?\n  if it is gone for good, move %s away",
             in(state, "repository"), r->session.state_dir);
    return text;
}

/* A directory that is gone, and the empty one where its disk would be. */
static void a_repository_that_was_used_before_is_not_mounted(void **state)
{
    char fingerprint[LEDGER_FINGERPRINT_LEN + 1];
    struct run r;

    make_repository(state, fingerprint);
    assert_int_equal(rename(in(state, "repository"), in(state, "away")), 0);
    assert_int_equal(open_repository(&r, state, NULL), ERR_STORAGE);
    assert_string_equal(err_text(), unmounted(state, &r));
    assert_true(session_is_known(&r.session));
    end(&r);
    assert_int_equal(mkdir(in(state, "repository"), 0700), 0);
    assert_int_equal(open_repository(&r, state, NULL), ERR_STORAGE);
    assert_string_equal(err_text(), unmounted(state, &r));
    end(&r);
    assert_int_equal(rmdir(in(state, "repository")), 0);
    assert_int_equal(rename(in(state, "away"), in(state, "repository")), 0);
    assert_done(open_repository(&r, state, NULL));
    end(&r);
}

static void what_was_said_before_stays_when_the_repository_was_never_used(void **state)
{
    struct run r;

    begin(&r, state, in(state, "repository"), NULL);
    assert_done(session_locate(&r.session));
    err_set(ERR_NOT_FOUND, "it is not there");
    assert_done(session_refuse_unmounted(&r.session));
    assert_string_equal(err_text(), "it is not there");
    end(&r);
}

/* ---- the state directory ---- */

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
    assert_int_equal(strlen(strrchr(first, '/') + 1), 16);
    end(&r);
    for (size_t i = 0; i < sizeof ways / sizeof ways[0]; i++) {
        begin(&r, state, in(state, ways[i]), NULL);
        assert_done(session_open_repository(&r.session, false));
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

static void two_repositories_have_two_directories_for_their_owner_alone(void **state)
{
    char fingerprint[LEDGER_FINGERPRINT_LEN + 1];
    struct stat st;
    struct run r;

    make_repository(state, fingerprint);
    begin(&r, state, in(state, "other"), NULL);
    assert_done(session_open_store(&r.session, true));
    assert_int_equal(stat(r.session.state_dir, &st), 0);
    assert_int_equal(st.st_mode & 07777, 0700);
    assert_false(session_is_known(&r.session)); /* made, and nothing was seen */
    end(&r);
    assert_int_equal(count_names(in(state, "state/repositories")), 2);
}

static void a_state_directory_that_cannot_be_made_is_said(void **state)
{
    char fingerprint[LEDGER_FINGERPRINT_LEN + 1];
    struct run r;

    make_repository(state, fingerprint);
    leave_machine(state);
    put_file(in(state, "state"), "a file");
    assert_int_not_equal(open_repository(&r, state, NULL), ERR_OK);
    assert_int_equal(strncmp(err_text(), "state directory: ", 17), 0);
    assert_non_null(strstr(err_text(), "\n  --state-dir DIR names one that can be written"));
    assert_null(r.session.repository);
    end(&r);
}

/* ---- trust ---- */

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
    assert_done(open_repository(&r, state, NULL));
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
    assert_non_null(strstr(err_text(), WRONG_FINGERPRINT));
    assert_null(r.session.repository);
    end(&r);
    leave_machine(state);
    assert_refused(open_repository(&r, state, WRONG_FINGERPRINT), ERR_CORRUPT, NULL);
    assert_false(session_is_known(&r.session));
    end(&r);
    assert_done(open_repository(&r, state, fingerprint));
    end(&r);
}

/* Under the path of one that this machine knows. */
static void another_repository_in_its_place_is_noticed(void **state)
{
    char fingerprint[LEDGER_FINGERPRINT_LEN + 1];
    struct run r;

    make_repository(state, fingerprint);
    assert_int_equal(rename(in(state, "repository"), in(state, "away")), 0);
    leave_machine(state);
    make_repository(state, fingerprint);
    assert_int_equal(rename(in(state, "state"), in(state, "state-of-second")), 0);
    assert_int_equal(rename(in(state, "state-of-first"), in(state, "state")), 0);
    assert_refused(open_repository(&r, state, NULL), ERR_CORRUPT, NULL);
    assert_null(r.session.repository);
    assert_string_equal(said, "");
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
    session_hint_signing_key(&r.session);
    assert_string_equal(err_text(),
                        "no key\n  to back up from here, `sealpoint writer request` asks for a "
                        "right of its own");
    end(&r);
}

static void of_a_moved_repository_the_hint_names_the_state_it_had(void **state)
{
    char fingerprint[LEDGER_FINGERPRINT_LEN + 1];
    char expected[ERR_TEXT_MAX];
    char first[512];
    struct run r;

    make_repository(state, fingerprint);
    assert_done(open_repository(&r, state, NULL));
    snprintf(first, sizeof first, "%s", r.session.state_dir);
    end(&r);
    assert_int_equal(rename(in(state, "repository"), in(state, "moved")), 0);
    begin(&r, state, in(state, "moved"), NULL);
    assert_done(session_open_repository(&r.session, false));
    err_set(ERR_FAILED, "no key");
    session_hint_signing_key(&r.session);
    snprintf(expected, sizeof expected,
             "no key\n  this machine knows the repository from another path: was it moved? Then "
             "move %s away, and rename %s to it",
             r.session.state_dir, first);
    assert_string_equal(err_text(), expected);
    end(&r);
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        IN_DIRECTORY(without_a_repository_nothing_is_opened),
        IN_DIRECTORY(without_a_state_directory_nothing_is_made),
        IN_DIRECTORY(a_repository_that_was_never_used_is_not_there),
        IN_DIRECTORY(an_empty_directory_is_no_repository),
        IN_DIRECTORY(a_repository_that_was_used_before_is_not_mounted),
        IN_DIRECTORY(what_was_said_before_stays_when_the_repository_was_never_used),
        IN_DIRECTORY(every_way_to_write_a_path_leads_to_the_same_state),
        IN_DIRECTORY(a_path_that_is_not_there_has_the_same_name_as_when_it_is),
        IN_DIRECTORY(two_repositories_have_two_directories_for_their_owner_alone),
        IN_DIRECTORY(a_state_directory_that_cannot_be_made_is_said),
        IN_DIRECTORY(first_contact_is_said_loudly_and_once),
        IN_DIRECTORY(with_its_fingerprint_a_repository_is_opened_without_a_word),
        IN_DIRECTORY(another_fingerprint_opens_nothing_and_pins_nothing),
        IN_DIRECTORY(another_repository_in_its_place_is_noticed),
        IN_DIRECTORY(the_hint_says_how_to_get_a_signing_key),
        IN_DIRECTORY(of_a_moved_repository_the_hint_names_the_state_it_had),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
