#include "snapshot/restore/alternatives.h"

#include "tests/unit/snapshot/repositories.h"

/* ---- a provider whose versions can be withdrawn ---- */

static bool withdrawn[10];
static bool refuses_round_trip[10];
static unsigned round_trips[10];

static unsigned number_of(const struct key_name *key)
{
    return (unsigned)(key->version[0] - '0') % 10;
}

static enum err moody_state(void *self, const struct key_name *key, struct key_state *out)
{
    (void)self;
    *out = (struct key_state){.verdict = withdrawn[number_of(key)] ? KEY_INVALID : KEY_VALID};
    return ERR_OK;
}

static enum err moody_unwrap(void *self, const struct envelope *envelope,
                             const struct seal_context *context, struct secret **out)
{
    unsigned number = number_of(&envelope->key);

    round_trips[number]++;
    if (refuses_round_trip[number])
        return err_set(ERR_KEY_INVALID, "the passphrase is another one");
    return double_unwrap(self, envelope, context, out);
}

/* ---- a catalogue of four snapshots, each of its own key version ---- */

struct choice {
    struct world w;
    struct snapshot_list c;
};

/* `versions`: the key version that each snapshot is sealed under. */
static void make_choice(void **state, struct choice *choice, const char *versions)
{
    static struct provider moody;
    const struct provider *provider = &moody;
    void *self = &choice->w.key;

    *choice = (struct choice){.c = {.count = 0}};
    memset(withdrawn, 0, sizeof withdrawn);
    memset(refuses_round_trip, 0, sizeof refuses_round_trip);
    make_world(state, &choice->w);
    moody = provider_double;
    moody.state = moody_state;
    moody.unwrap = moody_unwrap;
    keyring_free(choice->w.keyring);
    assert_done(keyring_of(&provider, &self, 1, &choice->w.keyring));
    put_file(in(state, "source/f"), "content");
    for (; *versions != '\0'; versions++) {
        choice->w.key.version[0] = *versions;
        make_backup(&choice->w);
    }
    assert_done(snapshot_list_read(choice->w.ledger, &choice->c));
    memset(round_trips, 0, sizeof round_trips);
}

static void end_choice(struct choice *choice)
{
    snapshot_list_clear(&choice->c);
    clear_world(&choice->w);
}

/* What is said when number `refused` is. */
static const char *hint_for(struct choice *choice, size_t refused)
{
    err_set(ERR_KEY_INVALID, "no");
    alternatives_hint(choice->w.repository, choice->w.keyring, &choice->c,
                      &choice->c.items[refused]);
    return err_text();
}

static const char *with_hints(const struct choice *choice, int newer, int older)
{
    static char text[512];
    const int nth[] = {newer, older};
    const char *const words[] = {"newer", "older"};
    char when[CLOCK_TEXT_LEN + 1];
    size_t len = (size_t)snprintf(text, sizeof text, "no");

    for (int i = 0; i < 2; i++) {
        const struct snapshot *s = nth[i] >= 0 ? &choice->c.items[nth[i]] : NULL;

        if (s == NULL)
            continue;
        clock_text(s->created_ms, when);
        len += (size_t)snprintf(text + len, sizeof text - len,
                                "\n  The nearest %s snapshot that can be restored is %s of %s "
                                "(key version %s).",
                                words[i], s->id, when, s->effective_key.version);
    }
    if (newer < 0 && older < 0)
        snprintf(text + len, sizeof text - len,
                 "\n  No other snapshot can be restored with the keys as they are now.");
    return text;
}

static void the_nearest_on_each_side_is_named(void **state)
{
    struct choice choice;

    make_choice(state, &choice, "1234");
    withdrawn[2] = true;
    assert_string_equal(hint_for(&choice, 1), with_hints(&choice, 2, 0));
    withdrawn[3] = true;
    assert_string_equal(hint_for(&choice, 1), with_hints(&choice, 3, 0));
    withdrawn[1] = true;
    assert_string_equal(hint_for(&choice, 1), with_hints(&choice, 3, -1));
    withdrawn[4] = true;
    assert_string_equal(hint_for(&choice, 1), with_hints(&choice, -1, -1));
    end_choice(&choice);
}

static void the_first_and_the_last_have_neighbours_on_one_side(void **state)
{
    struct choice choice;

    make_choice(state, &choice, "1234");
    withdrawn[1] = withdrawn[4] = true;
    assert_string_equal(hint_for(&choice, 0), with_hints(&choice, 1, -1));
    assert_string_equal(hint_for(&choice, 3), with_hints(&choice, -1, 2));
    end_choice(&choice);
}

/* A rejected passphrase opens no other version: to try them would ask for it once each. */
static void a_rejected_passphrase_has_no_alternatives_and_is_not_tried_on_others(void **state)
{
    struct choice choice;

    make_choice(state, &choice, "1234");
    refuses_round_trip[2] = true;
    assert_string_equal(hint_for(&choice, 1), "no");
    assert_int_equal(round_trips[1] + round_trips[3] + round_trips[4], 0);
    end_choice(&choice);
}

static void the_only_one_has_no_alternative(void **state)
{
    struct choice choice;

    make_choice(state, &choice, "1");
    withdrawn[1] = true;
    assert_string_equal(hint_for(&choice, 0), with_hints(&choice, -1, -1));
    end_choice(&choice);
}

/* The state alone says yes: a wrong passphrase shows when the key is used. */
static void a_key_that_cannot_be_used_is_no_alternative(void **state)
{
    struct choice choice;

    make_choice(state, &choice, "123");
    withdrawn[2] = true;
    refuses_round_trip[3] = true;
    assert_string_equal(hint_for(&choice, 1), with_hints(&choice, -1, 0));
    end_choice(&choice);
}

static void a_key_that_refused_is_not_asked_for_each_snapshot_of_its_chain(void **state)
{
    struct choice choice;

    make_choice(state, &choice, "12333");
    withdrawn[2] = true;
    refuses_round_trip[3] = true;
    assert_string_equal(hint_for(&choice, 1), with_hints(&choice, -1, 0));
    assert_int_equal(round_trips[3], 1);
    end_choice(&choice);
}

/* Its neighbour has the same key and is whole. */
static void a_snapshot_that_lost_its_manifest_hides_no_other_of_its_key(void **state)
{
    struct choice choice;
    char name[MANIFEST_NAME_LEN + 1];

    make_choice(state, &choice, "1222");
    withdrawn[1] = true;
    manifest_name(choice.c.items[1].id, name);
    assert_done(store_remove(choice.w.real, name));
    assert_string_equal(hint_for(&choice, 0), with_hints(&choice, 2, -1));
    end_choice(&choice);
}

static const struct CMUnitTest tests[] = {
    IN_FOLDER(the_nearest_on_each_side_is_named),
    IN_FOLDER(the_first_and_the_last_have_neighbours_on_one_side),
    IN_FOLDER(a_rejected_passphrase_has_no_alternatives_and_is_not_tried_on_others),
    IN_FOLDER(the_only_one_has_no_alternative),
    IN_FOLDER(a_key_that_cannot_be_used_is_no_alternative),
    IN_FOLDER(a_key_that_refused_is_not_asked_for_each_snapshot_of_its_chain),
    IN_FOLDER(a_snapshot_that_lost_its_manifest_hides_no_other_of_its_key),
};

int main(void)
{
    return cmocka_run_group_tests(tests, NULL, NULL);
}
