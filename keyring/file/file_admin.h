/*
 * The administration of the file keyring: the functions behind keyring/admin.h.
 *
 * Uses: keyring, file_ring.
 */
#ifndef KEYRING_FILE_FILE_ADMIN_H
#define KEYRING_FILE_FILE_ADMIN_H

#include "keyring/admin.h"
#include "keyring/file/file_ring.h"

MUST_CHECK enum err file_admin_create(const struct master_key_options *options, bool unencrypted,
                                      struct key_name *out);
MUST_CHECK enum err file_admin_versions(const struct file_ring *r, struct key_versions *out);
MUST_CHECK enum err file_admin_rotate(struct file_ring *r, struct key_name *out);
MUST_CHECK enum err file_admin_act(struct file_ring *r, enum key_action action, const char *version,
                                   uint64_t days, struct key_version *out);

#endif
