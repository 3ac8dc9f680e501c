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

/* "90s", "15m", "6h", "7d", "2w" into seconds; without a letter it is seconds. ERR_USAGE: it is
 * not. */
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

/* "12.3 MiB" and "1 h 02 min" for people; `out` has room for TEXT_HUMAN_MAX. */
#define TEXT_HUMAN_MAX 32
void text_human_size(uint64_t bytes, char *out);
void text_human_time(uint64_t seconds, char *out);

/* True for valid UTF-8 without control characters: safe in a message, on a terminal and in JSON. */
bool text_is_clean(const char *text);

/* Copy `text` to `out`, with every byte that is not part of clean UTF-8 as \xNN; cut to fit `cap`
 * bytes with the NUL. */
void text_printable(const char *text, char *out, size_t cap);

#endif
