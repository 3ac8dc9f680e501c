#include "keyring/catalogue/live_scopes.h"

#include "keyring/catalogue/rewrap.h"
#include "tests/unit/keyring/double.h"
#include "tests/unit/keyring/ledgers.h"

static struct key_world make_double_world(void **state, struct stand_in *d)
{
    struct key_world w = make_key_world(state);

    *d = (struct stand_in){.version = "1"};
    keyring_free(w.k);
    w.k = double_ring(d);
    return w;
}

/* The live scopes by the id (first two digits) of their first record, "*" when a rewrap counts and
 * "+" for a segment: "aa bb* +". */
static const char *live(struct key_world *w)
{
    static char out[200];
    struct live_scopes s = {.count = 0};
    size_t used = 0;

    out[0] = '\0';
    assert_done(live_scopes_read(w->ledger, &s));
    for (size_t i = 0; i < s.count; i++) {
        const struct live_scope *scope = &s.items[i];
        const char *id = "+";

        if (scope->record->type == RECORD_SNAPSHOT)
            id = scope->record->facts.id;
        used += (size_t)snprintf(out + used, sizeof out - used, "%s%.2s%s", i > 0 ? " " : "", id,
                                 scope->source != scope->record ? "*" : "");
    }
    live_scopes_clear(&s);
    return out;
}

static void rewrap_all(struct key_world *w)
{
    struct rewrap_options options = {.ledger = w->ledger, .keyring = w->k};
    struct rewrap_result r;

    assert_done(rewrap_run(&options, &r));
}

static void the_scope_of_a_deleted_snapshot_is_not_live(void **state)
{
    struct stand_in d;
    struct key_world w = make_double_world(state, &d);

    assert_string_equal(live(&w), "");
    add_snapshot(&w, "aa", NULL);
    add_snapshot(&w, "bb", NULL);
    add_snapshot(&w, "cc", NULL);
    assert_string_equal(live(&w), "aa bb cc");
    add_tombstone(&w, "bb");
    assert_string_equal(live(&w), "aa cc");
    add_tombstone(&w, "aa");
    add_tombstone(&w, "cc");
    assert_string_equal(live(&w), "");
    clear_key_world(&w);
}

static void a_live_child_keeps_the_scopes_of_all_its_ancestors(void **state)
{
    struct stand_in d;
    struct key_world w = make_double_world(state, &d);

    add_snapshot(&w, "aa", NULL);
    add_snapshot(&w, "bb", "aa");
    add_snapshot(&w, "cc", "bb");
    add_snapshot(&w, "dd", "bb"); /* each scope once, though two read from it */
    add_tombstone(&w, "aa");
    add_tombstone(&w, "bb");
    assert_string_equal(live(&w), "aa bb cc dd");
    add_tombstone(&w, "cc");
    assert_string_equal(live(&w), "aa bb dd");
    add_tombstone(&w, "dd");
    assert_string_equal(live(&w), "");
    clear_key_world(&w);
}

static void the_newest_rewrap_has_the_envelopes_that_count(void **state)
{
    struct stand_in d;
    struct key_world w = make_double_world(state, &d);
    struct data_key key = {.envelope_count = 0};
    struct live_scopes s = {.count = 0};

    add_snapshot(&w, "aa", NULL);
    add_snapshot(&w, "bb", "aa");
    d.version[0] = '2';
    rewrap_all(&w);
    d.version[0] = '3';
    rewrap_all(&w);
    add_snapshot(&w, "cc", NULL);
    add_tombstone(&w, "aa"); /* an ancestor's counts as well */
    assert_string_equal(live(&w), "aa* bb* cc");
    assert_done(live_scopes_read(w.ledger, &s));
    for (size_t i = 0; i < s.count; i++) {
        assert_done(live_scope_key(&s.items[i], &key));
        assert_string_equal(key.envelopes[0].key.version, "3");
        data_key_clear(&key);
    }
    live_scopes_clear(&s);
    clear_key_world(&w);
}

static void the_scope_of_one_record_is_told_live_or_not(void **state)
{
    struct stand_in d;
    struct key_world w = make_double_world(state, &d);
    struct live_scope scope = {.record = NULL};
    const struct record *first;

    add_snapshot(&w, "aa", NULL);
    d.version[0] = '2';
    rewrap_all(&w);
    add_tombstone(&w, "aa");
    first = ledger_at(w.ledger, 2);
    assert_true(live_scope_has(first));
    assert_done(live_scope_of(w.ledger, first, &scope));
    assert_ptr_equal(scope.record, first);
    assert_ptr_equal(scope.source, ledger_at(w.ledger, 3));
    assert_false(live_scope_has(ledger_at(w.ledger, 0))); /* genesis */
    assert_false(live_scope_has(scope.source));
    assert_false(live_scope_has(ledger_at(w.ledger, 4))); /* the tombstone */
    clear_key_world(&w);
}

/* ---- segments ---- */

static void add_segment(struct key_world *w, const struct data_key *epoch)
{
    struct jdoc *body = NULL;

    assert_done(jdoc_object(&body));
    put_data_key(body, epoch);
    assert_done(ledger_append(w->ledger, RECORD_OPLOG_SEGMENT, body, NULL));
    jdoc_free(body);
}

static void segments_of_an_epoch_have_one_scope(void **state)
{
    struct stand_in d;
    struct key_world w = make_double_world(state, &d);
    struct data_key epochs[2] = {{.envelope_count = 0}, {.envelope_count = 0}};
    struct secret *key = NULL;

    for (size_t i = 0; i < 2; i++) {
        assert_done(keyring_new_data_key(w.k, ledger_repository(w.ledger), &epochs[i], &key));
        secret_free(key);
    }
    add_segment(&w, &epochs[0]);
    add_segment(&w, &epochs[0]);
    add_snapshot(&w, "aa", NULL);
    add_segment(&w, &epochs[1]);
    add_segment(&w, &epochs[0]);
    assert_string_equal(live(&w), "+ aa +");
    d.version[0] = '2';
    rewrap_all(&w);
    assert_int_equal(count_records(w.ledger, RECORD_REWRAP), 3);
    assert_string_equal(live(&w), "+* aa* +*");
    data_key_clear(&epochs[0]);
    data_key_clear(&epochs[1]);
    clear_key_world(&w);
}

/* ---- damage ---- */

/* A record with these members: nobody reads them before it is appended. */
static void add_raw(struct key_world *w, enum record_type type, const char *text)
{
    struct jdoc *body = NULL;

    assert_done(jdoc_parse(bytes_of_text(text), &body));
    assert_done(ledger_append(w->ledger, type, body, NULL));
    jdoc_free(body);
}

#define ID_OF(digits) "\"id\":\"" digits "0000000000000000000000\""

static void a_live_record_without_a_readable_data_key_is_damage(void **state)
{
    struct stand_in d;
    struct key_world w = make_double_world(state, &d);
    struct live_scopes s = {.count = 0};

    add_snapshot(&w, "aa", NULL);
    add_raw(&w, RECORD_SNAPSHOT, "{" ID_OF("bb") "}");
    assert_refused(live_scopes_read(w.ledger, &s), ERR_CORRUPT, NULL);
    assert_null(s.items);
    add_tombstone(&w, "bb"); /* of what is deleted nothing is read */
    assert_string_equal(live(&w), "aa");
    add_raw(&w, RECORD_OPLOG_SEGMENT, "{\"dataKey\":{\"scope\":\"rubbish\"}}");
    assert_refused(live_scopes_read(w.ledger, &s), ERR_CORRUPT, NULL);
    assert_null(s.items);
    clear_key_world(&w);
}

static void a_snapshot_that_is_older_than_its_parent_is_damage(void **state)
{
    struct stand_in d;
    struct key_world w = make_double_world(state, &d);
    struct live_scopes s = {.count = 0};

    add_snapshot(&w, "bb", "aa");
    assert_string_equal(live(&w), "bb"); /* a parent that is not there has no scope */
    add_snapshot(&w, "aa", NULL);
    assert_refused(live_scopes_read(w.ledger, &s), ERR_CORRUPT,
                   "snapshot aa0000000000000000000000 is older than its parent");
    clear_key_world(&w);
}

/* The scope is right and the data key another: no envelope of it may count. */
static void a_rewrap_to_another_data_key_does_not_count(void **state)
{
    struct stand_in d;
    struct key_world w = make_double_world(state, &d);
    struct data_key mine = {.envelope_count = 0};
    struct data_key other = {.envelope_count = 0};
    struct live_scope scope = {.record = NULL};
    struct secret *key = NULL;
    struct jdoc *body = NULL;

    add_snapshot(&w, "aa", NULL);
    assert_done(live_scope_of(w.ledger, ledger_at(w.ledger, 2), &scope));
    assert_done(live_scope_key(&scope, &mine));
    assert_done(keyring_new_data_key(w.k, ledger_repository(w.ledger), &other, &key));
    other.context = mine.context;
    assert_done(jdoc_object(&body));
    put_data_key(body, &other);
    assert_done(ledger_append(w.ledger, RECORD_REWRAP, body, NULL));
    data_key_clear(&mine);
    assert_done(live_scope_of(w.ledger, ledger_at(w.ledger, 2), &scope));
    assert_int_equal(ledger_at(w.ledger, 3)->type, RECORD_REWRAP);
    assert_ptr_equal(scope.source, scope.record);
    assert_string_equal(live(&w), "aa");
    jdoc_free(body);
    secret_free(key);
    data_key_clear(&other);
    clear_key_world(&w);
}

static enum err read_all(void *arg)
{
    const struct key_world *w = arg;
    struct live_scopes s = {.count = 0};
    struct data_key key = {.envelope_count = 0};
    enum err rc;

    TRY(live_scopes_read(w->ledger, &s));
    for (size_t i = 0; i < s.count; i++) {
        TRY(live_scope_key(&s.items[i], &key));
        data_key_clear(&key);
    }
out:
    live_scopes_clear(&s);
    return rc;
}

static void no_memory_is_said(void **state)
{
    struct stand_in d;
    struct key_world w = make_double_world(state, &d);

    add_snapshot(&w, "aa", NULL);
    add_snapshot(&w, "bb", "aa");
    d.version[0] = '2';
    rewrap_all(&w);
    assert_true(sweep_allocations(read_all, &w) > 5);
    clear_key_world(&w);
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        IN_DIRECTORY(the_scope_of_a_deleted_snapshot_is_not_live),
        IN_DIRECTORY(a_live_child_keeps_the_scopes_of_all_its_ancestors),
        IN_DIRECTORY(the_newest_rewrap_has_the_envelopes_that_count),
        IN_DIRECTORY(the_scope_of_one_record_is_told_live_or_not),
        IN_DIRECTORY(segments_of_an_epoch_have_one_scope),
        IN_DIRECTORY(a_live_record_without_a_readable_data_key_is_damage),
        IN_DIRECTORY(a_snapshot_that_is_older_than_its_parent_is_damage),
        IN_DIRECTORY(a_rewrap_to_another_data_key_does_not_count),
        IN_DIRECTORY(no_memory_is_said),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
