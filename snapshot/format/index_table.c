#include "snapshot/format/index_table.h"

#include <pthread.h>
#include <stdatomic.h>

#include "core/base/mem.h"
#include "snapshot/format/entry.h"

#define STEP 16 /* entries between two that are remembered */
#define HEAD_LEN 4
/* More entries do not begin in one frame. */
#define FRAME_ENTRIES_MAX (INDEX_FRAME_LEN / ENTRY_FIXED_LEN + 1)

/*
 * The plan.
 *
 * Of each frame is known which entry begins in it first, and where. Of a sealed index its directory
 * says so, and may lie: what can be compared without opening anything is compared at once (numbers
 * go up, and each place lies within the file table); the rest when a frame is gone through for the
 * first time, from one length to the next. Its entries must then be as many as the next frame's
 * number says, and lead exactly to where that one's first begins. So who has gone through all
 * frames has found no entry that the directory does not name, and missed none.
 */

struct spot {
    uint64_t number;          /* of the first entry that begins in the frame, or behind it */
    uint32_t at;              /* INDEX_NO_ENTRY: none begins in it */
    uint32_t *_Atomic starts; /* owned; every STEPth entry, from the frame's start; NULL: not yet */
};

struct index_table {
    struct index_image *image; /* borrowed */
    struct index_span span;
    uint32_t frame_count;
    struct spot *spots; /* owned */
    pthread_mutex_t lock;
    uint8_t *frame; /* owned; scratch, under the lock */
};

static uint64_t number_behind(const struct index_table *t, uint32_t f)
{
    return f + 1 < t->frame_count ? t->spots[f + 1].number : t->span.count;
}

/* ---- going through one frame ---- */

struct step {
    uint64_t number;
    uint64_t offset; /* where that entry begins, in the image */
};

/* From the entry at `s`, which begins in frame `f`, to the first that does not, or to the end of
 * all; noting every STEPth at `starts`, unless that is NULL. */
static enum err walk_frame(struct index_table *t, uint32_t f, uint64_t most, uint32_t *starts,
                           struct step *s)
{
    uint64_t frame_start = (uint64_t)f * INDEX_FRAME_LEN;
    uint64_t from = s->offset;
    uint64_t until = frame_start + INDEX_FRAME_LEN;
    uint64_t first = s->number;
    uint8_t head[HEAD_LEN];
    enum err rc = ERR_OK;

    if (until > t->span.end)
        until = t->span.end;
    TRY(index_image_read(t->image, from, t->frame, (size_t)(until - from)));
    while (s->offset < until) {
        uint64_t left = t->span.end - s->offset;
        uint64_t len;

        if (s->number - first == most)
            FAIL(ERR_CORRUPT, "bytes are left over after the file table of the index");
        if (left < ENTRY_FIXED_LEN)
            FAIL(ERR_CORRUPT, "the file table of the index ends early");
        if (until - s->offset < HEAD_LEN) { /* the rest of it is in the next frame */
            TRY(index_image_read(t->image, s->offset, head, HEAD_LEN));
            len = be_get(head, HEAD_LEN);
        } else {
            len = be_get(t->frame + (s->offset - from), HEAD_LEN);
        }
        if (len < ENTRY_FIXED_LEN || len > ENTRY_LEN_MAX || len > left)
            FAIL(ERR_CORRUPT, "an entry of the index has an impossible length");
        if (starts != NULL && (s->number - first) % STEP == 0)
            starts[(s->number - first) / STEP] = (uint32_t)(s->offset - frame_start);
        s->offset += len;
        s->number++;
    }
out:
    return rc;
}

/* The frame's entries lead to the next one's first. */
static enum err check_arrival(const struct index_table *t, uint32_t f, const struct step *s)
{
    uint32_t next = (uint32_t)(s->offset / INDEX_FRAME_LEN);
    bool fits = s->number == number_behind(t, f);

    if (s->number == t->span.count || s->offset == t->span.end)
        fits = fits && s->number == t->span.count && s->offset == t->span.end;
    else
        fits = fits && t->spots[next].number == s->number &&
               t->spots[next].at == s->offset % INDEX_FRAME_LEN;
    return fits ? ERR_OK
                : err_set(ERR_CORRUPT, "the directory of the index does not fit its file table");
}

static enum err remember_frame(struct index_table *t, uint32_t f, uint32_t **out)
{
    struct spot *spot = &t->spots[f];
    uint64_t count = number_behind(t, f) - spot->number;
    struct step s = {spot->number, (uint64_t)f * INDEX_FRAME_LEN + spot->at};
    uint32_t *starts = NULL;
    enum err rc = ERR_OK;

    pthread_mutex_lock(&t->lock);
    *out = atomic_load(&spot->starts);
    if (*out != NULL) /* another thread was faster */
        goto out;
    TRY(mem_new((size_t)(count + STEP - 1) / STEP, sizeof *starts, &starts));
    TRY(walk_frame(t, f, count, starts, &s));
    TRY(check_arrival(t, f, &s));
    *out = starts;
    atomic_store_explicit(&spot->starts, starts, memory_order_release);
    starts = NULL; /* the table's now */
out:
    pthread_mutex_unlock(&t->lock);
    mem_free(starts);
    return rc;
}

/* ---- opening ---- */

/* A file without a directory: all is gone through, and this is it. */
static enum err learn_all(struct index_table *t)
{
    struct step s = {0, t->span.start};
    enum err rc = ERR_OK;

    for (uint32_t f = 0; f < t->frame_count; f++) {
        bool begins = s.offset < t->span.end && s.offset / INDEX_FRAME_LEN == f;

        t->spots[f].number = s.number;
        t->spots[f].at = begins ? (uint32_t)(s.offset % INDEX_FRAME_LEN) : INDEX_NO_ENTRY;
        if (begins)
            TRY(walk_frame(t, f, t->span.count - s.number, NULL, &s));
    }
    if (s.number != t->span.count)
        FAIL(ERR_CORRUPT, "the file table of the index ends early");
out:
    return rc;
}

/* What the directory says of a frame, compared with what it says of the next one. */
static bool spot_is_possible(const struct index_table *t, uint32_t f)
{
    const struct spot *spot = &t->spots[f];
    uint64_t offset = (uint64_t)f * INDEX_FRAME_LEN + spot->at;
    uint64_t behind = number_behind(t, f);

    if (spot->number > behind || behind > t->span.count ||
        behind - spot->number > FRAME_ENTRIES_MAX)
        return false;
    if (spot->at == INDEX_NO_ENTRY)
        return spot->number == behind;
    return spot->number < behind && offset >= t->span.start && offset < t->span.end &&
           (spot->number > 0 || offset == t->span.start);
}

static enum err take_directory(struct index_table *t)
{
    struct index_mark mark;
    enum err rc = ERR_OK;

    for (uint32_t f = 0; f < t->frame_count; f++) {
        index_image_mark(t->image, f, &mark);
        t->spots[f].number = mark.first_number;
        t->spots[f].at = mark.first_at;
    }
    for (uint32_t f = 0; f < t->frame_count; f++)
        if (!spot_is_possible(t, f) || (f == 0 && t->spots[f].number != 0))
            FAIL(ERR_CORRUPT, "the directory of the index does not fit its file table");
    if (t->span.count == 0 && t->span.start != t->span.end)
        FAIL(ERR_CORRUPT, "bytes are left over after the file table of the index");
out:
    return rc;
}

enum err index_table_new(struct index_image *image, const struct index_span *span,
                         struct index_table **out)
{
    struct index_table *t = NULL;
    struct index_mark mark;
    enum err rc;

    TRY(mem_new(1, sizeof *t, &t));
    pthread_mutex_init(&t->lock, NULL);
    t->image = image;
    t->span = *span;
    t->frame_count = index_frame_count(index_image_size(image));
    TRY(mem_new(t->frame_count, sizeof *t->spots, &t->spots));
    TRY(mem_new(
        (span->end - span->start < INDEX_FRAME_LEN ? span->end - span->start : INDEX_FRAME_LEN) +
            HEAD_LEN,
        1, &t->frame));
    TRY(index_image_mark(image, 0, &mark) ? take_directory(t) : learn_all(t));
    *out = t;
    t = NULL; /* the caller's now */
out:
    index_table_free(t);
    return rc;
}

void index_table_free(struct index_table *t)
{
    if (t == NULL)
        return;
    for (uint32_t f = 0; t->spots != NULL && f < t->frame_count; f++)
        mem_free(atomic_load(&t->spots[f].starts));
    mem_free(t->spots);
    mem_free(t->frame);
    pthread_mutex_destroy(&t->lock);
    mem_free(t);
}

/* ---- asking ---- */

/* The last frame whose number is not above `i`: in it that entry begins. */
static uint32_t find_frame(const struct index_table *t, uint64_t i)
{
    uint32_t low = 0;
    uint32_t high = t->frame_count;

    while (high - low > 1) {
        uint32_t middle = low + (high - low) / 2;

        if (t->spots[middle].number <= i)
            low = middle;
        else
            high = middle;
    }
    return low;
}

enum err index_table_find(struct index_table *t, uint64_t i, uint64_t *offset, uint32_t *skip)
{
    uint32_t f = find_frame(t, i);
    uint32_t *starts = atomic_load_explicit(&t->spots[f].starts, memory_order_acquire);
    uint64_t behind_first = i - t->spots[f].number;
    enum err rc = ERR_OK;

    if (starts == NULL)
        TRY(remember_frame(t, f, &starts));
    *offset = (uint64_t)f * INDEX_FRAME_LEN + starts[behind_first / STEP];
    *skip = (uint32_t)(behind_first % STEP);
out:
    return rc;
}

void index_table_mark(const struct index_table *t, uint32_t frame, struct index_mark *out)
{
    out->first_at = t->spots[frame].at;
    out->first_number = t->spots[frame].number;
}
