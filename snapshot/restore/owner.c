#include "snapshot/restore/owner.h"

#include <errno.h>
#include <grp.h>
#include <inttypes.h>
#include <pthread.h>
#include <pwd.h>
#include <string.h>

#include "core/base/log.h"
#include "core/base/mem.h"
#include "core/base/text.h"

/* A database has a few owners; a tar from outside may have any number, of which the first are kept.
 */
#define KNOWN_MAX 1024
#define LOOKUP_LEN_MAX MIB
#define ID_MAX (UINT32_MAX - 1) /* -1 means "leave as it is" to chown */

struct known_name {
    char *name; /* owned */
    uint32_t id;
    bool is_known;
};

/* The users, or the groups. */
struct names {
    struct known_name *items; /* owned */
    size_t count;
    size_t cap;
};

struct owner_map {
    const struct owner_lookup *lookup; /* borrowed */
    bool numeric;
    bool is_fixed;
    uint32_t uid, gid; /* when it is */
    pthread_mutex_t lock;
    struct names users, groups;
};

/* ---- the system's users and groups ---- */

/* A missing name is no failure; what POSIX and the libraries say of one differs. */
static bool means_missing(int error)
{
    return error == 0 || error == ENOENT || error == ESRCH || error == EBADF || error == EPERM;
}

static enum err look_up_user(const char *name, uint32_t *uid, bool *known)
{
    struct passwd entry;
    struct passwd *found = NULL;
    char *room = NULL;
    int error = ERANGE;
    enum err rc = ERR_OK;

    for (size_t len = 4 * KIB; error == ERANGE && len <= LOOKUP_LEN_MAX; len *= 2) {
        TRY(mem_resize(len, 1, &room));
        error = getpwnam_r(name, &entry, room, len, &found);
    }
    *known = found != NULL;
    if (*known)
        *uid = entry.pw_uid;
    errno = error;
    if (!*known && !means_missing(error))
        FAIL_SYS(ERR_FAILED, "looking up the user %s", name);
out:
    mem_free(room);
    return rc;
}

static enum err look_up_group(const char *name, uint32_t *gid, bool *known)
{
    struct group entry;
    struct group *found = NULL;
    char *room = NULL;
    int error = ERANGE;
    enum err rc = ERR_OK;

    for (size_t len = 4 * KIB; error == ERANGE && len <= LOOKUP_LEN_MAX; len *= 2) {
        TRY(mem_resize(len, 1, &room));
        error = getgrnam_r(name, &entry, room, len, &found);
    }
    *known = found != NULL;
    if (*known)
        *gid = entry.gr_gid;
    errno = error;
    if (!*known && !means_missing(error))
        FAIL_SYS(ERR_FAILED, "looking up the group %s", name);
out:
    mem_free(room);
    return rc;
}

const struct owner_lookup owner_lookup_system = {look_up_user, look_up_group};

/* ---- each name once ---- */

typedef enum err look_up(const char *name, uint32_t *id, bool *known);

static const struct known_name *find_known(const struct names *n, const char *name)
{
    for (size_t i = 0; i < n->count; i++)
        if (strcmp(n->items[i].name, name) == 0)
            return &n->items[i];
    return NULL;
}

static enum err keep_name(struct names *n, const char *name, uint32_t id, bool known)
{
    struct known_name kept = {.id = id, .is_known = known};
    enum err rc = ERR_OK;

    if (n->count == KNOWN_MAX)
        goto out;
    TRY(mem_grow(n->count, sizeof *n->items, &n->cap, &n->items));
    TRY(mem_text(name, &kept.name));
    n->items[n->count++] = kept;
out:
    return rc;
}

/* The number of a name, or `number` where it has none here. */
static enum err resolve_name(struct names *n, look_up *ask, const char *kind, const char *name,
                             uint32_t number, uint32_t *id)
{
    const struct known_name *kept = find_known(n, name);
    uint32_t found = 0;
    bool known = false;
    enum err rc = ERR_OK;

    if (kept != NULL) {
        *id = kept->is_known ? kept->id : number;
        goto out;
    }
    TRY(ask(name, &found, &known));
    if (!known)
        log_say(LOG_WARN,
                "there is no %s %s here: what is restored of it gets the number %" PRIu32
                " (--owner USER:GROUP gives all to one owner)",
                kind, name, number);
    TRY(keep_name(n, name, found, known));
    *id = known ? found : number;
out:
    if (rc != ERR_OK)
        err_hint("--numeric-owner does without names");
    return rc;
}

static void clear_names(struct names *n)
{
    for (size_t i = 0; i < n->count; i++)
        mem_free(n->items[i].name);
    mem_free(n->items);
}

/* ---- USER:GROUP ---- */

static enum err read_owner(look_up *ask, const char *kind, const char *text, uint32_t *id)
{
    uint64_t number;
    bool known = false;
    enum err rc;

    TRY(ask(text, id, &known));
    if (known)
        goto out;
    if (text_number(text, ID_MAX, &number) != ERR_OK)
        FAIL(ERR_USAGE, "--owner: there is no %s %s here", kind, text);
    *id = (uint32_t)number;
out:
    return rc;
}

static enum err read_fixed(struct owner_map *m, const char *text)
{
    const char *colon = strchr(text, ':');
    char *user = NULL;
    enum err rc;

    if (colon == NULL || colon == text || colon[1] == '\0')
        FAIL(ERR_USAGE, "--owner wants USER:GROUP, each a name or a number, not \"%.80s\"", text);
    TRY(mem_text_n(text, (size_t)(colon - text), &user));
    TRY(read_owner(m->lookup->user, "user", user, &m->uid));
    TRY(read_owner(m->lookup->group, "group", colon + 1, &m->gid));
    m->is_fixed = true;
out:
    mem_free(user);
    return rc;
}

enum err owner_map_new(const struct owner_options *o, const struct owner_lookup *lookup,
                       struct owner_map **out)
{
    struct owner_map *m = NULL;
    enum err rc;

    TRY(mem_new(1, sizeof *m, &m));
    m->lookup = lookup;
    m->numeric = o->numeric;
    pthread_mutex_init(&m->lock, NULL);
    if (o->fixed != NULL)
        TRY(read_fixed(m, o->fixed));
    *out = m;
    m = NULL; /* the caller's now */
out:
    owner_map_free(m);
    return rc;
}

void owner_map_free(struct owner_map *m)
{
    if (m == NULL)
        return;
    pthread_mutex_destroy(&m->lock);
    clear_names(&m->users);
    clear_names(&m->groups);
    mem_free(m);
}

enum err owner_map_find(struct owner_map *m, const struct entry *e, uint32_t *uid, uint32_t *gid)
{
    enum err rc = ERR_OK;

    *uid = m->is_fixed ? m->uid : e->uid;
    *gid = m->is_fixed ? m->gid : e->gid;
    if (m->is_fixed || m->numeric)
        return ERR_OK;
    pthread_mutex_lock(&m->lock);
    if (e->user.len > 0)
        TRY(resolve_name(&m->users, m->lookup->user, "user", (const char *)e->user.data, e->uid,
                         uid));
    if (e->group.len > 0)
        TRY(resolve_name(&m->groups, m->lookup->group, "group", (const char *)e->group.data, e->gid,
                         gid));
out:
    pthread_mutex_unlock(&m->lock);
    return rc;
}

/* The number of a name that came without one. */
static enum err find_name(struct names *n, look_up *ask, const char *name, uint32_t *id,
                          bool *known)
{
    const struct known_name *kept = find_known(n, name);
    enum err rc = ERR_OK;

    if (kept != NULL) {
        *id = kept->id;
        *known = kept->is_known;
        goto out;
    }
    TRY(ask(name, id, known));
    TRY(keep_name(n, name, *id, *known));
out:
    return rc;
}

enum err owner_map_find_row(struct owner_map *m, const struct acl_row *row, uint32_t *id,
                            bool *known)
{
    bool is_user = row->tag == ACL_TAG_USER;
    char name[ACL_NAME_MAX + 1];
    struct names *names;
    look_up *ask;
    enum err rc = ERR_OK;

    *id = row->id;
    *known = row->has_id;
    if (m == NULL || row->name.len == 0 || m->numeric)
        return ERR_OK;
    memcpy(name, row->name.data, row->name.len);
    name[row->name.len] = '\0';
    names = is_user ? &m->users : &m->groups;
    ask = is_user ? m->lookup->user : m->lookup->group;
    pthread_mutex_lock(&m->lock);
    if (row->has_id)
        TRY(resolve_name(names, ask, is_user ? "user" : "group", name, row->id, id));
    else
        TRY(find_name(names, ask, name, id, known));
out:
    pthread_mutex_unlock(&m->lock);
    return rc;
}
