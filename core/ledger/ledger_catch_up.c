#include <string.h>

#include "core/ledger/ledger_admit.h"
#include "core/ledger/ledger_fetch.h"
#include "core/ledger/ledger_internal.h"
#include "core/ledger/ledger_validate.h"

/*
 * Several runs on one machine append to the same chain: a backup takes hours, and meanwhile a key
 * check adds a record. A run that finds its place taken reads what the others appended and
 * continues after it. Each record is checked as at opening: signed by the same key, in an unbroken
 * chain. Before a checkpoint the other chains are read on too, root's first, for it says who they
 * are.
 */

/* What the checkpoint says of records that are unknown here is checked at the next opening. */
static enum err check_heads(const struct ledger *l, const struct record *r)
{
    struct checkpoint c = {.record = NULL};
    enum err rc;

    TRY(checkpoint_read(r, &c));
    for (size_t i = 0; i < l->count; i++) {
        const struct record *have = l->records[i];
        const struct head *head = heads_find(&c.heads, have->writer);

        if (head != NULL && head->seq == have->seq &&
            memcmp(head->id, have->id, RECORD_ID_LEN) != 0)
            FAIL(ERR_CORRUPT, "another record was at the end of a chain when it was made");
    }
out:
    checkpoint_clear(&c);
    return rc;
}

static enum err check_next(const struct ledger *l, const struct record *r)
{
    const struct head *head = heads_find(&l->heads, r->writer);
    enum err rc;

    TRY(writers_check(&l->writers, r, true));
    if (r->has_prev != (head != NULL) ||
        (head != NULL && memcmp(r->prev, head->id, RECORD_ID_LEN) != 0))
        FAIL(ERR_CORRUPT, "it does not follow the record before it: one of them was replaced");
    if (head != NULL && r->created_ms < head->created_ms)
        FAIL(ERR_CORRUPT, "its time is before that of the record before it");
    if (r->type == RECORD_CHECKPOINT)
        TRY(check_heads(l, r));
    TRY(ledger_check_tombstone(l, r));
out:
    return rc;
}

static enum err take_next_record(struct ledger *l, const uint8_t writer[SIGNER_ID_LEN])
{
    struct record_entry e = {.seq = ledger_next_seq_of(l, writer), .from = FROM_STORE};
    struct writers writers = {.founded = false};
    enum err rc;

    memcpy(e.writer, writer, SIGNER_ID_LEN);
    TRY(ledger_fetch_record(l->store, &e));
    rc = ledger_admit_entry(&l->writers, &e);
    if (rc == ERR_OK)
        rc = check_next(l, e.record);
    if (rc == ERR_OK)
        rc = ledger_prepare(l, e.record, &writers);
    if (rc != ERR_OK) {
        record_note_name(e.writer, e.seq);
        goto out;
    }
    ledger_place(l, e.record, &writers);
    e.record = NULL; /* the ledger's now */
out:
    writers_clear(&writers);
    record_free(e.record);
    return rc;
}

static enum err catch_up_chain(struct ledger *l, const uint8_t writer[SIGNER_ID_LEN])
{
    char name[RECORD_NAME_LEN + 1];
    uint64_t size;
    enum err rc;

    for (;;) {
        record_name(writer, ledger_next_seq_of(l, writer), name);
        rc = store_head(l->store, name, &size);
        if (rc == ERR_NOT_FOUND) {
            err_clear();
            return ERR_OK;
        }
        TRY(rc);
        TRY(take_next_record(l, writer));
    }
out:
    return rc;
}

enum err ledger_catch_up(struct ledger *l)
{
    return catch_up_chain(l, l->own);
}

enum err ledger_catch_up_root(struct ledger *l)
{
    uint8_t id[SIGNER_ID_LEN];

    memcpy(id, l->writers.root, SIGNER_ID_LEN); /* the list moves with each record */
    return catch_up_chain(l, id);
}

enum err ledger_catch_up_all(struct ledger *l)
{
    uint8_t id[SIGNER_ID_LEN];
    enum err rc;

    TRY(ledger_catch_up_root(l));
    for (size_t i = 0; i < l->writers.count; i++) {
        memcpy(id, l->writers.items[i].id, SIGNER_ID_LEN); /* the list moves with each record */
        TRY(catch_up_chain(l, id));
    }
out:
    return rc;
}
