#include "snapshot/source/dbpath.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <fnmatch.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "core/base/log.h"
#include "core/base/mem.h"
#include "snapshot/source/dbpath_lock.h"

/* Patterns match whole parts; a directory's pattern leaves out all below it. The last two are no
 * mongod's: what mkfs put into a volume of its own, and what our restores may have left there. */
static const char *const left_out[] = {
    "mongod.lock",
    "WiredTiger.lock",
    "diagnostic.data",
    "diagnostic.data/*",
    "_tmp",
    "_tmp/*",
    "ongoingBackup.lock",
    "WiredTigerPreplog.*",
    "WiredTigerTmplog.*",
    "journal/WiredTigerPreplog.*",
    "journal/WiredTigerTmplog.*",
    "lost+found",
    "lost+found/*",
    ".sealpoint-*",
};

static bool has_name(int dir, const char *name, struct stat *st)
{
    return fstatat(dir, name, st, 0) == 0;
}

bool dbpath_is_one(int dir)
{
    struct stat st;

    return has_name(dir, "WiredTiger", &st) && S_ISREG(st.st_mode);
}

static void warn_and_count(uint64_t *warned, const char *text)
{
    log_say(LOG_WARN, "%s", text);
    ++*warned;
}

/* What mongod needs to start: what it reads its tables' places from (WiredTiger.backup comes from a
 * backup cursor, and stands for the other two), and the catalogue of collections. */
static const char *missing_file(int dir)
{
    static const char *const needed[] = {"WiredTiger.turtle", "WiredTiger.wt", "_mdb_catalog.wt"};
    struct stat st;
    size_t i = has_name(dir, "WiredTiger.backup", &st) ? 2 : 0;

    for (; i < sizeof needed / sizeof needed[0]; i++)
        if (!has_name(dir, needed[i], &st))
            return needed[i];
    return NULL;
}

static enum err require_whole(int dir, bool any, uint64_t *warned)
{
    const char *missing = missing_file(dir);

    if (missing == NULL)
        return ERR_OK;
    if (!any) {
        err_set(ERR_USAGE, "%s is missing: mongod does not start without it", missing);
        err_hint("is this all of the dbpath? `--any-directory` backs it up all the same");
        return ERR_USAGE;
    }
    log_say(LOG_WARN, "%s is missing: mongod does not start without it", missing);
    ++*warned;
    return ERR_OK;
}

bool dbpath_warn_if_open(int dir)
{
    const char *held = dbpath_lock_held(dir);

    if (held != NULL)
        log_say(LOG_WARN,
                "mongod runs on this directory (a process holds %s): what is copied while it "
                "writes may not fit together. Stop it, or back up a snapshot of the file system",
                held);
    return held != NULL;
}

/* A log that is part of the data: those that are only pre-allocated have other names. */
static bool has_journal(int dir)
{
    int fd = openat(dir, "journal", O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    DIR *list = fd >= 0 ? fdopendir(fd) : NULL;
    bool found = false;

    if (list == NULL) {
        if (fd >= 0)
            close(fd);
        return false;
    }
    for (struct dirent *d; !found && (d = readdir(list)) != NULL;)
        found = fnmatch("WiredTigerLog.*", d->d_name, 0) == 0;
    closedir(list);
    return found;
}

/* mongod empties its lock file when it shuts down. A copy of a node that ran, frozen at one moment,
 * is as good as what its journal brings back. */
static void examine_shutdown(int dir, uint64_t *warned)
{
    struct stat st;
    bool was_shut_down = !has_name(dir, "mongod.lock", &st) || st.st_size == 0;

    if (dbpath_warn_if_open(dir))
        ++*warned;
    if (!was_shut_down && !has_journal(dir))
        warn_and_count(warned, "mongod.lock is not empty, so mongod was not shut down, and there "
                               "is no log in journal/: what was written since the last checkpoint "
                               "is missing. Is journal/ a volume of its own that is not mounted?");
}

enum err dbpath_examine(int dir, bool any, uint64_t *warned)
{
    struct stat st;
    enum err rc = ERR_OK;

    if (has_name(dir, ".initialsync", &st))
        FAIL(ERR_USAGE, "the source is in the middle of an initial sync (.initialsync is there): "
                        "its data is not complete. Wait until the sync is done, or back up "
                        "another member");
    TRY(require_whole(dir, any, warned));
    examine_shutdown(dir, warned);
    if (!has_name(dir, "storage.bson", &st))
        warn_and_count(
            warned, "storage.bson is missing: mongod checks its storage options there at start. A "
                    "copy made by a backup cursor must add it");
    if (!has_name(dir, "WiredTigerHS.wt", &st) && !has_name(dir, "WiredTigerLAS.wt", &st))
        warn_and_count(
            warned, "the history store (WiredTigerHS.wt, before 4.4 WiredTigerLAS.wt) is missing");
    if (has_name(dir, "WiredTiger.backup", &st) && has_name(dir, "WiredTiger.turtle", &st))
        warn_and_count(warned,
                       "both WiredTiger.backup and WiredTiger.turtle are there: WiredTiger will "
                       "rebuild its metadata from WiredTiger.backup");
out:
    return rc;
}

/* While a restore fills a directory, mongod.lock in it is a link to where mongod cannot lock. That
 * goes where the directory goes, under whatever path it is come to; a mark beside it does not. */
static bool is_guarded(int dir)
{
    static const char *const leads_to[] = {".", ".sealpoint-partial"};
    char is[32];
    ssize_t len = readlinkat(dir, "mongod.lock", is, sizeof is);

    for (size_t i = 0; i < sizeof leads_to / sizeof leads_to[0]; i++)
        if (len == (ssize_t)strlen(leads_to[i]) && memcmp(is, leads_to[i], (size_t)len) == 0)
            return true;
    return false;
}

/* A restore over an older state has its mark beside the directory, any other inside. */
static bool is_half_made(int dir, const char *path)
{
    struct stat st;
    char *real = realpath(path, NULL);
    char *mark = NULL;
    bool is_marked = has_name(dir, ".sealpoint-partial", &st) ||
                     has_name(dir, ".sealpoint-incomplete", &st) || is_guarded(dir);

    if (!is_marked && real != NULL && mem_format(&mark, "%s.sealpoint-incomplete", real) == ERR_OK)
        is_marked = lstat(mark, &st) == 0;
    mem_free(real);
    mem_free(mark);
    return is_marked;
}

enum err dbpath_require_finished(int dir, const char *path)
{
    if (is_half_made(dir, path))
        return err_set(ERR_USAGE, "a restore to the source has not finished: its data is not "
                                  "complete. Run that restore again");
    return ERR_OK;
}

bool dbpath_leaves_out(struct bytes path)
{
    for (size_t i = 0; i < sizeof left_out / sizeof left_out[0]; i++)
        if (fnmatch(left_out[i], (const char *)path.data, 0) == 0)
            return true;
    return false;
}

/* A mongod that is just starting has it locked and empty. */
static bool is_held(int dir, const char *name)
{
    int fd = openat(dir, name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
    bool is = fd >= 0 && flock(fd, LOCK_SH | LOCK_NB) != 0 && errno == EWOULDBLOCK;

    if (fd >= 0)
        close(fd);
    return is;
}

enum err dbpath_require_stopped(int dir, const char *name)
{
    struct stat st;

    if (has_name(dir, "mongod.lock", &st) && st.st_size == 0 && is_held(dir, "mongod.lock"))
        return err_set(ERR_BUSY,
                       "%s: mongod.lock is locked: a mongod is starting there. Stop it, "
                       "then try again",
                       name);
    if (has_name(dir, "mongod.lock", &st) && st.st_size > 0)
        return err_set(ERR_BUSY,
                       "%s: mongod.lock is not empty: mongod runs there, or was killed. Stop it; "
                       "if it is not running, remove mongod.lock, then try again",
                       name);
    return ERR_OK;
}
