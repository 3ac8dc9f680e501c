/*
 * What a command works with: repository, keyring and catalogue, opened as the settings say.
 *
 * Uses: setting and the rooms below.
 */
#ifndef CLI_SESSION_H
#define CLI_SESSION_H

#include <stdbool.h>

#include "cli/setting.h"
#include "core/repository/location.h"
#include "core/repository/repository.h"
#include "core/store/store.h"
#include "keyring/keyring.h"
#include "snapshot/format/snapshot_list.h"

struct session {
    const struct settings *settings; /* borrowed */
    const char *pinned; /* what the fingerprint must be; borrowed; NULL: nothing says so */
    /* Which one an earlier report is of; borrowed; NULL: none is given. It is the one that must be
     * shown, and may be where this machine knows none; but nobody has read the report and said that
     * a path may show another repository than before. */
    const char *reported;
    const struct heads *report; /* as in struct repository_options */
    struct store *store;
    struct repository *repository;      /* NULL: not opened */
    struct keyring *keyring;            /* NULL: not opened */
    struct snapshot_list snapshot_list; /* of the repository */
    char *given;                        /* where it is, as configured, made absolute */
    char *where;                        /* the same without its links */
    struct location at_given, at_where; /* which repository these have shown before */
    /* The repository that is meant: pinned, else what the store shows, else what the path has shown
     * before; "": unknown. */
    char fingerprint[LEDGER_FINGERPRINT_LEN + 1];
    char shown[LEDGER_FINGERPRINT_LEN + 1]; /* by the store; "": it does not say */
    char *state_dir; /* that repository's own; NULL: unknown, or it cannot be used */
    bool is_trusted_on_first_use;
};

void session_init(struct session *s, const struct settings *settings);
void session_clear(struct session *s);

/* The configured master keys; nothing is asked for yet. */
MUST_CHECK enum err session_open_keyring(struct session *s);

/* What a command does with the repository. */
enum session_use {
    SESSION_READ,     /* also without a state directory that can be written, with a warning */
    SESSION_READ_ALL, /* the same, every record from the store */
    SESSION_WRITE
};

/*
 * Repository and list of snapshots (session.c tells how). ERR_CORRUPT: also when its path has shown
 * another repository before, or when the one that was there is gone; ERR_USAGE: also when this
 * machine has never seen it and nobody has said what it must be (trust on first use is for a
 * terminal, and said loudly there); ERR_STORAGE: also when it is not there, and was before (its
 * disk is not mounted), or when the state directory cannot be written.
 */
MUST_CHECK enum err session_open_repository(struct session *s, enum session_use use);

/* Make the repository, its store unless that is open, and its state directory. Errors as of
 * repository_create(). */
MUST_CHECK enum err session_create_repository(struct session *s, const struct ledger_root *root);

/* Only the store and the places: nothing is made but, with `create`, the store's directory.
 * ERR_USAGE: no repository, or no state directory, is given. ERR_STORAGE: there is no store, and
 * there was. */
MUST_CHECK enum err session_open_store(struct session *s, bool create);

/* Look into the opened store which repository it shows, to have s->fingerprint and s->state_dir. */
MUST_CHECK enum err session_look(struct session *s);

/* The opened store has no repository: ERR_CORRUPT when its path has shown one, ERR_STORAGE when
 * that was on a disk which is not mounted; --trust-new takes both back. */
MUST_CHECK enum err session_refuse_lost(const struct session *s);

/* session_place.c: only the places: s->given, s->where, and what they have shown before as
 * s->fingerprint and s->state_dir. Nothing is made or opened. ERR_USAGE as above. */
MUST_CHECK enum err session_locate(struct session *s);
/* s->fingerprint becomes that, and s->state_dir its own. */
MUST_CHECK enum err session_mean(struct session *s, const char *fingerprint);
/* Has this machine seen the repository that is meant? */
bool session_is_known(const struct session *s);
/* ERR_CORRUPT: a place has shown another repository before, and nobody has said that it may. */
MUST_CHECK enum err session_check_places(const struct session *s);
/* Remember what the places show, which is the opened repository. What cannot be written is a
 * warning. */
MUST_CHECK enum err session_keep_places(const struct session *s);

/* The configured state directory, made when missing. ERR_STORAGE names it. */
MUST_CHECK enum err session_make_state_base(const struct settings *settings);

/* Has more than one machine written here? Then lists say which wrote what. */
bool session_has_several_writers(const struct session *s);

/* Should a newer checkpoint be there by now? */
bool session_is_expired(const struct session *s);

/* The repository's; NULL: it is not opened. */
struct ledger *session_ledger(const struct session *s);

/* Add to a failure for want of the signing key how to get one. */
void session_hint_signing_key(void);

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
