/*
 * Changes a file keyring under its lock, completely or not at all.
 *
 * Steps: lock <path>.lock; destroy what is due; make the change asked for. Each of the last two
 * reads and checks the file again, writes the sibling <path>.previous, then replaces <path>; each
 * write is temporary, fsync, rename, fsync of the directory.
 *
 * <path>.previous holds the generation before, for when <path> is lost or damaged. In two cases it
 * gets the new content instead: when a key was destroyed, which would otherwise still be there, and
 * when a version was added, or the copy would lack the key in use. If the process is killed at any
 * point, <path> is the old generation or the new one, complete, and no version that is destroyed in
 * <path> still has its key in <path>.previous.
 * Uses: core/base, file_ring.
 */
#ifndef KEYRING_FILE_FILE_CHANGE_H
#define KEYRING_FILE_FILE_CHANGE_H

#include "core/base/err.h"
#include "keyring/file/file_ring.h"

/* What to do with the model: `now_ms` is the keyring's time (file_clock). */
enum file_changed { FILE_UNCHANGED, FILE_STATE_CHANGED, FILE_KEY_ADDED, FILE_KEY_GONE };
typedef enum err file_change_step(void *arg, struct file_keyring *k, const struct secret *kek,
                                  int64_t now_ms, enum file_changed *what);

/* Asks for the passphrase before it takes the lock. Nothing is written when nothing changed.
 * `step` sees versions that are due as destroyed already. */
MUST_CHECK enum err file_change(struct file_ring *r, file_change_step *step, void *arg);

/* Only destroy what is due. */
MUST_CHECK enum err file_change_settle(struct file_ring *r);

/* ERR_EXISTS: a keyring is there, or its previous generation is. For asking before the passphrase
 * is. */
MUST_CHECK enum err file_change_check_free(const struct file_ring *r);

/* Write a new keyring. ERR_EXISTS: as above, it may have come in between. */
MUST_CHECK enum err file_change_create(const struct file_ring *r, const struct file_keyring *k);

#endif
