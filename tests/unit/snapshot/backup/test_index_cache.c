#include "snapshot/backup/index_cache.h"

#include "tests/unit/snapshot/repositories.h"

/* A repository with one snapshot, and the cached copy of its index. */
struct family {
    struct world w;
    struct snapshot_list c;
    const struct snapshot *snapshot;
    struct manifest manifest;
    char cached[512];
    struct buf copy;
};

static void make_family(void **state, struct family *f)
{
    *f = (struct family){.copy = {.max = MIB}};
    make_world(state, &f->w);
    put_file(in(state, "source/f"), "content");
    put_pattern(in(state, "source/g"), 70000, 1);
    make_backup(&f->w);
    assert_done(snapshot_list_read(f->w.ledger, &f->c));
    f->snapshot = &f->c.items[0];
    assert_done(manifest_load(f->w.repository, f->snapshot, &f->manifest));
    snprintf(f->cached, sizeof f->cached, "%s/%s.index", in(state, "state/cache"), f->snapshot->id);
    assert_done(file_read(f->cached, &f->copy));
}

static void clear_family(struct family *f)
{
    manifest_clear(&f->manifest);
    buf_clear(&f->copy);
    snapshot_list_clear(&f->c);
    clear_world(&f->w);
}

static enum err open_cached(void *arg)
{
    struct family *f = arg;
    struct index *x = NULL;
    struct source_marks marks;
    enum err rc = index_cache_open(f->w.repository, f->snapshot->id, &f->manifest, &marks, &x);

    if (rc == ERR_OK)
        assert_int_equal(index_header(x)->file_count, 3);
    index_free(x);
    return rc;
}

/* ---- reading ---- */

static enum err open_changed(void *arg, struct bytes changed)
{
    struct family *f = arg;

    put_bytes(f->cached, changed.data, changed.len);
    return open_cached(f);
}

static void a_copy_with_any_byte_changed_is_refused_and_named(void **state)
{
    struct family f;
    char message[700];

    make_family(state, &f);
    assert_done(open_cached(&f));
    sweep_changes(buf_bytes(&f.copy), open_changed, &f);
    f.copy.data[100] ^= 1;
    snprintf(message, sizeof message, "%s: its SHA-256 does not match", f.cached);
    assert_refused(open_changed(&f, buf_bytes(&f.copy)), ERR_CORRUPT, message);
    snprintf(message, sizeof message, "%s: it is too short", f.cached);
    assert_refused(open_changed(&f, bytes_of("", 0)), ERR_CORRUPT, message);
    assert_int_equal(unlink(f.cached), 0);
    assert_refused(open_cached(&f), ERR_NOT_FOUND, NULL);
    clear_family(&f);
}

static void no_memory_is_said(void **state)
{
    struct family f;

    make_family(state, &f);
    assert_true(sweep_allocations(open_cached, &f) > 5);
    clear_family(&f);
}

static void all_other_copies_are_pruned(void **state)
{
    struct family f;

    make_family(state, &f);
    put_file(in(state, "state/cache/000000000000000000000000.index"), "old");
    put_file(in(state, "state/cache/000000000000000000000000.index.new"), "killed");
    assert_done(index_cache_prune(f.w.repository, f.snapshot->id));
    assert_int_equal(count_names(in(state, "state/cache")), 1);
    assert_true(file_exists(f.cached));
    clear_family(&f);
}

/* ---- writing ---- */

#define OTHER "111111111111111111111111"

static void a_copy_has_its_name_once_it_is_committed(void **state)
{
    struct family f;
    struct index_cache *c = NULL;
    struct index_cache *second = NULL;
    struct index *x = NULL;
    char path[512];
    struct buf copy = {.max = MIB};
    struct stat st;

    make_family(state, &f);
    snprintf(path, sizeof path, "%s", in(state, "state/cache/" OTHER ".index"));
    assert_done(index_cache_new(f.w.repository, OTHER, &c));
    assert_refused(index_cache_new(f.w.repository, OTHER, &second), ERR_FAILED, NULL);
    assert_done(index_cache_add(c, bytes_of(f.copy.data, 10)));
    assert_done(index_cache_add(
        c, bytes_of(f.copy.data + 10, f.copy.len - SOURCE_MARKS_LEN - HASH_LEN - 10)));
    assert_done(index_cache_finish(c, &(struct source_marks){.is_remote = false}, &x));
    assert_int_equal(index_header(x)->file_count, 3);
    index_free(x);
    assert_false(file_exists(path));
    assert_done(index_cache_commit(c));
    index_cache_free(c);
    assert_done(file_read(path, &copy));
    assert_int_equal(copy.len, f.copy.len);
    /* The index; the marks are those of no source. */
    assert_memory_equal(copy.data, f.copy.data, copy.len - SOURCE_MARKS_LEN - HASH_LEN);
    assert_true(bytes_are_zero(
        bytes_of(copy.data + copy.len - SOURCE_MARKS_LEN - HASH_LEN, SOURCE_MARKS_LEN)));
    assert_int_equal(stat(path, &st), 0);
    assert_int_equal(st.st_mode & 07777, 0600);
    buf_clear(&copy);
    clear_family(&f);
}

static void what_no_restore_could_read_is_refused_and_leaves_nothing(void **state)
{
    struct family f;
    struct index_cache *c = NULL;
    struct index *x = NULL;

    make_family(state, &f);
    assert_done(index_cache_new(f.w.repository, OTHER, &c));
    assert_done(index_cache_add(c, bytes_of(f.copy.data, 63)));
    assert_refused(index_cache_finish(c, &(struct source_marks){.is_remote = false}, &x),
                   ERR_FAILED, NULL);
    assert_null(x);
    index_cache_free(c);
    assert_int_equal(count_names(in(state, "state/cache")), 1);
    clear_family(&f);
}

static const struct CMUnitTest tests[] = {
    IN_DIRECTORY(a_copy_with_any_byte_changed_is_refused_and_named),
    IN_DIRECTORY(no_memory_is_said),
    IN_DIRECTORY(all_other_copies_are_pruned),
    IN_DIRECTORY(a_copy_has_its_name_once_it_is_committed),
    IN_DIRECTORY(what_no_restore_could_read_is_refused_and_leaves_nothing),
};

int main(void)
{
    return cmocka_run_group_tests(tests, NULL, NULL);
}
