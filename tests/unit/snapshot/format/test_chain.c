#include "snapshot/format/chain.h"

#include <stdio.h>
#include <string.h>

#include "core/base/clock.h"
#include "keyring/catalogue/key_list.h"
#include "keyring/catalogue/object_list.h"
#include "tests/unit/helpers.h"

#define NOW_MS (100 * CLOCK_DAY_MS)

/* A chain in which nothing speaks against the next link; each row of the table changes one thing.
 */
struct chain {
    struct snapshot items[3]; /* base, and two upon it */
    struct snapshot_list snapshot_list;
    struct key_name active;
    struct chain_limits limits;
};

static void make_chain(struct chain *c)
{
    *c = (struct chain){.snapshot_list = {.items = c->items, .count = 3},
                        .active = {"file", "key", "1", ""},
                        .limits = {.age_ms = 7 * CLOCK_DAY_MS, .length = 28}};
    for (uint64_t i = 0; i < 3; i++) {
        struct snapshot *s = &c->items[i];

        snprintf(s->id, sizeof s->id, "%024u", (unsigned)i);
        snprintf(s->base, sizeof s->base, "%024u", 0);
        s->recorded_key = s->effective_key = c->active;
        s->started_ms = NOW_MS - (int64_t)(3 - i) * CLOCK_DAY_MS;
        s->chain_position = i;
        s->chain_stored_bytes = 1000;
        s->chain_needed_bytes = 800;
    }
}

typedef void change_chain(struct chain *c);

static void nothing(struct chain *c)
{
    (void)c;
}
static const struct record ours = {.writer = "ours"};
static const struct record theirs = {.writer = "theirs"};

static void only_anothers_snapshots(struct chain *c)
{
    c->limits.writer = ours.writer;
    for (size_t i = 0; i < 3; i++)
        c->items[i].record = &theirs;
}
/* Two of ours, and in the list behind them one of another machine: ours goes on. */
static void anothers_behind_ours(struct chain *c)
{
    static struct snapshot items[4];

    for (size_t i = 0; i < 3; i++) {
        items[i] = c->items[i];
        items[i].record = &ours;
    }
    items[3] = (struct snapshot){.id = "strange", .record = &theirs};
    c->limits.writer = ours.writer;
    c->snapshot_list.items = items;
    c->snapshot_list.count = 4;
}
static void no_snapshots(struct chain *c)
{
    c->snapshot_list.count = 0;
}
static void another_version(struct chain *c)
{
    snprintf(c->active.version, sizeof c->active.version, "%s", "2");
}
static void another_key(struct chain *c)
{
    snprintf(c->active.key_id, sizeof c->active.key_id, "%s", "other");
}
static void another_provider(struct chain *c)
{
    snprintf(c->active.provider, sizeof c->active.provider, "%s", "aws");
}
static void rewrapped_to_another_version(struct chain *c)
{
    snprintf(c->items[2].effective_key.version, sizeof c->items[2].effective_key.version, "%s",
             "2");
}
static void rewrapped_to_the_active_version(struct chain *c)
{
    snprintf(c->items[2].recorded_key.version, sizeof c->items[2].recorded_key.version, "%s", "0");
}
static void a_parent_by_another_version(struct chain *c)
{
    snprintf(c->items[1].effective_key.version, sizeof c->items[1].effective_key.version, "%s",
             "0"); /* only the newest is asked */
}
static void no_base(struct chain *c)
{
    snprintf(c->items[2].base, sizeof c->items[2].base, "%s", "ffffffffffffffffffffffff");
}
static void base_as_old_as_allowed(struct chain *c)
{
    c->items[0].started_ms = NOW_MS - c->limits.age_ms;
}
static void base_a_little_younger(struct chain *c)
{
    c->items[0].started_ms = NOW_MS - c->limits.age_ms + 1;
}
static void base_from_the_future(struct chain *c)
{
    c->items[0].started_ms = NOW_MS + CLOCK_DAY_MS;
}
static void base_from_far_in_the_future(struct chain *c)
{
    c->items[0].started_ms = NOW_MS + c->limits.age_ms;
}
static void as_long_as_allowed(struct chain *c)
{
    c->items[2].chain_position = 28;
}
static void one_shorter(struct chain *c)
{
    c->items[2].chain_position = 27;
}
static void less_than_half_is_needed(struct chain *c)
{
    c->items[2].chain_needed_bytes = 499;
}
static void half_is_needed(struct chain *c)
{
    c->items[2].chain_needed_bytes = 500;
}
static void nothing_is_stored(struct chain *c)
{
    c->items[2].chain_stored_bytes = c->items[2].chain_needed_bytes = 0;
}

static void each_reason_ends_a_chain(void **state)
{
    static const struct {
        const char *name;
        change_chain *change;
        const char *why; /* "": the chain goes on */
    } rows[] = {
        {"nothing", nothing, ""},
        {"no snapshots", no_snapshots, "it is the first snapshot"},
        {"of another", only_anothers_snapshots, "it is the first of this machine"},
        {"ours, and newer of another", anothers_behind_ours, ""},
        {"another version", another_version, "the active master-key version changed"},
        {"another key", another_key, "the active master-key version changed"},
        {"another provider", another_provider, "the active master-key version changed"},
        {"rewrapped", rewrapped_to_another_version, "the active master-key version changed"},
        {"rewrapped to active", rewrapped_to_the_active_version, ""},
        {"parent's version", a_parent_by_another_version, ""},
        {"no base", no_base, "the chain's base is gone"},
        {"old base", base_as_old_as_allowed, "the chain's base has reached its maximum age"},
        {"younger base", base_a_little_younger, ""},
        {"base from the future", base_from_the_future, ""},
        {"base from far in the future", base_from_far_in_the_future,
         "the chain's base has reached its maximum age"},
        {"long", as_long_as_allowed, "the chain has reached its maximum length"},
        {"one shorter", one_shorter, ""},
        {"less than half", less_than_half_is_needed,
         "the newest snapshot needs less than half of what the chain stores"},
        {"half", half_is_needed, ""},
        {"nothing stored", nothing_is_stored, ""},
    };

    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct chain c;
        const struct snapshot *parent;
        const char *why = NULL;

        make_chain(&c);
        rows[i].change(&c);
        parent = chain_parent(&c.snapshot_list, &c.active, &c.limits, NOW_MS, &why);
        if (strcmp(why, rows[i].why) != 0 || (parent == NULL) == (*rows[i].why == '\0'))
            fail_msg("%s: \"%s\"", rows[i].name, why);
        if (parent != NULL)
            assert_string_equal(parent->id, c.items[2].id);
    }
}

/* ---- envelopes ---- */

#define VERSION_CHANGED "the active master-key version changed"
#define KEYS_CHANGED "the configured master keys changed"

/* A data key with envelopes by "provider key version", as many as are given. */
struct wrapped {
    struct data_key key;
    struct envelope envelopes[3];
};

static void wrap(struct wrapped *w, const char *const names[3])
{
    w->key = (struct data_key){.envelopes = w->envelopes};
    while (w->key.envelope_count < 3 && names[w->key.envelope_count] != NULL) {
        struct key_name *k = &w->envelopes[w->key.envelope_count].key;

        *k = (struct key_name){.provider = ""};
        assert_int_equal(sscanf(names[w->key.envelope_count], "%15s %511s %127s", k->provider,
                                k->key_id, k->version),
                         3);
        w->key.envelope_count++;
    }
}

static void a_chain_goes_on_under_the_same_master_keys_only(void **state)
{
    static const struct {
        const char *was[3];
        const char *is[3];
        const char *why;
    } rows[] = {
        {{"file a 1"}, {"file a 1"}, NULL},
        {{"file a 1"}, {"file a 2"}, VERSION_CHANGED},
        {{"file a 1"}, {"file b 1"}, KEYS_CHANGED},
        {{"file a 1"}, {"aws a 1"}, KEYS_CHANGED},
        {{"file a 1"}, {"file a 1", "file b 1"}, KEYS_CHANGED},
        {{"file a 1", "file b 1"}, {"file a 1"}, KEYS_CHANGED},
        {{"file a 1", "file b 1"}, {"file a 1", "file b 1"}, NULL},
        {{"file a 1", "file b 1"}, {"file a 1", "file b 2"}, NULL},
        {{"file a 1", "file b 1"}, {"file a 2", "file b 1"}, VERSION_CHANGED},
        {{"file a 1", "file b 1"}, {"file a 1", "file c 1"}, KEYS_CHANGED},
        {{"file a 1", "file b 1"}, {"file b 1", "file a 1"}, KEYS_CHANGED},
        {{"file a 1", "file b 1", "file c 1"}, {"file a 1", "file c 1", "file b 1"}, KEYS_CHANGED},
    };

    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct wrapped same;
        struct wrapped was;
        struct wrapped is;
        const char *why;

        wrap(&same, rows[i].is);
        wrap(&was, rows[i].was);
        wrap(&is, rows[i].is);
        for (size_t offset = 0; offset < 3; offset++) { /* of all that is read from, each counts */
            struct data_key keys[3] = {same.key, same.key, same.key};

            keys[offset] = was.key;
            why = chain_key_change(keys, 3, &is.key);
            if ((why == NULL) != (rows[i].why == NULL) ||
                (why != NULL && strcmp(why, rows[i].why) != 0))
                fail_msg("row %zu, key %zu: \"%s\"", i, offset, why != NULL ? why : "");
        }
    }
}

static void a_chain_ends_before_a_manifest_is_full(void **state)
{
    static struct data_key keys[KEY_LIST_MAX];
    static const char objects[] = "the chain has almost as many objects as a manifest can name";
    static const char many_keys[] = "the chain has almost as many data keys as a manifest can hold";

    (void)state;
    for (size_t i = 0; i < KEY_LIST_MAX; i++)
        keys[i].envelope_count = 1;
    assert_null(chain_overflow(OBJECT_LIST_MAX - 100, keys, 29, 100));
    assert_string_equal(chain_overflow(OBJECT_LIST_MAX - 99, keys, 29, 100), objects);
    assert_null(chain_overflow(1, keys, KEY_LIST_MAX - 1, 100));
    assert_string_equal(chain_overflow(1, keys, KEY_LIST_MAX, 100), many_keys);
    keys[0].envelope_count = KEY_LIST_ENVELOPES_MAX - KEYRING_KEYS_MAX - 1;
    assert_null(chain_overflow(1, keys, 2, 100));
    assert_string_equal(chain_overflow(1, keys, 3, 100), many_keys);
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(each_reason_ends_a_chain),
    cmocka_unit_test(a_chain_goes_on_under_the_same_master_keys_only),
    cmocka_unit_test(a_chain_ends_before_a_manifest_is_full),
};

int main(void)
{
    return cmocka_run_group_tests(tests, NULL, NULL);
}
