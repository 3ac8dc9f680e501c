#include "snapshot/restore/alternatives.h"

#include "tests/unit/snapshot/repositories.h"

/* ---- a catalogue of four snapshots, each of its own key version ---- */

struct choice {
    struct world w;
    struct snapshot_list c;
};

/* `versions`: the key version that each snapshot is sealed under. */
static void make_choice(void **state, struct choice *choice, const char *versions)
{
    *choice = (struct choice){.c = {.count = 0}};
    make_world(state, &choice->w);
    put_file(in(state, "source/f"), "content");
    for (; *versions != '\0'; versions++) {
        choice->w.key.version[0] = *versions;
        make_backup(&choice->w);
    }
    assert_done(snapshot_list_read(choice->w.ledger, &choice->c));
    double_forget_calls(&choice->w.key);
}

static void withdraw(struct choice *choice, const char *version)
{
    double_says(&choice->w.key, version, KEY_INVALID, "disabled");
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
    return told();
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
        len += (size_t)snprintf(
            text + len, sizeof text - len,
            "\n  the nearest %s snapshot that can be restored is %s of %s (key version %s)",
            words[i], s->id, when, s->effective_key.version);
    }
    if (newer < 0 && older < 0)
        snprintf(text + len, sizeof text - len,
                 "\n  no other snapshot can be restored with the keys as they are now");
    return text;
}

static void the_nearest_on_each_side_is_named(void **state)
{
    struct choice choice;

    make_choice(state, &choice, "1234");
    withdraw(&choice, "2");
    assert_string_equal(hint_for(&choice, 1), with_hints(&choice, 2, 0));
    withdraw(&choice, "3");
    assert_string_equal(hint_for(&choice, 1), with_hints(&choice, 3, 0));
    withdraw(&choice, "1");
    assert_string_equal(hint_for(&choice, 1), with_hints(&choice, 3, -1));
    withdraw(&choice, "4");
    assert_string_equal(hint_for(&choice, 1), with_hints(&choice, -1, -1));
    end_choice(&choice);
}

static void the_first_and_the_last_have_neighbours_on_one_side(void **state)
{
    struct choice choice;

    make_choice(state, &choice, "1234");
    withdraw(&choice, "1");
    withdraw(&choice, "4");
    assert_string_equal(hint_for(&choice, 0), with_hints(&choice, 1, -1));
    assert_string_equal(hint_for(&choice, 3), with_hints(&choice, -1, 2));
    end_choice(&choice);
}

/* A rejected passphrase opens no other version: to try them would ask for it once each. */
static void a_rejected_passphrase_has_no_alternatives_and_is_not_tried_on_others(void **state)
{
    struct choice choice;

    make_choice(state, &choice, "1234");
    choice.w.key.of[2].unwrap_fails = ERR_KEY_INVALID;
    assert_string_equal(hint_for(&choice, 1), "no");
    assert_int_equal(choice.w.key.unwraps, choice.w.key.of[2].unwraps);
    end_choice(&choice);
}

static void the_only_one_has_no_alternative(void **state)
{
    struct choice choice;

    make_choice(state, &choice, "1");
    withdraw(&choice, "1");
    assert_string_equal(hint_for(&choice, 0), with_hints(&choice, -1, -1));
    end_choice(&choice);
}

/* The state alone says yes: a wrong passphrase shows when the key is used. */
static void a_key_that_cannot_be_used_is_no_alternative(void **state)
{
    struct choice choice;

    make_choice(state, &choice, "123");
    withdraw(&choice, "2");
    choice.w.key.of[3].unwrap_fails = ERR_KEY_INVALID;
    assert_string_equal(hint_for(&choice, 1), with_hints(&choice, -1, 0));
    end_choice(&choice);
}

static void a_key_that_refused_is_not_asked_for_each_snapshot_of_its_chain(void **state)
{
    struct choice choice;

    make_choice(state, &choice, "12333");
    withdraw(&choice, "2");
    choice.w.key.of[3].unwrap_fails = ERR_KEY_INVALID;
    assert_string_equal(hint_for(&choice, 1), with_hints(&choice, -1, 0));
    assert_int_equal(choice.w.key.of[3].unwraps, 1);
    end_choice(&choice);
}

/* Its neighbour has the same key and is whole. */
static void a_snapshot_that_lost_its_manifest_hides_no_other_of_its_key(void **state)
{
    struct choice choice;
    char name[MANIFEST_NAME_LEN + 1];

    make_choice(state, &choice, "1222");
    withdraw(&choice, "1");
    manifest_name(choice.c.items[1].id, name);
    assert_done(store_remove(choice.w.real, name));
    assert_string_equal(hint_for(&choice, 0), with_hints(&choice, 2, -1));
    end_choice(&choice);
}

static const struct CMUnitTest tests[] = {
    IN_DIRECTORY(the_nearest_on_each_side_is_named),
    IN_DIRECTORY(the_first_and_the_last_have_neighbours_on_one_side),
    IN_DIRECTORY(a_rejected_passphrase_has_no_alternatives_and_is_not_tried_on_others),
    IN_DIRECTORY(the_only_one_has_no_alternative),
    IN_DIRECTORY(a_key_that_cannot_be_used_is_no_alternative),
    IN_DIRECTORY(a_key_that_refused_is_not_asked_for_each_snapshot_of_its_chain),
    IN_DIRECTORY(a_snapshot_that_lost_its_manifest_hides_no_other_of_its_key),
};

int main(void)
{
    return cmocka_run_group_tests(tests, NULL, NULL);
}
