#include "core/base/err.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

/*
 * There is one message per thread, in a buffer of fixed size: recording a failure must work when
 * the failure is that there is no memory.
 *
 * A message is built from the inside out. err_set() or err_sys() records what happened where it is
 * first noticed, and replaces whatever was there. On the way up, err_note() puts in front what was
 * being done ("restoring s-2031: pack 7: ..."). err_hint() adds what the user can do, in a buffer
 * of its own: were hints a part of the message, a file could have a name that reads like one. A
 * caller that handles a failure calls err_clear(), so that a later err_note() does not prefix a
 * message that is settled.
 *
 * A worker thread has a message of its own, which would be lost with the thread. It is copied out
 * with err_take() before the thread ends, and err_give() makes it the message of the thread that
 * joins it (pool.c). The same pair keeps a message across calls that may record others.
 *
 * The arguments of these functions must not point into the message itself, which is overwritten
 * while they are formatted; a caller that needs the old text copies it with err_take() first.
 */
static _Thread_local char message[ERR_TEXT_MAX];
static _Thread_local char hints[ERR_HINTS_MAX]; /* one after another, each with its NUL */

static const int statuses[] = {
#define ERR_ROW(name, status, text) [name] = (status),
    ERR_TABLE(ERR_ROW)
#undef ERR_ROW
};

/* As much of `text` as fits behind the message. */
static void append_text(const char *text)
{
    size_t used = strlen(message);
    size_t len = strnlen(text, sizeof message - 1 - used);

    memcpy(message + used, text, len);
    message[used + len] = '\0';
}

enum err err_set(enum err code, const char *fmt, ...)
{
    va_list args;

    va_start(args, fmt);
    vsnprintf(message, sizeof message, fmt, args);
    va_end(args);
    hints[0] = '\0';
    return code;
}

enum err err_sys(enum err code, const char *fmt, ...)
{
    int cause = errno; /* vsnprintf() may change it */
    char reason[128];
    va_list args;

    va_start(args, fmt);
    /* Room is left for the reason, however long a name is. */
    vsnprintf(message, sizeof message - sizeof reason - 2, fmt, args);
    va_end(args);
    hints[0] = '\0';
    append_text(": ");
    append_text(strerror_r(cause, reason, sizeof reason));
    if (cause == EMFILE)
        err_hint("too many files are open in this process: raise its limit (`ulimit -n`)");
    if (cause == EFBIG)
        err_hint("a limit on the size of files was met: raise this process's (`ulimit -f`), or use "
                 "another file system");
    /* A full disk is the same to every caller: something the user can fix. */
    return cause == ENOSPC || cause == EDQUOT ? ERR_STORAGE : code;
}

void err_note(const char *fmt, ...)
{
    char before[ERR_TEXT_MAX];
    va_list args;

    memcpy(before, message, sizeof before);
    va_start(args, fmt);
    vsnprintf(message, ERR_NOTE_MAX, fmt, args);
    va_end(args);
    append_text(": ");
    append_text(before);
}

/* Where the hint after `hint` begins. */
static const char *next_hint(const char *hint)
{
    return hint + strlen(hint) + 1;
}

void err_hint(const char *fmt, ...)
{
    const char *end = hints;
    size_t used;
    va_list args;

    while (*end != '\0')
        end = next_hint(end);
    used = (size_t)(end - hints);
    if (used + 2 > sizeof hints)
        return;
    va_start(args, fmt);
    vsnprintf(hints + used, sizeof hints - used - 1, fmt, args);
    va_end(args);
    hints[used + strlen(hints + used) + 1] = '\0'; /* the empty one behind it */
}

const char *err_text(void)
{
    return message;
}

const char *err_hint_at(size_t i)
{
    const char *hint = hints;

    while (*hint != '\0' && i-- > 0)
        hint = next_hint(hint);
    return *hint != '\0' ? hint : NULL;
}

void err_clear(void)
{
    message[0] = '\0';
    hints[0] = '\0';
}

void err_take(enum err code, struct err_record *to)
{
    to->code = code;
    memcpy(to->text, message, sizeof to->text);
    memcpy(to->hints, hints, sizeof to->hints);
}

enum err err_give(const struct err_record *from)
{
    memcpy(message, from->text, sizeof message);
    memcpy(hints, from->hints, sizeof hints);
    return from->code;
}

int err_exit_status(enum err code)
{
    return statuses[code];
}
