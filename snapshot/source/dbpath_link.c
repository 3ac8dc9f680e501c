#include "snapshot/source/dbpath_link.h"

#include <fcntl.h>
#include <fnmatch.h>
#include <sys/stat.h>
#include <unistd.h>

#include "core/base/text.h"
#include "core/fs/path.h"

#define SHOWN_MAX 512

/* What WiredTiger and mongod open by these names; a slash is matched by *, too. */
static const char *const of_database[] = {"*.wt", "WiredTiger*", "journal", "journal/*",
                                          "storage.bson"};

static bool is_of_database(const struct walk_item *item)
{
    for (size_t i = 0; i < sizeof of_database / sizeof of_database[0]; i++)
        if (fnmatch(of_database[i], (const char *)item->path.data, 0) == 0)
            return true;
    return false;
}

/* What leads nowhere now may be a directory again when its disk is mounted. */
static bool is_directory_or_lost(const struct walk_item *item)
{
    struct stat st;

    return fstatat(item->dir, item->name, &st, 0) != 0 || S_ISDIR(st.st_mode);
}

enum err dbpath_check_link(const struct walk_item *item)
{
    char target[PATH_LEN_MAX + 1];
    char shown[SHOWN_MAX];
    char shown_target[SHOWN_MAX];
    ssize_t len;

    if (!is_of_database(item) && !is_directory_or_lost(item))
        return ERR_OK;
    len = readlinkat(item->dir, item->name, target, sizeof target - 1);
    target[len > 0 ? len : 0] = '\0';
    text_printable((const char *)item->path.data, shown, sizeof shown);
    text_printable(target, shown_target, sizeof shown_target);
    err_set(ERR_USAGE,
            "%s is a symbolic link to %s: the snapshot would lack what lies there, and could not "
            "be restored",
            shown, shown_target);
    err_hint("back up a file system snapshot that holds the real one in its place, or bind-mount "
             "it there instead of the link");
    return ERR_USAGE;
}
