/*
 * A file keyring on disk: read once, unlocked once, then believed for as long as the process works.
 *
 * Before anything in it is believed, the file is compared with what this machine remembers of it
 * (file_seen.h), its MAC is checked with the passphrase, and its generation is compared with what
 * the machine and the ledger have seen. What was checked is kept, and nobody who changes the file
 * meanwhile is listened to; only a change of ours reads it again, under its lock.
 * Uses: core/base, keyring, file_model.
 */
#ifndef KEYRING_FILE_FILE_RING_H
#define KEYRING_FILE_FILE_RING_H

#include <stdbool.h>

#include "core/base/err.h"
#include "keyring/file/file_model.h"
#include "keyring/file/file_place.h"
#include "keyring/file/passphrase.h"
#include "keyring/keyring.h"

#define FILE_PROVIDER_NAME "file"

struct file_ring;

/* The options are copied; nothing is read. ERR_USAGE: no path. */
MUST_CHECK enum err file_ring_open(const struct master_key_options *options,
                                   struct file_ring **out);
void file_ring_free(struct file_ring *r);

const char *file_ring_path(const struct file_ring *r); /* as configured, for messages */

/*
 * The keyring as the file says, without a passphrase: good for names to offer, and to be called
 * "not verified". *out is borrowed, until the next call that reads. ERR_KEY_UNREACHABLE: the file
 * cannot be read; ERR_CORRUPT, ERR_UNSUPPORTED: it is damaged; both hint at the copy beside it.
 */
MUST_CHECK enum err file_ring_look(struct file_ring *r, const struct file_keyring **out);

/*
 * The same, checked. ERR_KEY_INVALID: the passphrase is the wrong one; ERR_KEY_UNREACHABLE: there
 * is none to be had; ERR_CORRUPT: tampered with, or another keyring than this machine knows at that
 * path, or one that was protected and is not any more; ERR_USAGE: a passphrase file is configured,
 * and the keyring is unencrypted. An older generation than was seen is for
 * file_ring_require_newest().
 */
MUST_CHECK enum err file_ring_unlock(struct file_ring *r, const struct file_keyring **out);
bool file_ring_is_unlocked(const struct file_ring *r);
bool file_ring_has_passphrase_file(const struct file_ring *r);
struct passphrase_source file_ring_source(const struct file_ring *r); /* borrowed */
/* Can it be unlocked without asking a person? */
bool file_ring_is_quiet(const struct file_ring *r);

/* Read and check again, for a change: what is in its place, over no link. */
MUST_CHECK enum err file_ring_reread(struct file_ring *r, const struct file_place *at,
                                     const struct file_keyring **out);
/* What was written by a change is what counts from now on. Takes what `k` owns, and leaves it
 * empty. */
void file_ring_adopt(struct file_ring *r, struct file_keyring *k);

/* ERR_CORRUPT: the unlocked keyring is older than what this machine or the ledger has seen, and
 * --new-keyring was not given. For whatever seals or changes. */
MUST_CHECK enum err file_ring_require_newest(struct file_ring *r);
/* For what only opens or looks: the same as warnings, once, with what the ledger says of `key`. */
void file_ring_warn_older(struct file_ring *r, const struct key_name *key);
/* The highest generation known of the unlocked keyring, from anywhere. What a ledger claims beyond
 * KEYRING_GENERATION_LEAP does not count, and is warned of once. */
uint64_t file_ring_generation(struct file_ring *r);

/* Compare with this, too, from now on. */
void file_ring_set_witness(struct file_ring *r, const struct keyring_witness *witness);
/* The newest time that the witness knows; 0: none. */
int64_t file_ring_witness_ms(const struct file_ring *r);

/* Start scrypt, which file_ring_unlock() waits for, on a thread of its own. Only when the
 * passphrase is in a file. Reports nothing: what fails is repeated by file_ring_unlock(). */
void file_ring_prepare(struct file_ring *r);

/* After file_ring_unlock(): the key that seals the entries; NULL for an unencrypted keyring. */
const struct secret *file_ring_kek(const struct file_ring *r);

/* The passphrase of a keyring to be made, or, with `from`, the one it is to have, and the kek under
 * fresh parameters; file_ring_use_kek() makes it the ring's, with the keyring that it seals. */
MUST_CHECK enum err file_ring_new_kek(const struct file_ring *r,
                                      const struct passphrase_source *from,
                                      struct file_protection *with, struct secret **out);
void file_ring_use_kek(struct file_ring *r, struct secret *kek, const struct file_protection *of);

/* "<keyring id> <version>" of entry `v` as a key name. */
void file_ring_name(const struct file_keyring *k, const struct file_version *v,
                    struct key_name *out);

#endif
