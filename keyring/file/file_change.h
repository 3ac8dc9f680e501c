/*
 * Changes a file keyring under its lock, completely or not at all.
 *
 * Steps: lock <path>.lock; read and check the file again; make the change; count the generation up;
 * write <path>.previous and <path>, each as temporary, fsync, rename, fsync of the directory.
 *
 * <path>.previous is a copy for when <path> is lost or damaged, and gets every change: it never
 * allows what <path> does not. So what takes rights away, adds a version or seals anew is written
 * there first, what gives rights is written there last. If the process is killed at any point,
 * <path> is the old generation or the new one, complete.
 * Uses: core/base, file_ring.
 */
#ifndef KEYRING_FILE_FILE_CHANGE_H
#define KEYRING_FILE_FILE_CHANGE_H

#include "core/base/err.h"
#include "keyring/file/file_ring.h"

/* FILE_CHANGED: nothing can be used that could not be used before, but a fresh version;
 * FILE_OPENED: something can. */
enum file_changed { FILE_UNCHANGED, FILE_CHANGED, FILE_OPENED };

/* What to do with the model: `now_ms` is the keyring's time (file_clock). A step that seals the
 * keyring anew puts its own key into *kek; the caller makes it the ring's afterwards. */
typedef enum err file_change_step(void *arg, struct file_keyring *k, const struct secret **kek,
                                  int64_t now_ms, enum file_changed *what);

/* Asks for the passphrase before it takes the lock. Nothing is written when nothing changed.
 * ERR_CORRUPT: the keyring is an older copy; ERR_FAILED: the clock is too far ahead of it
 * (clock.h). */
MUST_CHECK enum err file_change(struct file_ring *r, file_change_step *step, void *arg);

/* ERR_EXISTS: a keyring is there, or the copy of one is. For asking before the passphrase
 * is. */
MUST_CHECK enum err file_change_check_free(const struct file_ring *r);

/* Write a new keyring, which the ring adopts. ERR_EXISTS: as above, it may have come in between. */
MUST_CHECK enum err file_change_create(struct file_ring *r, struct file_keyring *k);

#endif
