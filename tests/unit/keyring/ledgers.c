#include "tests/unit/keyring/ledgers.h"

#include "core/ledger/ledger.h"
#include "core/store/store.h"
#include "tests/unit/keyring/rings.h"
#include "tests/unit/roots.h"

void open_key_ledger(void **state, struct key_world *w, bool create)
{
    struct ledger_options options = {.state_dir = in(state, "state"), .root = {.key = test_root()}};

    assert_done(store_open(in(state, "repository"), create, &w->store));
    options.store = w->store;
    if (create)
        assert_done(ledger_create(&options, &w->ledger));
    else
        assert_done(ledger_open(&options, &w->ledger));
}

struct key_world make_key_world(void **state)
{
    struct key_world w = {.k = NULL};

    make_ring(in(state, "k"), NULL);
    w.k = open_ring(in(state, "k"), NULL);
    open_key_ledger(state, &w, true);
    return w;
}

void clear_key_world(struct key_world *w)
{
    ledger_free(w->ledger);
    store_free(w->store);
    keyring_free(w->k);
}

void reopen_key_world(void **state, struct key_world *w)
{
    clear_key_world(w);
    w->k = open_ring(in(state, "k"), NULL);
    open_key_ledger(state, w, false);
}

void put_data_key(struct jdoc *body, const struct data_key *d)
{
    struct jdoc *part = NULL;

    assert_done(data_key_write(d, &part));
    assert_done(jdoc_set(body, "dataKey", &part));
    assert_done(jdoc_object(&part));
    assert_done(key_name_write(&d->envelopes[0].key, part));
    assert_done(jdoc_set(body, "masterKey", &part));
}

void add_snapshot_by(struct key_world *w, struct keyring *k, const char *id, const char *parent)
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

void add_snapshot(struct key_world *w, const char *id, const char *parent)
{
    add_snapshot_by(w, w->k, id, parent);
}

void add_tombstone(struct key_world *w, const char *id)
{
    struct jdoc *body = NULL;

    assert_done(jdoc_object(&body));
    assert_done(jdoc_set_text(
        body, "subject", textf("%s%.*s", id, (int)(24 - strlen(id)), "000000000000000000000000")));
    assert_done(jdoc_set_text(body, "reason", "test"));
    assert_done(ledger_act_as_root(w->ledger, test_root()));
    assert_done(ledger_append(w->ledger, RECORD_TOMBSTONE, body, NULL));
    assert_done(ledger_act_as_root(w->ledger, NULL));
    jdoc_free(body);
}

struct key_name rotate_key_world(struct key_world *w)
{
    struct key_name name = {.provider = ""};

    assert_done(keyring_rotate(w->k, 0, &name));
    return name;
}

struct key_name version_of(struct key_world *w, const char *version)
{
    struct key_name name = {.provider = ""};

    assert_done(keyring_active(w->k, 0, &name));
    snprintf(name.version, sizeof name.version, "%s", version);
    name.commitment[0] = '\0'; /* that of the active one */
    return name;
}

size_t count_records(const struct ledger *l, enum record_type type)
{
    size_t count = 0;

    for (size_t i = 0; i < ledger_count(l); i++)
        count += ledger_at(l, i)->type == type;
    return count;
}
