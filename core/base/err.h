/*
 * The error model: every function that can fail returns `enum err`; the message is kept once, for
 * this thread, where the failure is first noticed; TRY and FAIL jump to the label `out`.
 *
 * Uses: nothing.
 */
#ifndef CORE_BASE_ERR_H
#define CORE_BASE_ERR_H

#include <stddef.h>

/*
 * The one table of outcomes: name, exit status, what it means (man page, --help).
 * A code answers "what can the caller or the user do?", never "which function failed".
 */
#define ERR_TABLE(X)                                                                               \
    X(ERR_OK, 0, "done")                                                                           \
    X(ERR_FAILED, 1, "failed for another reason")                                                  \
    X(ERR_USAGE, 2, "usage or configuration error")                                                \
    X(ERR_KEY_INVALID, 3, "key invalid: a master-key version may not be used")                     \
    X(ERR_KEY_UNREACHABLE, 4, "key unreachable: cannot tell whether the key is valid; try again")  \
    X(ERR_NOT_FOUND, 5, "not found")                                                               \
    X(ERR_CORRUPT, 6, "integrity: corrupt, tampered or rolled back")                               \
    X(ERR_BUSY, 7, "busy: another run holds it")                                                   \
    X(ERR_NOT_COVERED, 8, "point in time not covered")                                             \
    X(ERR_STORAGE, 9, "storage unreachable or full")                                               \
    X(ERR_ATTENTION, 10, "done, but something needs attention")                                    \
    X(ERR_INTERRUPTED, 130, "interrupted")                                                         \
    X(ERR_EXISTS, 1, "the name is taken already")                                                  \
    X(ERR_UNSUPPORTED, 6, "written by a newer release, or not a format this release knows")

enum err {
#define ERR_ENUM(name, status, text) name,
    ERR_TABLE(ERR_ENUM)
#undef ERR_ENUM
};

#define MUST_CHECK __attribute__((warn_unused_result))
#define PRINTF_LIKE(fmt, args) __attribute__((format(printf, fmt, args)))

/* Run `call`; on failure jump to `out` with rc set. Needs `enum err rc` and the label `out`. */
#define TRY(call)                                                                                  \
    do {                                                                                           \
        rc = (call);                                                                               \
        if (rc != ERR_OK)                                                                          \
            goto out;                                                                              \
    } while (0)

/* Record a message, set rc and jump to `out`. */
#define FAIL(code, ...)                                                                            \
    do {                                                                                           \
        rc = err_set(code, __VA_ARGS__);                                                           \
        goto out;                                                                                  \
    } while (0)

/* The same with err_sys: adds the text of errno. */
#define FAIL_SYS(code, ...)                                                                        \
    do {                                                                                           \
        rc = err_sys(code, __VA_ARGS__);                                                           \
        goto out;                                                                                  \
    } while (0)

/* A message longer than this is cut, and a name in front of one (err_note) at ERR_NOTE_MAX: a long
 * path must not push out what happened. */
#define ERR_TEXT_MAX 2048
#define ERR_NOTE_MAX 1024
/* All hints of a message together. */
#define ERR_HINTS_MAX 2048

/* Record `code` and a message for this thread, replacing what was there; returns `code`. */
enum err err_set(enum err code, const char *fmt, ...) PRINTF_LIKE(2, 3);

/* As err_set, and adds ": " and the text of errno. ENOSPC and EDQUOT turn `code` into
 * ERR_STORAGE, ENOENT leaves it: the caller knows what a missing name means. */
enum err err_sys(enum err code, const char *fmt, ...) PRINTF_LIKE(2, 3);

/* Put a name in front of the message: "<fmt>: <what was there>". */
void err_note(const char *fmt, ...) PRINTF_LIKE(1, 2);

/* Add what the user can do. Hints are kept apart from the message: whoever prints them puts each on
 * a line of its own, and nothing that a message says of a file can look like one. */
void err_hint(const char *fmt, ...) PRINTF_LIKE(1, 2);

/* This thread's message without its hints, or "" when none was recorded. It may hold names from
 * outside as they are, newlines too: print it through text_printable(). Borrowed until the next
 * err_* call. */
const char *err_text(void);
/* Hint `i` of it, from 0 on; NULL: there are no more. From outside and borrowed likewise. */
const char *err_hint_at(size_t i);
void err_clear(void);

/* A code with its message and hints, outside of the thread's own buffers: to hand them to another
 * thread, or to keep them while other calls are made. */
struct err_record {
    enum err code;
    char text[ERR_TEXT_MAX];
    char hints[ERR_HINTS_MAX]; /* each with its NUL; an empty one ends them */
};
/* err_take() copies `code` and this thread's message; err_give() makes a copy this thread's message
 * again and returns its code. */
void err_take(enum err code, struct err_record *to);
enum err err_give(const struct err_record *from);

/* The process exit status of a code, from ERR_TABLE. */
int err_exit_status(enum err code);

#endif
