#include "core/base/log.h"

#include <pthread.h>
#include <stdarg.h>
#include <stdio.h>

static log_sink *current; /* set once, before the first thread: read without the lock */
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;

void log_to(log_sink *sink)
{
    current = sink;
}

void log_say(enum log_level level, const char *fmt, ...)
{
    char text[ERR_TEXT_MAX];
    va_list args;

    if (current == NULL)
        return;
    va_start(args, fmt);
    vsnprintf(text, sizeof text, fmt, args);
    va_end(args);
    /* Formatted above, outside of the lock; the sink sees one message at a time. */
    pthread_mutex_lock(&lock);
    current(level, text);
    pthread_mutex_unlock(&lock);
}
