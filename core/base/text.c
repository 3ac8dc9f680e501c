#include "core/base/text.h"

#include <assert.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include <openssl/evp.h>

/* A month and a year are never shorter than one of the calendar: what is kept for that long may be
 * needed on its last day. */
static const struct {
    const char *name;
    uint64_t seconds;
} time_units[] = {
    {"s", 1},      {"min", 60},        {"h", 3600},        {"d", 86400},
    {"w", 604800}, {"mo", 31 * 86400}, {"y", 366 * 86400},
};

/* Reads digits and moves *cursor past them. False: no digit, or more than `max`. */
static bool take_digits(const char **cursor, uint64_t max, uint64_t *out)
{
    uint64_t value = 0;
    const char *from = *cursor;

    for (; **cursor >= '0' && **cursor <= '9'; ++*cursor) {
        uint64_t digit = (uint64_t)(**cursor - '0');

        /* value * 10 + digit > max, computed so that nothing wraps around. */
        if (value > (max - digit) / 10 || digit > max)
            return false;
        value = value * 10 + digit;
    }
    *out = value;
    return *cursor != from;
}

enum err text_number(const char *text, uint64_t max, uint64_t *out)
{
    uint64_t value;
    const char *cursor = text;

    if (!take_digits(&cursor, max, &value) || *cursor != '\0')
        return err_set(ERR_USAGE, "\"%.40s\" is not a whole number from 0 to %" PRIu64, text, max);
    *out = value;
    return ERR_OK;
}

/* The seconds in one of this unit; 0: there is none of that name. */
static uint64_t unit_seconds(const char *name)
{
    for (size_t i = 0; i < sizeof time_units / sizeof time_units[0]; i++)
        if (strcmp(time_units[i].name, name) == 0)
            return time_units[i].seconds;
    return 0;
}

enum err text_duration(const char *text, uint64_t *seconds)
{
    const char *cursor = text;
    uint64_t value = 0;
    uint64_t unit;

    if (!take_digits(&cursor, UINT64_MAX, &value))
        return err_set(ERR_USAGE,
                       "\"%.40s\" is not a duration (a number and s, min, h, d, w, mo or y)", text);
    if (*cursor == '\0')
        return err_set(ERR_USAGE, "\"%.40s\" has no unit: s, min, h, d, w, mo or y", text);
    if (strcmp(cursor, "m") == 0)
        return err_set(ERR_USAGE, "\"%.40s\" may be minutes or months: say min or mo", text);
    unit = unit_seconds(cursor);
    if (unit == 0 || value > UINT64_MAX / unit)
        return err_set(ERR_USAGE,
                       "\"%.40s\" is not a duration (a number and s, min, h, d, w, mo or y)", text);
    if (value == 0)
        return err_set(ERR_USAGE, "\"%.40s\" is no time at all: say never for no end", text);
    *seconds = value * unit;
    return ERR_OK;
}

void text_hex(struct bytes from, char *out)
{
    static const char digits[] = "0123456789abcdef";

    for (size_t i = 0; i < from.len; i++) {
        *out++ = digits[from.data[i] >> 4];
        *out++ = digits[from.data[i] & 15];
    }
    *out = '\0';
}

static int hex_value(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* Upper-case digits are refused: a value has one text only, so that texts can be compared. */
enum err text_unhex(const char *text, uint8_t *out, size_t len)
{
    if (strlen(text) != 2 * len)
        return err_set(ERR_CORRUPT, "\"%.80s\" is not %zu hex digits", text, 2 * len);
    for (size_t i = 0; i < len; i++) {
        int high = hex_value(text[2 * i]);
        int low = hex_value(text[2 * i + 1]);

        if (high < 0 || low < 0)
            return err_set(ERR_CORRUPT, "\"%.80s\" is not lower-case hex", text);
        out[i] = (uint8_t)(high << 4 | low);
    }
    return ERR_OK;
}

/* EVP_EncodeBlock() writes the NUL itself, but not for empty input. */
void text_base64(struct bytes from, char *out)
{
    EVP_EncodeBlock((unsigned char *)out, from.data, (int)from.len);
    if (from.len == 0)
        *out = '\0';
}

/* Decoded in groups of four characters: OpenSSL's decoder reports padding as zero bytes, so the
 * length is computed from the text, and each group must encode to itself. */
enum err text_unbase64(const char *text, uint8_t *out, size_t max, size_t *len)
{
    size_t text_len = strlen(text);
    size_t pad = text_len > 0 && text[text_len - 1] == '=';
    size_t out_len;
    char again[5];
    uint8_t group[3];

    /* How many bytes it is, checked before any is written. */
    if (pad == 1 && text_len > 1 && text[text_len - 2] == '=')
        pad = 2;
    if (text_len % 4 != 0 || text_len / 4 * 3 - pad > max)
        return err_set(ERR_CORRUPT, "not base64, or longer than %zu bytes", max);
    out_len = text_len / 4 * 3 - pad;
    for (size_t i = 0; i < text_len / 4; i++) {
        size_t want = out_len - 3 * i < 3 ? out_len - 3 * i : 3;

        if (EVP_DecodeBlock(group, (const unsigned char *)text + 4 * i, 4) != 3)
            return err_set(ERR_CORRUPT, "not base64");
        /* Encoding again finds blanks, stray bits and misplaced padding, which the decoder accepts.
         */
        text_base64(bytes_of(group, want), again);
        if (memcmp(again, text + 4 * i, 4) != 0)
            return err_set(ERR_CORRUPT, "not canonical base64");
        memcpy(out + 3 * i, group, want);
    }
    *len = out_len;
    return ERR_OK;
}

void text_human_size(uint64_t bytes, char *out)
{
    static const char *const names[] = {"B", "KiB", "MiB", "GiB", "TiB", "PiB", "EiB"};
    double value = (double)bytes;
    size_t i = 0;

    while (value >= 1024 && i + 1 < sizeof names / sizeof names[0]) {
        value /= 1024;
        i++;
    }
    snprintf(out, TEXT_HUMAN_MAX, i == 0 ? "%.0f %s" : "%.1f %s", value, names[i]);
}

#define DAY_S 86400
#define DAYS_FROM_S (3 * DAY_S)

void text_human_time(uint64_t seconds, char *out)
{
    if (seconds < 60)
        snprintf(out, TEXT_HUMAN_MAX, "%" PRIu64 " s", seconds);
    else if (seconds < 3600)
        snprintf(out, TEXT_HUMAN_MAX, "%" PRIu64 " min %02" PRIu64 " s", seconds / 60,
                 seconds % 60);
    else if (seconds >= DAYS_FROM_S)
        snprintf(out, TEXT_HUMAN_MAX, "%" PRIu64 " days", seconds / DAY_S);
    else
        snprintf(out, TEXT_HUMAN_MAX, "%" PRIu64 " h %02" PRIu64 " min", seconds / 3600,
                 seconds / 60 % 60);
}

/* The length of the UTF-8 sequence at `cursor`, or 0 when it is malformed or a control character.
 * The table has the second byte's range for each lead byte (RFC 3629, 4), which excludes overlong
 * forms, surrogates and everything above U+10FFFF. The NUL at the end stops every comparison in
 * time. */
static size_t utf8_len(const unsigned char *cursor)
{
    static const struct {
        unsigned char mask, lead, least, most;
        size_t len;
    } forms[] = {
        {0xff, 0xe0, 0xa0, 0xbf, 3}, {0xff, 0xed, 0x80, 0x9f, 3}, {0xf0, 0xe0, 0x80, 0xbf, 3},
        {0xff, 0xf0, 0x90, 0xbf, 4}, {0xff, 0xf4, 0x80, 0x8f, 4}, {0xfc, 0xf0, 0x80, 0xbf, 4},
    };

    if (*cursor >= 0x20 && *cursor < 0x7f)
        return 1;
    /* Two bytes; c2 80 to c2 9f are the C1 control characters. */
    if (*cursor >= 0xc3 && *cursor <= 0xdf && (cursor[1] & 0xc0) == 0x80)
        return 2;
    if (*cursor == 0xc2 && cursor[1] >= 0xa0 && cursor[1] <= 0xbf)
        return 2;
    for (size_t i = 0; i < sizeof forms / sizeof forms[0]; i++) {
        if ((*cursor & forms[i].mask) != forms[i].lead)
            continue;
        if (cursor[1] < forms[i].least || cursor[1] > forms[i].most || (cursor[2] & 0xc0) != 0x80)
            return 0;
        return forms[i].len == 3 || (cursor[3] & 0xc0) == 0x80 ? forms[i].len : 0;
    }
    return 0;
}

bool text_is_clean(const char *text)
{
    const unsigned char *cursor = (const unsigned char *)text;

    while (*cursor != '\0') {
        size_t len = utf8_len(cursor);

        if (len == 0)
            return false;
        cursor += len;
    }
    return true;
}

/* Valid characters that must not reach a terminal as they are: invisible ones, and those that
 * change the order or the joining of their neighbours. Unicode 14: categories Cf, Zl and Zp, what
 * is ignorable by default, the blank letters and patterns, the non-characters of the first plane.
 * Sorted. */
static const struct {
    uint32_t first, last;
} unprintable[] = {
    {0x00ad, 0x00ad},   {0x034f, 0x034f},   {0x0600, 0x0605},   {0x061c, 0x061c},
    {0x06dd, 0x06dd},   {0x070f, 0x070f},   {0x0890, 0x0891},   {0x08e2, 0x08e2},
    {0x115f, 0x1160},   {0x17b4, 0x17b5},   {0x180b, 0x180f},   {0x200b, 0x200f},
    {0x2028, 0x202e},   {0x2060, 0x206f},   {0x2800, 0x2800},   {0x3164, 0x3164},
    {0xfdd0, 0xfdef},   {0xfe00, 0xfe0f},   {0xfeff, 0xfeff},   {0xffa0, 0xffa0},
    {0xfff0, 0xfffb},   {0xfffe, 0xffff},   {0x110bd, 0x110bd}, {0x110cd, 0x110cd},
    {0x13430, 0x1343f}, {0x1bca0, 0x1bca3}, {0x1d173, 0x1d17a}, {0xe0000, 0xe0fff},
};

uint32_t text_character(const char *text, size_t *len)
{
    static const unsigned char lead_mask[] = {0, 0x7f, 0x1f, 0x0f, 0x07};
    const unsigned char *at = (const unsigned char *)text;
    uint32_t value;

    *len = utf8_len(at);
    value = at[0] & lead_mask[*len];
    for (size_t i = 1; i < *len; i++)
        value = value << 6 | (at[i] & 0x3f);
    return value;
}

size_t text_printable_len(const char *text)
{
    size_t len;
    uint32_t value = text_character(text, &len);

    for (size_t i = 0; i < sizeof unprintable / sizeof unprintable[0]; i++)
        if (value >= unprintable[i].first && value <= unprintable[i].last)
            return 0;
    return len;
}

bool text_is_printable(const char *text)
{
    size_t len;

    for (; *text != '\0'; text += len) {
        len = text_printable_len(text);
        if (len == 0)
            return false;
    }
    return true;
}

/* A character is copied whole or not at all: a cut in the middle would not be UTF-8. One that is
 * not printable goes byte by byte: behind its first one no other begins a character. */
void text_printable(const char *text, char *out, size_t cap)
{
    assert(cap > 0);
    while (*text != '\0') {
        size_t len = text_printable_len(text);
        size_t need = len > 0 ? len : 4; /* \xNN */

        if (need + 1 > cap)
            break;
        if (len > 0)
            memcpy(out, text, len);
        else
            snprintf(out, cap, "\\x%02x", (unsigned char)*text);
        out += need;
        cap -= need;
        text += len > 0 ? len : 1;
    }
    *out = '\0';
}
