/*
 * The POSIX.1e ACLs of an entry as the kernel keeps them: the values of two attributes.
 *
 * An entry has them as libarchive's text; an attribute can be set on a descriptor, without a path.
 * Uses: core, entry.
 */
#ifndef SNAPSHOT_RESTORE_TAR_ACL_H
#define SNAPSHOT_RESTORE_TAR_ACL_H

#include "core/base/bytes.h"
#include "core/base/err.h"
#include "snapshot/format/entry.h"

#define TAR_ACL_ACCESS "system.posix_acl_access"
#define TAR_ACL_DEFAULT "system.posix_acl_default"

/* Fill `access` and `by_default`, both reset first; empty: there is none. ERR_CORRUPT: the text is
 * none of an ACL, or names no number of a user or group. */
MUST_CHECK enum err tar_acl_encode(const struct entry *e, struct buf *access,
                                   struct buf *by_default);

#endif
