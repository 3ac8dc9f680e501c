/*
 * Short ways to a file keyring, for the tests of this room. Unencrypted ones need no scrypt and are
 * fast.
 *
 * Uses: helpers, keyring.
 */
#ifndef TESTS_UNIT_KEYRING_RINGS_H
#define TESTS_UNIT_KEYRING_RINGS_H

#include <stdio.h>
#include <string.h>

#include "core/base/clock.h"
#include "keyring/admin.h"
#include "keyring/file/file_model.h"
#include "keyring/file/file_seal.h"
#include "keyring/file/file_state.h"
#include "keyring/keyring.h"
#include "tests/unit/helpers.h"

#define PASSPHRASE "correct horse battery staple"

/* A repository id for envelopes. */
extern const uint8_t test_repository[SEAL_ID_LEN];

struct master_key_options options_of(const char *path, const char *passphrase_file);

/* Make a keyring as `options` say, or be refused. */
enum err create_ring(const struct master_key_options *options, bool unencrypted,
                     struct key_name *out);

/* Make a keyring at `path`: unencrypted without a passphrase file. */
struct key_name make_ring(const char *path, const char *passphrase_file);

struct keyring *open_ring(const char *path, const char *passphrase_file);

/* Run one action on `version` of the first master key. */
void do_act(struct keyring *k, enum key_action action, const char *version);

/* The state of `version` by name. */
const char *state_of(struct keyring *k, const char *version);

/* The whole file. */
struct buf slurp(const char *path);

void spew(const char *path, struct bytes content);

/* Put a generated secret into a file: no ring that it seals has to pay for scrypt. */
void put_secret(const char *file);

/* Change an unencrypted keyring behind everyone's back: time passes, a date comes near. */
typedef void ring_edit(struct file_keyring *k);

void edit_ring(const char *path, ring_edit *edit);

/* An hour ago version 1 was scheduled for deletion; a minute ago it was due. */
void make_due(struct file_keyring *k);

/* True when the file at `path` holds material for `version`. */
bool has_material(const char *path, size_t version);

/* printf into one of a few static buffers. */
const char *textf(const char *fmt, ...) PRINTF_LIKE(1, 2);

/* How often the keyring of the first master key was changed. */
uint64_t ring_generation(struct keyring *k);

#endif
