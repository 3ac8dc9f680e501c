#include "core/ledger/bundle.h"

#include <string.h>

#include "core/base/mem.h"
#include "core/ledger/record.h"

#define WINDOW_LEN (4 * RECORD_LEN_MAX)

/* The part of the source that is in memory: bytes that were read and not yet given to `take`. Four
 * records long, so that most reads bring several and the rest that is moved to the front is short.
 */
struct window {
    uint8_t *data; /* owned, WINDOW_LEN */
    size_t first;
    size_t end;
    uint64_t offset; /* in the source, of `end` */
};

/* The two lines at the front of the window; a length of 0 means that they are not complete yet. */
static struct bytes front_record(const struct window *w)
{
    const uint8_t *data = w->data + w->first;
    const uint8_t *stop = w->data + w->end;
    const uint8_t *line = data;

    for (int i = 0; i < 2; i++) {
        line = line < stop ? memchr(line, '\n', (size_t)(stop - line)) : NULL;
        if (line == NULL)
            return bytes_of(data, 0);
        line++;
    }
    return bytes_of(data, (size_t)(line - data));
}

static enum err fill_window(struct window *w, const struct bundle_source *from)
{
    uint64_t left = from->size - w->offset;
    size_t len;
    enum err rc;

    w->end -= w->first;
    memmove(w->data, w->data + w->first, w->end);
    w->first = 0;
    len = WINDOW_LEN - w->end;
    if (len > left)
        len = (size_t)left;
    TRY(from->read(from->arg, w->offset, w->data + w->end, len));
    w->end += len;
    w->offset += len;
out:
    return rc;
}

enum err bundle_each(const struct bundle_source *from, bundle_take *take, void *arg, uint64_t *good)
{
    struct window w = {.data = NULL};
    struct bytes raw;
    enum err rc;

    *good = 0;
    TRY(mem_new(WINDOW_LEN, 1, &w.data));
    for (;;) {
        raw = front_record(&w);
        if (raw.len > 0) {
            TRY(take(arg, raw));
            w.first += raw.len;
            *good += raw.len;
        } else if (w.end - w.first > RECORD_LEN_MAX) {
            FAIL(ERR_CORRUPT, "a record of more than %zu bytes", RECORD_LEN_MAX);
        } else if (w.offset < from->size) {
            TRY(fill_window(&w, from));
        } else {
            break;
        }
    }
    if (w.end > w.first)
        FAIL(ERR_CORRUPT, "%zu bytes at the end are not a whole record", w.end - w.first);
out:
    mem_free(w.data);
    return rc;
}
