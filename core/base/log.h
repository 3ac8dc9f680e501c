/*
 * Notes and warnings for the user, from any room. The cli decides where they go.
 *
 * Uses: err.
 */
#ifndef CORE_BASE_LOG_H
#define CORE_BASE_LOG_H

#include "core/base/err.h"

enum log_level { LOG_DEBUG, LOG_INFO, LOG_WARN };

typedef void log_sink(enum log_level level, const char *text);

/* Call before the first thread starts. With NULL everything is dropped, as before the first call.
 * The sink is called by one thread at a time. */
void log_to(log_sink *sink);

/* One line at most, and never a secret. This thread's error message stays as it is. */
void log_say(enum log_level level, const char *fmt, ...) PRINTF_LIKE(2, 3);

#endif
