/*
 * A restore over an older state, in place.
 *
 *   <target>.sealpoint-incomplete   the mark: there from the first change to the last
 *   <target>.sealpoint-replaced/    what was replaced or removed, until all has committed
 *   <target>/mongod.lock            a link to a directory while it lasts, for mongod refuses that
 *
 * The first two lie in a mount point under the names that begin with the dot. Uses: core,
 * restore_target.
 */
#ifndef SNAPSHOT_RESTORE_RESTORE_DELTA_H
#define SNAPSHOT_RESTORE_RESTORE_DELTA_H

#include "snapshot/restore/restore_target.h"

extern const struct target_kind target_kind_delta;

#endif
