#include "core/base/jmember.h"

#include <string.h>

#include "core/base/text.h"

#define NUMBER_TEXT_MAX 20

static bool is_blank(uint8_t c)
{
    return c == ' ' || c == '\t' || c == '\n' || c == '\r';
}

static size_t skip_blanks(struct bytes from, size_t i)
{
    while (i < from.len && is_blank(from.data[i]))
        i++;
    return i;
}

/* From the opening quote to behind the closing one; the end of the text when there is none. */
static size_t string_end(struct bytes from, size_t i)
{
    for (i++; i < from.len && from.data[i] != '"'; i++)
        if (from.data[i] == '\\')
            i++;
    return i < from.len ? i + 1 : from.len;
}

/* Behind a value: objects and arrays are counted, not looked into. */
static size_t value_end(struct bytes from, size_t i)
{
    size_t depth = 0;

    while (i < from.len) {
        const uint8_t c = from.data[i];

        if (c == '"') {
            i = string_end(from, i);
            continue;
        }
        if (depth == 0 && (c == ',' || c == '}' || c == ']'))
            return i;
        depth += c == '{' || c == '[';
        depth -= c == '}' || c == ']';
        i++;
    }
    return i;
}

static struct bytes part(struct bytes from, size_t start, size_t end)
{
    while (end > start && is_blank(from.data[end - 1]))
        end--;
    return bytes_of(from.data + start, end - start);
}

bool jmember_next(struct bytes object, size_t *at, struct jmember *out)
{
    size_t i = skip_blanks(object, *at);
    size_t end;

    if (i >= object.len || object.data[i] != (*at == 0 ? '{' : ','))
        return false;
    i = skip_blanks(object, i + 1);
    if (i >= object.len || object.data[i] != '"')
        return false;
    end = string_end(object, i);
    if (end < i + 2)
        return false;
    out->name = bytes_of(object.data + i + 1, end - i - 2);
    i = skip_blanks(object, end);
    if (i >= object.len || object.data[i] != ':')
        return false;
    i = skip_blanks(object, i + 1);
    end = value_end(object, i);
    out->value = part(object, i, end);
    *at = end;
    return out->value.len > 0;
}

bool jmember_is(const struct jmember *m, const char *name)
{
    return m->name.len == strlen(name) && memcmp(m->name.data, name, m->name.len) == 0;
}

bool jmember_text(struct bytes value, size_t max, char *out)
{
    const size_t len = value.len - 2;

    if (value.len < 2 || len > max || value.data[0] != '"' || value.data[value.len - 1] != '"' ||
        memchr(value.data + 1, '\\', len) != NULL || memchr(value.data + 1, '\0', len) != NULL)
        return false;
    memcpy(out, value.data + 1, len);
    out[len] = '\0';
    return text_is_clean(out);
}

bool jmember_number(struct bytes value, uint64_t max, uint64_t *out)
{
    uint64_t number = 0;

    if (value.len == 0 || value.len > NUMBER_TEXT_MAX - 1)
        return false;
    for (size_t i = 0; i < value.len; i++) {
        if (value.data[i] < '0' || value.data[i] > '9')
            return false;
        number = number * 10 + (uint64_t)(value.data[i] - '0');
    }
    if (number > max)
        return false;
    *out = number;
    return true;
}

bool jmember_is_null(struct bytes value)
{
    return bytes_equal(value, bytes_of_text("null"));
}
