/*
 * A whole repository for the tests of backup and restore: store (that can fail on order), ledger,
 * a keyring double that counts and can refuse, and trees to compare.
 *
 * Uses: helpers, faulty, keyring/double, trees, snapshot.
 */
#ifndef TESTS_UNIT_SNAPSHOT_REPOSITORIES_H
#define TESTS_UNIT_SNAPSHOT_REPOSITORIES_H

#include <dirent.h>
#include <fcntl.h>
#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "core/base/clock.h"
#include "core/base/log.h"
#include "core/base/text.h"
#include "core/fs/file.h"
#include "snapshot/backup/backup.h"
#include "snapshot/format/manifest.h"
#include "snapshot/restore/restore.h"
#include "tests/unit/faulty.h"
#include "tests/unit/helpers.h"
#include "tests/unit/keyring/double.h"
#include "tests/unit/snapshot/fake_sync.h"
#include "tests/unit/snapshot/trees.h"

/* ---- what was said ---- */

#define SAID_MAX 16384
extern char said[SAID_MAX];

void keep_line(enum log_level level, const char *text);

bool was_said(const char *text);

/* ---- the repository ---- */

struct world {
    void **state;
    struct store *real;
    struct faulty faulty;
    struct store *store; /* what the ledger uses: the real one, or the faulty one before it */
    struct repository *repository;
    struct ledger *ledger; /* the repository's */
    struct stand_in key;
    struct keyring *keyring;
};

struct repository_options repository_options_of(struct world *w);

void close_ledger(struct world *w);

/* The repository as a new process sees it; over a store with this fault, or none. */
void open_ledger(struct world *w, const struct faulty *fault);

void make_world(void **state, struct world *w);

void clear_world(struct world *w);

struct backup_options backup_options_of(struct world *w);

struct backup_result make_backup(struct world *w);

/* Into the directory `target`; `name` as in snapshot_list_find(). */
enum err restore_to(struct world *w, const char *name, const char *target);

/* ---- what the store holds and nothing names ---- */

/* Objects, manifests and temporaries that no snapshot has; every manifest must load. */
size_t count_orphans(struct world *w);

#endif
