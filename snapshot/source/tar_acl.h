/*
 * The ACL of a libarchive entry, to and from that of ours (snapshot/format/acl.h).
 *
 * What a tar says less than completely is completed as setfacl does: a default list without owner,
 * group or others has those of the mode, and names without a mask get one that allows what they
 * all may. A name without a number stays one. Uses: libarchive, entry, acl.
 */
#ifndef SNAPSHOT_SOURCE_TAR_ACL_H
#define SNAPSHOT_SOURCE_TAR_ACL_H

#include "core/base/err.h"
#include "snapshot/format/entry.h"

struct archive_entry;

/* Sets to->acl; empty when there is none that says more than to->mode, whose bits for the group
 * become those of the mask. What cannot be kept is said by log_say. */
MUST_CHECK enum err tar_acl_import(struct archive_entry *from, struct entry *to);

MUST_CHECK enum err tar_acl_export(const struct entry *from, struct archive_entry *to);

#endif
