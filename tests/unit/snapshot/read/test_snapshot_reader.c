#include "snapshot/read/snapshot_reader.h"

#include "tests/unit/snapshot/repositories.h"

/* A base and an increment: the second snapshot has two data keys. */
struct opening {
    struct world w;
    struct snapshot_list c;
};

static void make_opening(void **state, struct opening *o)
{
    *o = (struct opening){.c = {0}};
    make_world(state, &o->w);
    put_pattern(in(state, "source/f"), 70000, 1);
    make_backup(&o->w);
    put_pattern(in(state, "source/g"), 70000, 2);
    make_backup(&o->w);
    assert_done(snapshot_list_read(o->w.ledger, &o->c));
    assert_int_equal(o->c.count, 2);
    o->w.key.unwraps = 0;
}

static void clear_opening(struct opening *o)
{
    snapshot_list_clear(&o->c);
    clear_world(&o->w);
}

static enum err open_newest(void *arg)
{
    struct opening *o = arg;
    struct snapshot_reader r = {.store = NULL};
    const struct snapshot *newest = NULL;
    enum err rc;

    TRY(snapshot_list_find(&o->c, "latest", &newest));
    TRY(snapshot_reader_open(o->w.repository, o->w.keyring, newest, 0, &r));
    assert_int_equal(r.manifest.key_count, 2);
    for (size_t i = 0; i < r.manifest.key_count; i++)
        assert_non_null(r.k_data[i]);
    assert_int_equal(index_header(r.index)->file_count, 3);
out:
    if (rc != ERR_OK)
        assert_null(r.store);
    snapshot_reader_clear(&r);
    return rc;
}

static void every_data_key_is_unwrapped_once(void **state)
{
    struct opening o;

    make_opening(state, &o);
    assert_done(open_newest(&o));
    assert_int_equal(o.w.key.unwraps, 2);
    clear_opening(&o);
}

static void a_key_that_is_refused_refuses_the_snapshot(void **state)
{
    static const enum err codes[] = {ERR_KEY_INVALID, ERR_KEY_UNREACHABLE, ERR_USAGE, ERR_CORRUPT};
    struct opening o;

    make_opening(state, &o);
    for (size_t i = 0; i < sizeof codes / sizeof codes[0]; i++) {
        o.w.key.unwrap_refused = codes[i];
        assert_refused(open_newest(&o), codes[i], NULL);
        assert_non_null(strstr(err_text(), "the double does not unwrap"));
    }
    clear_opening(&o);
}

/* What needs its content asks for it: a listing does not. */
static void a_pack_that_is_missing_refuses_nothing_yet_but_a_lost_index_does(void **state)
{
    struct opening o;
    struct manifest m = {.key_count = 0};
    char name[OBJECT_NAME_LEN + 1];

    make_opening(state, &o);
    assert_done(manifest_load(o.w.repository, &o.c.items[1], &m));
    for (size_t i = 0; i < m.object_count; i++) {
        object_name(m.objects[i].id, name);
        assert_done(store_remove(o.w.real, name));
    }
    assert_done(open_newest(&o));
    object_name(m.index.id, name);
    assert_done(store_remove(o.w.real, name));
    assert_refused(open_newest(&o), ERR_CORRUPT, NULL);
    assert_non_null(strstr(err_text(), name));
    assert_non_null(strstr(err_text(), "the index: object "));
    assert_non_null(strstr(err_text(), "it is missing from the repository"));
    manifest_clear(&m);
    clear_opening(&o);
}

static void no_memory_is_said(void **state)
{
    struct opening o;

    make_opening(state, &o);
    assert_true(sweep_allocations(open_newest, &o) > 10);
    clear_opening(&o);
}

static const struct CMUnitTest tests[] = {
    IN_DIRECTORY(every_data_key_is_unwrapped_once),
    IN_DIRECTORY(a_key_that_is_refused_refuses_the_snapshot),
    IN_DIRECTORY(a_pack_that_is_missing_refuses_nothing_yet_but_a_lost_index_does),
    IN_DIRECTORY(no_memory_is_said),
};

int main(void)
{
    return cmocka_run_group_tests(tests, NULL, NULL);
}
