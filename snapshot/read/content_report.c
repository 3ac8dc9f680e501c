#include <inttypes.h>

#include "core/base/log.h"
#include "snapshot/read/content_check.h"

/* A path longer than this must not push out what is said of it. */
#define SHOWN_MAX 1024

/* Both go on after damage, and say which files it takes: `files`, and all that there are. */
static enum err list_damage(const struct content_check *check, const char *what,
                            struct path_list *files, uint64_t *damaged, uint64_t *total)
{
    struct soundness *found = NULL;
    enum err rc;

    TRY(soundness_new(check->selection->from, &found));
    TRY(content_check_all(check, found, damaged));
    if (!soundness_is_whole(found))
        TRY(soundness_list(found, check->selection, files, total));
    for (size_t i = 0; i < files->count; i++)
        log_say(LOG_WARN, "%.*s: its content is damaged or lost%s", SHOWN_MAX,
                path_list_at(files, i), what);
out:
    soundness_free(found);
    return rc;
}

enum err content_check_leave_out(const struct content_check *check, struct selection *selection,
                                 struct path_list *left_out)
{
    uint64_t damaged, total;
    enum err rc;

    TRY(list_damage(check, "; it is left out", left_out, &damaged, &total));
    selection->without = left_out;
out:
    return rc;
}

enum err content_check_report(const struct content_check *check)
{
    struct path_list files = {.count = 0};
    uint64_t damaged = 0;
    uint64_t total = 0;
    enum err rc;

    TRY(list_damage(check, "", &files, &damaged, &total));
    if (files.count > 0)
        FAIL(ERR_CORRUPT, "%zu of %" PRIu64 " files are damaged or lost (each is named above)",
             files.count, total);
    if (damaged > 0)
        FAIL(ERR_CORRUPT,
             "%" PRIu64 " object%s damaged (each is named above), but what the files "
             "need of %s is whole",
             damaged, damaged == 1 ? " is" : "s are", damaged == 1 ? "it" : "them");
out:
    path_list_clear(&files);
    return rc;
}
