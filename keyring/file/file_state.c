#include "keyring/file/file_state.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "core/base/clock.h"
#include "core/base/mem.h"

/* Every time stamp in the file was "now" once, so the newest of them is a lower bound for now.
 * Dates of deletion are in the future and do not count. */
int64_t file_clock(const struct file_keyring *k, int64_t now_ms)
{
    int64_t newest = now_ms > k->created_ms ? now_ms : k->created_ms;

    for (size_t i = 0; i < k->count; i++) {
        if (k->versions[i].created_ms > newest)
            newest = k->versions[i].created_ms;
        if (k->versions[i].changed_ms > newest)
            newest = k->versions[i].changed_ms;
    }
    return newest;
}

enum file_key_state file_state_at(const struct file_version *v, int64_t now_ms, int64_t *since_ms)
{
    const bool is_due = v->state == FILE_KEY_PENDING && v->deletion_ms <= now_ms;

    *since_ms = is_due ? v->deletion_ms : v->changed_ms;
    return is_due ? FILE_KEY_DESTROYED : v->state;
}

/* The state changed on the deletion date, not today. The date stays, as the record of why. */
bool file_settle(struct file_keyring *k, int64_t now_ms)
{
    bool any = false;

    for (size_t i = 0; i < k->count; i++) {
        struct file_version *v = &k->versions[i];
        int64_t since_ms;
        enum file_key_state now = file_state_at(v, now_ms, &since_ms);

        if (now == v->state)
            continue;
        v->state = now;
        v->changed_ms = since_ms;
        secret_wipe(v->stored, sizeof v->stored);
        v->stored_len = 0;
        any = true;
    }
    return any;
}

/* Compared as text: "01" or "1 " is not the name of a version in any record. */
enum err file_find(const struct file_keyring *k, const char *version, struct file_version **out)
{
    char number[24];

    for (size_t i = 0; i < k->count; i++) {
        snprintf(number, sizeof number, "%" PRIu64, k->versions[i].number);
        if (strcmp(number, version) == 0) {
            *out = &k->versions[i];
            return ERR_OK;
        }
    }
    return err_set(ERR_NOT_FOUND, "the keyring has no key version \"%.40s\"; it has 1 to %zu",
                   version, k->count);
}

/* What an action does to a state. All transitions are in the table below; a refusal says what to do
 * first. */
enum outcome { BECOMES, IS_ALREADY, REFUSED };

struct transition {
    enum outcome outcome;
    enum file_key_state next;
    const char *refusal; /* what to do instead */
};

#define GOES(state)                                                                                \
    {                                                                                              \
        BECOMES, state, NULL                                                                       \
    }
#define STAYS(state)                                                                               \
    {                                                                                              \
        IS_ALREADY, state, NULL                                                                    \
    }
#define NOT_SO(state, why)                                                                         \
    {                                                                                              \
        REFUSED, state, why                                                                        \
    }

#define GONE "its key material was destroyed and cannot be recovered"
#define DUE "its deletion date is past; `sealpoint key purge` destroys its key material"
#define CANCEL_FIRST "cancel the deletion first (key cancel-deletion)"
#define NOTHING_TO_CANCEL "no deletion is scheduled"

static const struct transition table[4][4] = {
    [KEY_DISABLE] = {[FILE_KEY_ENABLED] = GOES(FILE_KEY_DISABLED),
                     [FILE_KEY_DISABLED] = STAYS(FILE_KEY_DISABLED),
                     [FILE_KEY_PENDING] = NOT_SO(FILE_KEY_PENDING, CANCEL_FIRST),
                     [FILE_KEY_DESTROYED] = NOT_SO(FILE_KEY_DESTROYED, GONE)},
    [KEY_ENABLE] = {[FILE_KEY_ENABLED] = STAYS(FILE_KEY_ENABLED),
                    [FILE_KEY_DISABLED] = GOES(FILE_KEY_ENABLED),
                    [FILE_KEY_PENDING] = NOT_SO(FILE_KEY_PENDING, CANCEL_FIRST),
                    [FILE_KEY_DESTROYED] = NOT_SO(FILE_KEY_DESTROYED, GONE)},
    [KEY_SCHEDULE_DELETION] = {[FILE_KEY_ENABLED] = GOES(FILE_KEY_PENDING),
                               [FILE_KEY_DISABLED] = GOES(FILE_KEY_PENDING),
                               [FILE_KEY_PENDING] =
                                   NOT_SO(FILE_KEY_PENDING,
                                          "to choose another date, cancel the deletion first"),
                               [FILE_KEY_DESTROYED] = NOT_SO(FILE_KEY_DESTROYED, GONE)},
    [KEY_CANCEL_DELETION] = {[FILE_KEY_ENABLED] = NOT_SO(FILE_KEY_ENABLED, NOTHING_TO_CANCEL),
                             [FILE_KEY_DISABLED] = NOT_SO(FILE_KEY_DISABLED, NOTHING_TO_CANCEL),
                             [FILE_KEY_PENDING] = GOES(FILE_KEY_DISABLED),
                             [FILE_KEY_DESTROYED] = NOT_SO(FILE_KEY_DESTROYED, GONE)},
};

static enum err refuse_change(const struct file_version *v, enum file_key_state state,
                              int64_t since_ms, const char *why)
{
    char since[CLOCK_TEXT_LEN + 1];

    clock_text(since_ms, since);
    err_set(ERR_USAGE, "key version %" PRIu64 " is %s since %s", v->number,
            file_key_state_name(state), since);
    err_hint("%s", why);
    return ERR_USAGE;
}

enum err file_act(struct file_version *v, enum key_action action, uint64_t days, int64_t now_ms,
                  bool *changed)
{
    int64_t since_ms = 0;
    enum file_key_state state = file_state_at(v, now_ms, &since_ms);
    const struct transition *t = &table[action][state];

    *changed = false;
    if (action == KEY_SCHEDULE_DELETION &&
        (days < KEY_DELETION_DAYS_LEAST || days > KEY_DELETION_DAYS_MOST))
        return err_set(ERR_USAGE, "a deletion is scheduled for %d to %d days, not %" PRIu64,
                       KEY_DELETION_DAYS_LEAST, KEY_DELETION_DAYS_MOST, days);
    /* The days are checked first: a bad option is reported whatever the state. */
    if (t->outcome == REFUSED)
        return refuse_change(v, state, since_ms,
                             state == FILE_KEY_DESTROYED && v->state != state ? DUE : t->refusal);
    if (t->outcome == IS_ALREADY)
        return ERR_OK;
    v->state = t->next;
    v->changed_ms = now_ms;
    v->deletion_ms = t->next == FILE_KEY_PENDING ? now_ms + (int64_t)days * CLOCK_DAY_MS : 0;
    *changed = true;
    return ERR_OK;
}

enum err file_add(struct file_keyring *k, int64_t now_ms, struct file_version **out)
{
    struct file_version *v;
    enum err rc;

    if (k->count >= FILE_KEYRING_VERSIONS_MAX)
        FAIL(ERR_FAILED, "the keyring has %d key versions, and no more fit: make a new keyring",
             FILE_KEYRING_VERSIONS_MAX);
    TRY(mem_resize(k->count + 1, sizeof *k->versions, &k->versions));
    v = &k->versions[k->count];
    memset(v, 0, sizeof *v);
    k->count++;
    v->number = k->count;
    v->state = FILE_KEY_ENABLED;
    v->created_ms = now_ms;
    v->changed_ms = now_ms;
    k->active = v->number;
    *out = v;
out:
    return rc;
}
