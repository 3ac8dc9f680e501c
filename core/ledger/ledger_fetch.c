#include "core/ledger/ledger_fetch.h"

#include <inttypes.h>
#include <stdatomic.h>
#include <string.h>

#include "core/base/log.h"
#include "core/base/pool.h"
#include "core/base/stop.h"
#include "core/base/text.h"

/* A store answers late rather than slowly: more than the processors are of use. */
#define READERS 8
#define READERS_LEAST 64 /* fewer records are not worth threads */
#define STRANGERS_NAMED 5

struct naming {
    struct record_set *set;
    bool warn;
    size_t strangers;
};

/* Only this program writes there, and it never makes another name; a file that somebody left is no
 * reason to refuse a restore. */
static void say_stranger(struct naming *n, const char *name)
{
    char shown[STORE_NAME_MAX + 1];

    err_clear();
    text_printable(name, shown, sizeof shown);
    if (n->warn && n->strangers++ < STRANGERS_NAMED)
        log_say(LOG_WARN,
                "%s: not the name of a record: somebody else put it there, and it is "
                "passed over",
                shown);
}

static enum err take_name(void *arg, const char *name, uint64_t size)
{
    struct record_entry entry = {.size = size, .from = FROM_STORE};
    struct naming *n = arg;

    if (record_name_parse(name, entry.writer, &entry.seq) == ERR_OK)
        return record_set_add(n->set, &entry);
    say_stranger(n, name);
    return ERR_OK;
}

enum err ledger_fetch_names(struct store *store, bool warn, struct record_set *out)
{
    struct naming naming = {.set = out, .warn = warn};
    enum err rc;

    TRY(store_list(store, RECORD_DIRECTORY, take_name, &naming));
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
    if (entry->size > RECORD_LEN_MAX)
        FAIL(ERR_CORRUPT, "a record of %" PRIu64 " bytes is over the limit of %zu", entry->size,
             RECORD_LEN_MAX);
    TRY(read_raw(store, name, &raw));
    TRY(record_take(buf_bytes(&raw), &r));
    if (memcmp(r->writer, entry->writer, SIGNER_ID_LEN) != 0)
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

struct fetching {
    struct store *store;
    struct record_set *set;
    atomic_size_t next;
};

static enum err fetch_some(void *shared, size_t worker, const atomic_bool *stop)
{
    struct fetching *f = shared;
    size_t i;
    enum err rc = ERR_OK;

    (void)worker;
    while (!atomic_load(stop) && (i = atomic_fetch_add(&f->next, 1)) < f->set->count) {
        if (f->set->items[i].record != NULL)
            continue;
        rc = ledger_fetch_record(f->store, &f->set->items[i]);
        if (rc != ERR_OK && rc != ERR_CORRUPT && rc != ERR_UNSUPPORTED)
            return rc;
        err_clear(); /* who needs it will read it again, and say what is wrong */
    }
    return ERR_OK;
}

enum err ledger_fetch_records(struct store *store, struct record_set *set)
{
    struct fetching f = {.store = store, .set = set};
    const atomic_bool never = false;
    size_t missing = 0;

    for (size_t i = 0; i < set->count; i++)
        missing += set->items[i].record == NULL;
    if (missing < READERS_LEAST)
        return fetch_some(&f, 0, &never);
    return pool_run(READERS, fetch_some, &f);
}
