#include "snapshot/backup/parent.h"

#include "tests/unit/snapshot/index_samples.h"
#include "tests/unit/snapshot/repositories.h"

/* A repository with one snapshot, and the cached copy of its index. */
struct family {
    struct world w;
    struct snapshot_list c;
    const struct snapshot *snapshot;
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
    snprintf(f->cached, sizeof f->cached, "%s/%s.index", in(state, "state/cache"), f->snapshot->id);
    assert_done(file_read(f->cached, &f->copy));
    *said = '\0';
}

static void clear_family(struct family *f)
{
    buf_clear(&f->copy);
    snapshot_list_clear(&f->c);
    clear_world(&f->w);
}

static enum err open_parent(struct family *f)
{
    struct parent p = {.snapshot = NULL};
    enum err rc = parent_open(f->w.repository, f->w.keyring, f->snapshot, &p);

    if (rc == ERR_OK) {
        assert_ptr_equal(p.snapshot, f->snapshot);
        assert_int_equal(index_header(p.index)->file_count, 3);
        use_index(p.index);
    }
    parent_clear(&p);
    return rc;
}

static void the_cached_copy_is_used_without_any_key(void **state)
{
    struct family f;
    struct stat st;

    make_family(state, &f);
    f.w.key.unwrap_aborts = true;
    assert_done(open_parent(&f));
    assert_string_equal(said, "");
    assert_int_equal(stat(f.cached, &st), 0);
    assert_int_equal(st.st_mode & 07777, 0600);
    assert_int_equal(stat(in(state, "state/cache"), &st), 0);
    assert_int_equal(st.st_mode & 07777, 0700);
    clear_family(&f);
}

static void without_a_copy_the_repositorys_is_decrypted(void **state)
{
    struct family f;

    make_family(state, &f);
    assert_int_equal(unlink(f.cached), 0);
    assert_done(open_parent(&f));
    assert_int_equal(f.w.key.unwraps, 1);
    assert_string_equal(said, "");
    clear_family(&f);
}

/* A damaged copy is not used: said, and the repository's taken. */
static enum err open_with_copy(void *arg, struct bytes changed)
{
    struct family *f = arg;

    *said = '\0';
    f->w.key.unwraps = 0;
    put_bytes(f->cached, changed.data, changed.len);
    assert_done(open_parent(f));
    if (f->w.key.unwraps == 0)
        return ERR_OK;
    assert_true(was_said("; it is not used\n"));
    return err_set(ERR_CORRUPT, "not used");
}

static void a_damaged_copy_is_never_used(void **state)
{
    struct family f;
    char message[700];

    make_family(state, &f);
    sweep_changes(buf_bytes(&f.copy), open_with_copy, &f);
    f.copy.data[100] ^= 1;
    assert_int_equal(open_with_copy(&f, buf_bytes(&f.copy)), ERR_CORRUPT);
    snprintf(message, sizeof message, "%s: its SHA-256 does not match; it is not used\n", f.cached);
    assert_string_equal(said, message);
    assert_int_equal(open_with_copy(&f, bytes_of("", 0)), ERR_CORRUPT);
    snprintf(message, sizeof message, "%s: it is too short; it is not used\n", f.cached);
    assert_string_equal(said, message);
    clear_family(&f);
}

/* Whole, and of another snapshot. */
static void another_snapshots_copy_is_not_used(void **state)
{
    struct family f;
    char other[512];

    make_family(state, &f);
    put_file(in(state, "source/h"), "more");
    snprintf(other, sizeof other, "%s/%s.index", in(state, "state/cache"), make_backup(&f.w).id);
    assert_int_equal(rename(other, f.cached), 0);
    *said = '\0';
    assert_done(open_parent(&f));
    assert_int_equal(f.w.key.unwraps, 1);
    assert_true(was_said("; it is not used\n"));
    clear_family(&f);
}

/* Nobody else's file is followed to. */
static void a_link_in_place_of_the_copy_is_not_followed(void **state)
{
    struct family f;

    make_family(state, &f);
    assert_int_equal(rename(f.cached, in(state, "elsewhere")), 0);
    assert_int_equal(symlink(in(state, "elsewhere"), f.cached), 0);
    assert_done(open_parent(&f));
    assert_int_equal(f.w.key.unwraps, 1);
    clear_family(&f);
}

static void with_neither_it_is_not_found(void **state)
{
    static const char message[] =
        "the parent's index is not in the cache and cannot be decrypted here: ";
    static const enum err codes[] = {ERR_KEY_INVALID, ERR_KEY_UNREACHABLE, ERR_USAGE};
    struct family f;

    make_family(state, &f);
    assert_int_equal(unlink(f.cached), 0);
    for (size_t i = 0; i < sizeof codes / sizeof codes[0]; i++) {
        f.w.key.unwrap_refused = codes[i];
        assert_refused(open_parent(&f), ERR_NOT_FOUND, NULL);
        assert_non_null(strstr(err_text(), "the double does not unwrap"));
        assert_true(strncmp(err_text(), message, strlen(message)) == 0);
    }
    f.w.key.unwrap_refused = ERR_CORRUPT;
    assert_refused(open_parent(&f), ERR_CORRUPT, "the double does not unwrap");
    clear_family(&f);
}

static void a_damaged_index_in_the_repository_is_corrupt(void **state)
{
    struct family f;
    struct manifest m = {.key_count = 0};
    char name[OBJECT_NAME_LEN + 1];
    char path[512];
    struct buf sealed = {.max = MIB};

    make_family(state, &f);
    assert_int_equal(unlink(f.cached), 0);
    assert_done(manifest_load(f.w.repository, f.snapshot, &m));
    object_name(m.index.id, name);
    snprintf(path, sizeof path, "%s/%s", in(state, "repository"), name);
    assert_done(file_read(path, &sealed));
    assert_int_equal(chmod(path, 0600), 0);
    for (size_t i = 0; i < sealed.len; i += 13) {
        sealed.data[i] ^= 1;
        put_bytes(path, sealed.data, sealed.len);
        assert_refused(open_parent(&f), ERR_CORRUPT, NULL);
        sealed.data[i] ^= 1;
    }
    put_bytes(path, sealed.data, sealed.len);
    assert_done(open_parent(&f));
    manifest_clear(&m);
    buf_clear(&sealed);
    clear_family(&f);
}

static enum err open_once(void *arg)
{
    struct family *f = arg;
    struct parent p = {.snapshot = NULL};
    enum err rc = parent_open(f->w.repository, f->w.keyring, f->snapshot, &p);

    parent_clear(&p);
    return rc;
}

static void no_memory_is_said(void **state)
{
    struct family f;

    make_family(state, &f);
    assert_true(sweep_allocations(open_once, &f) > 10);
    clear_family(&f);
}

static const struct CMUnitTest tests[] = {
    IN_DIRECTORY(the_cached_copy_is_used_without_any_key),
    IN_DIRECTORY(without_a_copy_the_repositorys_is_decrypted),
    IN_DIRECTORY(a_damaged_copy_is_never_used),
    IN_DIRECTORY(another_snapshots_copy_is_not_used),
    IN_DIRECTORY(a_link_in_place_of_the_copy_is_not_followed),
    IN_DIRECTORY(with_neither_it_is_not_found),
    IN_DIRECTORY(a_damaged_index_in_the_repository_is_corrupt),
    IN_DIRECTORY(no_memory_is_said),
};

int main(void)
{
    return cmocka_run_group_tests(tests, NULL, NULL);
}
