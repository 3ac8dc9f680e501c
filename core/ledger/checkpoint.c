#include "core/ledger/checkpoint.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "core/base/text.h"
#include "core/ledger/bundle.h"
#include "core/ledger/ledger.h"

void checkpoint_name(const uint8_t writer[SIGNER_ID_LEN], uint64_t seq,
                     char out[CHECKPOINT_NAME_LEN + 1])
{
    char text[2 * SIGNER_ID_LEN + 1];

    text_hex(bytes_of(writer, SIGNER_ID_LEN), text);
    snprintf(out, CHECKPOINT_NAME_LEN + 1, "checkpoints/%s/%016" PRIx64 ".jsonl", text, seq);
}

bool checkpoint_parse_name(const char *name, uint8_t writer[SIGNER_ID_LEN], uint64_t *seq)
{
    const size_t at = strlen(CHECKPOINT_DIRECTORY "/");
    char again[CHECKPOINT_NAME_LEN + 1];
    char digits[2 * SIGNER_ID_LEN + 1];
    uint8_t be[sizeof *seq];

    if (strlen(name) != CHECKPOINT_NAME_LEN)
        return false;
    memcpy(digits, name + at, sizeof digits - 1);
    digits[sizeof digits - 1] = '\0';
    if (text_unhex(digits, writer, SIGNER_ID_LEN) != ERR_OK)
        goto no;
    memcpy(digits, name + at + sizeof digits, sizeof digits - 1);
    if (text_unhex(digits, be, sizeof be) != ERR_OK)
        goto no;
    *seq = be_get(be, sizeof be);
    checkpoint_name(writer, *seq, again);
    return strcmp(name, again) == 0;
no:
    err_clear();
    return false;
}

void checkpoint_clear(struct checkpoint *c)
{
    heads_clear(&c->heads);
    *c = (struct checkpoint){.record = NULL};
}

static enum err read_bundle(const struct record *record, const struct jdoc *payload,
                            struct checkpoint *to)
{
    char expected[CHECKPOINT_NAME_LEN + 1];
    struct jdoc *part = NULL;
    const char *name = NULL;
    enum err rc;

    TRY(jdoc_child(payload, "bundle", &part));
    TRY(jdoc_text(part, "name", STORE_NAME_MAX, &name));
    checkpoint_name(record->writer, record->seq, expected);
    if (strcmp(name, expected) != 0)
        FAIL(ERR_CORRUPT, "its bundle is not called %s", expected);
    TRY(jdoc_number(part, "size", to->live_count * RECORD_LEN_MAX, &to->bundle_size));
    TRY(jdoc_hex(part, "sha256", to->bundle_sha256, HASH_LEN));
out:
    return rc;
}

enum err checkpoint_read(const struct record *record, struct checkpoint *out)
{
    struct checkpoint c = {.record = record};
    struct jdoc *payload = NULL;
    struct jdoc *part = NULL;
    enum err rc;

    TRY(record_payload(record, &payload));
    TRY(heads_read(payload, &c.heads));
    TRY(jdoc_child(payload, "liveSet", &part));
    TRY(jdoc_number(part, "count", LEDGER_RECORDS_MAX, &c.live_count));
    TRY(jdoc_hex(part, "sha256", c.live_sha256, HASH_LEN));
    TRY(read_bundle(record, payload, &c));
    *out = c;
    c.heads = (struct heads){NULL, 0, 0}; /* the caller's now */
out:
    jdoc_free(payload);
    checkpoint_clear(&c);
    return rc;
}

bool checkpoint_saw(const struct checkpoint *c, const uint8_t writer[SIGNER_ID_LEN], uint64_t seq)
{
    const struct head *head = heads_find(&c->heads, writer);

    return head != NULL && seq <= head->seq;
}

bool checkpoint_covers(const struct checkpoint *c, const uint8_t writer[SIGNER_ID_LEN],
                       uint64_t seq)
{
    return memcmp(writer, c->root, SIGNER_ID_LEN) != 0 && checkpoint_saw(c, writer, seq);
}

/* The state of reading a bundle. */
struct filling {
    struct store_blob *blob;
    struct hash *content;
    struct hash *ids;
    const struct writers *writers;
    struct record_set *set;
    size_t known; /* of the set's entries, which stay sorted in front */
    uint64_t count;
};

static enum err read_blob(void *arg, uint64_t offset, void *to, size_t len)
{
    const struct filling *f = arg;
    enum err rc;

    TRY(store_blob_read(f->blob, offset, to, len));
    TRY(hash_add(f->content, bytes_of(to, len)));
out:
    return rc;
}

/* Adds what the set lacks at its end, unsorted; the `known` entries in front stay sorted for the
 * search. Which place it has is known only when its signature has been checked. */
static enum err add_bundled_record(struct filling *f, struct record_entry *entry)
{
    const struct record_set front = {.items = f->set->items, .count = f->known, .cap = f->known};
    struct record_entry *known;
    enum err rc = ERR_OK;

    memcpy(entry->writer, entry->record->writer, SIGNER_ID_LEN);
    entry->seq = entry->record->seq;
    known = record_set_find(&front, entry->writer, entry->seq);
    if (known == NULL) {
        TRY(record_set_add(f->set, entry));
        entry->record = NULL; /* the set's now */
        goto out;
    }
    if (known->record == NULL) {
        if (known->size == entry->size) {
            known->record = entry->record;
            entry->record = NULL; /* the set's now */
        }
        goto out;
    }
    if (memcmp(known->record->id, entry->record->id, RECORD_ID_LEN) != 0)
        FAIL(ERR_CORRUPT, "it has another record %" PRIu64 " than the ledger", entry->seq);
out:
    return rc;
}

static enum err take_bundled_record(void *arg, struct bytes raw)
{
    struct filling *f = arg;
    struct record_entry entry = {.size = raw.len, .from = FROM_BUNDLE};
    enum err rc;

    TRY(record_take(raw, &entry.record));
    TRY(hash_add(f->ids, bytes_of(entry.record->id, RECORD_ID_LEN)));
    f->count++;
    TRY(writers_admit(f->writers, entry.record));
    TRY(add_bundled_record(f, &entry));
out:
    record_free(entry.record);
    return rc;
}

static enum err check_digests(struct filling *f, const struct checkpoint *c)
{
    uint8_t content[HASH_LEN];
    uint8_t ids[HASH_LEN];
    enum err rc;

    TRY(hash_end(f->content, content));
    TRY(hash_end(f->ids, ids));
    if (memcmp(content, c->bundle_sha256, HASH_LEN) != 0)
        FAIL(ERR_CORRUPT, "its digest is not the one in the checkpoint record");
    if (f->count != c->live_count || memcmp(ids, c->live_sha256, HASH_LEN) != 0)
        FAIL(ERR_CORRUPT, "its records are not those of the checkpoint record's live set");
out:
    return rc;
}

enum err checkpoint_fill(const struct checkpoint *c, struct store *store,
                         const struct writers *writers, struct record_set *set)
{
    char name[CHECKPOINT_NAME_LEN + 1];
    struct filling f = {.writers = writers, .set = set, .known = set->count};
    struct bundle_source from = {.read = read_blob, .arg = &f, .size = c->bundle_size};
    uint64_t good = 0;
    enum err rc;

    checkpoint_name(c->record->writer, c->record->seq, name);
    TRY(hash_new(&f.content));
    TRY(hash_new(&f.ids));
    rc = store_blob_open(store, name, &f.blob);
    if (rc == ERR_NOT_FOUND)
        FAIL(ERR_CORRUPT, "the checkpoint's bundle is missing");
    TRY(rc);
    if (store_blob_size(f.blob) != c->bundle_size)
        FAIL(ERR_CORRUPT, "%" PRIu64 " bytes long; the checkpoint record says %" PRIu64,
             store_blob_size(f.blob), c->bundle_size);
    TRY(bundle_each(&from, take_bundled_record, &f, &good));
    TRY(check_digests(&f, c));
    record_set_sort(set);
out:
    if (rc != ERR_OK)
        err_note("%s", name);
    store_blob_free(f.blob);
    hash_free(f.ids);
    hash_free(f.content);
    return rc;
}
