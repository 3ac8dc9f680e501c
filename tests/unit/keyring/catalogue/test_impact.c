#include "keyring/catalogue/impact.h"

#include "keyring/catalogue/live_scopes.h"
#include "tests/unit/keyring/ledgers.h"

/* The ids (first two digits) of what needs `version`: "aa bb*", the star where another envelope
 * would do. */
static const char *needing(struct key_world *w, const char *version)
{
    static char out[200];
    struct key_name key = version_of(w, version);
    struct impact i = {.count = 0};
    const char *id;
    size_t used = 0;

    out[0] = '\0';
    assert_done(impact_of(w->ledger, &key, &i));
    for (size_t n = 0; n < i.count; n++) {
        id = i.items[n].record->facts.id;
        used += (size_t)snprintf(out + used, sizeof out - used, "%s%.2s%s", n > 0 ? " " : "", id,
                                 i.items[n].has_other ? "*" : "");
    }
    impact_clear(&i);
    return out;
}

static void a_snapshot_needs_the_version_it_was_sealed_under(void **state)
{
    struct key_world w = make_key_world(state);

    assert_string_equal(needing(&w, "1"), "");
    add_snapshot(&w, "aa", NULL);
    add_snapshot(&w, "bb", "aa");
    rotate_key_world(&w);
    add_snapshot(&w, "cc", NULL);
    assert_string_equal(needing(&w, "1"), "aa bb");
    assert_string_equal(needing(&w, "2"), "cc");
    assert_string_equal(needing(&w, "3"), "");
    clear_key_world(&w);
}

static void a_deleted_snapshot_needs_nothing(void **state)
{
    struct key_world w = make_key_world(state);

    add_snapshot(&w, "aa", NULL);
    add_snapshot(&w, "bb", NULL);
    add_tombstone(&w, "aa");
    assert_string_equal(needing(&w, "1"), "bb");
    clear_key_world(&w);
}

/* Only `scope`'s envelopes change: a rewrap of one record, as a run killed midway leaves it. */
static void rewrap_one(struct key_world *w, size_t position)
{
    struct live_scopes s = {.count = 0};
    struct data_key d = {.envelope_count = 0};
    struct data_key fresh = {.envelope_count = 0};
    struct secret *key = NULL;
    struct jdoc *body = NULL;

    assert_done(live_scopes_read(w->ledger, &s));
    assert_done(live_scope_key(&s.items[position], &d));
    assert_done(keyring_new_data_key(w->k, ledger_repository(w->ledger), &fresh, &key));
    memcpy(&fresh.context, &d.context, sizeof d.context);
    memcpy(fresh.commitment, d.commitment, sizeof d.commitment);
    assert_done(jdoc_object(&body));
    put_data_key(body, &fresh);
    assert_done(ledger_append(w->ledger, RECORD_REWRAP, body, NULL));
    jdoc_free(body);
    secret_free(key);
    data_key_clear(&d);
    data_key_clear(&fresh);
    live_scopes_clear(&s);
}

static void a_child_needs_what_its_ancestors_need(void **state)
{
    struct key_world w = make_key_world(state);

    add_snapshot(&w, "aa", NULL);
    add_snapshot(&w, "bb", "aa");
    add_snapshot(&w, "cc", "bb");
    rotate_key_world(&w);
    rewrap_one(&w, 2); /* cc's own scope is under version 2 now */
    assert_string_equal(needing(&w, "1"), "aa bb cc");
    assert_string_equal(needing(&w, "2"), "cc");
    rewrap_one(&w, 0);
    rewrap_one(&w, 1);
    assert_string_equal(needing(&w, "1"), "");
    assert_string_equal(needing(&w, "2"), "aa bb cc");
    clear_key_world(&w);
}

static void a_deleted_parent_counts_as_long_as_a_child_lives(void **state)
{
    struct key_world w = make_key_world(state);
    struct live_scopes s = {.count = 0};

    add_snapshot(&w, "aa", NULL);
    add_snapshot(&w, "bb", "aa");
    add_snapshot(&w, "cc", NULL);
    add_tombstone(&w, "aa");
    add_tombstone(&w, "cc");
    assert_done(live_scopes_read(w.ledger, &s));
    assert_int_equal(s.count, 2);
    live_scopes_clear(&s);
    add_tombstone(&w, "bb");
    assert_done(live_scopes_read(w.ledger, &s));
    assert_int_equal(s.count, 0);
    live_scopes_clear(&s);
    clear_key_world(&w);
}

static void needed_keys_are_counted_by_scope(void **state)
{
    struct key_world w = make_key_world(state);
    struct needed_keys n = {.count = 0};

    add_snapshot(&w, "aa", NULL);
    add_snapshot(&w, "bb", "aa");
    rotate_key_world(&w);
    add_snapshot(&w, "cc", NULL);
    assert_done(needed_keys_read(w.ledger, &n));
    assert_int_equal(n.count, 2);
    assert_string_equal(n.items[0].key.version, "1");
    assert_int_equal(n.items[0].scopes, 2);
    assert_string_equal(n.items[1].key.version, "2");
    assert_int_equal(n.items[1].scopes, 1);
    needed_keys_clear(&n);
    clear_key_world(&w);
}

/* `count` segments of one epoch: they share a data key. */
static void add_segments(struct key_world *w, size_t count)
{
    struct data_key d = {.envelope_count = 0};
    struct secret *key = NULL;
    struct jdoc *body = NULL;

    assert_done(keyring_new_data_key(w->k, ledger_repository(w->ledger), &d, &key));
    assert_done(jdoc_object(&body));
    put_data_key(body, &d);
    for (size_t i = 0; i < count; i++)
        assert_done(ledger_append(w->ledger, RECORD_OPLOG_SEGMENT, body, NULL));
    jdoc_free(body);
    secret_free(key);
    data_key_clear(&d);
}

static void segments_of_one_epoch_are_one_scope_and_each_is_hit(void **state)
{
    struct key_world w = make_key_world(state);
    struct live_scopes s = {.count = 0};
    struct impact i = {.count = 0};
    struct key_name first = version_of(&w, "1");

    add_segments(&w, 3);
    add_segments(&w, 2);
    assert_done(live_scopes_read(w.ledger, &s));
    assert_int_equal(s.count, 2);
    assert_done(impact_of(w.ledger, &first, &i));
    assert_int_equal(i.count, 5);
    live_scopes_clear(&s);
    impact_clear(&i);
    clear_key_world(&w);
}

static void a_second_envelope_is_told(void **state)
{
    struct key_world w = make_key_world(state);
    struct master_key_options options[2];
    struct keyring *both = NULL;

    make_ring(in(state, "escrow"), NULL);
    options[0] = options_of(in(state, "k"), NULL);
    options[1] = options_of(in(state, "escrow"), NULL);
    assert_done(keyring_open(options, 2, &both));
    add_snapshot(&w, "aa", NULL);
    add_snapshot_by(&w, both, "bb", NULL);
    add_snapshot_by(&w, both, "cc", "aa"); /* its parent has one only */
    assert_string_equal(needing(&w, "1"), "aa bb* cc");
    keyring_free(both);
    clear_key_world(&w);
}

static void a_rewrap_of_another_data_key_does_not_count(void **state)
{
    struct key_world w = make_key_world(state);
    struct data_key fresh = {.envelope_count = 0};
    struct data_key d = {.envelope_count = 0};
    struct live_scopes s = {.count = 0};
    struct secret *key = NULL;
    struct jdoc *body = NULL;
    struct needed_keys n = {.count = 0};

    add_snapshot(&w, "aa", NULL);
    assert_done(live_scopes_read(w.ledger, &s));
    assert_done(live_scope_key(&s.items[0], &d));
    rotate_key_world(&w);
    assert_done(keyring_new_data_key(w.k, ledger_repository(w.ledger), &fresh, &key));
    memcpy(&fresh.context, &d.context, sizeof d.context);
    assert_done(jdoc_object(&body));
    put_data_key(body, &fresh);
    assert_done(ledger_append(w.ledger, RECORD_REWRAP, body, NULL));
    assert_done(needed_keys_read(w.ledger, &n));
    assert_int_equal(n.count, 1);
    assert_string_equal(n.items[0].key.version, "1");
    needed_keys_clear(&n);
    jdoc_free(body);
    secret_free(key);
    data_key_clear(&d);
    data_key_clear(&fresh);
    live_scopes_clear(&s);
    clear_key_world(&w);
}

static void a_snapshot_that_is_its_own_parent_does_not_hang(void **state)
{
    struct key_world w = make_key_world(state);
    struct needed_keys n = {.count = 0};

    add_snapshot(&w, "aa", "aa");
    assert_refused(needed_keys_read(w.ledger, &n), ERR_CORRUPT,
                   "snapshot aa0000000000000000000000 is older than its parent");
    clear_key_world(&w);
}

static enum err all_folds(void *arg)
{
    struct key_world *w = arg;
    struct needed_keys n = {.count = 0};
    struct impact i = {.count = 0};
    enum err rc;

    TRY(needed_keys_read(w->ledger, &n));
    TRY(impact_of(w->ledger, &n.items[0].key, &i));
out:
    needed_keys_clear(&n);
    impact_clear(&i);
    return rc;
}

static void no_allocation_that_fails_leaks_or_crashes(void **state)
{
    struct key_world w = make_key_world(state);

    add_snapshot(&w, "aa", NULL);
    add_snapshot(&w, "bb", "aa");
    rotate_key_world(&w);
    rewrap_one(&w, 0);
    assert_true(sweep_allocations(all_folds, &w) > 8);
    clear_key_world(&w);
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        IN_DIRECTORY(a_snapshot_needs_the_version_it_was_sealed_under),
        IN_DIRECTORY(a_deleted_snapshot_needs_nothing),
        IN_DIRECTORY(a_child_needs_what_its_ancestors_need),
        IN_DIRECTORY(a_deleted_parent_counts_as_long_as_a_child_lives),
        IN_DIRECTORY(needed_keys_are_counted_by_scope),
        IN_DIRECTORY(segments_of_one_epoch_are_one_scope_and_each_is_hit),
        IN_DIRECTORY(a_second_envelope_is_told),
        IN_DIRECTORY(a_rewrap_of_another_data_key_does_not_count),
        IN_DIRECTORY(a_snapshot_that_is_its_own_parent_does_not_hang),
        IN_DIRECTORY(no_allocation_that_fails_leaks_or_crashes),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
