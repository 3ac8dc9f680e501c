/*
 * What the rooms want to tell the person: notes and warnings. The cli says where they go.
 *
 * Uses: nothing.
 */
#ifndef CORE_BASE_LOG_H
#define CORE_BASE_LOG_H

#include "core/base/err.h"

enum log_level { LOG_DEBUG, LOG_INFO, LOG_WARN };

typedef void log_sink(enum log_level level, const char *text);

/* Before the first thread. NULL: everything is dropped. The sink is called by one thread at a time.
 */
void log_to(log_sink *sink);

/* At most one line; no secrets. */
void log_say(enum log_level level, const char *fmt, ...) PRINTF_LIKE(2, 3);

#endif
