#include "cli/session.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "core/base/log.h"
#include "core/base/mem.h"
#include "core/fs/file.h"
#include "core/fs/path.h"
#include "core/ledger/state_files.h"

/*
 * A repository has two places: the path as somebody configured it, and where its links lead. The
 * first alone would not notice that a disk went elsewhere, the second not that a link was put in
 * the first one's place. Both have to show what they have shown before.
 */
#define OTHERS_MAY_WRITE 022

/* The same repository must have the same name, however its path is written; what is not there
 * (its disk is not mounted) has the name it would have. */
static enum err find_canonical(const char *where, char **out)
{
    char *real = realpath(where, NULL);
    char *parent = NULL;
    char *front = NULL;
    char *slash;
    enum err rc;

    if (real != NULL) {
        TRY(mem_text(real, out));
        goto out;
    }
    if (errno != ENOENT)
        FAIL_SYS(ERR_STORAGE, "repository %s", where);
    TRY(mem_text(where, &front));
    for (size_t len = strlen(front); len > 1 && front[len - 1] == '/'; len--)
        front[len - 1] = '\0';
    slash = strrchr(front, '/');
    if (slash == NULL) {
        TRY(find_canonical(".", &parent));
        TRY(file_join(parent, front, out));
        goto out;
    }
    *slash = '\0';
    TRY(find_canonical(slash == front ? "/" : front, &parent));
    TRY(file_join(parent, slash + 1, out));
out:
    mem_free(front);
    mem_free(parent);
    mem_free(real);
    return rc;
}

/* As it was configured, but absolute; links are not looked at. */
static enum err find_given(const char *where, char **out)
{
    char *current = NULL;
    char *path = NULL;
    enum err rc;

    if (*where == '/') {
        TRY(mem_text(where, &path));
    } else {
        current = getcwd(NULL, 0);
        if (current == NULL)
            FAIL_SYS(ERR_FAILED, "the current directory");
        TRY(file_join(current, where, &path));
    }
    path_tidy(path);
    *out = path;
out:
    mem_free(current);
    return rc;
}

enum err session_mean(struct session *s, const char *fingerprint)
{
    char *dir = NULL;
    enum err rc = ERR_OK;

    if (*fingerprint != '\0')
        TRY(mem_format(&dir, "%s/" STATE_REPOSITORIES "/%s",
                       settings_text(s->settings, OPTION_STATE_DIR), fingerprint));
    mem_free(s->state_dir);
    s->state_dir = dir;
    memmove(s->fingerprint, fingerprint, strlen(fingerprint) + 1);
out:
    return rc;
}

static enum err require_settings(const struct session *s, const char **where, const char **base)
{
    *where = settings_text(s->settings, OPTION_REPOSITORY);
    *base = settings_text(s->settings, OPTION_STATE_DIR);
    if (*where == NULL) {
        err_set(ERR_USAGE, "no repository given");
        err_hint("give --repository DIR, or set repository in " SETTING_CONFIG_DEFAULT
                 " or SEALPOINT_REPOSITORY");
        return ERR_USAGE;
    }
    if (*base == NULL) {
        err_set(ERR_USAGE, "no state directory: neither HOME nor XDG_STATE_HOME is set");
        err_hint("give --state-dir DIR");
        return ERR_USAGE;
    }
    return ERR_OK;
}

/* Whoever may write there can rename what lies in it, whosever that is: then this machine remembers
 * what he likes, and signs with a key that he knows. */
static void warn_of_others(const char *base)
{
    static bool is_said;
    struct stat st;
    bool is_theirs;

    if (is_said || stat(base, &st) != 0)
        return;
    is_theirs = st.st_uid != geteuid() && st.st_uid != 0;
    if (!is_theirs && (st.st_mode & OTHERS_MAY_WRITE) == 0)
        return;
    is_said = true;
    log_say(LOG_WARN,
            "the state directory %s %s: whoever that is can make this machine forget what it has "
            "seen of a repository; give it to the user that runs this, with mode 0700",
            base, is_theirs ? "belongs to another user" : "can be written by others");
}

/* A directory of them that cannot be looked into has none: what writes refuses it, and what only
 * reads warns that it cannot remember (session_keep_places()). */
static enum err read_places(struct session *s, const char *base)
{
    char *inside = NULL;
    enum err rc;

    TRY(file_join(base, STATE_LOCATIONS "/.", &inside));
    if (access(inside, R_OK | X_OK) != 0)
        goto out;
    TRY(location_read(base, s->given, &s->at_given));
    TRY(location_read(base, s->where, &s->at_where));
out:
    mem_free(inside);
    return rc;
}

enum err session_locate(struct session *s)
{
    const char *where = NULL, *base = NULL;
    enum err rc;

    TRY(require_settings(s, &where, &base));
    warn_of_others(base);
    TRY(find_given(where, &s->given));
    TRY(find_canonical(where, &s->where));
    TRY(read_places(s, base));
    if (s->at_given.known || s->at_where.known)
        TRY(session_mean(s, s->at_given.known ? s->at_given.shown.fingerprint
                                              : s->at_where.shown.fingerprint));
out:
    return rc;
}

bool session_is_known(const struct session *s)
{
    char fingerprint[LEDGER_FINGERPRINT_LEN + 1];

    return s->state_dir != NULL && repository_seen(s->state_dir, fingerprint);
}

/* Has somebody said that the path may show another repository from now on? A fingerprint says more:
 * which one. */
static bool may_change(const struct session *s)
{
    return settings_flag(s->settings, OPTION_TRUST_NEW) || s->pinned != NULL;
}

static enum err check_place(const struct session *s, const char *path, const struct location *was)
{
    if (!was->known || *s->shown == '\0' || strcmp(was->shown.fingerprint, s->shown) == 0)
        return ERR_OK;
    if (may_change(s)) {
        log_say(LOG_WARN, "%s has shown the repository %s before, and shows %s now", path,
                was->shown.fingerprint, s->shown);
        return ERR_OK;
    }
    (void)err_set(ERR_CORRUPT,
                  "%s: here was the repository %s, and now it is %s: a link or another disk is in "
                  "its place, or another repository was put there",
                  path, was->shown.fingerprint, s->shown);
    err_hint("find out what changed before anything is backed up to it or restored from it; if it "
             "is meant to be another repository, give --trust-new");
    return ERR_CORRUPT;
}

enum err session_check_places(const struct session *s)
{
    enum err rc;

    TRY(check_place(s, s->given, &s->at_given));
    if (strcmp(s->given, s->where) != 0)
        TRY(check_place(s, s->where, &s->at_where));
out:
    return rc;
}

static enum err keep_place(const struct session *s, const char *path)
{
    struct location now = {.known = true, .is_mount_point = location_is_mount_point(s->where)};
    const struct ledger *ledger = session_ledger(s);
    enum err rc;

    memcpy(now.shown.fingerprint, ledger_fingerprint(ledger), sizeof now.shown.fingerprint);
    memcpy(now.shown.root, ledger_root(ledger), SIGNER_ID_LEN);
    rc = location_keep(settings_text(s->settings, OPTION_STATE_DIR), path, &now, may_change(s));
    if (rc == ERR_OK || rc == ERR_CORRUPT || rc == ERR_INTERRUPTED)
        return rc;
    log_say(LOG_WARN, "%s: which repository %s shows is not remembered", err_text(), path);
    err_clear();
    return ERR_OK;
}

enum err session_keep_places(const struct session *s)
{
    enum err rc = ERR_OK;

    if (s->state_dir == NULL)
        goto out;
    TRY(keep_place(s, s->given));
    if (strcmp(s->given, s->where) != 0)
        TRY(keep_place(s, s->where));
out:
    return rc;
}
