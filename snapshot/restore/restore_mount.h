/*
 * A restore onto an empty mount point, or into an empty btrfs subvolume.
 *
 *   <target>/.sealpoint-partial/content/   is filled
 *   <target>/.sealpoint-partial/root       the owner and mode that the mount point's root had
 *   <target>/.sealpoint-partial/names      durable before the first move: what will be moved up
 *   <target>/mongod.lock                   a link to .sealpoint-partial: see restore_mount.c
 *
 * A name of the list that is no longer in `content` was moved up. So a restore that was killed
 * between two moves is undone by the next one, and what others put there is told from it. The
 * commit point is the renaming of .sealpoint-partial to .sealpoint-finished, which is then removed.
 *
 * Uses: core, restore_target.
 */
#ifndef SNAPSHOT_RESTORE_RESTORE_MOUNT_H
#define SNAPSHOT_RESTORE_RESTORE_MOUNT_H

#include "snapshot/restore/restore_target.h"

#define MOUNT_FINISHED ".sealpoint-finished"

extern const struct target_kind target_kind_mount;

/* The snapshot must not have names of its own where ours must lie. ERR_USAGE. */
MUST_CHECK enum err mount_check_names(const struct restore_target *t);

#endif
