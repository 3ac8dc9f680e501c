#include "core/base/err.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

static _Thread_local char message[ERR_TEXT_MAX];

static const struct {
    int status;
    const char *meaning;
} table[] = {
#define ERR_ROW(name, status, text) [name] = {status, text},
    ERR_TABLE(ERR_ROW)
#undef ERR_ROW
};

enum err err_set(enum err code, const char *fmt, ...)
{
    va_list args;

    va_start(args, fmt);
    vsnprintf(message, sizeof message, fmt, args);
    va_end(args);
    return code;
}

enum err err_sys(enum err code, const char *fmt, ...)
{
    int cause = errno;
    char reason[128];
    size_t used;
    va_list args;

    va_start(args, fmt);
    vsnprintf(message, sizeof message, fmt, args);
    va_end(args);
    used = strlen(message);
    snprintf(message + used, sizeof message - used, ": %s",
             strerror_r(cause, reason, sizeof reason));
    return cause == ENOSPC || cause == EDQUOT ? ERR_STORAGE : code;
}

void err_note(const char *fmt, ...)
{
    char before[ERR_TEXT_MAX];
    size_t used;
    va_list args;

    memcpy(before, message, sizeof before);
    va_start(args, fmt);
    vsnprintf(message, sizeof message, fmt, args);
    va_end(args);
    used = strlen(message);
    snprintf(message + used, sizeof message - used, ": %s", before);
}

void err_hint(const char *fmt, ...)
{
    size_t used = strlen(message);
    va_list args;

    used += (size_t)snprintf(message + used, sizeof message - used, "\n  ");
    if (used >= sizeof message)
        return;
    va_start(args, fmt);
    vsnprintf(message + used, sizeof message - used, fmt, args);
    va_end(args);
}

const char *err_text(void)
{
    return message;
}

void err_clear(void)
{
    message[0] = '\0';
}

void err_take(enum err code, struct err_record *to)
{
    to->code = code;
    memcpy(to->text, message, sizeof to->text);
}

enum err err_give(const struct err_record *from)
{
    memcpy(message, from->text, sizeof message);
    return from->code;
}

int err_exit_status(enum err code)
{
    return table[code].status;
}

const char *err_meaning(enum err code)
{
    return table[code].meaning;
}
