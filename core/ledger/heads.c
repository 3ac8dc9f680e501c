#include "core/ledger/heads.h"

#include <string.h>

#include "core/base/mem.h"

void heads_clear(struct heads *h)
{
    mem_free(h->items);
    *h = (struct heads){NULL, 0, 0};
}

/* The index of `writer`, or where it would be inserted. The items are sorted, so that heads that
 * are equal are written as equal JSON. */
static size_t find_head_place(const struct heads *h, const uint8_t writer[SIGNER_ID_LEN])
{
    size_t i = 0;

    while (i < h->count && memcmp(h->items[i].writer, writer, SIGNER_ID_LEN) < 0)
        i++;
    return i;
}

static bool is_at(const struct heads *h, size_t i, const uint8_t writer[SIGNER_ID_LEN])
{
    return i < h->count && memcmp(h->items[i].writer, writer, SIGNER_ID_LEN) == 0;
}

const struct head *heads_find(const struct heads *h, const uint8_t writer[SIGNER_ID_LEN])
{
    size_t i = find_head_place(h, writer);

    return is_at(h, i, writer) ? &h->items[i] : NULL;
}

/* What was reserved is not asked for again. */
enum err heads_reserve(struct heads *h, const uint8_t writer[SIGNER_ID_LEN])
{
    if (heads_find(h, writer) != NULL)
        return ERR_OK;
    if (h->count >= HEADS_MAX)
        return err_set(ERR_CORRUPT, "more than %d writers", HEADS_MAX);
    return mem_grow(h->count, sizeof *h->items, &h->cap, &h->items);
}

enum err heads_raise(struct heads *h, const struct head *head)
{
    size_t i = find_head_place(h, head->writer);
    enum err rc = ERR_OK;

    if (!is_at(h, i, head->writer)) {
        TRY(heads_reserve(h, head->writer));
        memmove(&h->items[i + 1], &h->items[i], (h->count - i) * sizeof *h->items);
        h->items[i] = *head;
        h->count++;
    } else if (head->seq > h->items[i].seq) {
        h->items[i] = *head;
    }
out:
    return rc;
}

struct head head_of(const struct record *r)
{
    struct head head = {.seq = r->seq, .created_ms = r->created_ms};

    memcpy(head.writer, r->writer, sizeof head.writer);
    memcpy(head.id, r->id, sizeof head.id);
    return head;
}

bool heads_equal(const struct heads *a, const struct heads *b)
{
    if (a->count != b->count)
        return false;
    for (size_t i = 0; i < a->count; i++) {
        if (a->items[i].seq != b->items[i].seq ||
            memcmp(a->items[i].writer, b->items[i].writer, SIGNER_ID_LEN) != 0 ||
            memcmp(a->items[i].id, b->items[i].id, RECORD_ID_LEN) != 0)
            return false;
    }
    return true;
}

/* The order in the file does not matter, but two heads of one writer would contradict each other.
 */
static enum err read_one(const struct jdoc *from, struct heads *to)
{
    struct head head = {.seq = 0};
    enum err rc;

    TRY(jdoc_hex(from, "writerId", head.writer, SIGNER_ID_LEN));
    TRY(jdoc_number(from, "seq", RECORD_SEQ_MAX, &head.seq));
    TRY(jdoc_hex(from, "recordId", head.id, RECORD_ID_LEN));
    if (heads_find(to, head.writer) != NULL)
        FAIL(ERR_CORRUPT, "a writer is twice in \"heads\"");
    TRY(heads_raise(to, &head));
out:
    return rc;
}

enum err heads_read(const struct jdoc *from, struct heads *out)
{
    struct heads heads = {NULL, 0, 0};
    struct jdoc *list = NULL;
    struct jdoc *item = NULL;
    size_t count = 0;
    enum err rc;

    TRY(jdoc_list(from, "heads", HEADS_MAX, &list, &count));
    for (size_t i = 0; i < count; i++) {
        TRY(jdoc_item(list, i, &item));
        TRY(read_one(item, &heads));
    }
    *out = heads;
    heads = (struct heads){NULL, 0, 0}; /* the caller's now */
out:
    heads_clear(&heads);
    return rc;
}

static enum err write_one(const struct head *from, struct jdoc *list)
{
    struct jdoc *item = NULL;
    enum err rc;

    TRY(jdoc_object(&item));
    TRY(jdoc_set_hex(item, "writerId", bytes_of(from->writer, SIGNER_ID_LEN)));
    TRY(jdoc_set_number(item, "seq", from->seq));
    TRY(jdoc_set_hex(item, "recordId", bytes_of(from->id, RECORD_ID_LEN)));
    TRY(jdoc_push(list, &item));
out:
    jdoc_free(item);
    return rc;
}

enum err heads_write(const struct heads *from, struct jdoc *to)
{
    struct jdoc *list = NULL;
    enum err rc;

    TRY(jdoc_array(&list));
    for (size_t i = 0; i < from->count; i++)
        TRY(write_one(&from->items[i], list));
    TRY(jdoc_set(to, "heads", &list));
out:
    jdoc_free(list);
    return rc;
}
