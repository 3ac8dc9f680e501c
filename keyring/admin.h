/*
 * The `key` commands on master keys that are managed from here (today: the file keyring).
 *
 * Every change happens completely or not at all, even if the process is killed. A version past its
 * deletion date counts as destroyed at once; its key is removed from the file by keyring_purge()
 * and by nothing else.
 * Uses: core/base, keyring.
 */
#ifndef KEYRING_ADMIN_H
#define KEYRING_ADMIN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/base/err.h"
#include "keyring/keyring.h"

#define KEY_DELETION_DAYS_LEAST 7
#define KEY_DELETION_DAYS_MOST 30
#define KEY_DELETION_DAYS_DEFAULT 30

struct key_version {
    char version[KEY_VERSION_MAX + 1];
    const char *state; /* "enabled", "disabled", "pendingDeletion", "destroyed"; static */
    bool is_active;
    bool has_key; /* false: destroyed, and removed from the file */
    int64_t created_ms;
    int64_t changed_ms;  /* when the state became what it is */
    int64_t deletion_ms; /* when the key is or was removed; 0: no date */
};

struct key_versions {
    struct key_name active;
    bool is_protected;         /* a passphrase seals the keys; false: they are unencrypted */
    bool is_verified;          /* checked with the passphrase; false: as the file says */
    uint64_t generation;       /* how often it was changed, its making included */
    struct key_version *items; /* oldest first; owned */
    size_t count;
};
void key_versions_clear(struct key_versions *v);

/* Master key `i` in all that follows. ERR_USAGE: its provider is managed elsewhere. ERR_CORRUPT of
 * whatever changes a keyring: it is an older copy (keyring_remind()). */

/*
 * Make it, with one enabled, active version. For the file keyring: sealed under the passphrase of
 * passphrase_file or of ask(twice), or, with `unencrypted`, not sealed at all. ERR_EXISTS: there is
 * one (it stays as it is); ERR_USAGE: no passphrase is named and nobody can be asked.
 */
MUST_CHECK enum err keyring_create(struct keyring *k, size_t i, bool unencrypted,
                                   struct key_name *out);

/* All versions with their states. `verify`: checked first with the passphrase, unless a person
 * would have to be asked for it, or it cannot be had; out->is_verified tells. Without it no
 * passphrase is needed. */
MUST_CHECK enum err keyring_versions(struct keyring *k, size_t i, bool verify,
                                     struct key_versions *out);

/* Remove the keys of all versions that are past their deletion date. */
MUST_CHECK enum err keyring_purge(struct keyring *k, size_t i);

/* Seal it under another passphrase, from `file` or asked for; copies of it keep the old one. */
MUST_CHECK enum err keyring_passphrase(struct keyring *k, size_t i, const char *file);

/* Write a fresh generated secret into `file`, mode 0600. ERR_EXISTS: there is such a file. */
MUST_CHECK enum err keyring_generate_secret(const char *file);

/* Name a repository, by its fingerprint, as one that the keyring serves. */
MUST_CHECK enum err keyring_serve(struct keyring *k, size_t i, const char *fingerprint);

/* A fresh version, active from now on. The older ones stay as they are. */
MUST_CHECK enum err keyring_rotate(struct keyring *k, size_t i, struct key_name *out);

/*
 * disable: enabled → disabled. enable: disabled → enabled. schedule: enabled or disabled →
 * pendingDeletion for `days`. cancel: pendingDeletion → disabled, as a KMS does. Disabling what
 * is disabled and enabling what is enabled is done already. The active version may be disabled or
 * scheduled; no backup is possible then until it is enabled or a rotation makes another active.
 * ERR_USAGE: that state does not allow it, or days are out of range. ERR_NOT_FOUND: no such
 * version. *out (may be NULL): the version after it.
 */
enum key_action { KEY_DISABLE, KEY_ENABLE, KEY_SCHEDULE_DELETION, KEY_CANCEL_DELETION };
MUST_CHECK enum err keyring_act(struct keyring *k, size_t i, enum key_action action,
                                const char *version, uint64_t days, struct key_version *out);

/* Where a file keyring is, relative to a repository directory. Inside it, or beside it in the same
 * directory, it does not protect against somebody who copies both; users are warned of that. */
enum key_place { KEY_PLACE_APART, KEY_PLACE_BESIDE, KEY_PLACE_INSIDE };
MUST_CHECK enum err key_place_of(const char *keyring_path, const char *repository,
                                 enum key_place *out);

#endif
