/*
 * A finished file gets its name, and never takes another's: also where there are no hard links
 * (FAT, exFAT, some FUSE).
 *
 * Uses: core/base.
 */
#ifndef CORE_FS_FILE_NAME_H
#define CORE_FS_FILE_NAME_H

#include <stdbool.h>

/*
 * Name the file `from` of directory `from_dir` `to` in `to_dir`. By link() where that is to be had:
 * then `from` is still there, and *moved is false. Else by renaming, and *moved is true. `claim` is
 * a name in `from_dir` that each who names a file `to` gives alike; it is gone afterwards, and what
 * a killed run left of it hinders nobody. Returns 0, or -1 with errno: EEXIST when `to` is there,
 * or is being made. The caller syncs the directory.
 */
int file_name_give(int from_dir, const char *from, int to_dir, const char *to, const char *claim,
                   bool *moved);

#endif
