/*
 * The life of a key version in the file keyring, as pure functions of the model and the time.
 *
 *   enabled ⇄ disabled;  enabled, disabled → pendingDeletion → (its date) → destroyed
 *                                            pendingDeletion → (cancelled) → disabled
 *
 * For a keyring time never goes back: file_clock() is the newest time it has seen, so setting the
 * clock back does not revive a version. A version past its deletion date counts as destroyed,
 * whether or not its key has been removed from the file (file_settle, which only `key purge` does).
 * Uses: keyring, file_model.
 */
#ifndef KEYRING_FILE_FILE_STATE_H
#define KEYRING_FILE_FILE_STATE_H

#include <stdbool.h>

#include "keyring/admin.h"
#include "keyring/file/file_model.h"

/* `now_ms`, or the newest time in the keyring when that is later. */
int64_t file_clock(const struct file_keyring *k, int64_t now_ms);

/* What `v` is at that time, and since when. */
enum file_key_state file_state_at(const struct file_version *v, int64_t now_ms, int64_t *since_ms);

/* Remove the key of every version that is destroyed by now. True: there was one. */
bool file_settle(struct file_keyring *k, int64_t now_ms);

/* The version of that number: decimal text as in records. ERR_NOT_FOUND. */
MUST_CHECK enum err file_find(const struct file_keyring *k, const char *version,
                              struct file_version **out);

/* See keyring_act(). *changed is false when there was nothing to do. */
MUST_CHECK enum err file_act(struct file_version *v, enum key_action action, uint64_t days,
                             int64_t now_ms, bool *changed);

/* A further version, enabled and active, its key still to be stored; *out is borrowed.
 * ERR_FAILED: FILE_KEYRING_VERSIONS_MAX are there. */
MUST_CHECK enum err file_add(struct file_keyring *k, int64_t now_ms, struct file_version **out);

#endif
