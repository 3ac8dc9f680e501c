#include "core/ledger/trust.h"

#include <inttypes.h>
#include <string.h>

#include "core/base/clock.h"
#include "core/base/text.h"
#include "core/fs/file.h"

/*
 * Signatures and chains prove that a ledger is genuine, but not that it is the latest one: an older
 * copy of a whole store is genuine too. So each machine remembers, outside of the store, the head
 * of every chain it has seen. A head that is no longer there, or that is another record now, means
 * a rollback. Heads only ever go up, and other runs raise the same file: trust_raise() merges under
 * the lock of the state directory.
 */
#define TRUST_FILE_MAX ((size_t)64 * KIB)

void trust_clear(struct trust *t)
{
    heads_clear(&t->heads);
    heads_clear(&t->told);
    *t = (struct trust){.known = false};
}

static enum err decode_trust(struct bytes text, struct trust *out)
{
    struct jdoc *doc = NULL;
    struct jdoc *told = NULL;
    uint64_t format = 0;
    uint8_t fingerprint[RECORD_ID_LEN];
    enum err rc;

    TRY(jdoc_parse(text, &doc));
    TRY(jdoc_number(doc, "format", UINT64_MAX, &format));
    if (format != 1)
        FAIL(ERR_UNSUPPORTED, "format %" PRIu64 " is not one this release knows", format);
    TRY(jdoc_hex(doc, "fingerprint", fingerprint, RECORD_ID_LEN));
    text_hex(bytes_of(fingerprint, RECORD_ID_LEN), out->fingerprint);
    TRY(jdoc_hex(doc, "repositoryId", out->repository, SEAL_ID_LEN));
    TRY(jdoc_time(doc, "firstSeenAt", &out->since_ms));
    TRY(heads_read(doc, &out->heads));
    TRY(jdoc_child(doc, "told", &told));
    TRY(heads_read(told, &out->told));
    out->known = true;
out:
    jdoc_free(doc);
    return rc;
}

enum err trust_load(const char *path, struct trust *out)
{
    struct buf text = {.max = TRUST_FILE_MAX};
    struct trust t = {.known = false};
    enum err rc = file_read(path, &text);

    if (rc == ERR_NOT_FOUND) {
        err_clear();
        *out = t;
        return ERR_OK;
    }
    TRY(rc);
    rc = decode_trust(buf_bytes(&text), &t);
    if (rc != ERR_OK) {
        err_note("the trust state %s", path);
        err_hint("it says what was seen of the repository; to go on without it, move it away and "
                 "give the repository's fingerprint");
        goto out;
    }
    *out = t;
    t.heads = t.told = (struct heads){NULL, 0, 0}; /* the caller's now */
out:
    trust_clear(&t);
    buf_clear(&text);
    return rc;
}

enum err trust_save(const char *path, const struct trust *t)
{
    struct buf text = {.max = TRUST_FILE_MAX};
    struct jdoc *doc = NULL;
    struct jdoc *told = NULL;
    enum err rc;

    TRY(jdoc_object(&doc));
    TRY(jdoc_set_number(doc, "format", 1));
    TRY(jdoc_set_text(doc, "fingerprint", t->fingerprint));
    TRY(jdoc_set_hex(doc, "repositoryId", bytes_of(t->repository, SEAL_ID_LEN)));
    TRY(jdoc_set_time(doc, "firstSeenAt", t->since_ms));
    TRY(heads_write(&t->heads, doc));
    TRY(jdoc_object(&told));
    TRY(heads_write(&t->told, told));
    TRY(jdoc_set(doc, "told", &told));
    TRY(jdoc_write(doc, &text));
    TRY(buf_add_text(&text, "\n"));
    TRY(file_replace(path, buf_bytes(&text), 0600));
out:
    jdoc_free(told);
    jdoc_free(doc);
    buf_clear(&text);
    return rc;
}

bool trust_equal(const struct trust *a, const struct trust *b)
{
    return a->known == b->known && strcmp(a->fingerprint, b->fingerprint) == 0 &&
           memcmp(a->repository, b->repository, SEAL_ID_LEN) == 0 &&
           heads_equal(&a->heads, &b->heads);
}

/* The highest record of a writer in the set, or NULL. */
static const struct record *last_of(const struct record_set *set,
                                    const uint8_t writer[SIGNER_ID_LEN])
{
    for (size_t i = set->count; i > 0; i--)
        if (memcmp(set->items[i - 1].writer, writer, SIGNER_ID_LEN) == 0)
            return set->items[i - 1].record;
    return NULL;
}

#define SHORT_ID_LEN 8 /* bytes of an id that a message shows */

/* Three messages: another record is there, the chain ends before it, or it alone is missing. */
static enum err rolled_back(const struct head *seen, const uint8_t *there,
                            const struct record *last, const char *where)
{
    char writer[2 * SIGNER_ID_LEN + 1];
    char seen_id[2 * SHORT_ID_LEN + 1];
    char there_id[2 * SHORT_ID_LEN + 1];

    text_hex(bytes_of(seen->writer, SIGNER_ID_LEN), writer);
    text_hex(bytes_of(seen->id, SHORT_ID_LEN), seen_id);
    if (there != NULL) {
        text_hex(bytes_of(there, SHORT_ID_LEN), there_id);
        err_set(ERR_CORRUPT,
                "%s: record %" PRIu64 " of writer %s was %s… when it was seen before, and is %s… "
                "now: the store was tampered with, or rolled back and written again",
                where, seen->seq, writer, seen_id, there_id);
    } else if (last != NULL && last->seq < seen->seq) {
        err_set(ERR_CORRUPT,
                "%s: record %" PRIu64 " of writer %s (%s…) was seen before, and now its records "
                "end at %" PRIu64 ": the store was rolled back or tampered with",
                where, seen->seq, writer, seen_id, last->seq);
    } else {
        err_set(ERR_CORRUPT,
                "%s: record %" PRIu64 " of writer %s (%s…) was seen before, and now it is missing: "
                "the store was rolled back or tampered with",
                where, seen->seq, writer, seen_id);
    }
    return ERR_CORRUPT;
}

void trust_hint(const char *path)
{
    err_hint("find out who changed the store before you use it; an older copy is read on purpose "
             "with --fingerprint and another --state-dir; if one was put back for good, move %s "
             "away and give --fingerprint",
             path);
}

/* A record that a checkpoint covers may have been deleted. But where its id is still mentioned, by
 * the checkpoint or by the record after it, it must be the id that was seen. */
static bool still_fits(const struct head *seen, const struct record_set *set,
                       const struct checkpoint *cover)
{
    const struct head *head = heads_find(&cover->heads, seen->writer);
    const struct record_entry *next;

    if (head == NULL || head->seq < seen->seq)
        return false;
    if (head->seq == seen->seq)
        return memcmp(head->id, seen->id, RECORD_ID_LEN) == 0;
    next = record_set_find(set, seen->writer, seen->seq + 1);
    return next == NULL || memcmp(next->record->prev, seen->id, RECORD_ID_LEN) == 0;
}

enum err trust_check(const struct heads *heads, const struct record_set *set,
                     const struct checkpoint *cover, const char *where)
{
    for (size_t i = 0; i < heads->count; i++) {
        const struct head *seen = &heads->items[i];
        const struct record_entry *entry = record_set_find(set, seen->writer, seen->seq);
        const struct record *there = entry != NULL ? entry->record : NULL;

        if (there != NULL && memcmp(there->id, seen->id, RECORD_ID_LEN) == 0)
            continue;
        if (there == NULL && still_fits(seen, set, cover))
            continue;
        return rolled_back(seen, there != NULL ? there->id : NULL, last_of(set, seen->writer),
                           where);
    }
    return ERR_OK;
}

/* Another run may have raised the file since it was loaded. Both have seen genuine ledgers, so two
 * different records at one place mean that the store was rewritten between them. */
static enum err merge_heads(struct trust *to, const struct trust *now, const char *where,
                            const char *path, bool *higher)
{
    enum err rc = ERR_OK;

    if (strcmp(to->fingerprint, now->fingerprint) != 0)
        FAIL(ERR_CORRUPT, "%s: the trust state %s is of another repository, with fingerprint %s",
             where, path, to->fingerprint);
    for (size_t i = 0; i < now->heads.count; i++) {
        const struct head *mine = &now->heads.items[i];
        const struct head *have = heads_find(&to->heads, mine->writer);

        if (have != NULL && have->seq == mine->seq &&
            memcmp(have->id, mine->id, RECORD_ID_LEN) != 0) {
            rc = rolled_back(have, mine->id, NULL, where);
            trust_hint(path);
            goto out;
        }
        if (have != NULL && have->seq >= mine->seq)
            continue;
        TRY(heads_raise(&to->heads, mine));
        *higher = true;
    }
out:
    return rc;
}

enum err trust_raise(const char *path, const struct trust *now, const char *where)
{
    struct trust there = {.known = false};
    bool higher = false;
    enum err rc;

    TRY(trust_load(path, &there));
    if (!there.known) {
        struct trust first = *now;

        first.since_ms = clock_now_ms();
        first.told = now->heads; /* the first visit has seen everything */
        TRY(trust_save(path, &first));
        goto out;
    }
    TRY(merge_heads(&there, now, where, path, &higher));
    if (higher)
        TRY(trust_save(path, &there));
out:
    trust_clear(&there);
    return rc;
}

enum err trust_tell(const char *path, const struct heads *heads)
{
    struct trust there = {.known = false};
    enum err rc;

    TRY(trust_load(path, &there));
    if (!there.known)
        goto out;
    for (size_t i = 0; i < heads->count; i++)
        TRY(heads_raise(&there.told, &heads->items[i]));
    TRY(trust_save(path, &there));
out:
    trust_clear(&there);
    return rc;
}
