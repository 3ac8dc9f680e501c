/*
 * A POSIX.1e ACL as an entry holds it: text, a line for each row (docs/FORMAT.md, 6.2).
 *
 *   ["default:"] ("user" | "group" | "mask" | "other") ":" name ":" rwx [":" id] "\n"
 *
 * Names are those of the machine that was backed up, and numbers stand beside them, as an owner's.
 * Uses: core/base.
 */
#ifndef SNAPSHOT_FORMAT_ACL_H
#define SNAPSHOT_FORMAT_ACL_H

#include <stdbool.h>
#include <stdint.h>

#include "core/base/bytes.h"
#include "core/base/err.h"

/* In the order of the rows. */
enum acl_tag {
    ACL_TAG_OWNER,        /* user:: */
    ACL_TAG_USER,         /* user:NAME: */
    ACL_TAG_OWNING_GROUP, /* group:: */
    ACL_TAG_GROUP,        /* group:NAME: */
    ACL_TAG_MASK,
    ACL_TAG_OTHER,
};
#define ACL_TAG_COUNT (ACL_TAG_OTHER + 1)

#define ACL_NAME_MAX 255
#define ACL_ID_MAX (UINT32_MAX - 1)

struct acl_row {
    bool is_default; /* of a directory: what is made in it gets this */
    enum acl_tag tag;
    uint32_t permissions; /* 4 read, 2 write, 1 execute */
    struct bytes name;    /* of a user or group; empty: not known; borrowed */
    bool has_id;
    uint32_t id; /* its number, if that is known */
};

/* Does the tag take a name or number? */
bool acl_tag_is_named(enum acl_tag tag);
/* True for a name that a row can hold. */
bool acl_name_fits(struct bytes name);

MUST_CHECK enum err acl_add(const struct acl_row *row, struct buf *to);
/* The next row; borrows its name. ERR_CORRUPT: not in the one form that there is. */
MUST_CHECK enum err acl_take(struct cursor *from, struct acl_row *row);

/* Rows of the access list, then those of the default list, each in the order of their tags, with
 * owner, owning group and others once, and a mask when there are names. ERR_CORRUPT: they are not,
 * or a default list that is no directory's. */
MUST_CHECK enum err acl_check(struct bytes text, bool is_directory);

#endif
