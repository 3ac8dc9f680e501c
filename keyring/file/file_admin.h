/*
 * The administration of the file keyring: the functions behind keyring/admin.h.
 *
 * Uses: keyring, file_ring.
 */
#ifndef KEYRING_FILE_FILE_ADMIN_H
#define KEYRING_FILE_FILE_ADMIN_H

#include "keyring/admin.h"
#include "keyring/file/file_ring.h"

MUST_CHECK enum err file_admin_create(struct file_ring *r, bool unencrypted, struct key_name *out);
MUST_CHECK enum err file_admin_versions(struct file_ring *r, bool verify, struct key_versions *out);
MUST_CHECK enum err file_admin_rotate(struct file_ring *r, struct key_name *out);
MUST_CHECK enum err file_admin_act(struct file_ring *r, enum key_action action, const char *version,
                                   uint64_t days, struct key_version *out);
MUST_CHECK enum err file_admin_purge(struct file_ring *r);
MUST_CHECK enum err file_admin_passphrase(struct file_ring *r, const char *file);
MUST_CHECK enum err file_admin_serve(struct file_ring *r, const uint8_t fingerprint[HASH_LEN]);

#endif
