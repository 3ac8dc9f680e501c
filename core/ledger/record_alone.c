#include "core/ledger/record_alone.h"

#include <stdio.h>
#include <string.h>

#include "core/base/text.h"
#include "core/ledger/ledger.h"
#include "core/ledger/ledger_admit.h"
#include "core/ledger/ledger_fetch.h"
#include "core/ledger/record_set.h"
#include "core/ledger/writers.h"

/*
 * Genesis names root, and root's chain enrols and revokes everybody else. So it is read alone,
 * from genesis to its end, each record checked as the ledger checks it. What is missing or damaged
 * there ends the search without a verdict: nobody can tell whether the writer is one. Damage in any
 * other chain is not even noticed: to get past that is what this is for.
 */

/* What does not have the name of a record, or is too long for one, is no part of the chain. */
static enum err take_name(void *arg, const char *name, uint64_t size)
{
    struct record_entry entry = {.size = size, .from = FROM_STORE};

    if (size > RECORD_LEN_MAX || record_name_parse(name, entry.writer, &entry.seq) != ERR_OK) {
        err_clear();
        return ERR_OK;
    }
    return record_set_add(arg, &entry);
}

static bool is_damage(enum err rc)
{
    return rc == ERR_CORRUPT || rc == ERR_UNSUPPORTED || rc == ERR_STORAGE;
}

/* ERR_CORRUPT: there is none, or more than one, or not the one that is expected. */
static enum err find_genesis(struct store *store, struct record_set *names, const char *fingerprint,
                             const struct record **out)
{
    char id[2 * RECORD_ID_LEN + 1];
    enum err rc;

    *out = NULL;
    for (size_t i = 0; i < names->count; i++) {
        struct record_entry *e = &names->items[i];

        if (e->seq != 0)
            continue;
        rc = ledger_fetch_record(store, e);
        if (rc == ERR_OK)
            rc = record_decode(e->record); /* it brings the key that signs it */
        if (is_damage(rc))
            continue;
        TRY(rc);
        if (e->record->type != RECORD_GENESIS)
            continue;
        text_hex(bytes_of(e->record->id, RECORD_ID_LEN), id);
        if (*fingerprint != '\0' && strcmp(id, fingerprint) != 0)
            continue;
        if (*out != NULL)
            FAIL(ERR_CORRUPT, "there is a second genesis record");
        *out = e->record;
    }
    rc = ERR_OK;
    if (*out == NULL)
        rc = err_set(ERR_CORRUPT, "its genesis record is missing or damaged");
out:
    return rc;
}

/* Root's chain behind genesis, to its end; `names` is sorted. */
static enum err read_roots_chain(struct store *store, struct record_set *names,
                                 struct writers *writers)
{
    const struct record *before = NULL;
    enum err rc = ERR_OK;

    for (size_t i = 0; i < names->count; i++) {
        struct record_entry *e = &names->items[i];

        if (!writers_is_root(writers, e->writer))
            continue;
        if (e->record == NULL)
            TRY(ledger_fetch_record(store, e));
        TRY(ledger_admit_entry(writers, e));
        if (e->seq != (before != NULL ? before->seq + 1 : 0) ||
            (before != NULL && memcmp(e->record->prev, before->id, RECORD_ID_LEN) != 0))
            FAIL(ERR_CORRUPT, "a record of the root key is missing or was replaced");
        TRY(writers_check(writers, e->record, false));
        TRY(writers_apply(writers, e->record));
        before = e->record;
    }
out:
    return rc;
}

static enum err read_writers(struct store *store, const char *fingerprint, struct writers *writers)
{
    struct record_set names = {.items = NULL};
    const struct record *genesis = NULL;
    enum err rc;

    TRY(store_list(store, RECORD_DIRECTORY, take_name, &names));
    record_set_sort(&names);
    TRY(find_genesis(store, &names, fingerprint, &genesis));
    TRY(writers_found(writers, genesis));
    TRY(read_roots_chain(store, &names, writers));
out:
    record_set_clear(&names);
    return rc;
}

enum err record_alone_check(struct store *store, const struct record *r, const char *fingerprint,
                            char unchecked[ERR_TEXT_MAX])
{
    struct writers writers = {.founded = false};
    enum err rc;

    *unchecked = '\0';
    rc = read_writers(store, fingerprint, &writers);
    if (is_damage(rc)) {
        snprintf(unchecked, ERR_TEXT_MAX, "%s", err_text());
        err_clear();
        rc = ERR_OK;
        goto out;
    }
    TRY(rc);
    TRY(writers_check(&writers, r, false));
out:
    writers_clear(&writers);
    return rc;
}
