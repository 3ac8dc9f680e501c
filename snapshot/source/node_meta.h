/*
 * Attributes and ACL of what is not opened to be read: a symbolic link, a fifo.
 *
 * By name in the directory that is open, and never through a link. Uses: core/base, entry, acl.
 */
#ifndef SNAPSHOT_SOURCE_NODE_META_H
#define SNAPSHOT_SOURCE_NODE_META_H

#include "core/base/err.h"
#include "snapshot/format/entry.h"

/* Into `to`. ERR_FAILED: an attribute that is there cannot be read. */
MUST_CHECK enum err node_meta_read(int dir, const char *name, struct entry *to);

#endif
