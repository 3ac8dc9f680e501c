#include "snapshot/source/source_type.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <fnmatch.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "snapshot/source/dbpath.h"

/* What mkfs puts into a volume of its own is no content. */
#define NO_CONTENT "lost+found"

/* mongodump writes DATABASE/COLLECTION.bson and .metadata.json, with --gzip .gz behind them, and
 * prelude.json and oplog.bson beside the databases. */
static const char *const of_dump[] = {"*.bson",          "*.bson.gz",
                                      "*.metadata.json", "*.metadata.json.gz",
                                      "prelude.json",    "prelude.json.gz"};
/* Whose presence says that a database is here, or what is left of one. */
static const char *const of_dbpath[] = {"*.wt", "WiredTiger*", "storage.bson"};

static bool fits(const char *name, const char *const *patterns, size_t count)
{
    for (size_t i = 0; i < count; i++)
        if (fnmatch(patterns[i], name, 0) == 0)
            return true;
    return false;
}

static enum err open_list(int dir, const char *name, DIR **out)
{
    int fd = openat(dir, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);

    *out = fd >= 0 ? fdopendir(fd) : NULL;
    if (*out != NULL)
        return ERR_OK;
    if (fd >= 0)
        close(fd);
    return err_sys(ERR_FAILED, "listing it");
}

struct content {
    bool is_empty, has_dbpath, has_dump;
};

static void note_name(const char *name, struct content *c)
{
    c->is_empty = c->is_empty && strcmp(name, NO_CONTENT) == 0;
    c->has_dbpath = c->has_dbpath || fits(name, of_dbpath, sizeof of_dbpath / sizeof *of_dbpath);
    c->has_dump = c->has_dump || fits(name, of_dump, sizeof of_dump / sizeof *of_dump);
}

/* A database's directory in a dump. One that cannot be read is none, and fails the backup later. */
static bool is_dumped_database(int dir, const char *name)
{
    struct content c = {.is_empty = true};
    DIR *list = NULL;

    if (open_list(dir, name, &list) != ERR_OK) {
        err_clear();
        return false;
    }
    for (struct dirent *d; !c.has_dump && (d = readdir(list)) != NULL;)
        note_name(d->d_name, &c);
    closedir(list);
    return c.has_dump;
}

static enum err look_at(int dir, struct content *out)
{
    struct content c = {.is_empty = true};
    DIR *list = NULL;
    enum err rc;

    TRY(open_list(dir, ".", &list));
    for (struct dirent *d; (d = readdir(list)) != NULL;) {
        if (strcmp(d->d_name, ".") == 0 || strcmp(d->d_name, "..") == 0)
            continue;
        note_name(d->d_name, &c);
        if (!c.has_dump && (d->d_type == DT_DIR || d->d_type == DT_UNKNOWN))
            c.has_dump = is_dumped_database(dir, d->d_name);
    }
    *out = c;
out:
    if (list != NULL)
        closedir(list);
    return rc;
}

static enum err refuse_empty(void)
{
    err_set(ERR_USAGE, "it is empty");
    err_hint("is its disk mounted?");
    return ERR_USAGE;
}

static enum err refuse_strange(const struct content *c)
{
    if (c->has_dbpath)
        err_set(ERR_USAGE, "it holds files of a database, but not the file WiredTiger, without "
                           "which mongod does not start");
    else
        err_set(ERR_USAGE,
                "it is neither a dbpath (it has no file WiredTiger) nor a directory that "
                "mongodump wrote");
    err_hint("is the path right, and its disk mounted? `--any-directory` backs up any directory");
    return ERR_USAGE;
}

enum err source_type_find(int dir, bool any, const char **type, uint64_t *warned)
{
    struct content c;
    enum err rc;

    if (dbpath_is_one(dir)) {
        TRY(dbpath_examine(dir, any, warned));
        *type = SOURCE_TYPE_DBPATH;
        goto out;
    }
    TRY(look_at(dir, &c));
    if (c.is_empty)
        TRY(refuse_empty());
    if (!any && (c.has_dbpath || !c.has_dump))
        TRY(refuse_strange(&c));
    *type = c.has_dump && !c.has_dbpath ? SOURCE_TYPE_MONGODUMP : SOURCE_TYPE_DIRECTORY;
out:
    return rc;
}
