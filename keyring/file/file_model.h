/*
 * The file keyring: what is in it, and its bytes (docs/FORMAT.md, 7).
 *
 * Two lines, each ended by one newline, and nothing after them.
 *
 * Line 1, one JSON object:
 *   {"format": 1, "type": "keyring", "keyringId": 32 hex, "createdAt": time, "generation": 1..,
 *    "protection": {"kdf": "scrypt", "n": N, "r": 8, "p": P, "salt": 32 hex},
 *                  {"kdf": "hkdf", "salt": 32 hex} or {"kdf": "none"},
 *    "repositories": [64 hex, …], "active": V,
 *    "versions": [{"version": 1.., "state": "enabled" | "disabled" | "pendingDeletion" |
 *                  "destroyed", "createdAt": time, "stateChangedAt": time,
 *                  "deletionDate": time or null, "commitment": 64 hex, "key": base64 or null}, …]}
 *   Versions are numbered from 1 without a hole; an entry is never taken out. deletionDate is there
 *   in pendingDeletion and destroyed only; key is null in destroyed only. repositories are the
 *   fingerprints that the keyring serves. commitment is file_seal_commitment().
 *   Numbers are JSON numbers; members this page does not name are ignored, unless their name
 *   begins with "!".
 *
 * kek: file_kek.h. With kdf "none" there is none.
 *
 * "key" with a kek: a sealed object (type 4, key wrap) of 234 bytes with the 32 bytes of the
 *   master key as plaintext, under X(kek, "sealpoint/v1/keyring-entry" ‖ 00 ‖ keyringId(16) ‖
 *   version(8), 32); header: repository id = keyringId, scope id = 16 zero bytes, ordinal =
 *   version, object id random. With none: the 32 bytes themselves.
 *
 * Line 2 with a kek: {"mac":"<hex of X(kek, "sealpoint/v1/keyring" ‖ 00 ‖ SHA-256(line 1
 *   without its newline)(32), 32)>"}; with none: {"sha256":"<hex of SHA-256(line 1)>"}. Exactly
 *   these bytes, no blanks.
 *
 * Uses: core/base, core/seal.
 */
#ifndef KEYRING_FILE_FILE_MODEL_H
#define KEYRING_FILE_FILE_MODEL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/base/bytes.h"
#include "core/base/err.h"
#include "core/base/hash.h"
#include "core/base/jdoc.h"
#include "core/base/secret.h"
#include "core/seal/subkey.h"

#define FILE_KEYRING_LEN_MAX MIB
#define FILE_KEYRING_VERSIONS_MAX 1000
#define FILE_KEY_STORED_MAX 256 /* a sealed master key is 234 bytes */
#define FILE_SALT_LEN 16
#define FILE_MAC_LEN 32

#define FILE_REPOSITORIES_MAX 64
#define FILE_GENERATION_MAX ((UINT64_C(1) << 53) - 1)

/*
 * scrypt takes 128 × r × N bytes. Written: N = 2^15, r = 8, p = 3: 32 MiB, which the memory promise
 * of a backup has room for, and 0.3 s; a generated secret needs none of it. Accepted by the format:
 * N up to 2^20; what is above FILE_SCRYPT_N_CAP is derived only when the user allows the memory
 * (file_kek.h). Not less than what is written, so that nobody can make guessing cheaper by editing
 * the file.
 */
#define FILE_SCRYPT_N 32768
#define FILE_SCRYPT_N_CAP 131072
#define FILE_SCRYPT_N_MAX 1048576
#define FILE_SCRYPT_R 8
#define FILE_SCRYPT_P 3
#define FILE_SCRYPT_P_MAX 4

enum file_kdf { FILE_KDF_NONE, FILE_KDF_SCRYPT, FILE_KDF_HKDF };

struct file_protection {
    enum file_kdf kdf;
    uint64_t n; /* scrypt only */
    uint64_t p;
    uint8_t salt[FILE_SALT_LEN];
};
/* From the member "protection" of `from`. ERR_UNSUPPORTED: another kdf. */
MUST_CHECK enum err file_protection_read(const struct jdoc *from, struct file_protection *out);
bool file_protection_equal(const struct file_protection *a, const struct file_protection *b);

enum file_key_state { FILE_KEY_ENABLED, FILE_KEY_DISABLED, FILE_KEY_PENDING, FILE_KEY_DESTROYED };
const char *file_key_state_name(enum file_key_state state);

struct file_version {
    uint64_t number;
    enum file_key_state state;
    int64_t created_ms;
    int64_t changed_ms;
    int64_t deletion_ms; /* 0: none */
    uint8_t commitment[SEAL_COMMITMENT_LEN];
    uint8_t stored[FILE_KEY_STORED_MAX]; /* "key": sealed, or unencrypted */
    size_t stored_len;                   /* 0: destroyed */
};

struct file_keyring {
    uint8_t id[SEAL_ID_LEN];
    int64_t created_ms;
    uint64_t generation; /* one more with each change */
    struct file_protection protection;
    uint8_t repositories[FILE_REPOSITORIES_MAX][HASH_LEN]; /* fingerprints that it serves */
    size_t repository_count;
    uint64_t active;               /* a version's number */
    struct file_version *versions; /* number i + 1 at i; owned */
    size_t count;
    uint8_t digest[HASH_LEN];  /* as decoded: SHA-256 of line 1 */
    uint8_t mac[FILE_MAC_LEN]; /* as decoded, when protected: not checked yet */
};

bool file_is_protected(const struct file_keyring *k);
MUST_CHECK enum err file_keyring_copy(const struct file_keyring *from, struct file_keyring *out);
/* Wipes what may be unencrypted keys, and frees. */
void file_keyring_clear(struct file_keyring *k);

/*
 * ERR_CORRUPT: not exactly such a file, a limit is broken, or (unencrypted) the digest does not
 * fit. ERR_UNSUPPORTED: a format, kdf or "!" member this release does not know. The mac of a
 * protected one is for file_seal_check().
 */
MUST_CHECK enum err file_keyring_decode(struct bytes from, struct file_keyring *out);

/* Append both lines. `kek` is NULL for an unencrypted one. */
MUST_CHECK enum err file_keyring_encode(const struct file_keyring *k, const struct secret *kek,
                                        struct buf *to);

/* X(kek, "sealpoint/v1/keyring" ‖ 00 ‖ digest, 32) */
MUST_CHECK enum err file_keyring_mac(const struct secret *kek, const uint8_t digest[HASH_LEN],
                                     uint8_t out[FILE_MAC_LEN]);

#endif
