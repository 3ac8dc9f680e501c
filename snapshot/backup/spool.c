#include "snapshot/backup/spool.h"

#include <unistd.h>

#include "core/base/mem.h"
#include "core/fs/file.h"
#include "snapshot/format/block.h"
#include "snapshot/format/index.h"

#define WRITE_LEN (64 * KIB)

struct spool {
    char *dir;   /* owned; for messages */
    int entries; /* owned descriptors */
    int rows;
    struct buf unwritten; /* the tail of the entries */
    uint64_t written;
    uint64_t count;
};

enum err spool_new(const char *dir, struct spool **out)
{
    struct spool *s = NULL;
    enum err rc;

    TRY(mem_new(1, sizeof *s, &s));
    s->entries = s->rows = -1;
    s->unwritten.max = WRITE_LEN + ENTRY_LEN_MAX;
    TRY(mem_text(dir, &s->dir));
    TRY(file_temporary(dir, &s->entries));
    TRY(file_temporary(dir, &s->rows));
    *out = s;
    s = NULL; /* the caller's now */
out:
    spool_free(s);
    return rc;
}

void spool_free(struct spool *s)
{
    if (s == NULL)
        return;
    if (s->entries >= 0)
        close(s->entries);
    if (s->rows >= 0)
        close(s->rows);
    buf_clear(&s->unwritten);
    mem_free(s->dir);
    mem_free(s);
}

/* The files have no name: what is full is the directory. */
static enum err write_at(const struct spool *s, int fd, struct bytes what, uint64_t offset)
{
    enum err rc = file_write_at(fd, what, offset);

    if (rc == ERR_OK)
        return rc;
    err_note("state directory %s", s->dir);
    err_hint("--state-dir DIR names one that can be written");
    return rc;
}

static enum err flush_entries(struct spool *s)
{
    enum err rc;

    TRY(write_at(s, s->entries, buf_bytes(&s->unwritten), s->written));
    s->written += s->unwritten.len;
    s->unwritten.len = 0;
out:
    return rc;
}

enum err spool_add(struct spool *s, const struct entry *e, uint64_t *offset)
{
    enum err rc;

    *offset = spool_entries_len(s);
    TRY(entry_encode(e, &s->unwritten));
    s->count++;
    if (s->unwritten.len >= WRITE_LEN)
        TRY(flush_entries(s));
out:
    return rc;
}

enum err spool_mark(struct spool *s, uint64_t offset, uint8_t flag)
{
    uint8_t head[ENTRY_HEAD_LEN];
    enum err rc;

    TRY(spool_read(s, offset, head, sizeof head));
    entry_head_mark(head, flag);
    TRY(write_at(s, s->entries, bytes_of(head, sizeof head), offset));
out:
    return rc;
}

enum err spool_put_rows(struct spool *s, uint64_t first, const uint8_t *rows, size_t count)
{
    return write_at(s, s->rows, bytes_of(rows, count * BLOCK_ROW_LEN), first * BLOCK_ROW_LEN);
}

enum err spool_get_rows(struct spool *s, uint64_t first, uint8_t *rows, size_t count)
{
    size_t got = 0;
    enum err rc;

    TRY(file_read_at(s->rows, rows, count * BLOCK_ROW_LEN, first * BLOCK_ROW_LEN, &got));
    if (got != count * BLOCK_ROW_LEN)
        FAIL(ERR_FAILED, "the temporary block map ends early");
out:
    return rc;
}

uint64_t spool_entry_count(const struct spool *s)
{
    return s->count;
}

uint64_t spool_entries_len(const struct spool *s)
{
    return s->written + s->unwritten.len;
}

enum err spool_read(struct spool *s, uint64_t offset, void *to, size_t len)
{
    size_t got = 0;
    enum err rc;

    if (s->unwritten.len > 0)
        TRY(flush_entries(s));
    TRY(file_read_at(s->entries, to, len, offset, &got));
    if (got != len)
        FAIL(ERR_FAILED, "the temporary file table ends early");
out:
    return rc;
}
