/*
 * Hostile bytes as the image of an index. What opens can be read as a restore reads it: each entry
 * is found by its name, each lies in a directory that came before it, each block in an object.
 */
#include <assert.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "core/fs/path.h"
#include "snapshot/format/index.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static int file_of(const uint8_t *data, size_t size)
{
    int fd = memfd_create("image", MFD_CLOEXEC);

    assert(fd >= 0);
    assert(size == 0 || write(fd, data, size) == (ssize_t)size);
    return fd;
}

static void check_blocks(const struct index *x, const struct entry *e)
{
    uint8_t row[BLOCK_ROW_LEN];
    struct block b = {0};

    for (uint64_t i = 0; i < entry_blocks(e); i++) {
        assert(index_rows(x, e->first_block + i, 1, row) == ERR_OK);
        assert(block_decode(row, &b) == ERR_OK && b.stored_len <= BLOCK_LEN_MAX);
        assert(b.codec == BLOCK_ZERO || b.object < index_header(x)->object_count);
        assert(entry_block_len(e, i) > 0 && entry_block_len(e, i) <= BLOCK_LEN_MAX);
    }
}

/* Every directory above a path is an entry of its own, and a directory: nothing is written through
 * a link. */
static void check_directories(const struct index *x, struct bytes path, struct entry *scratch)
{
    uint64_t offset = 0;

    for (size_t i = 0; i < path.len; i++) {
        if (path.data[i] != '/')
            continue;
        assert(index_find(x, bytes_of(path.data, i), &offset) == ERR_OK);
        assert(index_entry(x, offset, scratch) == ERR_OK && scratch->type == ENTRY_DIR);
    }
}

static void check_all(const struct index *x)
{
    struct entry e;
    struct entry scratch;
    uint64_t offset = 0;

    entry_init(&e);
    entry_init(&scratch);
    for (uint64_t i = 0; i < index_header(x)->file_count; i++) {
        assert(index_entry(x, i, &e) == ERR_OK);
        assert(index_find(x, buf_bytes(&e.path), &offset) == ERR_OK && offset == i);
        check_directories(x, buf_bytes(&e.path), &scratch);
        check_blocks(x, &e);
    }
    entry_clear(&e);
    entry_clear(&scratch);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct index *x = NULL;
    enum err rc = index_open(file_of(data, size), size, &x);

    if (rc != ERR_OK) {
        assert((rc == ERR_CORRUPT || rc == ERR_UNSUPPORTED) && *err_text() != '\0' && x == NULL);
        return 0;
    }
    assert(index_image_len(index_header(x)) == size);
    check_all(x);
    index_free(x);
    return 0;
}
