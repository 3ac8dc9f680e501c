#include "snapshot/read/soundness.h"

#include <pthread.h>

#include "core/base/mem.h"

#define LOOK_ROWS 256

struct soundness {
    const struct snapshot_reader *from; /* borrowed */
    pthread_mutex_t lock;
    bool lost_any;
    uint8_t *objects; /* owned; one bit each, set when it is lost */
    uint8_t *rows;    /* owned; the same; NULL until one is lost, for there are many */
};

enum err soundness_new(const struct snapshot_reader *reader, struct soundness **out)
{
    struct soundness *s = NULL;
    enum err rc;

    TRY(mem_new(1, sizeof *s, &s));
    s->from = reader;
    pthread_mutex_init(&s->lock, NULL);
    TRY(mem_new(reader->manifest.object_count / 8 + 1, 1, &s->objects));
    *out = s;
    s = NULL; /* the caller's now */
out:
    soundness_free(s);
    return rc;
}

void soundness_free(struct soundness *s)
{
    if (s == NULL)
        return;
    pthread_mutex_destroy(&s->lock);
    mem_free(s->objects);
    mem_free(s->rows);
    mem_free(s);
}

static void set_bit(uint8_t *bits, uint64_t i)
{
    bits[i / 8] |= (uint8_t)(1 << i % 8);
}

static bool has_bit(const uint8_t *bits, uint64_t i)
{
    return (bits[i / 8] >> i % 8 & 1) != 0;
}

void soundness_lose_object(struct soundness *s, uint32_t number)
{
    pthread_mutex_lock(&s->lock);
    set_bit(s->objects, number);
    s->lost_any = true;
    pthread_mutex_unlock(&s->lock);
}

enum err soundness_lose_row(struct soundness *s, uint64_t row)
{
    enum err rc = ERR_OK;

    pthread_mutex_lock(&s->lock);
    if (s->rows == NULL)
        TRY(mem_new(index_header(s->from->index)->block_count / 8 + 1, 1, &s->rows));
    set_bit(s->rows, row);
    s->lost_any = true;
out:
    pthread_mutex_unlock(&s->lock);
    return rc;
}

bool soundness_is_whole(const struct soundness *s)
{
    return !s->lost_any;
}

bool soundness_has_object(const struct soundness *s, uint32_t number)
{
    return !has_bit(s->objects, number);
}

static bool is_lost(const struct soundness *s, uint64_t number, const uint8_t *row)
{
    if (block_row_is_zero(row))
        return false;
    return !soundness_has_object(s, block_row_object(row)) ||
           (s->rows != NULL && has_bit(s->rows, number));
}

/* The content of a regular file that is no hard link. */
static enum err look_at_content(const struct soundness *s, const struct entry *content, bool *whole)
{
    uint8_t rows[LOOK_ROWS * BLOCK_ROW_LEN];
    uint64_t blocks = entry_blocks(content);
    enum err rc = ERR_OK;

    *whole = true;
    for (uint64_t i = 0; i < blocks && *whole; i += LOOK_ROWS) {
        size_t count = blocks - i < LOOK_ROWS ? (size_t)(blocks - i) : LOOK_ROWS;
        uint64_t first = content->first_block + i;

        TRY(index_rows(s->from->index, first, count, rows));
        for (size_t k = 0; k < count && *whole; k++)
            *whole = !is_lost(s, first + k, rows + k * BLOCK_ROW_LEN);
    }
out:
    return rc;
}

struct listing {
    const struct soundness *soundness;
    const struct selection *selection;
    struct path_list *damaged;
    uint64_t files;
    struct entry first; /* owned */
};

static enum err list_entry(void *arg, const struct entry *e)
{
    struct listing *l = arg;
    const struct entry *content = e;
    bool is_chosen = false;
    bool whole = true;
    enum err rc = ERR_OK;

    if (e->type != ENTRY_FILE)
        goto out;
    l->files++;
    if ((e->flags & ENTRY_HARD_LINK) != 0) {
        TRY(selection_first_name(l->selection, e, &l->first, &is_chosen));
        content = &l->first;
    }
    TRY(look_at_content(l->soundness, content, &whole));
    if (!whole)
        TRY(path_list_add(l->damaged, buf_bytes(&e->path)));
out:
    return rc;
}

enum err soundness_list(const struct soundness *s, const struct selection *of,
                        struct path_list *damaged, uint64_t *files)
{
    struct listing l = {.soundness = s, .selection = of, .damaged = damaged};
    enum err rc;

    entry_init(&l.first);
    TRY(selection_walk(of, list_entry, &l));
    *files = l.files;
out:
    entry_clear(&l.first);
    return rc;
}
