/*
 * Hostile bytes as an entry of an index. What decodes is within every limit, has paths that cannot
 * leave a target, and is encoded again to the same bytes.
 */
#include <assert.h>
#include <string.h>

#include "core/fs/path.h"
#include "snapshot/format/entry.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static bool is_root(struct bytes path)
{
    return path.len == 1 && path.data[0] == '.';
}

static void check_limits(const struct entry *e)
{
    uint64_t blocks = entry_blocks(e);

    assert(is_root(buf_bytes(&e->path)) || path_check(buf_bytes(&e->path)) == ERR_OK);
    assert(strlen(entry_path(e)) == e->path.len && e->path.len <= PATH_LEN_MAX);
    assert(e->type >= ENTRY_FILE && e->type <= ENTRY_FIFO);
    assert(e->size <= ENTRY_SIZE_MAX && (e->size == 0 || e->type == ENTRY_FILE));
    assert((blocks > 0) == (e->size > 0));
    if (blocks > 0) {
        size_t last = entry_block_len(e, blocks - 1);

        assert(last > 0 && last <= (size_t)1 << e->block_log2);
        assert(((blocks - 1) << e->block_log2) + last == e->size);
    }
    if ((e->flags & ENTRY_HARD_LINK) != 0)
        assert(e->type == ENTRY_FILE && path_check(buf_bytes(&e->link)) == ERR_OK);
    assert(e->extents.len <= (size_t)ENTRY_EXTENTS_MAX * 16);
}

static void check_xattrs(const struct entry *e)
{
    struct cursor rows = cursor_of(buf_bytes(&e->xattrs));
    struct bytes name = {NULL, 0};
    struct bytes value = {NULL, 0};

    for (uint32_t i = 0; i < e->xattr_count; i++) {
        assert(entry_take_xattr(&rows, &name, &value) == ERR_OK);
        assert(name.len > 0 && name.len <= 255);
    }
    assert(cursor_end(&rows) == ERR_OK);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct entry e;
    struct buf again = {.max = ENTRY_LEN_MAX};
    enum err rc;

    entry_init(&e);
    rc = entry_decode(bytes_of(data, size), &e);
    if (rc == ERR_OK) {
        check_limits(&e);
        check_xattrs(&e);
        assert(entry_encode(&e, &again) == ERR_OK);
        assert(bytes_equal(buf_bytes(&again), bytes_of(data, size)));
    } else {
        assert((rc == ERR_CORRUPT || rc == ERR_UNSUPPORTED) && *err_text() != '\0');
    }
    buf_clear(&again);
    entry_clear(&e);
    return 0;
}
