#include "snapshot/restore/tar_acl.h"

#include <archive.h>
#include <archive_entry.h>

/*
 * The value is version(4) and rows of tag(2) ‖ permissions(2) ‖ id(4), all little-endian
 * (linux/posix_acl_xattr.h). The kernel wants the rows in the order of their tags, which is that of
 * `rows` below. libarchive's permission bits are the kernel's.
 */
#define XATTR_VERSION 2
#define NO_ID UINT32_C(0xffffffff)

static const struct {
    uint16_t tag;
    int archive_tag;
} rows[] = {
    {0x01, ARCHIVE_ENTRY_ACL_USER_OBJ},  {0x02, ARCHIVE_ENTRY_ACL_USER},
    {0x04, ARCHIVE_ENTRY_ACL_GROUP_OBJ}, {0x08, ARCHIVE_ENTRY_ACL_GROUP},
    {0x10, ARCHIVE_ENTRY_ACL_MASK},      {0x20, ARCHIVE_ENTRY_ACL_OTHER},
};

static enum err add_number(struct buf *to, uint32_t number, size_t len)
{
    uint8_t bytes[4];

    for (size_t i = 0; i < len; i++)
        bytes[i] = (uint8_t)(number >> 8 * i);
    return buf_add(to, bytes_of(bytes, len));
}

static enum err add_row(struct buf *to, size_t row, int permissions, int id)
{
    bool has_id = rows[row].archive_tag == ARCHIVE_ENTRY_ACL_USER ||
                  rows[row].archive_tag == ARCHIVE_ENTRY_ACL_GROUP;
    enum err rc;

    if (has_id && id < 0)
        FAIL(ERR_CORRUPT, "an ACL names a user or group without a number");
    TRY(add_number(to, rows[row].tag, 2));
    TRY(add_number(to, (uint32_t)permissions & 7, 2));
    TRY(add_number(to, has_id ? (uint32_t)id : NO_ID, 4));
out:
    return rc;
}

static enum err encode_type(struct archive_entry *from, int wanted, struct buf *to)
{
    enum err rc = ERR_OK;

    to->len = 0;
    if (archive_entry_acl_reset(from, wanted) == 0)
        goto out;
    TRY(add_number(to, XATTR_VERSION, 4));
    for (size_t row = 0; row < sizeof rows / sizeof rows[0]; row++) {
        int type, permissions, tag, id;
        const char *name;

        archive_entry_acl_reset(from, wanted);
        while (archive_entry_acl_next(from, wanted, &type, &permissions, &tag, &id, &name) ==
               ARCHIVE_OK)
            if (tag == rows[row].archive_tag)
                TRY(add_row(to, row, permissions, id));
    }
out:
    return rc;
}

enum err tar_acl_encode(const struct entry *e, struct buf *access, struct buf *by_default)
{
    struct archive_entry *from = NULL;
    enum err rc = ERR_OK;

    access->len = 0;
    by_default->len = 0;
    if (e->acl.len == 0)
        goto out;
    from = archive_entry_new();
    if (from == NULL)
        FAIL(ERR_FAILED, "out of memory for libarchive");
    archive_entry_set_perm(from, e->mode);
    if (archive_entry_acl_from_text(from, (const char *)e->acl.data,
                                    ARCHIVE_ENTRY_ACL_TYPE_ACCESS |
                                        ARCHIVE_ENTRY_ACL_TYPE_DEFAULT) != ARCHIVE_OK)
        FAIL(ERR_CORRUPT, "an ACL cannot be read");
    TRY(encode_type(from, ARCHIVE_ENTRY_ACL_TYPE_ACCESS, access));
    TRY(encode_type(from, ARCHIVE_ENTRY_ACL_TYPE_DEFAULT, by_default));
out:
    archive_entry_free(from);
    if (rc != ERR_OK)
        err_note("%s", entry_path(e));
    return rc;
}
