#include "snapshot/format/acl_xattr.h"

#include <string.h>

/* version(4), then rows of tag(2) ‖ permissions(2) ‖ id(4), all little-endian, in the order of the
 * tags, which is that of ours. */
#define XATTR_VERSION 2
#define NO_ID UINT32_C(0xffffffff)

static const uint16_t tags[ACL_TAG_COUNT] = {
    [ACL_TAG_OWNER] = 0x01, [ACL_TAG_USER] = 0x02, [ACL_TAG_OWNING_GROUP] = 0x04,
    [ACL_TAG_GROUP] = 0x08, [ACL_TAG_MASK] = 0x10, [ACL_TAG_OTHER] = 0x20,
};

bool acl_xattr_is(const char *name)
{
    return strcmp(name, ACL_XATTR_ACCESS) == 0 || strcmp(name, ACL_XATTR_DEFAULT) == 0;
}

static enum err add_number(struct buf *to, uint32_t number, size_t len)
{
    uint8_t bytes[4];

    for (size_t i = 0; i < len; i++)
        bytes[i] = (uint8_t)(number >> 8 * i);
    return buf_add(to, bytes_of(bytes, len));
}

static enum err take_number(struct cursor *c, size_t len, uint32_t *out)
{
    struct bytes bytes = {NULL, 0};
    enum err rc;

    TRY(cursor_take(c, len, &bytes));
    *out = 0;
    for (size_t i = 0; i < len; i++)
        *out |= (uint32_t)bytes.data[i] << 8 * i;
out:
    return rc;
}

enum err acl_xattr_add(const struct acl_row *row, struct buf *to)
{
    enum err rc;

    if (to->len == 0)
        TRY(add_number(to, XATTR_VERSION, 4));
    TRY(add_number(to, tags[row->tag], 2));
    TRY(add_number(to, row->permissions, 2));
    TRY(add_number(to, acl_tag_is_named(row->tag) ? row->id : NO_ID, 4));
out:
    return rc;
}

enum err acl_xattr_begin(struct bytes value, struct cursor *c)
{
    uint32_t version = 0;
    enum err rc;

    *c = cursor_of(value);
    TRY(take_number(c, 4, &version));
    if (version != XATTR_VERSION)
        FAIL(ERR_CORRUPT, "an ACL of an unknown version");
out:
    return rc;
}

enum err acl_xattr_take(struct cursor *c, struct acl_row *row)
{
    uint32_t tag = 0;
    uint32_t permissions = 0;
    uint32_t id = 0;
    enum err rc;

    TRY(take_number(c, 2, &tag));
    TRY(take_number(c, 2, &permissions));
    TRY(take_number(c, 4, &id));
    *row = (struct acl_row){.permissions = permissions & 7};
    for (; row->tag < ACL_TAG_OTHER && tags[row->tag] != tag; row->tag++)
        ;
    row->has_id = acl_tag_is_named(row->tag);
    row->id = row->has_id ? id : 0;
    if (tags[row->tag] != tag || permissions > 7 || (row->has_id && id > ACL_ID_MAX))
        FAIL(ERR_CORRUPT, "an ACL with a row of no known kind");
out:
    return rc;
}
