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

struct world {
    struct store *store;
    struct ledger *ledger;
    struct keyring *k; /* unencrypted, at "k" */
};

static inline void open_ledger(void **state, struct world *w, bool create)
{
    struct ledger_options options = {.state_dir = in(state, "state")};

    assert_done(store_open(in(state, "repository"), create, &w->store));
    options.store = w->store;
    if (create)
        assert_done(ledger_create(&options, &w->ledger));
    else
        assert_done(ledger_open(&options, &w->ledger));
}

static inline struct world make_world(void **state)
{
    struct world w = {.k = NULL};

    make_ring(in(state, "k"), NULL);
    w.k = open_ring(in(state, "k"), NULL);
    open_ledger(state, &w, true);
    return w;
}

static inline void clear_world(struct world *w)
{
    ledger_free(w->ledger);
    store_free(w->store);
    keyring_free(w->k);
}

/* The folder as a new process sees it. */
static inline void reopen_world(void **state, struct world *w)
{
    clear_world(w);
    w->k = open_ring(in(state, "k"), NULL);
    open_ledger(state, w, false);
}

/* What every record about a data key says of it. */
static inline void put_data_key(struct jdoc *body, const struct data_key *d)
{
    struct jdoc *part = NULL;

    assert_done(data_key_write(d, &part));
    assert_done(jdoc_set(body, "dataKey", &part));
    assert_done(jdoc_object(&part));
    assert_done(key_name_write(&d->envelopes[0].key, part));
    assert_done(jdoc_set(body, "masterKey", &part));
}

/* A snapshot record with a fresh data key by `k`; `id` is filled up to 24 digits. */
static inline void add_snapshot_by(struct world *w, struct keyring *k, const char *id,
                                   const char *parent)
{
    struct data_key d = {.envelope_count = 0};
    struct secret *key = NULL;
    struct jdoc *body = NULL;

    assert_done(keyring_new_data_key(k, ledger_repository(w->ledger), &d, &key));
    assert_done(jdoc_object(&body));
    assert_done(jdoc_set_text(
        body, "id", textf("%s%.*s", id, (int)(24 - strlen(id)), "000000000000000000000000")));
    assert_done(jdoc_set_text(body, "parent",
                              parent != NULL ? textf("%s%.*s", parent, (int)(24 - strlen(parent)),
                                                     "000000000000000000000000")
                                             : NULL));
    put_data_key(body, &d);
    assert_done(ledger_append(w->ledger, RECORD_SNAPSHOT, body, NULL));
    jdoc_free(body);
    secret_free(key);
    data_key_clear(&d);
}

static inline void add_snapshot(struct world *w, const char *id, const char *parent)
{
    add_snapshot_by(w, w->k, id, parent);
}

static inline void add_tombstone(struct world *w, const char *id)
{
    struct jdoc *body = NULL;

    assert_done(jdoc_object(&body));
    assert_done(jdoc_set_text(
        body, "subject", textf("%s%.*s", id, (int)(24 - strlen(id)), "000000000000000000000000")));
    assert_done(jdoc_set_text(body, "reason", "test"));
    assert_done(ledger_append(w->ledger, RECORD_TOMBSTONE, body, NULL));
    jdoc_free(body);
}

static inline struct key_name rotate_world(struct world *w)
{
    struct key_name name = {{0}, {0}, {0}};

    assert_done(keyring_rotate(w->k, 0, &name));
    return name;
}

static inline struct key_name version_of(struct world *w, const char *version)
{
    struct key_name name = {{0}, {0}, {0}};

    assert_done(keyring_active(w->k, 0, &name));
    snprintf(name.version, sizeof name.version, "%s", version);
    return name;
}

/* How many records of a type the ledger has. */
static inline size_t count_records(const struct ledger *l, enum record_type type)
{
    size_t count = 0;

    for (size_t i = 0; i < ledger_count(l); i++)
        count += ledger_at(l, i)->type == type;
    return count;
}

#endif
