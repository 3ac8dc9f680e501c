#include "core/ledger/ledger_bundle.h"

#include <string.h>

#include "core/ledger/checkpoint.h"
#include "core/ledger/ledger_admit.h"
#include "core/ledger/ledger_fetch.h"

/*
 * Which bundle is the newest, only the records say: of each writer the highest bundle that has a
 * record is looked at, and of these records the newest by the ledger's order is taken. A writer
 * who may not sign checkpoints has no say.
 */

struct finding {
    struct record_set *set;
    const struct writers *writers;
    struct record_entry *highest[WRITERS_MAX]; /* borrowed from the set; of each writer */
};

static size_t writer_place(const struct writers *writers, const uint8_t id[SIGNER_ID_LEN])
{
    size_t i = 0;

    while (i < writers->count && memcmp(writers->items[i].id, id, SIGNER_ID_LEN) != 0)
        i++;
    return i;
}

static enum err take_name(void *arg, const char *name, uint64_t size)
{
    struct finding *f = arg;
    uint8_t writer[SIGNER_ID_LEN];
    struct record_entry *e;
    uint64_t seq;
    size_t i;

    (void)size;
    if (!checkpoint_parse_name(name, writer, &seq))
        return ERR_OK;
    i = writer_place(f->writers, writer);
    e = record_set_find(f->set, writer, seq);
    if (i < f->writers->count && e != NULL &&
        writers_allow(f->writers, writer, RECORD_CHECKPOINT) &&
        (f->highest[i] == NULL || f->highest[i]->seq < seq))
        f->highest[i] = e;
    return ERR_OK;
}

/* Of what is damaged here the reading one by one tells. */
static bool is_good(struct store *store, const struct writers *writers, struct record_entry *e)
{
    bool is = (e->record != NULL || ledger_fetch_record(store, e) == ERR_OK) &&
              ledger_admit_entry(writers, e) == ERR_OK && e->record->type == RECORD_CHECKPOINT;

    err_clear();
    return is;
}

static const struct record *newest_of(const struct finding *f, struct store *store)
{
    const struct record *newest = NULL;

    for (size_t i = 0; i < f->writers->count; i++) {
        struct record_entry *e = f->highest[i];

        if (e != NULL && is_good(store, f->writers, e) &&
            (newest == NULL || record_compare(newest, e->record) < 0))
            newest = e->record;
    }
    return newest;
}

static size_t count_unread(const struct record_set *set)
{
    size_t count = 0;

    for (size_t i = 0; i < set->count; i++)
        count += set->items[i].record == NULL;
    return count;
}

enum err ledger_bundle_read_first(struct store *store, struct record_set *set,
                                  const struct writers *writers)
{
    struct finding found = {.set = set, .writers = writers};
    struct checkpoint c = {.record = NULL};
    const struct record *newest;
    enum err rc = ERR_OK;

    if (count_unread(set) < LEDGER_BUNDLE_FIRST)
        goto out;
    TRY(store_list(store, CHECKPOINT_DIRECTORY, take_name, &found));
    newest = newest_of(&found, store);
    if (newest == NULL)
        goto out;
    rc = checkpoint_read(newest, &c);
    if (rc == ERR_OK)
        rc = checkpoint_fill(&c, store, writers, set);
    if (rc == ERR_CORRUPT || rc == ERR_UNSUPPORTED) {
        err_clear();
        rc = ERR_OK;
    }
out:
    record_set_sort(set); /* a filling that failed has added some at its end */
    checkpoint_clear(&c);
    return rc;
}
