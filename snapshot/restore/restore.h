/*
 * Bring a snapshot back. Refusal comes first: everything that can be checked is, before the
 * target sees anything.
 *
 * Uses: core, keyring, catalogue.
 */
#ifndef SNAPSHOT_RESTORE_RESTORE_H
#define SNAPSHOT_RESTORE_RESTORE_H

#include "core/base/err.h"
#include "core/repository/repository.h"
#include "keyring/keyring.h"
#include "snapshot/format/progress.h"
#include "snapshot/format/snapshot_list.h"
#include "snapshot/restore/owner.h"
#include "snapshot/restore/restore_target.h"

struct restore_options {
    const struct repository *repository;
    struct keyring *keyring;
    const struct snapshot_list *snapshot_list; /* NULL: what else there is is not known */
    const struct snapshot *snapshot;
    /* Must not exist, or be an empty directory or mount point; with delta: may hold files. What
     * counts as empty at a mount point: restore_target.h. */
    const char *target;
    const struct target_apart *apart; /* see target_check(); or NULL */
    const char *const *only; /* what was typed (choice.h), NULL-terminated; NULL: everything */
    bool delta; /* the target holds an older state: write only what differs, remove what is extra */
    const struct owner_options *owner; /* heeded by root only; owner_options.fixed needs root */
    bool dry_run;                      /* preflight only */
    bool read_data;  /* with dry_run: read all that is needed, and compare every digest */
    bool keep_going; /* leave out the files that are damaged or lost; not with delta */
    bool confine; /* once all is checked: this process writes nowhere else any more (confine.h) */
    size_t envelope; /* which envelope of each data key; 0 is the recorded master key */
    size_t workers;
    struct progress *progress;
    /* With delta, when something is to be removed or overwritten, before it is: ERR_OK to go on,
     * anything else is passed on. NULL: nobody is asked. */
    enum err (*confirm)(const void *arg, uint64_t removed, uint64_t overwritten);
    const void *confirm_arg;
};

struct restore_result {
    uint64_t files;
    uint64_t bytes;      /* that the restored files hold */
    uint64_t read_bytes; /* compressed bytes opened */
    uint64_t written_bytes;
    uint64_t left_out;  /* files, with keep_going; each was said by log_say */
    uint64_t attention; /* files recorded as changed while read or left out, owners that could not
                           be set */
};

/*
 * ERR_OK: the target is whole and durable. Anything else: the target is as it was (with delta, once
 * content was overwritten: a rerun completes it, and the message says so; and when only the last
 * sync failed the message says that it is whole). With delta every object and block that is needed
 * is read and checked before the first change. Only the objects that the asked files need must be
 * there. With keep_going every block of theirs is read before anything is made, files that are not
 * whole are left out, and the target of the rest is ERR_ATTENTION. ERR_KEY_INVALID: refused; the
 * message says which version, its state, since when, and which other snapshots can be restored.
 * ERR_KEY_UNREACHABLE: cannot tell. ERR_CORRUPT. ERR_USAGE: the target is not empty. ERR_NOT_FOUND:
 * nothing in the snapshot is meant by an --only.
 */
MUST_CHECK enum err restore_run(const struct restore_options *options, struct restore_result *out);

#endif
