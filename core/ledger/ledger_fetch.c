#include "core/ledger/ledger_fetch.h"

#include <inttypes.h>
#include <string.h>

#include "core/base/stop.h"

/* A name of any other form is refused: only this program writes there, and it never makes one. */
static enum err take_name(void *arg, const char *name, uint64_t size)
{
    struct record_entry entry = {.size = size, .from = FROM_STORE};
    enum err rc;

    TRY(record_name_parse(name, entry.writer, &entry.seq));
    if (size > RECORD_LEN_MAX)
        FAIL(ERR_CORRUPT, "%s: a record of %" PRIu64 " bytes is over the limit of %zu", name, size,
             RECORD_LEN_MAX);
    TRY(record_set_add(arg, &entry));
out:
    return rc;
}

enum err ledger_fetch_names(struct store *store, struct record_set *out)
{
    enum err rc;

    TRY(store_list(store, RECORD_DIRECTORY, take_name, out));
    record_set_sort(out);
out:
    return rc;
}

static enum err read_raw(struct store *store, const char *name, struct buf *to)
{
    enum err rc = store_get(store, name, to);

    if (rc == ERR_NOT_FOUND)
        rc = err_set(ERR_STORAGE, "listed, but it cannot be read");
    return rc;
}

enum err ledger_fetch_record(struct store *store, struct record_entry *entry)
{
    char name[RECORD_NAME_LEN + 1];
    struct buf raw = {.max = RECORD_LEN_MAX};
    struct record *r = NULL;
    enum err rc;

    record_name(entry->writer, entry->seq, name);
    TRY(stop_check());
    TRY(read_raw(store, name, &raw));
    TRY(record_parse(buf_bytes(&raw), &r));
    /* A record is signed together with its place, so a copy under another name is found here. */
    if (memcmp(r->writer, entry->writer, SIGNER_ID_LEN) != 0 || r->seq != entry->seq)
        FAIL(ERR_CORRUPT, "the record of another place lies under this name");
    entry->record = r;
    r = NULL; /* the set's now */
out:
    if (rc == ERR_CORRUPT)
        record_note_damage();
    if (rc != ERR_OK && rc != ERR_INTERRUPTED)
        err_note("%s", name);
    record_free(r);
    buf_clear(&raw);
    return rc;
}

static enum err read_records(struct store *store, struct record_set *set)
{
    enum err rc = ERR_OK;

    for (size_t i = 0; i < set->count; i++)
        if (set->items[i].record == NULL)
            TRY(ledger_fetch_record(store, &set->items[i]));
out:
    return rc;
}

static const struct record *newest_checkpoint(const struct record_set *set)
{
    const struct record *newest = NULL;

    for (size_t i = 0; i < set->count; i++) {
        const struct record *r = set->items[i].record;

        if (r->type == RECORD_CHECKPOINT && (newest == NULL || record_compare(newest, r) < 0))
            newest = r;
    }
    return newest;
}

/* True when a chain has a hole, or ends before a head of the checkpoint. The set is sorted. */
static bool lacks_records(const struct record_set *set, const struct heads *heads)
{
    for (size_t i = 0; i < set->count; i++) {
        const struct record_entry *e = &set->items[i];
        bool is_first = i == 0 || memcmp(e[-1].writer, e->writer, SIGNER_ID_LEN) != 0;

        if (e->seq != (is_first ? 0 : e[-1].seq + 1))
            return true;
    }
    /* Within a chain nothing is missing; that leaves its end. */
    for (size_t i = 0; i < heads->count; i++)
        if (record_set_find(set, heads->items[i].writer, heads->items[i].seq) == NULL)
            return true;
    return false;
}

enum err ledger_fetch(struct store *store, const char *cache_path, bool read_bundle,
                      struct record_set *out, struct cache *cache, struct checkpoint *cover)
{
    const struct record *newest;
    enum err rc;

    TRY(ledger_fetch_names(store, out));
    if (cache_path != NULL)
        TRY(cache_read(cache_path, out, cache));
    TRY(read_records(store, out));
    /* The bundle is read only when something is missing: it may be large. */
    newest = newest_checkpoint(out);
    if (newest == NULL)
        goto out;
    TRY(checkpoint_read(newest, cover));
    if (read_bundle || lacks_records(out, &cover->heads))
        TRY(checkpoint_fill(cover, store, out));
out:
    return rc;
}
