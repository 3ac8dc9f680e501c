/*
 * A file keyring on disk: read fresh each time, unlocked once.
 *
 * The file is read again for every operation, so a version disabled by another process a second
 * ago is disabled here too; scrypt runs once a process.
 * Uses: core/base, keyring, file_model.
 */
#ifndef KEYRING_FILE_FILE_RING_H
#define KEYRING_FILE_FILE_RING_H

#include <stdbool.h>

#include "core/base/err.h"
#include "keyring/file/file_model.h"
#include "keyring/keyring.h"

#define FILE_PREVIOUS ".previous"
#define FILE_LOCK ".lock"
#define FILE_PROVIDER_NAME "file"

struct file_ring;

/* The options are copied; nothing is read. ERR_USAGE: no path. */
MUST_CHECK enum err file_ring_open(const struct master_key_options *options,
                                   struct file_ring **out);
void file_ring_free(struct file_ring *r);

const char *file_ring_path(const struct file_ring *r); /* as configured, for messages */

/*
 * The model as it is in the file. Whether a protected one is genuine is not known yet: good for
 * names and states, not for using a key. `raw` (may be NULL) gets the bytes.
 * ERR_KEY_UNREACHABLE: the file cannot be read; ERR_CORRUPT, ERR_UNSUPPORTED: it is damaged; both
 * hint at the previous generation when there is one.
 */
MUST_CHECK enum err file_ring_read(const struct file_ring *r, struct file_keyring *out,
                                   struct buf *raw);

/* The same, checked with the passphrase. ERR_KEY_INVALID: it is the wrong one;
 * ERR_KEY_UNREACHABLE: no passphrase to be had; ERR_CORRUPT: tampered with; ERR_USAGE: a
 * passphrase file is configured, and the keyring is unencrypted (somebody may have put theirs
 * there). */
MUST_CHECK enum err file_ring_unlock(struct file_ring *r, struct file_keyring *out,
                                     struct buf *raw);

/* Start scrypt, which file_ring_unlock() waits for, on a thread of its own. Only when the
 * passphrase is in a file. Reports nothing: what fails is repeated by file_ring_unlock(). */
void file_ring_prepare(struct file_ring *r);

/* After file_ring_unlock(): the key that seals the entries; NULL for an unencrypted keyring. */
const struct secret *file_ring_kek(const struct file_ring *r);

/* The passphrase of a keyring to be made, and its kek with fresh parameters. */
MUST_CHECK enum err file_ring_new_kek(struct file_ring *r, struct file_scrypt *with);

/* "<keyring id> <version>" of entry `v` as a key name. */
void file_ring_name(const struct file_keyring *k, const struct file_version *v,
                    struct key_name *out);

#endif
