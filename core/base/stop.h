/*
 * A request to stop: set by a signal, checked by every long loop.
 *
 * Uses: err.
 */
#ifndef CORE_BASE_STOP_H
#define CORE_BASE_STOP_H

#include "core/base/err.h"

/* SIGINT, SIGTERM and SIGHUP set the flag; SIGPIPE and SIGXFSZ are ignored. */
void stop_install(void);

/* ERR_INTERRUPTED when a signal has arrived since the start. */
MUST_CHECK enum err stop_check(void);

#endif
