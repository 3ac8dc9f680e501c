/*
 * The configured master keys, and the data keys they wrap.
 *
 * The first master key is the recorded one; each further one gets an envelope of every data key
 * too. Master keys never leave their provider; data keys live in struct secret.
 * Uses: core/base, core/seal, verdict. Not core/ledger: keyring/catalogue knows the records.
 */
#ifndef KEYRING_KEYRING_H
#define KEYRING_KEYRING_H

#include <stdbool.h>
#include <stddef.h>

#include "core/base/bytes.h"
#include "core/base/err.h"
#include "core/base/jdoc.h"
#include "core/base/secret.h"
#include "core/seal/subkey.h"
#include "keyring/verdict.h"

#define KEY_PROVIDER_MAX 15
#define KEY_ID_MAX 511
#define KEY_VERSION_MAX 127
#define KEYRING_KEYS_MAX 8
#define ENVELOPE_WRAPPED_MAX 4096

/* Which version of which master key. In JSON: {"provider", "keyId", "keyVersion"}, and
 * "keyCommitment" where the provider commits to its keys. */
struct key_name {
    char provider[KEY_PROVIDER_MAX + 1];
    char key_id[KEY_ID_MAX + 1];
    char version[KEY_VERSION_MAX + 1];
    char commitment[2 * SEAL_COMMITMENT_LEN + 1]; /* hex; "": not known */
};
/* The commitments are compared where both have one: two keys of one number are not the same. */
bool key_name_equal(const struct key_name *a, const struct key_name *b);
MUST_CHECK enum err key_name_read(const struct jdoc *from, struct key_name *out);
MUST_CHECK enum err key_name_write(const struct key_name *from, struct jdoc *to);

/* A data key wrapped by one master-key version. */
struct envelope {
    struct key_name key;
    char algorithm[32]; /* "sealpoint-file-v1" */
    uint8_t wrapped[ENVELOPE_WRAPPED_MAX];
    size_t wrapped_len;
};

/* All that is public about one data key. In JSON, in records and manifests:
 * {"scope", "commitment", "envelopes": [{provider, keyId, keyVersion, wrapAlgorithm, wrappedKey,
 * context}]}. At most KEYRING_KEYS_MAX envelopes; the array is owned. */
struct data_key {
    struct seal_context context;
    uint8_t commitment[SEAL_COMMITMENT_LEN];
    struct envelope *envelopes;
    size_t envelope_count;
};
MUST_CHECK enum err data_key_read(const struct jdoc *from, const uint8_t repository[SEAL_ID_LEN],
                                  struct data_key *out);
MUST_CHECK enum err data_key_write(const struct data_key *from, struct jdoc **out);
MUST_CHECK enum err data_key_copy(const struct data_key *from, struct data_key *out);
void data_key_clear(struct data_key *d);

/* Where a passphrase comes from when no file names it: asked for by cli. `what` is the keyring's
 * path; `twice` when a new one is chosen. */
typedef enum err passphrase_ask(void *arg, const char *what, bool twice, struct secret **out);

/* One configured master key. All borrowed during the call. */
struct master_key_options {
    const char *provider;        /* "file" */
    const char *path;            /* file: the keyring */
    const char *passphrase_file; /* file, or "fd:N"; NULL: ask */
    passphrase_ask *ask;         /* NULL: there is nobody to ask */
    void *ask_arg;
    const char *state_dir; /* where is remembered what keyrings were like; NULL: nowhere */
    bool new_keyring;      /* accept a keyring that is another or older than is remembered */
    bool allow_memory;     /* scrypt may take more than FILE_SCRYPT_N_CAP allows */
};

struct keyring;

/* No key is used yet and no passphrase asked for. ERR_USAGE: an unknown provider or a missing
 * setting. Never ERR_KEY_UNREACHABLE: a provider that cannot be reached fails when it
 * is first used. */
MUST_CHECK enum err keyring_open(const struct master_key_options *keys, size_t count,
                                 struct keyring **out);
void keyring_free(struct keyring *k);

/* Start, in the background, what the first use of a key would wait for (scrypt, a connection).
 * Reports nothing; what fails is repeated, and reported, by the first use. */
void keyring_prepare(struct keyring *k);

size_t keyring_count(const struct keyring *k);

/* A writer that was taken over may record any generation. What is further than this above all that
 * the keyring and this machine know is not believed: it would lead to where no keyring can be
 * changed any more. */
#define KEYRING_GENERATION_LEAP (UINT64_C(1) << 20)
#define KEYRING_CLAIM_MAX 63

/* What the ledger knows of a keyring file, which cannot know itself that it is an older copy. */
struct keyring_witness {
    /* The highest generation up to `most` that is recorded of that master key; 0: none. A record
     * that claims more is named in `claim`, which is "" if there is none. NULL: nobody knows. */
    uint64_t (*generation)(const void *arg, const char *provider, const char *key_id, uint64_t most,
                           char claim[KEYRING_CLAIM_MAX + 1]);
    /* The newest recorded verdict and reason; false: there is none. May be NULL. */
    bool (*state)(const void *arg, const struct key_name *key, struct key_state *out);
    const void *arg;   /* borrowed, outlives the keyring */
    int64_t newest_ms; /* the newest time it knows; 0: none */
};
/* From now on: whatever wraps by or changes an older copy is refused with ERR_CORRUPT, whatever
 * opens by it or looks at it warns. */
void keyring_remind(struct keyring *k, const struct keyring_witness *witness);

/* The fingerprints of repositories that keyrings name under their MAC. KEYRING_NAMES_IT: it is the
 * only one that a keyring names; KEYRING_NAMES_IT_TOO: it is one of several, and which of them
 * should be at a path the keyring does not say; KEYRING_NAMES_OTHERS: there are such names, but not
 * this one. Unlocks; errors as of keyring_active(). ERR_USAGE:
 * `fingerprint` is none. */
enum keyring_service {
    KEYRING_NAMES_NONE,
    KEYRING_NAMES_IT,
    KEYRING_NAMES_IT_TOO,
    KEYRING_NAMES_OTHERS
};
MUST_CHECK enum err keyring_serves(struct keyring *k, const char *fingerprint,
                                   enum keyring_service *out);

/* The active version of master key `i` (0 is the recorded one). */
MUST_CHECK enum err keyring_active(struct keyring *k, size_t i, struct key_name *out);

/*
 * A fresh data key for a fresh random scope, with an envelope by the active version of every
 * master key: one key operation each, and none of them an unwrap. `record` is to be cleared with
 * data_key_clear(). ERR_KEY_INVALID, ERR_KEY_UNREACHABLE: say which key and why.
 */
MUST_CHECK enum err keyring_new_data_key(struct keyring *k, const uint8_t repository[SEAL_ID_LEN],
                                         struct data_key *record, struct secret **out);

/*
 * Unwrap by envelope `i`: the version's state is asked for first, the expected key id is given to
 * the provider, and the commitment is recomputed and compared in constant time. ERR_KEY_INVALID:
 * the version may not be used (the state is in the message: which, what, since when);
 * ERR_KEY_UNREACHABLE; ERR_CORRUPT: the commitment does not fit (a swapped envelope).
 * ERR_USAGE: no configured master key has that provider and key id.
 */
MUST_CHECK enum err keyring_open_data_key(struct keyring *k, const struct data_key *record,
                                          size_t i, struct secret **out);

/* The same, and *state is what was heard of the version; KEY_UNREACHABLE when nothing was. */
MUST_CHECK enum err keyring_open_envelope(struct keyring *k, const struct data_key *record,
                                          size_t i, struct key_state *state, struct secret **out);

/* The state of a version now. What is wrong with the key is a verdict and not a failure.
 * `round_trip`: also wrap and unwrap random bytes. ERR_USAGE: no configured master key is the one.
 */
MUST_CHECK enum err keyring_state(struct keyring *k, const struct key_name *key, bool round_trip,
                                  struct key_state *out);

/* ERR_KEY_INVALID or ERR_KEY_UNREACHABLE with the message every refusal uses, or ERR_OK. */
MUST_CHECK enum err key_state_require(const struct key_name *key, const struct key_state *state);
/* The same for a version that is to wrap: what helps then is another active version. */
MUST_CHECK enum err key_state_require_active(const struct key_name *key,
                                             const struct key_state *state);

#endif
