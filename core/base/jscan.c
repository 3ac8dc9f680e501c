#include "core/base/jscan.h"

#include <stdbool.h>
#include <stdint.h>
#include <string.h>

/*
 * One pass over the bytes, a token at a time. Only the tokens that json-c is lenient about are
 * examined closely: strings, escapes and numbers. Structure is json-c's concern, and so are the
 * words true, false and null, of which any run of lower-case letters passes here.
 */

static enum err skip_string(struct bytes from, size_t *i);
static size_t number_end(struct bytes from, size_t i);

static bool is_one_of(uint8_t c, const char *set)
{
    return c != '\0' && strchr(set, c) != NULL;
}

static bool is_digit(uint8_t c)
{
    return c >= '0' && c <= '9';
}

static size_t cost_of(uint8_t c)
{
    if (c == '{' || c == '[')
        return 8;
    return c == ',' ? 1 : 0;
}

enum err jscan_check(struct bytes from, size_t *members)
{
    size_t count = 0;
    size_t cost = 0;
    size_t depth = 0;
    enum err rc = ERR_OK;

    for (size_t i = 0; i < from.len;) {
        const uint8_t c = from.data[i];

        if (c == '"') {
            TRY(skip_string(from, &i));
        } else if (c == '-' || is_digit(c)) {
            const size_t end = number_end(from, i);

            if (end == 0)
                FAIL(ERR_CORRUPT, "not JSON: a bad number, or one too long, at byte %zu", i);
            i = end;
        } else if (is_one_of(c, "{}[]:, \t\r\n") || (c >= 'a' && c <= 'z')) {
            count += c == ':'; /* outside of strings, each colon follows one member name */
            cost += cost_of(c);
            depth += is_one_of(c, "{[");
            depth -= depth > 0 && is_one_of(c, "}]");
            if (depth > JSCAN_DEPTH_MAX)
                FAIL(ERR_CORRUPT, "not JSON: nesting too deep at byte %zu", i);
            if (cost > JSCAN_COST_MAX)
                FAIL(ERR_CORRUPT, "not a JSON document of ours: it has too many parts");
            i++;
        } else {
            FAIL(ERR_CORRUPT, "not JSON: unexpected character at byte %zu", i);
        }
    }
    *members = count;
out:
    return rc;
}

/* The value of the \uXXXX at `i`, or UINT32_MAX when there is none. */
static uint32_t escaped_unit(struct bytes from, size_t i)
{
    static const char digits[] = "0123456789abcdef0123456789ABCDEF";
    uint32_t value = 0;

    if (from.len - i < 6 || from.data[i] != '\\' || from.data[i + 1] != 'u')
        return UINT32_MAX;
    /* The digits stand in the table twice, so that the position modulo 16 is the value. */
    for (size_t k = i + 2; k < i + 6; k++) {
        if (!is_one_of(from.data[k], digits))
            return UINT32_MAX;
        value = value << 4 | (uint32_t)(strchr(digits, from.data[k]) - digits) % 16;
    }
    return value;
}

/* Skips an escape sequence, surrogate pairs as one. json-c replaces half a pair and cuts a string
 * at an escaped NUL; both would make what is read differ from what was signed. */
static enum err skip_escape(struct bytes from, size_t *i)
{
    uint32_t unit;

    /* A short escape; json-c refuses unknown letters. */
    if (*i + 1 < from.len && from.data[*i + 1] != 'u') {
        *i += 2;
        return ERR_OK;
    }
    /* The first unit: no NUL, and no low surrogate. */
    unit = escaped_unit(from, *i);
    if (unit == 0)
        return err_set(ERR_CORRUPT, "not JSON: a NUL within a string at byte %zu", *i);
    if (unit == UINT32_MAX || (unit >= 0xdc00 && unit <= 0xdfff))
        return err_set(ERR_CORRUPT, "not JSON: a bad escape at byte %zu", *i);
    *i += 6;
    /* A high surrogate must be followed by a low one. */
    if (unit < 0xd800 || unit > 0xdbff)
        return ERR_OK;
    unit = *i < from.len ? escaped_unit(from, *i) : UINT32_MAX;
    if (unit < 0xdc00 || unit > 0xdfff)
        return err_set(ERR_CORRUPT, "not JSON: half a surrogate pair before byte %zu", *i);
    *i += 6;
    return ERR_OK;
}

/* The length of the UTF-8 sequence at `i`, or 0 when there is none (RFC 3629: no overlong form, no
 * surrogate, nothing above U+10FFFF). json-c looks at the first bits of each byte only. */
static size_t sequence_len(struct bytes from, size_t i)
{
    const uint8_t first = from.data[i];
    const size_t len = first < 0x80   ? 1
                       : first < 0xc2 ? 0
                       : first < 0xe0 ? 2
                       : first < 0xf0 ? 3
                                      : 4;
    const uint8_t second = len > 1 && from.len - i > 1 ? from.data[i + 1] : 0;

    if (first > 0xf4 || len > from.len - i)
        return 0;
    for (size_t k = i + 1; k < i + len; k++)
        if ((from.data[k] & 0xc0) != 0x80)
            return 0;
    if ((first == 0xe0 && second < 0xa0) || (first == 0xed && second > 0x9f) ||
        (first == 0xf0 && second < 0x90) || (first == 0xf4 && second > 0x8f))
        return 0;
    return len;
}

/* Moves *i from the opening quote to the byte after the closing one. */
static enum err skip_string(struct bytes from, size_t *i)
{
    size_t len;
    enum err rc = ERR_OK;

    for (++*i; *i < from.len && from.data[*i] != '"';) {
        len = sequence_len(from, *i);
        if (len == 0)
            FAIL(ERR_CORRUPT, "not JSON: no UTF-8 at byte %zu", *i);
        if (from.data[*i] < 0x20)
            FAIL(ERR_CORRUPT, "not JSON: a control character at byte %zu", *i);
        if (from.data[*i] == '\\')
            TRY(skip_escape(from, i));
        else
            *i += len;
    }
    if (*i >= from.len)
        FAIL(ERR_CORRUPT, "not JSON: ends within a string");
    ++*i;
out:
    return rc;
}

static size_t skip_digits(struct bytes from, size_t *i)
{
    const size_t start = *i;

    while (*i < from.len && is_digit(from.data[*i]))
        ++*i;
    return *i - start;
}

/* The index after the number at `i`: -?(0|[1-9][0-9]*)(\.[0-9]+)?([eE][+-]?[0-9]+)?
 * Returns 0 when it is not a number or has too many digits. Only the integer part is limited:
 * nothing here reads fractions. */
static size_t number_end(struct bytes from, size_t i)
{
    size_t count;
    bool leads_with_zero;

    i += from.data[i] == '-';
    leads_with_zero = i < from.len && from.data[i] == '0';
    count = skip_digits(from, &i);
    if (count == 0 || count > JSCAN_DIGITS_MAX || (leads_with_zero && count > 1))
        return 0;
    if (i < from.len && from.data[i] == '.') {
        i++;
        if (skip_digits(from, &i) == 0)
            return 0;
    }
    if (i < from.len && is_one_of(from.data[i], "eE")) {
        i++;
        i += i < from.len && is_one_of(from.data[i], "+-");
        if (skip_digits(from, &i) == 0)
            return 0;
    }
    return i;
}
