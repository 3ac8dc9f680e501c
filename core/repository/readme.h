/*
 * README.sealpoint: what somebody reads who finds a repository and does not know what it is.
 *
 * Nothing reads it again, and nothing protects it. Uses: core/base, core/store.
 */
#ifndef CORE_REPOSITORY_README_H
#define CORE_REPOSITORY_README_H

#include "core/base/err.h"
#include "core/store/store.h"

/* Into a new repository; one that is there stays as it is. */
MUST_CHECK enum err readme_put(struct store *store);

#endif
