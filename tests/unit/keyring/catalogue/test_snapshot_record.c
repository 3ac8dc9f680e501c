#include "keyring/catalogue/snapshot_record.h"

#include "tests/unit/keyring/ledgers.h"
#include "tests/unit/keyring/samples.h"

#define ID "0123456789abcdef01234567"
#define BASE "00000000000000000000000a"
#define PARENT "00000000000000000000000b"

/* An increment, every member of it set. */
static struct snapshot sample_snapshot(void)
{
    struct snapshot s = {
        .id = ID,
        .snapshot_type = "onDemand",
        .frequency_type = "onDemand",
        .description = "why",
        .started_ms = 1000,
        .expires_ms = 2000,
        .recorded_key = {"file", "abcd", "1", ""},
        .parent = PARENT,
        .base = BASE,
        .chain_position = 2,
        .chain_stored_bytes = 3,
        .chain_needed_bytes = 4,
        .source_type = "dbpath",
        .attention = {.changed = 1, .vanished = 2, .left_out = 3, .warnings = 4},
        .totals = {.files = 5, .bytes = 6, .new_bytes = 7, .stored_bytes = 8},
        .manifest_size = 9,
    };

    memset(s.manifest_sha256, 0x11, sizeof s.manifest_sha256);
    return s;
}

#define FACTS                                                                                      \
    "\"id\":\"" ID "\",\"status\":\"completed\",\"snapshotType\":\"onDemand\","                    \
    "\"frequencyType\":\"onDemand\",\"startedAt\":\"1970-01-01T00:00:01.000Z\","                   \
    "\"expiresAt\":\"1970-01-01T00:00:02.000Z\",\"description\":\"why\","                          \
    "\"replicaSetName\":null,\"mongodVersion\":null,\"masterKey\":" SAMPLE_FIRST_NAME              \
    ",\"parent\":\"" PARENT "\",\"chain\":{\"base\":\"" BASE "\",\"position\":2,"                  \
    "\"storedBytes\":3,\"neededBytes\":4},\"consistency\":null,"                                   \
    "\"sourceType\":\"dbpath\",\"attention\":{\"changed\":1,\"vanished\":2,\"leftOut\":3,"         \
    "\"warnings\":4},"                                                                             \
    "\"totals\":{\"files\":5,\"bytes\":6,\"newBytes\":7,\"storedBytes\":8}"
#define MANIFEST                                                                                   \
    "\"manifest\":{\"size\":9,\"sha256\":"                                                         \
    "\"1111111111111111111111111111111111111111111111111111111111111111\"}"

static void the_text_is_that_of_the_format_page(void **state)
{
    struct snapshot s = sample_snapshot();
    struct data_key own = sample_key();
    struct jdoc *o = NULL;

    (void)state;
    assert_done(snapshot_record_write_facts(&s, &o));
    assert_text(o, "{" FACTS "}");
    jdoc_free(o);
    o = NULL;
    assert_done(snapshot_record_write(&s, &own, &o));
    assert_text(o, "{" FACTS ",\"dataKey\":" SAMPLE_DATA_KEY "," MANIFEST "}");
    jdoc_free(o);
    data_key_clear(&own);
}

/* A data key that the repository of the world could have. */
static struct data_key key_of(const struct key_world *w)
{
    struct data_key own = sample_key();

    memcpy(own.context.repository, ledger_repository(w->ledger), SEAL_ID_LEN);
    return own;
}

static void a_snapshot_is_read_as_it_was_written(void **state)
{
    struct key_world w = make_key_world(state);
    struct snapshot s = sample_snapshot();
    struct data_key own = key_of(&w);
    const struct record *r = NULL;
    struct snapshot back;
    struct jdoc *body = NULL;

    assert_done(snapshot_record_write(&s, &own, &body));
    assert_done(ledger_append(w.ledger, RECORD_SNAPSHOT, body, &r));
    assert_done(snapshot_record_read(w.ledger, r, &back));
    assert_ptr_equal(back.record, r);
    assert_true(back.created_ms == r->created_ms);
    assert_string_equal(back.id, ID);
    assert_string_equal(back.snapshot_type, "onDemand");
    assert_string_equal(back.frequency_type, "onDemand");
    assert_string_equal(back.description, "why");
    assert_true(back.started_ms == 1000 && back.expires_ms == 2000);
    assert_true(key_name_equal(&back.recorded_key, &s.recorded_key));
    assert_true(key_name_equal(&back.effective_key, &s.recorded_key));
    assert_string_equal(back.parent, PARENT);
    assert_string_equal(back.base, BASE);
    assert_true(back.chain_position == 2 && back.chain_stored_bytes == 3 &&
                back.chain_needed_bytes == 4);
    assert_memory_equal(&back.totals, &s.totals, sizeof s.totals);
    assert_true(back.manifest_size == 9);
    assert_memory_equal(back.manifest_sha256, s.manifest_sha256, HASH_LEN);
    jdoc_free(body);
    data_key_clear(&own);
    clear_key_world(&w);
}

static void what_a_base_does_not_have_is_null(void **state)
{
    struct key_world w = make_key_world(state);
    struct snapshot s = sample_snapshot();
    struct data_key own = key_of(&w);
    const struct record *r = NULL;
    const char *parent = "x";
    struct snapshot back;
    struct jdoc *body = NULL;

    s.parent[0] = '\0';
    s.chain_position = 0;
    s.expires_ms = 0;
    s.description[0] = '\0';
    assert_done(snapshot_record_write(&s, &own, &body));
    assert_false(jdoc_has(body, "parent") || jdoc_has(body, "expiresAt") ||
                 jdoc_has(body, "description"));
    assert_done(ledger_append(w.ledger, RECORD_SNAPSHOT, body, &r));
    assert_done(snapshot_record_read(w.ledger, r, &back));
    assert_string_equal(back.parent, "");
    assert_true(back.expires_ms == 0 && back.description[0] == '\0' && back.chain_position == 0);
    assert_done(snapshot_record_raw_parent(r, &parent));
    assert_null(parent);
    jdoc_free(body);
    data_key_clear(&own);
    clear_key_world(&w);
}

/* Before it is recorded: afterwards nobody could take it back. */
static void what_would_not_be_read_back_is_found_before(void **state)
{
    struct key_world w = make_key_world(state);
    struct snapshot good = sample_snapshot();
    struct data_key own = key_of(&w);

    for (int i = 0; i < 5; i++) {
        struct snapshot s = good;
        struct jdoc *body = NULL;

        if (i == 1)
            s.parent[0] = '\0';
        if (i == 2)
            s.recorded_key.version[0] = '2';
        if (i == 3)
            s.base[0] = '\0';
        if (i == 4)
            s.totals.bytes = (UINT64_C(1) << 60) + 1;
        assert_done(snapshot_record_write(&s, &own, &body));
        if (i == 0)
            assert_done(snapshot_record_check(w.ledger, body));
        else
            assert_refused(snapshot_record_check(w.ledger, body), ERR_CORRUPT,
                           i == 1 ? "snapshot record 0: its place in the chain contradicts its "
                                    "parent"
                                  : NULL);
        jdoc_free(body);
    }
    data_key_clear(&own);
    clear_key_world(&w);
}

static void a_damaged_record_still_has_an_id(void **state)
{
    struct record r = record_of("{\"id\":\"" ID "\"}");
    struct record none = record_of("{\"id\":\"0123\",\"parent\":\"up\"}");
    char id[SNAPSHOT_ID_TEXT + 1];
    const char *text = NULL;

    (void)state;
    assert_done(snapshot_record_read_id(&r, id));
    assert_string_equal(id, ID);
    assert_int_equal(snapshot_record_read_id(&none, id), ERR_CORRUPT);
    assert_done(snapshot_record_raw_id(&none, &text));
    assert_string_equal(text, "0123");
    assert_done(snapshot_record_raw_parent(&none, &text));
    assert_string_equal(text, "up");
    buf_clear(&r.raw);
    buf_clear(&none.raw);
}

struct making {
    struct ledger *ledger;
    struct data_key own;
};

static enum err write_and_check(void *arg)
{
    const struct making *m = arg;
    struct snapshot s = sample_snapshot();
    struct jdoc *body = NULL;
    enum err rc;

    TRY(snapshot_record_write(&s, &m->own, &body));
    TRY(snapshot_record_check(m->ledger, body));
out:
    jdoc_free(body);
    return rc;
}

static void no_allocation_that_fails_leaks_or_crashes(void **state)
{
    struct key_world w = make_key_world(state);
    struct making m = {.ledger = w.ledger, .own = key_of(&w)};

    assert_true(sweep_allocations(write_and_check, &m) >= 2);
    data_key_clear(&m.own);
    clear_key_world(&w);
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_text_is_that_of_the_format_page),
        IN_DIRECTORY(a_snapshot_is_read_as_it_was_written),
        IN_DIRECTORY(what_a_base_does_not_have_is_null),
        IN_DIRECTORY(what_would_not_be_read_back_is_found_before),
        cmocka_unit_test(a_damaged_record_still_has_an_id),
        IN_DIRECTORY(no_allocation_that_fails_leaks_or_crashes),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
