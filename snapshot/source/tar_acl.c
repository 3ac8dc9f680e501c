#include "snapshot/source/tar_acl.h"

#include <string.h>

#include <archive.h>
#include <archive_entry.h>

#include "core/base/log.h"
#include "core/base/text.h"
#include "snapshot/format/acl.h"
#include "snapshot/format/acl_xattr.h"

#define SHOWN_MAX 512

static const int archive_tags[ACL_TAG_COUNT] = {
    [ACL_TAG_OWNER] = ARCHIVE_ENTRY_ACL_USER_OBJ,
    [ACL_TAG_USER] = ARCHIVE_ENTRY_ACL_USER,
    [ACL_TAG_OWNING_GROUP] = ARCHIVE_ENTRY_ACL_GROUP_OBJ,
    [ACL_TAG_GROUP] = ARCHIVE_ENTRY_ACL_GROUP,
    [ACL_TAG_MASK] = ARCHIVE_ENTRY_ACL_MASK,
    [ACL_TAG_OTHER] = ARCHIVE_ENTRY_ACL_OTHER,
};

static void warn(const struct entry *e, const char *what)
{
    char shown[SHOWN_MAX];

    text_printable(entry_path(e), shown, sizeof shown);
    log_say(LOG_WARN, "%s: %s", shown, what);
}

/* ---- from a tar ---- */

/* One list while it is taken over. */
struct list {
    int type; /* libarchive's */
    bool is_default;
    unsigned count[ACL_TAG_COUNT];
    uint32_t mask;    /* what the named and the group may, if there is no mask */
    uint32_t of_mask; /* what the mask says */
    struct entry *to;
};

static uint32_t mode_bits(const struct entry *e, enum acl_tag tag)
{
    unsigned shift = tag == ACL_TAG_OWNER ? 6 : tag == ACL_TAG_OTHER ? 0 : 3;

    return e->mode >> shift & 7;
}

/* A number as a name is the number: libarchive puts it there when it knows no name. */
static bool is_number(struct bytes name, uint32_t id)
{
    char digits[ACL_NAME_MAX + 1];
    uint64_t number = 0;

    if (name.len > ACL_NAME_MAX)
        return false;
    memcpy(digits, name.data, name.len);
    digits[name.len] = '\0';
    if (text_number(digits, ACL_ID_MAX, &number) != ERR_OK) {
        err_clear();
        return false;
    }
    return number == id;
}

static enum err take_row(struct list *l, enum acl_tag tag, int permissions, int id,
                         const char *name)
{
    struct acl_row row = {
        .is_default = l->is_default, .tag = tag, .permissions = (uint32_t)permissions & 7};
    enum err rc = ERR_OK;

    if (acl_tag_is_named(tag)) {
        row.has_id = id >= 0;
        row.id = row.has_id ? (uint32_t)id : 0;
        row.name = bytes_of_text(name != NULL ? name : "");
        if (!acl_name_fits(row.name) || (row.has_id && is_number(row.name, row.id)))
            row.name.len = 0;
        if (row.name.len == 0 && !row.has_id) {
            warn(l->to, "its ACL names somebody by what is no name: that row is left out");
            goto out;
        }
    }
    TRY(acl_add(&row, &l->to->acl));
    l->count[tag]++;
    if (tag == ACL_TAG_MASK)
        l->of_mask = row.permissions;
    else if (acl_tag_is_named(tag) || tag == ACL_TAG_OWNING_GROUP)
        l->mask |= row.permissions;
out:
    return rc;
}

static enum err take_rows(struct list *l, struct archive_entry *from, enum acl_tag tag)
{
    int type, permissions, found, id;
    const char *name;
    enum err rc = ERR_OK;

    archive_entry_acl_reset(from, l->type);
    while (archive_entry_acl_next(from, l->type, &type, &permissions, &found, &id, &name) ==
           ARCHIVE_OK) {
        /* Twice is one too many of those that have no name. */
        if (found == archive_tags[tag] && (acl_tag_is_named(tag) || l->count[tag] == 0))
            TRY(take_row(l, tag, permissions, id, name));
    }
    if (l->count[tag] > 0 || acl_tag_is_named(tag))
        goto out;
    if (tag != ACL_TAG_MASK)
        TRY(take_row(l, tag, (int)mode_bits(l->to, tag), -1, NULL));
    else if (l->count[ACL_TAG_USER] + l->count[ACL_TAG_GROUP] > 0)
        TRY(take_row(l, tag, (int)l->mask, -1, NULL));
out:
    return rc;
}

/* In the order of the tags, whatever that of the tar. */
static enum err take_list(struct list *l, struct archive_entry *from)
{
    enum err rc = ERR_OK;

    if (archive_entry_acl_reset(from, l->type) == 0)
        goto out;
    for (int tag = ACL_TAG_OWNER; tag < ACL_TAG_COUNT; tag++)
        TRY(take_rows(l, from, (enum acl_tag)tag));
out:
    return rc;
}

/* A tar that has the kernel's attribute in place of the text says the same in it. */
static enum err adopt_attribute(struct archive_entry *from, struct bytes value, int type)
{
    struct acl_row row;
    struct cursor rows;
    enum err rc;

    TRY(acl_xattr_begin(value, &rows));
    while (rows.left > 0) {
        TRY(acl_xattr_take(&rows, &row));
        archive_entry_acl_add_entry(from, type, (int)row.permissions, archive_tags[row.tag],
                                    row.has_id ? (int)row.id : -1, NULL);
    }
out:
    return rc;
}

static void adopt_attributes(struct archive_entry *from, const struct entry *to)
{
    const char *name;
    const void *value;
    size_t len;

    archive_entry_xattr_reset(from);
    while (archive_entry_xattr_next(from, &name, &value, &len) == ARCHIVE_OK) {
        int type = strcmp(name, ACL_XATTR_DEFAULT) == 0 ? ARCHIVE_ENTRY_ACL_TYPE_DEFAULT
                                                        : ARCHIVE_ENTRY_ACL_TYPE_ACCESS;

        if (acl_xattr_is(name) && adopt_attribute(from, bytes_of(value, len), type) != ERR_OK) {
            err_clear();
            warn(to, "its ACL cannot be read, and is left out");
        }
    }
}

enum err tar_acl_import(struct archive_entry *from, struct entry *to)
{
    struct list access = {.type = ARCHIVE_ENTRY_ACL_TYPE_ACCESS, .to = to};
    struct list by_default = {.type = ARCHIVE_ENTRY_ACL_TYPE_DEFAULT, .is_default = true, .to = to};
    enum err rc = ERR_OK;

    to->acl.len = 0;
    if (archive_entry_acl_types(from) == 0)
        adopt_attributes(from, to);
    if ((archive_entry_acl_types(from) & ARCHIVE_ENTRY_ACL_TYPE_NFS4) != 0)
        warn(to, "its ACL is of NFSv4, which a snapshot does not hold: its mode is kept");
    if ((archive_entry_acl_types(from) & ARCHIVE_ENTRY_ACL_TYPE_POSIX1E) == 0 ||
        to->type == ENTRY_SYMLINK)
        goto out;
    TRY(take_list(&access, from));
    if (access.count[ACL_TAG_MASK] == 0)
        to->acl.len = 0; /* the mode says all of it */
    else
        to->mode = (to->mode & ~UINT32_C(070)) | access.of_mask << 3;
    if (to->type == ENTRY_DIR)
        TRY(take_list(&by_default, from));
    TRY(buf_add(&to->acl, bytes_of("", 1)));
    to->acl.len--; /* the NUL is there, not counted */
out:
    return rc;
}

/* ---- to a tar ---- */

enum err tar_acl_export(const struct entry *from, struct archive_entry *to)
{
    struct cursor rows = cursor_of(buf_bytes(&from->acl));
    struct acl_row row = {.is_default = false};
    char name[ACL_NAME_MAX + 1];
    enum err rc = ERR_OK;

    while (rows.left > 0) {
        TRY(acl_take(&rows, &row));
        memcpy(name, row.name.data, row.name.len);
        name[row.name.len] = '\0';
        archive_entry_acl_add_entry(
            to, row.is_default ? ARCHIVE_ENTRY_ACL_TYPE_DEFAULT : ARCHIVE_ENTRY_ACL_TYPE_ACCESS,
            (int)row.permissions, archive_tags[row.tag], row.has_id ? (int)row.id : -1,
            row.name.len > 0 ? name : NULL);
    }
    /* The rows of the owner, the group and the others are its mode to libarchive. */
    archive_entry_set_perm(to, from->mode);
out:
    return rc;
}
