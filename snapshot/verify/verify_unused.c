#include <stdlib.h>
#include <string.h>

#include "core/base/log.h"
#include "core/base/text.h"
#include "snapshot/read/object_check.h"
#include "snapshot/verify/verify_data.h"

/*
 * What lies in the repository and leads nowhere. A backup that is killed is undone from its
 * journal, which lies in the state directory; when that is lost, what it has put stays for ever, in
 * nobody's way. A backup that is running looks the same, and so does what a deleted snapshot alone
 * has used: so it is counted, and no damage.
 */
#define OBJECTS "data"
#define MANIFESTS "manifests"

struct unused {
    const struct verify_set *set;
    struct verify_result *result;
};

static void count_unused(struct unused *u, uint64_t size)
{
    u->result->unused++;
    u->result->unused_bytes += size;
}

static const char *last_part(const char *name)
{
    const char *slash = strrchr(name, '/');

    return slash != NULL ? slash + 1 : name;
}

static enum err look_at_object(void *arg, const char *name, uint64_t size)
{
    struct unused *u = arg;
    struct manifest_object wanted = {.size = 0};

    if (text_unhex(last_part(name), wanted.id, SEAL_ID_LEN) != ERR_OK) {
        err_clear();
        count_unused(u, size);
    } else if (u->set->count == 0 || bsearch(&wanted, u->set->objects, u->set->count,
                                             sizeof *u->set->objects, verify_by_id) == NULL) {
        count_unused(u, size);
    }
    return ERR_OK;
}

static enum err look_at_manifest(void *arg, const char *name, uint64_t size)
{
    struct unused *u = arg;
    const struct snapshot_list *list = u->set->options->snapshot_list;
    const char *id = last_part(name);
    size_t len = strcspn(id, ".");

    for (size_t i = 0; i < list->count; i++)
        if (strlen(list->items[i].id) == len && memcmp(list->items[i].id, id, len) == 0)
            return ERR_OK;
    count_unused(u, size);
    return ERR_OK;
}

enum err verify_count_unused(const struct verify_set *set, struct verify_result *out)
{
    struct store *store = repository_store(set->options->repository);
    struct unused u = {.set = set, .result = out};
    enum err rc;

    rc = store_list(store, OBJECTS, look_at_object, &u);
    if (rc == ERR_OK)
        rc = store_list(store, MANIFESTS, look_at_manifest, &u);
    if (rc != ERR_CORRUPT && !object_is_unreadable(store, rc))
        return rc;
    log_say(LOG_WARN, "what no snapshot uses was not counted: %s", err_text());
    err_clear();
    return ERR_OK;
}
