/*
 * Numbers and bytes from text and back: integers, durations, hex, base64.
 *
 * The only place that parses numbers from text. All parsing is strict: no sign, no blanks, nothing
 * left over. On failure *out is untouched.
 * Uses: bytes, err.
 */
#ifndef CORE_BASE_TEXT_H
#define CORE_BASE_TEXT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/base/bytes.h"
#include "core/base/err.h"

/* A decimal number of at most `max`. ERR_USAGE: it is not. */
MUST_CHECK enum err text_number(const char *text, uint64_t max, uint64_t *out);

/* "90s", "15min", "6h", "7d", "2w", "3mo" (of 31 days), "1y" (of 366) into seconds. ERR_USAGE: it
 * is not, it has no unit, or it is 0. */
MUST_CHECK enum err text_duration(const char *text, uint64_t *seconds);

/* Lower-case hex; `out` has room for 2 × from.len + 1. */
void text_hex(struct bytes from, char *out);
/* Exactly `len` bytes from exactly 2 × len lower-case hex digits. ERR_CORRUPT: it is not; `out` may
 * be filled in part. */
MUST_CHECK enum err text_unhex(const char *text, uint8_t *out, size_t len);

/* Base64 (RFC 4648, padded, no line breaks). `out` has room for TEXT_BASE64_LEN(from.len) + 1. */
#define TEXT_BASE64_LEN(len) (((len) + 2) / 3 * 4)
void text_base64(struct bytes from, char *out);
/* At most `max` bytes, in canonical encoding only. ERR_CORRUPT: it is not; `out` may be filled in
 * part. */
MUST_CHECK enum err text_unbase64(const char *text, uint8_t *out, size_t max, size_t *len);

/* "12.3 MiB" and "1 h 02 min" (from three days on "3 days") for people; `out` has room for
 * TEXT_HUMAN_MAX. */
#define TEXT_HUMAN_MAX 32
void text_human_size(uint64_t bytes, char *out);
void text_human_time(uint64_t seconds, char *out);

/* True for valid UTF-8 without control characters: what JSON takes as text. The format depends on
 * it, so it depends on no version of Unicode. */
bool text_is_clean(const char *text);

/* Copy `text` to `out`, with every byte that is not part of a printable character as \xNN; cut to
 * fit `cap` bytes with the NUL. What is not printable: control characters, newlines, malformed
 * UTF-8, and characters that are invisible or that reorder what stands beside them (the bidi
 * controls). So the result is one line, and reads as it is stored. */
void text_printable(const char *text, char *out, size_t cap);

/* True for text that text_printable() leaves as it is. */
bool text_is_printable(const char *text);

/* The length of the printable character at `text`, or 0 when it is none (see text_printable()). */
size_t text_printable_len(const char *text);

/* The code point at `text` and its length; 0 and 0 when it is malformed or a control character. */
uint32_t text_character(const char *text, size_t *len);

#endif
