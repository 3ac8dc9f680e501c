#include "snapshot/format/snapshot_list.h"

#include "tests/unit/roots.h"
#include "tests/unit/snapshot/repositories.h"

static void make_three(struct snapshot items[3])
{
    static const char *const ids[] = {"aaaaaa000000000000000001", "aaaaaa000000000000000002",
                                      "bbbbbb000000000000000003"};

    for (size_t i = 0; i < 3; i++) {
        items[i] = (struct snapshot){.record = NULL};
        memcpy(items[i].id, ids[i], SNAPSHOT_ID_TEXT + 1);
    }
}

static void a_snapshot_is_found_by_each_of_its_names(void **state)
{
    struct snapshot items[3];
    struct snapshot_list c = {.items = items, .count = 3};
    const struct snapshot *found = NULL;

    (void)state;
    make_three(items);
    assert_done(snapshot_list_find(&c, "latest", &found));
    assert_ptr_equal(found, &items[2]);
    assert_done(snapshot_list_find(&c, "bbbbbb", &found));
    assert_ptr_equal(found, &items[2]);
    assert_done(snapshot_list_find(&c, "aaaaaa000000000000000002", &found));
    assert_ptr_equal(found, &items[1]);
}

static void what_is_no_name_of_one_is_refused(void **state)
{
    struct snapshot items[3];
    struct snapshot_list c = {.items = items, .count = 3};
    const struct snapshot *found = NULL;

    (void)state;
    make_three(items);
    assert_refused(snapshot_list_find(&c, "aaaaaa", &found), ERR_USAGE,
                   "snapshot aaaaaa: the prefix is ambiguous (aaaaaa000000000000000001, "
                   "aaaaaa000000000000000002): give more digits");
    assert_refused(snapshot_list_find(&c, "cccccc", &found), ERR_NOT_FOUND,
                   "there is no snapshot cccccc\n  the newest is bbbbbb000000000000000003; "
                   "`sealpoint snapshots` lists all 3");
    assert_refused(snapshot_list_find(&c, "aaaaaa0000000000000000021", &found), ERR_NOT_FOUND,
                   NULL);
    assert_refused(snapshot_list_find(&c, "AAAAAA000000000000000001", &found), ERR_NOT_FOUND, NULL);
    assert_refused(
        snapshot_list_find(&c, "bbbbb", &found), ERR_USAGE,
        "\"bbbbb\" is not a snapshot: give \"latest\", an id, or at least its first 6 digits");
    assert_refused(snapshot_list_find(&c, "", &found), ERR_USAGE, NULL);
    assert_refused(snapshot_list_find(&c, "Latest", &found), ERR_NOT_FOUND, NULL);
    c.count = 0;
    assert_refused(snapshot_list_find(&c, "latest", &found), ERR_NOT_FOUND,
                   "the repository holds no snapshot yet");
    assert_null(found);
}

static void snapshots_come_oldest_first_and_live(void **state)
{
    struct world w;
    struct snapshot_list c = {0};
    struct backup_result r[3];
    struct jdoc *body = NULL;

    make_world(state, &w);
    put_file(in(state, "source/f"), "content");
    assert_done(snapshot_list_read(w.ledger, &c));
    assert_int_equal(c.count, 0);
    snapshot_list_clear(&c);
    for (size_t i = 0; i < 3; i++)
        r[i] = make_backup(&w);
    assert_done(jdoc_object(&body));
    assert_done(jdoc_set_text(body, "subject", r[1].id));
    assert_done(jdoc_set_text(body, "reason", "test"));
    assert_done(ledger_act_as_root(w.ledger, test_root()));
    assert_done(ledger_append(w.ledger, RECORD_TOMBSTONE, body, NULL));
    assert_done(ledger_act_as_root(w.ledger, NULL));
    jdoc_free(body);
    assert_done(snapshot_list_read(w.ledger, &c));
    assert_int_equal(c.count, 2);
    assert_string_equal(c.items[0].id, r[0].id);
    assert_string_equal(c.items[1].id, r[2].id);
    assert_true(c.items[0].created_ms <= c.items[1].created_ms);
    snapshot_list_clear(&c);
    clear_world(&w);
}

#define NEW_ID "ffffffffffffffffffffffff"

/* The facts of a snapshot's record, to be signed again with one of them changed. */
static struct jdoc *copy_facts(const struct record *r, const char *without)
{
    static const char *const texts[] = {"id", "status", "snapshotType", "frequencyType"};
    static const char *const parts[] = {"masterKey", "chain", "totals", "dataKey", "manifest"};
    struct jdoc *payload = NULL;
    struct jdoc *body = NULL;
    const char *text;

    assert_done(record_payload(r, &payload));
    assert_done(jdoc_object(&body));
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++)
        if (strcmp(texts[i], without) != 0) {
            assert_done(jdoc_text(payload, texts[i], 64, &text));
            if (i == 0 && strcmp(without, "") != 0)
                text = NEW_ID;
            assert_done(jdoc_set_text(body, texts[i], text));
        }
    for (size_t i = 0; i < sizeof parts / sizeof parts[0]; i++)
        if (strcmp(parts[i], without) != 0) {
            struct jdoc *part = NULL;

            assert_done(jdoc_child(payload, parts[i], &part));
            assert_done(jdoc_set_copy(body, parts[i], part));
        }
    if (strcmp(without, "startedAt") != 0)
        assert_done(jdoc_set_time(body, "startedAt", 0));
    jdoc_free(payload);
    return body;
}

/* A writer may sign what it likes; what cannot be is still no snapshot. */
static void a_record_that_lacks_or_breaks_a_member_is_damaged_and_hides_no_other(void **state)
{
    static const struct {
        const char *name, *text; /* NULL: the member is not there */
        enum err code;
    } rows[] = {
        {"id", NULL, ERR_CORRUPT},
        {"id", "0123", ERR_CORRUPT},
        {"id", "../../../../etc/passwd..", ERR_CORRUPT},
        {"status", NULL, ERR_CORRUPT},
        {"status", "inProgress", ERR_UNSUPPORTED},
        {"snapshotType", NULL, ERR_CORRUPT},
        {"snapshotType", "a word that is longer than any word here may be", ERR_CORRUPT},
        {"frequencyType", NULL, ERR_CORRUPT},
        {"startedAt", NULL, ERR_CORRUPT},
        {"startedAt", "yesterday", ERR_CORRUPT},
        {"masterKey", NULL, ERR_CORRUPT},
        {"masterKey", "key", ERR_CORRUPT},
        {"chain", NULL, ERR_CORRUPT},
        {"totals", NULL, ERR_CORRUPT},
        {"dataKey", NULL, ERR_CORRUPT},
        {"manifest", NULL, ERR_CORRUPT},
        {"parent", "0123456789abcdef01234567", ERR_CORRUPT}, /* but its place is 0 */
        {"parent", "", ERR_CORRUPT},
        {"expiresAt", "never", ERR_CORRUPT},
    };

    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct world w;
        struct snapshot_list c = {0};
        struct jdoc *body;
        struct backup_result made;
        const struct snapshot *found = NULL;

        make_world(state, &w);
        put_file(in(state, "source/f"), "content");
        make_backup(&w);
        made = make_backup(&w);
        body = copy_facts(ledger_at(w.ledger, ledger_count(w.ledger) - 1), rows[i].name);
        if (rows[i].text != NULL)
            assert_done(jdoc_set_text(body, rows[i].name, rows[i].text));
        assert_done(ledger_append(w.ledger, RECORD_SNAPSHOT, body, NULL));
        jdoc_free(body);
        assert_done(snapshot_list_read(w.ledger, &c));
        if (c.damaged_count != 1 || c.damaged[0].code != rows[i].code ||
            strncmp(c.damaged[0].reason, "snapshot record ", 16) != 0)
            fail_msg("%s = %s gave %zu damaged: %s", rows[i].name, rows[i].text, c.damaged_count,
                     c.damaged_count == 1 ? c.damaged[0].reason : "");
        assert_int_equal(c.count, 2);
        assert_done(snapshot_list_find(&c, "latest", &found));
        assert_string_equal(found->id, made.id);
        if (c.damaged[0].id[0] != '\0')
            assert_refused(snapshot_list_find(&c, NEW_ID, &found), rows[i].code, NULL);
        snapshot_list_clear(&c);
        clear_world(&w);
        remove_all(in(state, "repository"));
        remove_all(in(state, "state"));
        remove_all(in(state, "source"));
    }
}

/* Of two, nobody could tell which is meant. */
static void two_records_of_one_id_are_damaged_and_hide_no_other(void **state)
{
    struct world w;
    struct snapshot_list c = {0};
    struct jdoc *body;
    struct backup_result first;
    struct backup_result second;
    const struct snapshot *found = NULL;
    char due[256];

    make_world(state, &w);
    put_file(in(state, "source/f"), "content");
    first = make_backup(&w);
    second = make_backup(&w);
    body = copy_facts(ledger_at(w.ledger, ledger_count(w.ledger) - 1), "");
    assert_done(ledger_append(w.ledger, RECORD_SNAPSHOT, body, NULL));
    jdoc_free(body);
    assert_done(snapshot_list_read(w.ledger, &c));
    assert_int_equal(c.count, 1);
    assert_int_equal(c.damaged_count, 2);
    assert_done(snapshot_list_find(&c, "latest", &found));
    assert_string_equal(found->id, first.id);
    snprintf(due, sizeof due,
             "snapshot %s is damaged: another snapshot record has the same id\n  the other "
             "snapshots can be restored; `sealpoint snapshots` lists them",
             second.id);
    assert_refused(snapshot_list_find(&c, second.id, &found), ERR_CORRUPT, due);
    snapshot_list_clear(&c);
    clear_world(&w);
}

static void when_all_are_damaged_there_is_no_latest(void **state)
{
    struct damaged_snapshot damaged = {.code = ERR_CORRUPT, .reason = "why"};
    struct snapshot_list c = {.damaged = &damaged, .damaged_count = 1};
    const struct snapshot *found = NULL;

    (void)state;
    assert_refused(snapshot_list_find(&c, "latest", &found), ERR_CORRUPT,
                   "the repository holds no snapshot that is not damaged");
    assert_refused(snapshot_list_find(&c, "aaaaaa", &found), ERR_NOT_FOUND,
                   "there is no snapshot aaaaaa");
}

static enum err read_once(void *arg)
{
    struct snapshot_list c = {0};
    enum err rc = snapshot_list_read(arg, &c);

    snapshot_list_clear(&c);
    return rc;
}

static void no_memory_is_said(void **state)
{
    struct world w;

    make_world(state, &w);
    put_file(in(state, "source/f"), "content");
    make_backup(&w);
    make_backup(&w);
    assert_true(sweep_allocations(read_once, w.ledger) >= 3);
    clear_world(&w);
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(a_snapshot_is_found_by_each_of_its_names),
    cmocka_unit_test(what_is_no_name_of_one_is_refused),
    IN_DIRECTORY(snapshots_come_oldest_first_and_live),
    IN_DIRECTORY(a_record_that_lacks_or_breaks_a_member_is_damaged_and_hides_no_other),
    IN_DIRECTORY(two_records_of_one_id_are_damaged_and_hide_no_other),
    cmocka_unit_test(when_all_are_damaged_there_is_no_latest),
    IN_DIRECTORY(no_memory_is_said),
};

int main(void)
{
    return cmocka_run_group_tests(tests, NULL, NULL);
}
