/*
 * What a command works with: repository, keyring and catalogue, opened as the settings say.
 *
 * Uses: setting and the rooms below.
 */
#ifndef CLI_SESSION_H
#define CLI_SESSION_H

#include <stdbool.h>

#include "cli/setting.h"
#include "core/repository/repository.h"
#include "core/store/store.h"
#include "keyring/keyring.h"
#include "snapshot/format/snapshot_list.h"

struct session {
    const struct settings *settings; /* borrowed */
    struct store *store;
    struct repository *repository;      /* NULL: not opened */
    struct keyring *keyring;            /* NULL: not opened */
    struct snapshot_list snapshot_list; /* of the repository */
    char *where;                        /* the store, canonical */
    char *state_dir;                    /* this repository's own directory in the state directory */
};

void session_init(struct session *s, const struct settings *settings);
void session_clear(struct session *s);

/* The configured master keys; nothing is asked for yet. */
MUST_CHECK enum err session_open_keyring(struct session *s);

/* Store and state directory; the caller has the repository made. `create` as in store_open().
 * ERR_USAGE: no repository, or no state directory, is given. */
MUST_CHECK enum err session_open_store(struct session *s, bool create);

/* Only the names: s->where, and s->state_dir, whether it exists or not. Nothing is made or opened.
 * ERR_USAGE as above. */
MUST_CHECK enum err session_locate(struct session *s);
/* Has this machine seen the repository that was located? */
bool session_is_known(const struct session *s);

/* Repository and list of snapshots. Trust on first use is said loudly. `read_all` as in
 * repository_open(). */
MUST_CHECK enum err session_open_repository(struct session *s, bool read_all);

/* The repository's; NULL: it is not opened. */
struct ledger *session_ledger(const struct session *s);

/* After a repository was not found: ERR_STORAGE when this machine has used it before, for then its
 * disk is not mounted; the message recorded so far is lost only then. */
MUST_CHECK enum err session_refuse_unmounted(const struct session *s);

/* Add to a failure for want of the signing key where it belongs, or where the state of a moved
 * repository is. The repository may be unopened. */
void session_hint_signing_key(const struct session *s);

/* Once after a change: write a checkpoint when one is due and the signing key is here. The one
 * place that does; nothing happens when the ledger is not opened. A failure is a warning: what was
 * done is done, and the next run tries again. */
void session_checkpoint(struct session *s);

/* The first argument of the command as a snapshot. One that needs attention is warned of; for
 * "latest", which is the newest all the same, with the newest that is not torn. */
MUST_CHECK enum err session_find_snapshot(struct session *s, const struct snapshot **out);

/* Argument `i` of the command, NULL behind the last. */
const char *session_argument(const struct session *s, size_t i);

#endif
