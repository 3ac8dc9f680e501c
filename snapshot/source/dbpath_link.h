/*
 * Symbolic links in a dbpath: a database reads through them, a snapshot would hold only the link.
 *
 * Uses: core.
 */
#ifndef SNAPSHOT_SOURCE_DBPATH_LINK_H
#define SNAPSHOT_SOURCE_DBPATH_LINK_H

#include "core/base/err.h"
#include "core/fs/walk.h"

/* `item` is a link of a dbpath, and not one of what is left out. ERR_USAGE, with the link, where it
 * points and what to do: it stands for a directory, for a file of the database, or leads nowhere.
 * Links to other files are none of the database's, and are kept as links. */
MUST_CHECK enum err dbpath_check_link(const struct walk_item *item);

#endif
