#include "core/base/jsplit.h"

#include <string.h>

#include "core/base/mem.h"

/*
 * The plan.
 *
 * Only as much of JSON is understood here as tells where a value ends: strings, and brackets.
 * Whether it is JSON at all is left to jdoc_parse(), which sees every byte: either in an item, or
 * in what is left. So a text that is cut in the wrong place is refused there.
 *
 *   - The members of the outermost object are gone through. What is no long list is copied to
 *     `rest` as it stands, blanks and commas included.
 *   - Of a long list `rest` gets "[]". Between its brackets there may be items, each an object,
 *     with one comma between two, and blanks; anything else is refused here, for nobody else sees
 *     it.
 *   - Where nobody wants the items, they are not parsed; whoever wants some goes through it again.
 *   - A list that stands there twice is a name that occurs twice in `rest`.
 *
 * Memory: one piece of the text, one item with its tree, and `rest`.
 */

#define PIECE_LEN (64 * KIB)
/* The list is one level, the outermost object another. */
#define ITEM_DEPTH_MAX (JDOC_DEPTH_MAX - 1 - 2)

struct splitting {
    const struct jsplit_source *source;
    const struct jsplit_list *lists;
    uint64_t at; /* of the next byte */
    uint8_t *piece;
    uint64_t piece_at;
    size_t piece_len;
    struct buf rest;
    struct buf item;
};

/* ---- bytes ---- */

static enum err refuse_end(void)
{
    return err_set(ERR_CORRUPT, "not JSON: ends early");
}

/* The next byte, which stays the next. */
static enum err peek(struct splitting *s, uint8_t *c)
{
    enum err rc = ERR_OK;

    if (s->at >= s->source->len) {
        TRY(refuse_end());
    } else if (s->at - s->piece_at >= s->piece_len) {
        uint64_t left = s->source->len - s->at;

        s->piece_at = s->at;
        s->piece_len = left < PIECE_LEN ? (size_t)left : PIECE_LEN;
        TRY(s->source->read(s->source->arg, s->piece_at, s->piece, s->piece_len));
    }
    *c = s->piece[s->at - s->piece_at];
out:
    return rc;
}

static bool is_blank(uint8_t c)
{
    return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

/* `to` NULL: nobody wants it. */
static enum err keep(struct buf *to, uint8_t c)
{
    if (to == NULL)
        return ERR_OK;
    if (to->len == JSPLIT_PART_MAX)
        return err_set(ERR_CORRUPT, "a part of the JSON object is longer than %zu bytes",
                       JSPLIT_PART_MAX);
    return buf_add(to, bytes_of(&c, 1));
}

static enum err move_byte(struct splitting *s, struct buf *to)
{
    uint8_t c = 0;
    enum err rc;

    TRY(peek(s, &c));
    TRY(keep(to, c));
    s->at++;
out:
    return rc;
}

/* The next byte that is no blank; blanks go to `to`, or nowhere. */
static enum err pass_blanks(struct splitting *s, struct buf *to, uint8_t *c)
{
    enum err rc;

    for (;;) {
        TRY(peek(s, c));
        if (!is_blank(*c))
            break;
        TRY(keep(to, *c));
        s->at++;
    }
out:
    return rc;
}

/* ---- values ---- */

/* From the opening quote to the closing one. */
static enum err move_string(struct splitting *s, struct buf *to)
{
    uint8_t c = 0;
    enum err rc;

    TRY(move_byte(s, to));
    for (;;) {
        TRY(peek(s, &c));
        TRY(move_byte(s, to));
        if (c == '"')
            break;
        if (c == '\\')
            TRY(move_byte(s, to));
    }
out:
    return rc;
}

/* One value; a number or a word ends where something else may follow. */
static enum err move_value(struct splitting *s, struct buf *to, size_t depth_max)
{
    size_t depth = 0;
    uint8_t c = 0;
    enum err rc;

    do {
        TRY(peek(s, &c));
        if (depth == 0 && (c == ',' || c == '}' || c == ']'))
            break;
        if (c == '"') {
            TRY(move_string(s, to));
            continue;
        }
        if ((c == '{' || c == '[') && ++depth > depth_max)
            FAIL(ERR_CORRUPT, "not JSON: nesting too deep");
        if (c == '}' || c == ']')
            depth--;
        TRY(move_byte(s, to));
    } while (depth > 0 || (c != '}' && c != ']'));
out:
    return rc;
}

/* ---- a long list ---- */

static enum err hand_over(struct splitting *s, const struct jsplit_list *list)
{
    struct jdoc *item = NULL;
    enum err rc;

    if (list->each == NULL) {
        rc = move_value(s, NULL, ITEM_DEPTH_MAX);
        goto out;
    }
    s->item.len = 0;
    TRY(move_value(s, &s->item, ITEM_DEPTH_MAX));
    TRY(jdoc_parse(buf_bytes(&s->item), &item));
    TRY(list->each(list->arg, item));
out:
    jdoc_free(item);
    return rc;
}

/* From "[" to "]": all of it, but nothing of it into `rest` but the brackets. */
static enum err take_list(struct splitting *s, const struct jsplit_list *list)
{
    size_t count = 0;
    uint8_t c = 0;
    enum err rc;

    TRY(move_byte(s, &s->rest));
    TRY(pass_blanks(s, NULL, &c));
    while (c != ']') {
        if (c != '{' && list->each != NULL)
            FAIL(ERR_CORRUPT, "item %zu of list \"%s\" is not an object", count, list->name);
        if (count == list->max)
            FAIL(ERR_CORRUPT, "list \"%s\" has more than %zu items", list->name, list->max);
        TRY(hand_over(s, list));
        count++;
        TRY(pass_blanks(s, NULL, &c));
        if (c != ',' && c != ']')
            FAIL(ERR_CORRUPT, "not JSON: no comma between two items of list \"%s\"", list->name);
        if (c == ']')
            break;
        s->at++;
        TRY(pass_blanks(s, NULL, &c));
        if (c == ']')
            FAIL(ERR_CORRUPT, "not JSON: a comma behind the last item of list \"%s\"", list->name);
    }
    TRY(move_byte(s, &s->rest));
out:
    return rc;
}

/* ---- members ---- */

/* The list of that name, or NULL. A name with escapes is asked of the parser. */
static enum err find_list(const struct splitting *s, struct bytes quoted,
                          const struct jsplit_list **out)
{
    struct buf text = {.max = JSPLIT_PART_MAX + 8};
    struct jdoc *o = NULL;
    enum err rc;

    *out = NULL;
    TRY(buf_add_text(&text, "{"));
    TRY(buf_add(&text, quoted));
    TRY(buf_add_text(&text, ":0}"));
    TRY(jdoc_parse(buf_bytes(&text), &o));
    for (const struct jsplit_list *l = s->lists; l->name != NULL; l++)
        if (jdoc_has(o, l->name))
            *out = l;
out:
    jdoc_free(o);
    buf_clear(&text);
    return rc;
}

static enum err take_member(struct splitting *s)
{
    const struct jsplit_list *list = NULL;
    size_t name_at = s->rest.len;
    uint8_t c = 0;
    enum err rc;

    TRY(move_string(s, &s->rest));
    TRY(find_list(s, bytes_of(s->rest.data + name_at, s->rest.len - name_at), &list));
    TRY(pass_blanks(s, &s->rest, &c));
    if (c != ':')
        FAIL(ERR_CORRUPT, "not JSON: no colon behind a member name");
    TRY(move_byte(s, &s->rest));
    TRY(pass_blanks(s, &s->rest, &c));
    if (list == NULL || (c != '[' && list->each == NULL))
        TRY(move_value(s, &s->rest, JDOC_DEPTH_MAX));
    else if (c == '[')
        TRY(take_list(s, list));
    else
        FAIL(ERR_CORRUPT, "member \"%s\" is not array", list->name);
out:
    return rc;
}

/* From "{" to "}". Where a comma is missing or too many, jdoc_parse() says so of `rest`. */
static enum err take_members(struct splitting *s)
{
    uint8_t c = 0;
    enum err rc;

    TRY(move_byte(s, &s->rest));
    for (;;) {
        TRY(pass_blanks(s, &s->rest, &c));
        if (c == '"')
            TRY(take_member(s));
        else
            TRY(move_byte(s, &s->rest));
        if (c == '}')
            break;
    }
out:
    return rc;
}

static enum err take_document(struct splitting *s, struct jdoc **rest)
{
    uint8_t c = 0;
    enum err rc;

    TRY(peek(s, &c));
    if (c != '{')
        FAIL(ERR_CORRUPT, "not JSON: it does not begin with an object");
    TRY(take_members(s));
    TRY(peek(s, &c));
    if (c != '\n')
        FAIL(ERR_CORRUPT, "no newline behind the JSON object");
    s->at++;
    if (s->at != s->source->len)
        FAIL(ERR_CORRUPT, "bytes are left over after the JSON object");
    TRY(jdoc_parse(buf_bytes(&s->rest), rest));
out:
    return rc;
}

enum err jsplit_parse(const struct jsplit_source *source, const struct jsplit_list *lists,
                      struct jdoc **rest)
{
    struct splitting s = {.source = source,
                          .lists = lists,
                          .rest = {.max = JSPLIT_PART_MAX},
                          .item = {.max = JSPLIT_PART_MAX}};
    enum err rc;

    TRY(mem_new(PIECE_LEN, 1, &s.piece));
    TRY(take_document(&s, rest));
out:
    mem_free(s.piece);
    buf_clear(&s.rest);
    buf_clear(&s.item);
    return rc;
}

static enum err read_bytes(void *arg, uint64_t offset, void *to, size_t len)
{
    const struct bytes *from = arg;

    memcpy(to, from->data + offset, len);
    return ERR_OK;
}

enum err jsplit_parse_bytes(struct bytes from, const struct jsplit_list *lists, struct jdoc **rest)
{
    const struct jsplit_source source = {read_bytes, &from, from.len};

    return jsplit_parse(&source, lists, rest);
}
