#include "cli/command/complete.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cli/command/impact.h"
#include "cli/command/writer.h"
#include "cli/session.h"
#include "core/base/clock.h"
#include "core/base/mem.h"
#include "core/base/text.h"
#include "core/fs/file.h"
#include "core/ledger/cache.h"
#include "core/ledger/ledger_fetch.h"
#include "core/ledger/state_files.h"
#include "core/ledger/writer_change.h"

/*
 * Opening the ledger pins what it sees, writes its cache and takes its lock. Completion must do
 * none of that, and it must not believe what nobody has checked. So it reads the cache of what this
 * machine has checked already, as far as the store still lists it, and nothing else: before the
 * first command here, no snapshot is known.
 */

#define TIME_LEN 19 /* "2026-11-24 06:10:00" */
#define LINE_MAX_LEN 300

/* The settings of a command line whose last word is missing. Nobody is ever asked. */
static enum err read_settings(const struct invocation *typed, struct invocation *copy,
                              struct settings *out)
{
    *copy = *typed; /* its lists stay those of `typed` */
    copy->values[OPTION_NO_PASSPHRASE] = "true";
    return settings_resolve(copy, out);
}

/* Of what the store lists, the records that the cache has; the others are left NULL. */
static enum err read_checked(struct session *s, struct record_home *home, struct record_set *out)
{
    struct cache cache = {.renew = false};
    char *path = NULL;
    enum err rc;

    TRY(session_locate(s));
    if (!session_is_known(s))
        goto out;
    TRY(store_open(settings_text(s->settings, OPTION_REPOSITORY), false, &s->store));
    TRY(ledger_fetch_names(s->store, false, out));
    TRY(file_join(s->state_dir, STATE_RECORDS, &path));
    TRY(cache_read(path, home, out, &cache));
out:
    cache_clear(&cache);
    mem_free(path);
    return rc;
}

static bool is_deleted(const struct record_set *set, const char *id)
{
    for (size_t i = 0; i < set->count; i++) {
        const struct record *r = set->items[i].record;

        if (r != NULL && r->type == RECORD_TOMBSTONE && strcmp(r->facts.subject, id) == 0)
            return true;
    }
    return false;
}

static bool is_given(const struct invocation *i, const char *word)
{
    for (size_t n = 0; n < i->argument_count; n++)
        if (strcmp(i->arguments[n], word) == 0)
            return true;
    return false;
}

static enum err offer_snapshot(const struct answer *a, const struct record *r, const char *id)
{
    const char *description = NULL;
    char time[CLOCK_TEXT_LEN + 1];
    struct jdoc *payload = NULL;
    char *meaning = NULL;
    enum err rc;

    TRY(record_payload(r, &payload));
    if (jdoc_has(payload, "description") &&
        jdoc_text(payload, "description", SNAPSHOT_TEXT_MAX, &description) != ERR_OK)
        err_clear(); /* it says nothing then */
    clock_text(r->created_ms, time);
    time[10] = ' '; /* the T between date and time */
    TRY(mem_format(&meaning, "%.*s%s%s", TIME_LEN, time, description != NULL ? " " : "",
                   description != NULL ? description : ""));
    TRY(complete_offer(a, id, meaning));
out:
    jdoc_free(payload);
    mem_free(meaning);
    return rc;
}

static int compare_newest_first(const void *left, const void *right)
{
    const struct record *const *a = left;
    const struct record *const *b = right;

    return record_compare(*b, *a);
}

static enum err offer_records(const struct answer *a, const struct invocation *i,
                              const struct record_set *set)
{
    const struct record **list = NULL;
    size_t count = 0;
    enum err rc;

    TRY(mem_new(set->count, sizeof *list, &list));
    for (size_t n = 0; n < set->count; n++)
        if (set->items[n].record != NULL && set->items[n].record->type == RECORD_SNAPSHOT)
            list[count++] = set->items[n].record;
    if (count > 1)
        qsort(list, count, sizeof *list, compare_newest_first);
    for (size_t n = 0; n < count; n++) {
        const char *id = list[n]->facts.id;

        if (*id != '\0' && !is_deleted(set, id) && !is_given(i, id))
            TRY(offer_snapshot(a, list[n], id));
    }
out:
    mem_free(list);
    return rc;
}

enum err complete_snapshots(const struct answer *a, const struct invocation *i)
{
    struct record_home home = RECORD_HOME_NONE;
    struct record_set set = {.count = 0};
    struct invocation copy = {0};
    struct settings settings = {0};
    struct session session;
    enum err rc = ERR_OK;

    session_init(&session, &settings);
    if (!is_given(i, "latest"))
        TRY(complete_offer(a, "latest", "the newest snapshot"));
    if (read_settings(i, &copy, &settings) != ERR_OK ||
        read_checked(&session, &home, &set) != ERR_OK)
        goto out; /* "latest" is all that is known */
    TRY(offer_records(a, i, &set));
out:
    record_set_clear(&set);
    if (home.fd >= 0)
        close(home.fd);
    session_clear(&session);
    settings_clear(&settings);
    return rc;
}

/* An enrolment: who, and with which roles. Those revoked since are not known here, and do no harm:
 * the command refuses them. */
static enum err offer_writer(const struct answer *a, const struct record *r)
{
    char roles[WRITER_ROLES_TEXT_MAX];
    char id[2 * SIGNER_ID_LEN + 1];
    struct writer_change change;

    if (writer_change_read(r, &change) != ERR_OK) {
        err_clear();
        return ERR_OK;
    }
    if (change.is_revocation)
        return ERR_OK;
    writer_roles_text(change.roles, roles);
    text_hex(bytes_of(change.subject, SIGNER_ID_LEN), id);
    return complete_offer(a, id, roles);
}

enum err complete_writers(const struct answer *a, const struct invocation *i)
{
    struct record_home home = RECORD_HOME_NONE;
    struct record_set set = {.count = 0};
    struct invocation copy = {0};
    struct settings settings = {0};
    struct session session;
    enum err rc = ERR_OK;

    session_init(&session, &settings);
    if (read_settings(i, &copy, &settings) != ERR_OK ||
        read_checked(&session, &home, &set) != ERR_OK)
        goto out;
    for (size_t n = 0; n < set.count; n++)
        if (set.items[n].record != NULL && set.items[n].record->type == RECORD_WRITER)
            TRY(offer_writer(a, set.items[n].record));
out:
    record_set_clear(&set);
    if (home.fd >= 0)
        close(home.fd);
    session_clear(&session);
    settings_clear(&settings);
    return rc;
}

static enum err read_versions(struct session *s, struct key_versions *out)
{
    size_t key = 0;
    enum err rc;

    TRY(session_open_keyring(s));
    TRY(impact_choose_key(s, &key));
    TRY(keyring_versions(s->keyring, key, false, out));
out:
    return rc;
}

enum err complete_versions(const struct answer *a, const struct invocation *i)
{
    struct key_versions versions = {0};
    struct invocation copy = {0};
    struct settings settings = {0};
    struct session session;
    char *meaning = NULL;
    enum err rc = ERR_OK;

    session_init(&session, &settings);
    if (read_settings(i, &copy, &settings) != ERR_OK ||
        read_versions(&session, &versions) != ERR_OK)
        goto out;
    for (size_t n = versions.count; n > 0; n--) {
        const struct key_version *v = &versions.items[n - 1];

        TRY(mem_format(&meaning, "%s%s (not verified)", v->state, v->is_active ? ", active" : ""));
        TRY(complete_offer(a, v->version, meaning));
        mem_free(meaning);
        meaning = NULL;
    }
out:
    mem_free(meaning);
    key_versions_clear(&versions);
    session_clear(&session);
    settings_clear(&settings);
    return rc;
}
