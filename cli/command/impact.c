#include "cli/command/impact.h"

#include <stdio.h>
#include <string.h>

#include "core/base/clock.h"
#include "core/base/log.h"

#define NAMED_MAX 10

enum err impact_choose_key(const struct session *session, size_t *out)
{
    size_t count = keyring_count(session->keyring);
    size_t i = (size_t)settings_number(session->settings, OPTION_KEY);

    if (i >= count)
        return err_set(ERR_USAGE, "--key %zu: %zu master key%s configured, counted from 0", i,
                       count, count == 1 ? " is" : "s are");
    *out = i;
    return ERR_OK;
}

static enum err fail_no_version(const struct key_versions *versions, const char *version)
{
    char words[400] = "";
    size_t used = 0;

    for (size_t i = 0; i < versions->count && used < sizeof words; i++)
        used += (size_t)snprintf(words + used, sizeof words - used, "%s%s", i > 0 ? ", " : "",
                                 versions->items[i].version);
    err_set(ERR_NOT_FOUND, "the master key has no version \"%.100s\"", version);
    err_hint("it has: %s", words);
    return ERR_NOT_FOUND;
}

enum err impact_name(struct session *session, size_t i, const char *version, struct key_name *out)
{
    struct key_versions versions = {0};
    enum err rc;

    TRY(keyring_versions(session->keyring, i, true, &versions));
    rc = fail_no_version(&versions, version);
    for (size_t n = 0; n < versions.count; n++) {
        if (strcmp(versions.items[n].version, version) != 0)
            continue;
        *out = versions.active;
        memcpy(out->version, versions.items[n].version, sizeof out->version);
        out->commitment[0] = '\0'; /* that of the active one */
        rc = ERR_OK;
    }
out:
    key_versions_clear(&versions);
    return rc;
}

const struct snapshot *impact_snapshot(const struct session *session,
                                       const struct impact_item *item)
{
    for (size_t i = 0; i < session->snapshot_list.count; i++)
        if (session->snapshot_list.items[i].record == item->record)
            return &session->snapshot_list.items[i];
    return NULL;
}

static void warn_item(const struct session *session, const struct impact_item *item)
{
    const struct snapshot *of = impact_snapshot(session, item);
    char time[CLOCK_TEXT_LEN + 1];

    if (of == NULL)
        return;
    clock_text(of->created_ms, time);
    log_say(LOG_WARN, "  snapshot %s of %s%s", of->id, time,
            item->has_other ? " (--envelope can restore it by another master key)" : "");
}

enum err impact_warn(struct session *session, const struct key_name *key)
{
    struct impact impact = {0};
    enum err rc;

    TRY(impact_of(session_ledger(session), key, &impact));
    if (impact.count == 0) {
        log_say(LOG_INFO, "no snapshot of this repository depends on version %s", key->version);
        goto out;
    }
    log_say(LOG_WARN, "without version %s, %zu snapshot%s cannot be restored:", key->version,
            impact.count, impact.count == 1 ? "" : "s");
    for (size_t i = 0; i < impact.count && i < NAMED_MAX; i++)
        warn_item(session, &impact.items[i]);
    if (impact.count > NAMED_MAX)
        log_say(LOG_WARN, "  and %zu more; `sealpoint key impact %s` lists all",
                impact.count - NAMED_MAX, key->version);
out:
    impact_clear(&impact);
    return rc;
}
