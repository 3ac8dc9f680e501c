#include "snapshot/source/node_meta.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/xattr.h>

#include "snapshot/format/acl_xattr.h"

#define NODE_PATH_MAX (NAME_MAX + 32)
#define LIST_LEN_MAX ((size_t)64 * KIB)  /* the kernel's limits: XATTR_LIST_MAX */
#define VALUE_LEN_MAX ((size_t)64 * KIB) /* and XATTR_SIZE_MAX */

/* No attributes here: none kept, or gone meanwhile. */
static bool means_none(int cause)
{
    return cause == ENOTSUP || cause == ENODATA || cause == ENOENT || cause == EPERM ||
           cause == EACCES;
}

/* Its number alone: a fifo's ACL is rare enough to do without names. */
static enum err take_acl(struct bytes value, struct entry *to)
{
    struct acl_row row;
    struct cursor rows;
    enum err rc;

    TRY(acl_xattr_begin(value, &rows));
    while (rows.left > 0) {
        TRY(acl_xattr_take(&rows, &row));
        TRY(acl_add(&row, &to->acl));
    }
    TRY(buf_add(&to->acl, bytes_of("", 1)));
    to->acl.len--; /* the NUL is there, not counted */
out:
    return rc;
}

static enum err take_attribute(const char *path, const char *name, struct buf *room,
                               struct entry *to)
{
    ssize_t len = lgetxattr(path, name, room->data, VALUE_LEN_MAX);
    enum err rc = ERR_OK;

    if (len < 0 && means_none(errno))
        goto out;
    if (len < 0)
        FAIL_SYS(ERR_FAILED, "reading attribute %s of %s", name, entry_path(to));
    if (strcmp(name, ACL_XATTR_ACCESS) == 0)
        TRY(take_acl(bytes_of(room->data, (size_t)len), to));
    else if (!acl_xattr_is(name))
        TRY(entry_add_xattr(to, bytes_of_text(name), bytes_of(room->data, (size_t)len)));
out:
    return rc;
}

enum err node_meta_read(int dir, const char *name, struct entry *to)
{
    struct buf names = {.max = LIST_LEN_MAX};
    struct buf value = {.max = VALUE_LEN_MAX};
    char path[NODE_PATH_MAX];
    ssize_t len;
    enum err rc = ERR_OK;

    snprintf(path, sizeof path, "/proc/self/fd/%d/%s", dir, name);
    len = llistxattr(path, NULL, 0);
    if (len == 0 || (len < 0 && means_none(errno)))
        goto out;
    TRY(buf_reserve(&names, LIST_LEN_MAX));
    TRY(buf_reserve(&value, VALUE_LEN_MAX));
    len = llistxattr(path, (char *)names.data, LIST_LEN_MAX);
    if (len < 0 && !means_none(errno))
        FAIL_SYS(ERR_FAILED, "reading the attributes of %s", entry_path(to));
    for (ssize_t i = 0; i < len; i += (ssize_t)strlen((char *)names.data + i) + 1)
        TRY(take_attribute(path, (char *)names.data + i, &value, to));
out:
    buf_clear(&names);
    buf_clear(&value);
    return rc;
}
