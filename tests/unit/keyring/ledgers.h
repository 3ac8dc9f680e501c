/*
 * A repository with made-up snapshot records, for the tests of what folds over the ledger.
 *
 * Uses: helpers, rings, core/ledger.
 */
#ifndef TESTS_UNIT_KEYRING_LEDGERS_H
#define TESTS_UNIT_KEYRING_LEDGERS_H

#include "core/ledger/ledger.h"
#include "core/store/store.h"
#include "tests/unit/keyring/rings.h"

struct key_world {
    struct store *store;
    struct ledger *ledger;
    struct keyring *k; /* unencrypted, at "k" */
};

void open_key_ledger(void **state, struct key_world *w, bool create);

struct key_world make_key_world(void **state);

void clear_key_world(struct key_world *w);

/* The directory as a new process sees it. */
void reopen_key_world(void **state, struct key_world *w);

/* What every record about a data key says of it. */
void put_data_key(struct jdoc *body, const struct data_key *d);

/* A snapshot record with a fresh data key by `k`; `id` is filled up to 24 digits. */
void add_snapshot_by(struct key_world *w, struct keyring *k, const char *id, const char *parent);

void add_snapshot(struct key_world *w, const char *id, const char *parent);

void add_tombstone(struct key_world *w, const char *id);

struct key_name rotate_key_world(struct key_world *w);

struct key_name version_of(struct key_world *w, const char *version);

/* How many records of a type the ledger has. */
size_t count_records(const struct ledger *l, enum record_type type);

#endif
