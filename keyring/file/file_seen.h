/*
 * What this machine remembers of file keyrings, outside of them: <state dir>/keyring-seen.json.
 *
 * A keyring's MAC says that it is genuine, not that it is the newest, and an unencrypted one says
 * nothing at all. So for each path it is remembered which keyring was there, whether it was
 * protected, and the highest generation; for the path as it was configured, and without its links,
 * so that no other way to write it is one of which nothing is known. Nothing secret; written when
 * something changed:
 *
 *   {"format": 1, "type": "keyringSeen",
 *    "keyrings": [{"path": text, "keyringId": 32 hex, "generation": N, "protected": 0 or 1}, …]}
 *
 * A file that is damaged or cannot be written is a warning: whoever may change it may remove it as
 * well, and a restore must not wait for it.
 * Uses: core/base, core/fs, file_model.
 */
#ifndef KEYRING_FILE_FILE_SEEN_H
#define KEYRING_FILE_FILE_SEEN_H

#include <stdbool.h>
#include <stdint.h>

#include "core/base/err.h"
#include "keyring/file/file_model.h"

#define FILE_SEEN_NAME "keyring-seen.json"
#define FILE_SEEN_LOCK "keyring-seen.lock"
#define FILE_SEEN_MAX 64 /* more push the oldest out */

struct file_seen {
    bool has_path;           /* something is remembered of this path, or of where its links lead */
    bool is_complete;        /* of both */
    uint8_t id[SEAL_ID_LEN]; /* of the keyring that was there; of another than `id`, if one was */
    bool was_protected;      /* it was, or this keyring was elsewhere */
    uint64_t generation;     /* the highest of this keyring, at any path; 0: it is new here */
};

/* What is remembered of keyring `id` at `path`. `state_dir` NULL: nothing. ERR_FAILED: no memory.
 */
MUST_CHECK enum err file_seen_read(const char *state_dir, const char *path,
                                   const uint8_t id[SEAL_ID_LEN], struct file_seen *out);

/* Remember `k` at `path`, and where its links lead. `anew`: as it is now, even where a higher
 * generation was known; else a generation that another run has raised meanwhile stays. Failures are
 * warnings. */
void file_seen_write(const char *state_dir, const char *path, const struct file_keyring *k,
                     bool anew);

#endif
