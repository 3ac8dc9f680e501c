#include "tests/unit/snapshot/index_samples.h"

#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "core/fs/file.h"
#include "snapshot/format/index.h"
#include "tests/unit/helpers.h"

struct path_list list_of(const char *const *paths)
{
    struct path_list l = {.count = 0};

    for (; *paths != NULL; paths++)
        assert_done(path_list_add(&l, bytes_of_text(*paths)));
    return l;
}

struct parts parts_of_nothing(void)
{
    struct parts p = {.objects = {.max = MIB}, .entries = {.max = 4 * MIB}, .rows = {.max = MIB}};

    memcpy(p.header.snapshot, "snapshot-id!", SNAPSHOT_ID_LEN);
    return p;
}

void parts_clear(struct parts *p)
{
    buf_clear(&p->objects);
    buf_clear(&p->entries);
    buf_clear(&p->rows);
}

struct entry entry_at(enum entry_type type, const char *path)
{
    struct entry e;

    entry_init(&e);
    e.type = type;
    e.mode = type == ENTRY_DIR ? 0755 : 0644;
    e.mtime_s = 1700000000;
    e.ctime_s = 1700000001;
    e.inode = 42;
    assert_done(buf_add(&e.path, bytes_of(path, strlen(path) + 1)));
    e.path.len--;
    return e;
}

void add_entry(struct parts *p, const struct entry *e)
{
    assert_done(entry_encode(e, &p->entries));
    p->header.file_count++;
    p->header.files_len = p->entries.len;
}

void add_named(struct parts *p, enum entry_type type, const char *path)
{
    struct entry e = entry_at(type, path);

    if (type == ENTRY_SYMLINK)
        assert_done(buf_add_text(&e.link, "target"));
    add_entry(p, &e);
    entry_clear(&e);
}

void add_sized(struct parts *p, const char *path, uint64_t size, uint64_t first)
{
    struct entry e = entry_at(ENTRY_FILE, path);

    e.size = size;
    e.block_log2 = 16;
    e.first_block = first;
    add_entry(p, &e);
    entry_clear(&e);
}

void add_object(struct parts *p, uint8_t first_byte)
{
    uint8_t id[SEAL_ID_LEN] = {first_byte};

    assert_done(buf_add(&p->objects, bytes_of(id, sizeof id)));
    p->header.object_count++;
}

void add_row(struct parts *p, const struct block *b)
{
    uint8_t row[BLOCK_ROW_LEN];

    block_encode(b, row);
    assert_done(buf_add(&p->rows, bytes_of(row, sizeof row)));
    p->header.block_count++;
}

void add_block(struct parts *p, uint32_t object, uint64_t offset)
{
    struct block b = {
        .sha256 = {1, 2, 3}, .object = object, .offset = offset, .stored_len = 100, .codec = 1};

    add_row(p, &b);
}

struct buf image_of(const struct parts *p)
{
    struct buf image = {.max = 16 * MIB};
    uint8_t head[INDEX_HEADER_LEN];

    index_header_encode(&p->header, head);
    assert_done(buf_add(&image, bytes_of(head, sizeof head)));
    assert_done(buf_add(&image, buf_bytes(&p->objects)));
    assert_done(buf_add(&image, buf_bytes(&p->entries)));
    assert_done(buf_add(&image, buf_bytes(&p->rows)));
    return image;
}

int file_of(struct bytes content)
{
    int fd = memfd_create("image", MFD_CLOEXEC);

    assert_true(fd >= 0);
    assert_done(file_write(fd, content));
    return fd;
}

enum err open_image(struct bytes image, struct index **out)
{
    return index_open(file_of(image), image.len, out);
}

enum err open_parts(const struct parts *p, struct index **out)
{
    struct buf image = image_of(p);
    enum err rc = open_image(buf_bytes(&image), out);

    buf_clear(&image);
    return rc;
}

struct parts parts_of_all(void)
{
    struct parts p = parts_of_nothing();
    struct block zero = {.codec = BLOCK_ZERO};
    struct block raw = {.sha256 = {9}, .object = 1, .offset = 7, .stored_len = 5, .codec = 0};
    struct entry e = entry_at(ENTRY_FILE, "d/f");

    add_object(&p, 0xa1);
    add_object(&p, 0xa2);
    add_named(&p, ENTRY_DIR, ".");
    add_named(&p, ENTRY_DIR, "d");
    e.size = 65536 + 5;
    e.block_log2 = 16;
    assert_done(buf_add_text(&e.user, "mongod"));
    assert_done(buf_add_text(&e.group, "mongod"));
    assert_done(entry_add_xattr(&e, bytes_of_text("user.a"), bytes_of_text("b")));
    assert_done(buf_add_text(&e.acl, "user::rw-\ngroup::r--\nother::r--\n"));
    assert_done(entry_add_extent(&e, 65536, 5));
    add_entry(&p, &e);
    entry_clear(&e);
    add_named(&p, ENTRY_FIFO, "d/pipe");
    e = entry_at(ENTRY_FILE, "hard");
    e.flags = ENTRY_HARD_LINK;
    assert_done(buf_add_text(&e.link, "d/f"));
    add_entry(&p, &e);
    entry_clear(&e);
    add_sized(&p, "one", 3, 2);
    add_named(&p, ENTRY_SYMLINK, "soft");
    add_row(&p, &zero);
    add_row(&p, &raw);
    add_block(&p, 0, 0);
    return p;
}

void use_index(const struct index *x)
{
    const struct index_header *h = index_header(x);
    uint8_t row[BLOCK_ROW_LEN];
    struct block b = {0};
    struct entry e;
    uint64_t found = 0;

    entry_init(&e);
    for (uint64_t i = 0; i < h->file_count; i++) {
        if (index_entry(x, i, &e) != ERR_OK || index_find(x, buf_bytes(&e.path), &found) != ERR_OK)
            abort();
        if (found != i || strlen(entry_path(&e)) != e.path.len || *entry_path(&e) == '/' ||
            strncmp(entry_path(&e), "../", 3) == 0 || strstr(entry_path(&e), "/../") != NULL)
            abort();
        for (uint64_t k = 0; k < entry_blocks(&e); k++) {
            size_t len = entry_block_len(&e, k);

            if (len == 0 || len > BLOCK_LEN_MAX ||
                index_rows(x, e.first_block + k, 1, row) != ERR_OK)
                abort();
            if (block_decode(row, &b) != ERR_OK || b.stored_len > BLOCK_LEN_MAX ||
                (b.codec != BLOCK_ZERO && b.object >= h->object_count))
                abort();
        }
    }
    entry_clear(&e);
}
