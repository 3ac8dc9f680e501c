/*
 * A repository as one machine works with it: the store that holds it, the ledger that says what is
 * in it, and the state directory, where this machine keeps what it has seen of it.
 *
 * The store may be of any kind, and a name in it is no path. The state directory is a local
 * directory, this repository's own (core/ledger/state_files.h has the names in it). Uses:
 * core/store, core/ledger.
 */
#ifndef CORE_REPOSITORY_REPOSITORY_H
#define CORE_REPOSITORY_REPOSITORY_H

#include <stdbool.h>

#include "core/base/err.h"
#include "core/ledger/ledger.h"
#include "core/store/store.h"

/* Owns its ledger; borrows the store, which outlives it. */
struct repository;

struct repository_options {
    struct store *store;
    const char *state_dir; /* this repository's own; made when missing, 0700. NULL: there is none */
    const char *states;    /* repository_create(), instead: where it is to be made */
    const char *fingerprint;    /* what it must be, or NULL */
    const struct heads *report; /* as in struct ledger_options, and so is this: */
    int64_t checkpoint_life_ms;
    bool read_all;           /* read every record from the store, not from the cache (verify) */
    struct ledger_root root; /* repository_create(): as of ledger_create() */
};

/* Errors of both as of ledger_create() and ledger_open(). */
MUST_CHECK enum err repository_create(const struct repository_options *options,
                                      struct repository **out);
MUST_CHECK enum err repository_open(const struct repository_options *options,
                                    struct repository **out);
/* Only the store: the ledger is not opened, and there is no state directory. For what a record that
 * is known otherwise leads to. */
MUST_CHECK enum err repository_of_store(struct store *store, struct repository **out);
void repository_free(struct repository *r);

/* All borrowed, as long as the repository is open. */
struct ledger *repository_ledger(const struct repository *r); /* NULL: of repository_of_store() */
struct store *repository_store(const struct repository *r);
const char *repository_state_dir(const struct repository *r); /* NULL: there is none */

/* "<state directory>/<name>" as a fresh string; `name` is one of core/ledger/state_files.h.
 * ERR_STORAGE: there is no state directory. */
MUST_CHECK enum err repository_state_path(const struct repository *r, const char *name, char **out);

/* An unnamed file for what may be as large as an index, gone when *fd is closed: in the state
 * directory, or where temporaries are when that cannot be written. */
MUST_CHECK enum err repository_temporary(const struct repository *r, int *fd);

/*
 * Before a repository is opened. Unless one fails, a message that was recorded before stays.
 */

/* Has this machine seen a repository with that state directory? Then its fingerprint is filled in.
 * A state that cannot be read has seen none. */
bool repository_seen(const char *state_dir, char fingerprint[LEDGER_FINGERPRINT_LEN + 1]);

/* The id of that repository, SEAL_ID_LEN bytes; false: as above, nothing was seen. */
bool repository_seen_id(const char *state_dir, uint8_t id[SEAL_ID_LEN]);

/* Is there anything of a repository that this machine saw or made, sound or not? */
bool repository_is_remembered(const char *state_dir);

/* Is the key with which this machine signs there? */
bool repository_has_signing_key(const char *state_dir);

/* How far the making of a repository in a store has come. */
enum repository_presence {
    REPOSITORY_NONE,  /* no record; there may be anything else */
    REPOSITORY_BEGUN, /* its making was interrupted: repository_create() completes it */
    REPOSITORY_MADE
};
MUST_CHECK enum err repository_look(struct store *store, enum repository_presence *out);

/* True when the store answers and holds nothing at all: so looks the directory where a disk is to
 * be mounted. */
bool repository_is_vacant(struct store *store);

#endif
