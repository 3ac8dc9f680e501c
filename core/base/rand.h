/*
 * Random bytes for identifiers and temporary names; key material comes from secret_random().
 *
 * Uses: err.
 */
#ifndef CORE_BASE_RAND_H
#define CORE_BASE_RAND_H

#include <stddef.h>

#include "core/base/err.h"

/* ERR_FAILED: the generator has no entropy; `data` must not be used then. */
MUST_CHECK enum err rand_fill(void *data, size_t len);

#endif
