/*
 * A second wall around a restore that runs as root: from a point on this process makes, changes and
 * removes names and opens files for writing only below some directories.
 *
 * The kernel sees to it (Landlock, Linux 5.19 and later). Files that are open already stay as they
 * are, reading is not restricted, and nor are changes of owner, mode and time, which Landlock does
 * not know. There is no way back, for this thread and those that it starts.
 * Uses: nothing.
 */
#ifndef CORE_FS_CONFINE_H
#define CORE_FS_CONFINE_H

#include <stdbool.h>
#include <stddef.h>

/* The open directories may be closed afterwards; -1 counts as none. False: this kernel cannot, and
 * nothing has changed but that no program that is started gets rights of its own. */
bool confine_writes(const int *dirs, size_t count);

#endif
