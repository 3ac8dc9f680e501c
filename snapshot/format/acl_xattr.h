/*
 * An ACL as the Linux kernel takes and gives it: the value of an extended attribute
 * (linux/posix_acl_xattr.h). In a snapshot it is text (acl.h), so these attributes are in no entry.
 *
 * Uses: core/base, acl.
 */
#ifndef SNAPSHOT_FORMAT_ACL_XATTR_H
#define SNAPSHOT_FORMAT_ACL_XATTR_H

#include <stdbool.h>

#include "core/base/bytes.h"
#include "core/base/err.h"
#include "snapshot/format/acl.h"

#define ACL_XATTR_ACCESS "system.posix_acl_access"
#define ACL_XATTR_DEFAULT "system.posix_acl_default"
/* More rows than this are no ACL. */
#define ACL_XATTR_LEN_MAX ((size_t)64 * KIB)

/* The name of one of the two? */
bool acl_xattr_is(const char *name);

/* The first row puts what stands in front of all. A row that takes a name has its number. */
MUST_CHECK enum err acl_xattr_add(const struct acl_row *row, struct buf *to);

/* Begin to read, and the next row, without names. ERR_CORRUPT: not such a value. */
MUST_CHECK enum err acl_xattr_begin(struct bytes value, struct cursor *c);
MUST_CHECK enum err acl_xattr_take(struct cursor *c, struct acl_row *row);

#endif
