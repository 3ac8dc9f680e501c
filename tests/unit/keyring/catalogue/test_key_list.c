#include "keyring/catalogue/key_list.h"

#include "keyring/catalogue/rewrap_record.h"
#include "tests/unit/keyring/ledgers.h"
#include "tests/unit/keyring/samples.h"

/* Two data keys that differ in their scope. */
static void make_two(struct data_key keys[2])
{
    for (size_t i = 0; i < 2; i++) {
        keys[i] = sample_key();
        keys[i].context.scope[0] = (uint8_t)i;
    }
}

static void clear_two(struct data_key keys[2])
{
    data_key_clear(&keys[0]);
    data_key_clear(&keys[1]);
}

static enum err add_key_to(const struct data_key *key, struct data_key **keys, size_t *count)
{
    struct jdoc *item = NULL;
    enum err rc;

    TRY(data_key_write(key, &item));
    TRY(key_list_add(item, test_repository, keys, count));
out:
    jdoc_free(item);
    return rc;
}

static enum err there_and_back(void *arg)
{
    const struct data_key *two = arg;
    struct data_key *back = NULL;
    size_t count = 0;
    enum err rc;

    TRY(add_key_to(&two[0], &back, &count));
    TRY(add_key_to(&two[1], &back, &count));
    assert_int_equal(count, 2);
    assert_memory_equal(back[1].context.scope, two[1].context.scope, SEAL_ID_LEN);
    assert_int_equal(back[1].envelope_count, 2);
    assert_int_equal(key_list_envelopes(back, 2), 4);
out:
    key_list_free(back, count);
    return rc;
}

static void a_list_is_read_as_it_was_written(void **state)
{
    struct data_key keys[2];

    (void)state;
    make_two(keys);
    assert_done(there_and_back(keys));
    assert_true(sweep_allocations(there_and_back, keys) >= 3);
    clear_two(keys);
}

static void a_scope_has_one_data_key(void **state)
{
    struct data_key keys[2];
    struct data_key *back = NULL;
    size_t count = 0;

    (void)state;
    make_two(keys);
    keys[1].context.scope[0] = 0;
    assert_done(add_key_to(&keys[0], &back, &count));
    assert_refused(add_key_to(&keys[1], &back, &count), ERR_CORRUPT, "a scope has two data keys");
    assert_int_equal(count, 1);
    key_list_free(back, count);
    clear_two(keys);
}

static void what_is_no_data_key_is_refused(void **state)
{
    struct data_key *back = NULL;
    struct jdoc *o = NULL;
    size_t count = 0;

    (void)state;
    assert_done(jdoc_parse(bytes_of_text("{}"), &o));
    assert_refused(key_list_add(o, test_repository, &back, &count), ERR_CORRUPT,
                   "member \"scope\": member \"scope\" is missing");
    assert_null(back);
    assert_int_equal(count, 0);
    jdoc_free(o);
}

/* Each sample has two envelopes: those are too many first. */
static void a_list_over_its_caps_is_not_read(void **state)
{
    struct data_key key = sample_key();
    struct data_key *back = NULL;
    size_t count = 0;

    (void)state;
    for (size_t i = 0; i < KEY_LIST_ENVELOPES_MAX / 2; i++) {
        be_put(key.context.scope, i, 4);
        assert_done(add_key_to(&key, &back, &count));
    }
    assert_int_equal(count, KEY_LIST_MAX);
    key.context.scope[4] ^= 1;
    assert_refused(add_key_to(&key, &back, &count), ERR_CORRUPT,
                   "there are more than 512 data keys");
    data_key_clear(&back[--count]);
    assert_done(add_key_to(&key, &back, &count));
    data_key_clear(&back[--count]);
    back[0].envelope_count++; /* one more in front */
    assert_refused(add_key_to(&key, &back, &count), ERR_CORRUPT,
                   "the data keys have more than 1024 envelopes");
    back[0].envelope_count--;
    key_list_free(back, count);
    data_key_clear(&key);
}

static void a_data_key_is_found_by_its_scope(void **state)
{
    struct data_key keys[2];
    uint8_t nobodys[SEAL_ID_LEN] = {9};

    (void)state;
    make_two(keys);
    assert_ptr_equal(key_list_find(keys, 2, keys[1].context.scope), &keys[1]);
    assert_null(key_list_find(keys, 1, keys[1].context.scope));
    assert_null(key_list_find(keys, 2, nobodys));
    clear_two(keys);
}

static void append_rewrap(struct key_world *w, const struct data_key *fresh)
{
    struct jdoc *body = NULL;

    assert_done(rewrap_record_write(fresh, fresh, &body));
    assert_done(ledger_append(w->ledger, RECORD_REWRAP, body, NULL));
    jdoc_free(body);
}

static void append_broken_rewrap(struct key_world *w, const struct data_key *of)
{
    struct jdoc *body = NULL;
    struct jdoc *part = NULL;

    assert_done(jdoc_object(&body));
    assert_done(jdoc_object(&part));
    assert_done(jdoc_set_hex(part, "scope", bytes_of(of->context.scope, SEAL_ID_LEN)));
    assert_done(jdoc_set(body, "dataKey", &part));
    assert_done(ledger_append(w->ledger, RECORD_REWRAP, body, NULL));
    jdoc_free(body);
}

static void a_rewrap_replaces_the_envelopes_of_its_own_data_key_alone(void **state)
{
    struct key_world w = make_key_world(state);
    struct data_key keys[2];
    struct data_key fresh;

    make_two(keys);
    for (size_t i = 0; i < 2; i++)
        memcpy(keys[i].context.repository, ledger_repository(w.ledger), SEAL_ID_LEN);
    assert_done(key_list_apply_rewraps(w.ledger, keys, 2));
    assert_string_equal(keys[1].envelopes[0].key.version, "1");
    assert_done(data_key_copy(&keys[1], &fresh));
    fresh.envelopes[0].key.version[0] = '5';
    append_rewrap(&w, &fresh);
    assert_done(key_list_apply_rewraps(w.ledger, keys, 2));
    assert_string_equal(keys[0].envelopes[0].key.version, "1");
    assert_string_equal(keys[1].envelopes[0].key.version, "5");

    /* A writer gone bad changes nothing: one of another data key, and one that is none. */
    fresh.commitment[0] ^= 1;
    fresh.envelopes[0].key.version[0] = '6';
    append_rewrap(&w, &fresh);
    append_broken_rewrap(&w, &fresh);
    assert_done(key_list_apply_rewraps(w.ledger, keys, 2));
    assert_string_equal(keys[1].envelopes[0].key.version, "5");
    data_key_clear(&fresh);
    clear_two(keys);
    clear_key_world(&w);
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_list_is_read_as_it_was_written),
        cmocka_unit_test(a_scope_has_one_data_key),
        cmocka_unit_test(what_is_no_data_key_is_refused),
        cmocka_unit_test(a_list_over_its_caps_is_not_read),
        cmocka_unit_test(a_data_key_is_found_by_its_scope),
        IN_DIRECTORY(a_rewrap_replaces_the_envelopes_of_its_own_data_key_alone),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
