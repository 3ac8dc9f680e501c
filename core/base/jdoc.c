#include "core/base/jdoc.h"

#include <inttypes.h>
#include <limits.h>
#include <string.h>

#include <json-c/json.h>

#include "core/base/clock.h"
#include "core/base/jscan.h"
#include "core/base/mem.h"
#include "core/base/text.h"

/*
 * json-c is lenient where a signed document must not be ambiguous, so a document passes three
 * checks before anybody reads a member:
 *
 *   1. jscan_check() looks at the tokens and refuses what json-c silently changes or accepts beyond
 *      RFC 8259, and counts the member names in the text.
 *   2. json-c parses in strict mode with UTF-8 validation and a depth limit; bytes after the object
 *      are refused.
 *   3. The members in the tree are counted. Fewer than in the text means that a name occurred twice
 *      in one object and that json-c kept one of the two.
 *
 * Members are then read one at a time, each with its type and its cap. Writing goes the other way
 * and refuses text that step 1 would refuse. The recursive functions are bounded by JDOC_DEPTH_MAX.
 */
#define HEX_TEXT_MAX 256
#define BASE64_TEXT_MAX (96 * 1024)

/* A struct jdoc is json-c's object under a name of our own, so that no header needs json-c. The
 * union drops the const that json-c's read-only functions do not have. */
static struct json_object *to_json_c(const struct jdoc *from)
{
    union {
        const struct jdoc *in;
        struct json_object *out;
    } same = {.in = from};

    return same.out;
}

static struct jdoc *from_json_c(struct json_object *from)
{
    return (struct jdoc *)from;
}

/* json-c keeps the last of two members with one name, other readers the first: a signed text must
 * not have two meanings. Counting finds it: such a name counts twice in the text and once in the
 * tree. */
static size_t members_in_tree(struct json_object *node) // NOLINT(misc-no-recursion): JDOC_DEPTH_MAX
{
    size_t count = 0;

    if (json_object_is_type(node, json_type_object)) {
        json_object_object_foreach(node, name, value)
        {
            (void)name;
            count += 1 + members_in_tree(value);
        }
    } else if (json_object_is_type(node, json_type_array)) {
        for (size_t i = 0; i < json_object_array_length(node); i++)
            count += members_in_tree(json_object_array_get_idx(node, i));
    }
    return count;
}

/* json-c allocates 16 slots for each object and 32 for each list. A ledger keeps the trees of all
 * its records, so unused slots are released. A failure to do so is harmless and is ignored. */
static void shrink_tables(struct json_object *node) // NOLINT(misc-no-recursion): JDOC_DEPTH_MAX
{
    if (json_object_is_type(node, json_type_object)) {
        struct lh_table *members = json_object_get_object(node);
        int fitting = members->count * 3 / 2 + 2;

        json_object_object_foreach(node, name, value)
        {
            (void)name;
            shrink_tables(value);
        }
        if (fitting < members->size)
            (void)lh_table_resize(members, fitting);
    } else if (json_object_is_type(node, json_type_array)) {
        for (size_t i = 0; i < json_object_array_length(node); i++)
            shrink_tables(json_object_array_get_idx(node, i));
        (void)json_object_array_shrink(node, 0);
    }
}

enum err jdoc_parse(struct bytes from, struct jdoc **out)
{
    struct json_tokener *tokener = json_tokener_new_ex(JDOC_DEPTH_MAX);
    struct json_object *root = NULL;
    size_t members = 0;
    enum err rc = ERR_OK;

    if (tokener == NULL)
        FAIL(ERR_FAILED, "out of memory");
    if (from.len == 0 || from.len > INT_MAX)
        FAIL(ERR_CORRUPT, "not a JSON document: %zu bytes", from.len);
    /* Refuse what json-c would forgive. */
    TRY(jscan_check(from, &members));
    /* Parse the whole input as one object. */
    json_tokener_set_flags(tokener, JSON_TOKENER_STRICT | JSON_TOKENER_VALIDATE_UTF8);
    root = json_tokener_parse_ex(tokener, (const char *)from.data, (int)from.len);
    if (json_tokener_get_error(tokener) == json_tokener_continue)
        FAIL(ERR_CORRUPT, "not JSON: ends early");
    if (root == NULL)
        FAIL(ERR_CORRUPT, "not JSON: %s at byte %zu",
             json_tokener_error_desc(json_tokener_get_error(tokener)),
             json_tokener_get_parse_end(tokener));
    if (json_tokener_get_parse_end(tokener) != from.len)
        FAIL(ERR_CORRUPT, "bytes are left over after the JSON object");
    if (!json_object_is_type(root, json_type_object))
        FAIL(ERR_CORRUPT, "not a JSON object");
    /* No name twice. */
    if (members_in_tree(root) != members)
        FAIL(ERR_CORRUPT, "a member name occurs twice in one object");
    shrink_tables(root);
    *out = from_json_c(root);
    root = NULL; /* the caller's now */
out:
    json_object_put(root);
    if (tokener != NULL)
        json_tokener_free(tokener);
    return rc;
}

enum err jdoc_object(struct jdoc **out)
{
    struct json_object *o = json_object_new_object();

    if (o == NULL)
        return err_set(ERR_FAILED, "out of memory");
    *out = from_json_c(o);
    return ERR_OK;
}

enum err jdoc_array(struct jdoc **out)
{
    struct json_object *o = json_object_new_array();

    if (o == NULL)
        return err_set(ERR_FAILED, "out of memory");
    *out = from_json_c(o);
    return ERR_OK;
}

void jdoc_free(struct jdoc *root)
{
    json_object_put(to_json_c(root));
}

static enum err write_with(const struct jdoc *from, int flags, struct buf *to)
{
    size_t len;
    const char *text = json_object_to_json_string_length(to_json_c(from), flags, &len);

    if (text == NULL)
        return err_set(ERR_FAILED, "out of memory");
    return buf_add(to, bytes_of(text, len));
}

enum err jdoc_write(const struct jdoc *from, struct buf *to)
{
    return write_with(from, JSON_C_TO_STRING_PLAIN | JSON_C_TO_STRING_NOSLASHESCAPE, to);
}

enum err jdoc_write_pretty(const struct jdoc *from, struct buf *to)
{
    return write_with(
        from, JSON_C_TO_STRING_PRETTY | JSON_C_TO_STRING_SPACED | JSON_C_TO_STRING_NOSLASHESCAPE,
        to);
}

/* Takes `value`, on failure too. A NULL value means that json-c had no memory for it, unless it
 * stands for null. KEY_IS_NEW saves a lookup; the caller promises that the name is new. */
static enum err add_member(struct jdoc *object, const char *name, struct json_object *value,
                           bool is_null)
{
    if ((value == NULL && !is_null) ||
        json_object_object_add_ex(to_json_c(object), name, value, JSON_C_OBJECT_ADD_KEY_IS_NEW) !=
            0) {
        json_object_put(value);
        return err_set(ERR_FAILED, "out of memory");
    }
    return ERR_OK;
}

enum err jdoc_set(struct jdoc *object, const char *name, struct jdoc **child)
{
    struct json_object *value = to_json_c(*child);

    *child = NULL;
    return add_member(object, name, value, false);
}

enum err jdoc_set_text(struct jdoc *object, const char *name, const char *text)
{
    if (text == NULL)
        return jdoc_set_null(object, name);
    /* What the reader refuses must not be signed first. */
    if (!text_is_clean(text))
        return err_set(ERR_USAGE, "\"%s\" has control characters or is not UTF-8", name);
    return add_member(object, name, json_object_new_string(text), false);
}

enum err jdoc_set_number(struct jdoc *object, const char *name, uint64_t value)
{
    return add_member(object, name, json_object_new_uint64(value), false);
}

enum err jdoc_set_bool(struct jdoc *object, const char *name, bool value)
{
    return add_member(object, name, json_object_new_boolean(value), false);
}

enum err jdoc_set_null(struct jdoc *object, const char *name)
{
    return add_member(object, name, NULL, true);
}

enum err jdoc_set_hex(struct jdoc *object, const char *name, struct bytes value)
{
    char text[HEX_TEXT_MAX + 1];

    if (2 * value.len > HEX_TEXT_MAX)
        return err_set(ERR_FAILED, "%zu bytes are too many for hex", value.len);
    text_hex(value, text);
    return jdoc_set_text(object, name, text);
}

enum err jdoc_set_base64(struct jdoc *object, const char *name, struct bytes value)
{
    char *text = NULL;
    enum err rc;

    TRY(mem_new(TEXT_BASE64_LEN(value.len) + 1, 1, &text));
    text_base64(value, text);
    TRY(jdoc_set_text(object, name, text));
out:
    mem_free(text);
    return rc;
}

enum err jdoc_set_time(struct jdoc *object, const char *name, int64_t ms)
{
    char text[CLOCK_TEXT_LEN + 1];

    clock_text(ms, text);
    return jdoc_set_text(object, name, text);
}

enum err jdoc_set_copy(struct jdoc *object, const char *name, const struct jdoc *from)
{
    struct json_object *copy = NULL;

    if (json_object_deep_copy(to_json_c(from), &copy, NULL) != 0)
        return err_set(ERR_FAILED, "out of memory");
    return add_member(object, name, copy, false);
}

enum err jdoc_push(struct jdoc *array, struct jdoc **child)
{
    struct json_object *value = to_json_c(*child);

    *child = NULL;
    if (json_object_array_add(to_json_c(array), value) != 0) {
        json_object_put(value);
        return err_set(ERR_FAILED, "out of memory");
    }
    return ERR_OK;
}

enum err jdoc_push_text(struct jdoc *array, const char *text)
{
    struct json_object *value = NULL;
    struct jdoc *child;

    if (!text_is_clean(text))
        return err_set(ERR_USAGE, "a text has control characters or is not UTF-8");
    value = json_object_new_string(text);
    if (value == NULL)
        return err_set(ERR_FAILED, "out of memory");
    child = from_json_c(value);
    return jdoc_push(array, &child);
}

bool jdoc_has(const struct jdoc *object, const char *name)
{
    return json_object_object_get(to_json_c(object), name) != NULL;
}

bool jdoc_has_member(const struct jdoc *object, const char *name)
{
    return json_object_object_get_ex(to_json_c(object), name, NULL);
}

/* json_object_is_type() is false for a NULL value too, so a null member fails as of the wrong type.
 */
static enum err find_member(const struct jdoc *object, const char *name, enum json_type type,
                            struct json_object **out)
{
    struct json_object *value = NULL;

    if (!json_object_object_get_ex(to_json_c(object), name, &value))
        return err_set(ERR_CORRUPT, "member \"%s\" is missing", name);
    if (!json_object_is_type(value, type))
        return err_set(ERR_CORRUPT, "member \"%s\" is not %s", name, json_type_to_name(type));
    *out = value;
    return ERR_OK;
}

/* The text of a string value, its length checked against embedded NULs. */
static enum err clean_text(struct json_object *value, const char *name, size_t max,
                           const char **out)
{
    const char *text = json_object_get_string(value);
    size_t len = (size_t)json_object_get_string_len(value);

    if (len > max)
        return err_set(ERR_CORRUPT, "member \"%s\" is longer than %zu bytes", name, max);
    if (strlen(text) != len || !text_is_clean(text))
        return err_set(ERR_CORRUPT, "member \"%s\" has control characters", name);
    *out = text;
    return ERR_OK;
}

enum err jdoc_text(const struct jdoc *object, const char *name, size_t max, const char **out)
{
    struct json_object *value = NULL;
    enum err rc;

    TRY(find_member(object, name, json_type_string, &value));
    TRY(clean_text(value, name, max, out));
out:
    return rc;
}

/* json-c keeps an integer as int64 or, above that, as uint64: the sign is asked for first. */
enum err jdoc_number(const struct jdoc *object, const char *name, uint64_t max, uint64_t *out)
{
    struct json_object *value = NULL;
    enum err rc;

    TRY(find_member(object, name, json_type_int, &value));
    if (json_object_get_int64(value) < 0)
        FAIL(ERR_CORRUPT, "member \"%s\" is negative", name);
    if (json_object_get_uint64(value) > max)
        FAIL(ERR_CORRUPT, "member \"%s\" is over %" PRIu64, name, max);
    *out = json_object_get_uint64(value);
out:
    return rc;
}

enum err jdoc_hex(const struct jdoc *object, const char *name, uint8_t *out, size_t len)
{
    const char *text;
    enum err rc;

    TRY(jdoc_text(object, name, HEX_TEXT_MAX, &text));
    TRY(text_unhex(text, out, len));
out:
    if (rc != ERR_OK)
        err_note("member \"%s\"", name);
    return rc;
}

enum err jdoc_base64(const struct jdoc *object, const char *name, uint8_t *out, size_t max,
                     size_t *len)
{
    const char *text;
    enum err rc;

    TRY(jdoc_text(object, name, BASE64_TEXT_MAX, &text));
    TRY(text_unbase64(text, out, max, len));
out:
    if (rc != ERR_OK)
        err_note("member \"%s\"", name);
    return rc;
}

enum err jdoc_time(const struct jdoc *object, const char *name, int64_t *ms)
{
    const char *text;
    enum err rc;

    TRY(jdoc_text(object, name, CLOCK_TEXT_LEN, &text));
    TRY(clock_parse(text, ms));
out:
    return rc;
}

enum err jdoc_child(const struct jdoc *object, const char *name, struct jdoc **out)
{
    struct json_object *value = NULL;
    enum err rc;

    TRY(find_member(object, name, json_type_object, &value));
    *out = from_json_c(value);
out:
    return rc;
}

enum err jdoc_list(const struct jdoc *object, const char *name, size_t max, struct jdoc **out,
                   size_t *count)
{
    struct json_object *value = NULL;
    enum err rc;

    TRY(find_member(object, name, json_type_array, &value));
    if (json_object_array_length(value) > max)
        FAIL(ERR_CORRUPT, "list \"%s\" has more than %zu items", name, max);
    *out = from_json_c(value);
    *count = json_object_array_length(value);
out:
    return rc;
}

enum err jdoc_item(const struct jdoc *array, size_t i, struct jdoc **out)
{
    struct json_object *value = json_object_array_get_idx(to_json_c(array), i);

    if (!json_object_is_type(value, json_type_object))
        return err_set(ERR_CORRUPT, "item %zu of a list is not an object", i);
    *out = from_json_c(value);
    return ERR_OK;
}

enum err jdoc_item_text(const struct jdoc *array, size_t i, size_t max, const char **out)
{
    struct json_object *value = json_object_array_get_idx(to_json_c(array), i);

    if (!json_object_is_type(value, json_type_string))
        return err_set(ERR_CORRUPT, "item %zu of a list is not a text", i);
    return clean_text(value, "item of a list", max, out);
}

enum err jdoc_item_number(const struct jdoc *array, size_t i, uint64_t max, uint64_t *out)
{
    struct json_object *value = json_object_array_get_idx(to_json_c(array), i);

    if (!json_object_is_type(value, json_type_int) || json_object_get_int64(value) < 0 ||
        json_object_get_uint64(value) > max)
        return err_set(ERR_CORRUPT, "item %zu of a list is not a number up to %" PRIu64, i, max);
    *out = json_object_get_uint64(value);
    return ERR_OK;
}

/* One level deep; json_object_equal() compares the values whole. */
bool jdoc_covers(const struct jdoc *whole, const struct jdoc *part)
{
    json_object_object_foreach(to_json_c(part), name, value)
    {
        struct json_object *same = NULL;

        if (!json_object_object_get_ex(to_json_c(whole), name, &same) ||
            !json_object_equal(same, value))
            return false;
    }
    return true;
}

static bool is_known_member(const char *name, const char *const *known)
{
    for (; *known != NULL; known++)
        if (strcmp(*known, name) == 0)
            return true;
    return false;
}

/* The whole tree is searched: a critical member deep inside must be understood as well. */
static enum err check_tree(struct json_object *node, // NOLINT(misc-no-recursion): JDOC_DEPTH_MAX
                           const char *const *known)
{
    char shown[64];
    enum err rc = ERR_OK;

    if (json_object_is_type(node, json_type_object)) {
        json_object_object_foreach(node, name, value)
        {
            text_printable(name, shown, sizeof shown); /* not checked by anyone before */
            if (name[0] == '!' && !is_known_member(name, known))
                FAIL(ERR_UNSUPPORTED,
                     "member \"%s\" must be understood, and this release does not know it", shown);
            TRY(check_tree(value, known));
        }
    } else if (json_object_is_type(node, json_type_array)) {
        for (size_t i = 0; i < json_object_array_length(node); i++)
            TRY(check_tree(json_object_array_get_idx(node, i), known));
    }
out:
    return rc;
}

enum err jdoc_check_critical(const struct jdoc *root, const char *const *known)
{
    return check_tree(to_json_c(root), known);
}
