#include <string.h>

#include "core/base/text.h"
#include "core/ledger/ledger.h"
#include "core/ledger/ledger_fetch.h"
#include "core/ledger/record_set.h"
#include "core/ledger/writers.h"

/*
 * What this machine has seen is kept by fingerprint, so the fingerprint has to be known before the
 * ledger is opened: it is the id of the one genesis record, which is the first of its chain.
 * Nothing is believed here. A store that claims to be a repository that it is not is refused when
 * it is opened, by the state of the one that it claims to be.
 */

/* More chains than there may be writers. */
#define FIRSTS_MAX ((size_t)4 * WRITERS_MAX)

/* Only the first record of each chain is of interest, and a strange name is for ledger_open(). */
static enum err take_first(void *arg, const char *name, uint64_t size)
{
    struct record_entry entry = {.size = size, .from = FROM_STORE};
    enum err rc = record_name_parse(name, entry.writer, &entry.seq);

    if (rc == ERR_OK && entry.seq == 0 && size <= RECORD_LEN_MAX &&
        ((struct record_set *)arg)->count <= FIRSTS_MAX)
        return record_set_add(arg, &entry);
    err_clear();
    return ERR_OK;
}

/* *count grows by one when the entry is a genesis record. */
static enum err look_at(struct store *store, struct record_entry *entry, size_t *count,
                        char fingerprint[LEDGER_FINGERPRINT_LEN + 1])
{
    enum err rc = ledger_fetch_record(store, entry);

    if (rc == ERR_INTERRUPTED)
        return rc;
    if (rc == ERR_OK && record_decode(entry->record) == ERR_OK &&
        entry->record->type == RECORD_GENESIS && entry->record->seq == 0) {
        text_hex(bytes_of(entry->record->id, RECORD_ID_LEN), fingerprint);
        ++*count;
    }
    err_clear();
    return ERR_OK;
}

/* Where this machine has found genesis before, one small object tells as much as the listing of all
 * records. */
static enum err look_where_it_was(struct store *store, const struct ledger_origin *last,
                                  bool *found)
{
    struct record_entry entry = {.from = FROM_STORE};
    char fingerprint[LEDGER_FINGERPRINT_LEN + 1] = "";
    size_t count = 0;
    enum err rc;

    memcpy(entry.writer, last->root, SIGNER_ID_LEN);
    TRY(look_at(store, &entry, &count, fingerprint));
    *found = strcmp(fingerprint, last->fingerprint) == 0;
out:
    record_free(entry.record);
    return rc;
}

enum err ledger_look(struct store *store, const struct ledger_origin *last,
                     char fingerprint[LEDGER_FINGERPRINT_LEN + 1])
{
    struct record_set firsts = {.items = NULL};
    size_t count = 0;
    bool found = false;
    enum err rc = ERR_OK;

    *fingerprint = '\0';
    if (last != NULL)
        TRY(look_where_it_was(store, last, &found));
    if (found) {
        memcpy(fingerprint, last->fingerprint, LEDGER_FINGERPRINT_LEN + 1);
        goto out;
    }
    TRY(store_list(store, RECORD_DIRECTORY, take_first, &firsts));
    if (firsts.count > FIRSTS_MAX)
        goto out;
    for (size_t i = 0; i < firsts.count; i++)
        TRY(look_at(store, &firsts.items[i], &count, fingerprint));
    if (count != 1)
        *fingerprint = '\0';
out:
    record_set_clear(&firsts);
    return rc;
}
