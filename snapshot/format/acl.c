#include "snapshot/format/acl.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "core/base/text.h"

#define DEFAULT_PREFIX "default:"
#define PERMISSIONS_LEN 3
#define ID_DIGITS_MAX 10

static const char *const words[ACL_TAG_COUNT] = {
    [ACL_TAG_OWNER] = "user",  [ACL_TAG_USER] = "user", [ACL_TAG_OWNING_GROUP] = "group",
    [ACL_TAG_GROUP] = "group", [ACL_TAG_MASK] = "mask", [ACL_TAG_OTHER] = "other",
};

bool acl_tag_is_named(enum acl_tag tag)
{
    return tag == ACL_TAG_USER || tag == ACL_TAG_GROUP;
}

bool acl_name_fits(struct bytes name)
{
    for (size_t i = 0; i < name.len; i++)
        if (name.data[i] == ':' || name.data[i] == '\n' || name.data[i] == '\0')
            return false;
    return name.len > 0 && name.len <= ACL_NAME_MAX;
}

enum err acl_add(const struct acl_row *row, struct buf *to)
{
    enum err rc;

    if (row->is_default)
        TRY(buf_add_text(to, DEFAULT_PREFIX));
    TRY(buf_add_format(to, "%s:", words[row->tag]));
    TRY(buf_add(to, row->name));
    TRY(buf_add_format(to, ":%c%c%c", (row->permissions & 4) != 0 ? 'r' : '-',
                       (row->permissions & 2) != 0 ? 'w' : '-',
                       (row->permissions & 1) != 0 ? 'x' : '-'));
    if (row->has_id)
        TRY(buf_add_format(to, ":%" PRIu32, row->id));
    TRY(buf_add_text(to, "\n"));
out:
    return rc;
}

/* What stands in front of `end`; the cursor goes on behind it. */
static enum err take_until(struct cursor *c, char end, struct bytes *out)
{
    const uint8_t *at = c->left > 0 ? memchr(c->data, end, c->left) : NULL;
    size_t len;
    struct bytes past;
    enum err rc;

    if (at == NULL)
        FAIL(ERR_CORRUPT, "a row of an ACL ends early");
    len = (size_t)(at - c->data);
    TRY(cursor_take(c, len, out));
    TRY(cursor_take(c, 1, &past));
out:
    return rc;
}

static bool text_is(struct bytes is, const char *text)
{
    return bytes_equal(is, bytes_of_text(text));
}

static enum err take_permissions(struct cursor *line, uint32_t *out)
{
    static const unsigned char letters[] = {'r', 'w', 'x'};
    struct bytes text = {NULL, 0};
    enum err rc;

    TRY(cursor_take(line, PERMISSIONS_LEN, &text));
    *out = 0;
    for (size_t i = 0; i < PERMISSIONS_LEN; i++) {
        if (text.data[i] != letters[i] && text.data[i] != '-')
            FAIL(ERR_CORRUPT, "a row of an ACL has odd permissions");
        *out = *out << 1 | (text.data[i] == letters[i]);
    }
out:
    return rc;
}

/* Nothing, or ":" and a number. */
static enum err take_id(struct cursor *line, struct acl_row *row)
{
    char digits[ID_DIGITS_MAX + 1];
    struct bytes colon = {NULL, 0};
    struct bytes text = {NULL, 0};
    uint64_t number = 0;
    enum err rc = ERR_OK;

    row->has_id = line->left > 0;
    row->id = 0;
    if (!row->has_id)
        goto out;
    TRY(cursor_take(line, 1, &colon));
    TRY(cursor_take(line, line->left, &text));
    if (*colon.data != ':' || text.len == 0 || text.len > ID_DIGITS_MAX)
        FAIL(ERR_CORRUPT, "a row of an ACL has an odd number");
    memcpy(digits, text.data, text.len);
    digits[text.len] = '\0';
    if (text_number(digits, ACL_ID_MAX, &number) != ERR_OK || (digits[0] == '0' && text.len > 1))
        FAIL(ERR_CORRUPT, "a row of an ACL has an odd number");
    row->id = (uint32_t)number;
out:
    return rc;
}

/* A user or group with a name or number is that one; without, the owner or owning group. */
static enum err find_tag(struct bytes word, struct acl_row *row)
{
    bool is_named = row->name.len > 0 || row->has_id;

    for (row->tag = ACL_TAG_OWNER; row->tag <= ACL_TAG_OTHER; row->tag++)
        if (text_is(word, words[row->tag]) && acl_tag_is_named(row->tag) == is_named)
            return ERR_OK;
    return err_set(ERR_CORRUPT, "a row of an ACL is of no known kind");
}

enum err acl_take(struct cursor *from, struct acl_row *row)
{
    struct bytes word = {NULL, 0};
    struct bytes text = {NULL, 0};
    struct cursor line;
    enum err rc;

    TRY(take_until(from, '\n', &text));
    line = cursor_of(text);
    TRY(take_until(&line, ':', &word));
    row->is_default = text_is(word, "default");
    if (row->is_default)
        TRY(take_until(&line, ':', &word));
    TRY(take_until(&line, ':', &row->name));
    if (row->name.len > 0 && !acl_name_fits(row->name))
        FAIL(ERR_CORRUPT, "a row of an ACL has an odd name");
    TRY(take_permissions(&line, &row->permissions));
    TRY(take_id(&line, row));
    TRY(find_tag(word, row));
out:
    return rc;
}

static enum err check_counts(const unsigned count[ACL_TAG_COUNT])
{
    unsigned named = count[ACL_TAG_USER] + count[ACL_TAG_GROUP];

    if (count[ACL_TAG_OWNER] != 1 || count[ACL_TAG_OWNING_GROUP] != 1 || count[ACL_TAG_OTHER] != 1)
        return err_set(ERR_CORRUPT, "an ACL lacks owner, group or others, or has them twice");
    if (count[ACL_TAG_MASK] > 1 || (named > 0 && count[ACL_TAG_MASK] == 0))
        return err_set(ERR_CORRUPT, "an ACL lacks its mask, or has it twice");
    return ERR_OK;
}

enum err acl_check(struct bytes text, bool is_directory)
{
    struct cursor c = cursor_of(text);
    struct acl_row row = {.is_default = false};
    enum acl_tag last = ACL_TAG_OWNER;
    bool in_default = false;
    unsigned count[ACL_TAG_COUNT] = {0};
    enum err rc = ERR_OK;

    if (c.left == 0)
        goto out;
    while (c.left > 0) {
        TRY(acl_take(&c, &row));
        if (row.is_default && !in_default) {
            if (count[ACL_TAG_OWNER] > 0)
                TRY(check_counts(count));
            memset(count, 0, sizeof count);
            last = ACL_TAG_OWNER;
            in_default = true;
        }
        if (row.is_default != in_default || row.tag < last)
            FAIL(ERR_CORRUPT, "the rows of an ACL are out of order");
        count[row.tag]++;
        last = row.tag;
    }
    TRY(check_counts(count));
    if (in_default && !is_directory)
        FAIL(ERR_CORRUPT, "a default ACL that is no directory's");
out:
    return rc;
}
