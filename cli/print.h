/*
 * The two ways out: results to standard output, everything else to standard error. No other room
 * prints.
 *
 * Uses: core/base.
 */
#ifndef CLI_PRINT_H
#define CLI_PRINT_H

#include <stdbool.h>
#include <stdint.h>

#include "core/base/bytes.h"
#include "core/base/err.h"
#include "core/base/jdoc.h"

/* Before the first thread: rooms' notes and warnings go to standard error from now on. Quiet leaves
 * only warnings, verbose shows everything. */
void print_setup(bool quiet, bool verbose);
bool print_is_quiet(void);
bool print_is_verbose(void);
/* Results go nowhere from now on: quiet, and all goes well so far. */
void print_mute(bool mute);

/* Results. A write that fails is kept and reported by print_finish(). What is not printable (see
 * text_printable()) comes out as \xNN, but for the newlines: text from outside that may have some
 * goes through print_clean(). */
void print_out(const char *fmt, ...) PRINTF_LIKE(1, 2);
void print_bytes(struct bytes what); /* as they are */
/* "3 files", "1 file": the number and the noun, which makes its plural with an s. */
void print_count(uint64_t count, const char *noun);
/* Text from outside: what could steer a terminal, or begin a line, comes out as \xNN. */
void print_clean(const char *text);
/* Encoded JSON; characters that are not printable come out as \uNNNN, which says the same. */
void print_json_text(struct bytes json);
/* A JSON document for people and jq alike, with a newline. */
MUST_CHECK enum err print_json(const struct jdoc *document);

/* Everything printed so far has been taken. ERR_FAILED, ERR_STORAGE: it has not (a closed pipe, a
 * full disk): a result that nobody got is a failure. */
MUST_CHECK enum err print_finish(void);

/* "sealpoint: <this thread's message>", and each hint in a line of its own. All is made printable.
 */
void print_failure(void);

/* How far a long job is, for who asked (SIGUSR1) or reads a log: a line of its own. */
void print_progress(const char *line);

/* The line of progress that a terminal shows below everything; NULL takes it away. Any thread. */
void print_status(const char *line);
/* While somebody is asked something at the terminal no such line may wipe the question away. */
void print_hold_status(bool hold);

#endif
