/*
 * Hostile text as what names things and gives values: a path of an index, an object name, the
 * text of an option. Whatever is taken must keep the promise of its header.
 */
#include <assert.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/clock.h"
#include "core/base/text.h"
#include "core/fs/path.h"
#include "core/store/store.h"

#define TEXT_MAX 8192

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* A refusal has this code and a message. */
static bool is_taken(enum err rc, enum err refusal)
{
    assert(rc == ERR_OK || (rc == refusal && *err_text() != '\0'));
    err_clear();
    return rc == ERR_OK;
}

/* The same as path_check(), in other words. */
static bool stays_inside(const char *path)
{
    char framed[PATH_LEN_MAX + 3];

    if (path[0] == '\0' || strlen(path) > PATH_LEN_MAX)
        return false;
    snprintf(framed, sizeof framed, "/%s/", path);
    for (const char *at = path; *at != '\0'; at += strcspn(at, "/"), at += *at == '/')
        if (strcspn(at, "/") > PATH_PART_MAX)
            return false;
    return strstr(framed, "//") == NULL && strstr(framed, "/./") == NULL &&
           strstr(framed, "/../") == NULL;
}

static void check_names(struct bytes data, const char *text)
{
    bool whole = strlen(text) == data.len;
    bool taken = is_taken(path_check(data), ERR_CORRUPT);

    assert(taken == (whole && stays_inside(text)));
    if (store_name_is_legal(text))
        assert(is_taken(path_check(bytes_of_text(text)), ERR_CORRUPT));
}

/* The two halves of the input, compared both ways. */
static void check_order(struct bytes data)
{
    struct bytes a = bytes_of(data.data, data.len / 2);
    struct bytes b = bytes_of(data.data + a.len, data.len - a.len);

    assert(path_compare(a, b) == -path_compare(b, a));
    assert((path_compare(a, b) == 0) == bytes_equal(a, b));
    assert(path_compare(data, data) == 0);
    if (path_is_within(b, a))
        assert(path_compare(a, b) <= 0);
    assert(path_is_within(data, data));
}

static void check_numbers(const char *text)
{
    char again[32];
    uint64_t value = 0;
    const char *digits = text + strspn(text, "0");

    if (is_taken(text_number(text, UINT64_MAX, &value), ERR_USAGE)) {
        snprintf(again, sizeof again, "%" PRIu64, value);
        assert(strcmp(*digits != '\0' ? digits : "0", again) == 0);
    }
    if (is_taken(text_number(text, 1000, &value), ERR_USAGE))
        assert(value <= 1000);
    if (is_taken(text_duration(text, &value), ERR_USAGE)) {
        text_human_size(value, again);
        assert(strlen(again) < sizeof again);
        text_human_time(value, again);
        assert(strlen(again) < sizeof again);
    }
}

static void check_codes(const char *text)
{
    uint8_t *decoded = malloc(strlen(text) + 1);
    char *again = malloc(2 * strlen(text) + 8);
    size_t len = 0;

    assert(decoded != NULL && again != NULL);
    if (is_taken(text_unbase64(text, decoded, strlen(text), &len), ERR_CORRUPT)) {
        text_base64(bytes_of(decoded, len), again);
        assert(strcmp(text, again) == 0);
    }
    if (is_taken(text_unhex(text, decoded, strlen(text) / 2), ERR_CORRUPT)) {
        text_hex(bytes_of(decoded, strlen(text) / 2), again);
        assert(strcmp(text, again) == 0);
    }
    free(again);
    free(decoded);
}

static void check_time(const char *text)
{
    char again[CLOCK_TEXT_LEN + 1];
    int64_t ms = 0;

    if (!is_taken(clock_parse(text, &ms), ERR_CORRUPT))
        return;
    clock_text(ms, again);
    assert(strcmp(text, again) == 0);
}

/* What goes into a message or onto a terminal is clean, whatever came in. */
static void check_printable(const char *text)
{
    static char shown[4 * TEXT_MAX + 1];

    text_printable(text, shown, sizeof shown);
    assert(text_is_clean(shown) && text_is_printable(shown));
    assert(text_is_printable(text) == (strcmp(text, shown) == 0));
    text_printable(text, shown, 7);
    assert(strlen(shown) < 7 && text_is_clean(shown));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char *text;

    if (size > TEXT_MAX)
        return 0;
    text = malloc(size + 1);
    assert(text != NULL);
    if (size > 0)
        memcpy(text, data, size);
    text[size] = '\0';
    check_names(bytes_of(data, size), text);
    check_order(bytes_of(data, size));
    check_numbers(text);
    check_codes(text);
    check_time(text);
    check_printable(text);
    free(text);
    return 0;
}
