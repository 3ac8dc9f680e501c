#include "snapshot/read/file_reader.h"

#include "core/base/mem.h"
#include "core/base/stop.h"
#include "snapshot/read/block_reader.h"

struct file_reader {
    const struct snapshot_reader *from; /* borrowed */
    struct block_reader *reader;
    uint8_t *plain; /* owned, BLOCK_LEN_MAX */
};

enum err file_reader_new(const struct snapshot_reader *reader, struct file_reader **out)
{
    struct file_reader *c = NULL;
    enum err rc;

    TRY(mem_new(1, sizeof *c, &c));
    c->from = reader;
    TRY(block_reader_new(reader, &c->reader));
    TRY(mem_new(BLOCK_LEN_MAX, 1, &c->plain));
    *out = c;
    c = NULL; /* the caller's now */
out:
    file_reader_free(c);
    return rc;
}

void file_reader_free(struct file_reader *c)
{
    if (c == NULL)
        return;
    block_reader_free(c->reader);
    mem_free(c->plain);
    mem_free(c);
}

enum err file_reader_find(struct file_reader *c, struct bytes path, struct entry *out)
{
    struct bytes link;
    uint64_t i = 0;
    enum err rc;

    TRY(index_find(c->from->index, path, &i));
    TRY(index_entry(c->from->index, i, out));
    if ((out->flags & ENTRY_HARD_LINK) == 0)
        goto out;
    link = buf_bytes(&out->link);
    TRY(index_find(c->from->index, link, &i));
    TRY(index_entry(c->from->index, i, out));
    if (out->type != ENTRY_FILE || (out->flags & ENTRY_HARD_LINK) != 0)
        FAIL(ERR_CORRUPT, "a hard link leads to something that is not a regular file");
out:
    return rc;
}

enum err file_reader_read(struct file_reader *c, const struct entry *e, file_reader_sink *sink,
                          void *arg)
{
    uint64_t blocks = entry_blocks(e);
    uint8_t row[BLOCK_ROW_LEN];
    struct block b = {0};
    enum err rc = ERR_OK;

    for (uint64_t i = 0; i < blocks; i++) {
        size_t len = entry_block_len(e, i);

        TRY(stop_check());
        TRY(index_rows(c->from->index, e->first_block + i, 1, row));
        TRY(block_decode(row, &b));
        TRY(block_reader_read(c->reader, &b, c->plain, len));
        TRY(sink(arg, bytes_of(c->plain, len)));
    }
out:
    if (rc != ERR_OK)
        err_note("%s", entry_path(e));
    return rc;
}
