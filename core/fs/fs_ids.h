/*
 * Whose rights this thread has on files: its own, or for a while those of another user.
 *
 * Linux keeps the ids that file systems look at for each thread. Root that takes another user's
 * makes files that are that user's, and can touch only what that user could, or one of the
 * process's own groups. Uses: core/base.
 */
#ifndef CORE_FS_FS_IDS_H
#define CORE_FS_FS_IDS_H

#include <stdbool.h>
#include <sys/types.h>

/* For this thread, until fs_ids_give_back(). False: not allowed here, and nothing has changed. */
bool fs_ids_take(uid_t uid, gid_t gid);
/* The process's own again. Ends the process when it fails: what follows must not run as somebody
 * else. */
void fs_ids_give_back(void);

#endif
