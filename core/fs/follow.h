/*
 * A directory by the path that an operator gave, opened by root where others may own what lies on
 * the way.
 *
 * Links are followed as the kernel does. But whoever owns a link may change it at any time, so as
 * root none is followed that belongs to another user and leads to a directory that does not:
 * there root would do for him what he may not do himself. (A directory that is renamed on the way
 * is one that he may write to.) The operator can name that directory without the link.
 *
 * Uses: core/base.
 */
#ifndef CORE_FS_FOLLOW_H
#define CORE_FS_FOLLOW_H

#include "core/base/err.h"

/* Open it for reading. ERR_USAGE: no such directory, it cannot be reached, or not safely. */
MUST_CHECK enum err follow_open_dir(const char *path, int *fd);

#endif
