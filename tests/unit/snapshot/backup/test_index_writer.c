#include "snapshot/backup/index_writer.h"

#include "tests/unit/snapshot/index_samples.h"
#include "tests/unit/snapshot/repositories.h"

#define SNAPSHOT "736e617073686f742d696421" /* "snapshot-id!" */
#define FETCH_LEN INDEX_FRAME_LEN

struct writing {
    struct world w;
    struct journal *journal;
    struct secret *k_meta;
    struct index_writer_options options;
};

/* Over a store with this fault, or none. */
static void begin_writing(void **state, struct writing *s, const struct faulty *fault)
{
    if (s->w.ledger == NULL) {
        *s = (struct writing){.journal = NULL};
        make_world(state, &s->w);
        assert_done(secret_random(SEAL_KEY_LEN, &s->k_meta));
    }
    open_ledger(&s->w, NULL);
    assert_done(journal_recover(s->w.repository, RECORD_SNAPSHOT));
    open_ledger(&s->w, fault);
    s->w.faulty.fault = FAULT_NONE;
    assert_done(journal_new(s->w.repository, RECORD_SNAPSHOT, SNAPSHOT, &s->journal));
    s->options = (struct index_writer_options){.repository = s->w.repository,
                                               .journal = s->journal,
                                               .k_meta = s->k_meta,
                                               .snapshot_id = SNAPSHOT};
    memset(s->options.context.repository, 0xaa, SEAL_ID_LEN);
    memset(s->options.context.scope, 0xbb, SEAL_ID_LEN);
    s->w.faulty.fault = fault != NULL ? fault->fault : FAULT_NONE;
    atomic_store(&s->w.faulty.count, 0);
}

static void pause_writing(struct writing *s)
{
    journal_free(s->journal);
    s->journal = NULL;
}

static void end_writing(struct writing *s)
{
    pause_writing(s);
    secret_free(s->k_meta);
    clear_world(&s->w);
}

static enum err write_image(struct writing *s, struct bytes build, size_t piece, bool keep,
                            struct manifest_object *facts)
{
    struct index_writer *w = NULL;
    enum err rc;

    TRY(index_writer_new(&s->options, &w));
    for (size_t offset = 0; offset < build.len; offset += piece) {
        size_t len = build.len - offset < piece ? build.len - offset : piece;

        TRY(index_writer_add(w, bytes_of(build.data + offset, len)));
    }
    TRY(index_writer_finish(w, facts));
    if (keep)
        TRY(index_writer_keep(w));
out:
    index_writer_free(w);
    return rc;
}

/* As a restore reads it. */
static void assert_sealed(struct writing *s, const struct manifest_object *o, struct bytes build)
{
    struct object_identity identity = {.type = OBJECT_INDEX, .context = s->options.context};
    struct index *x = NULL;
    uint64_t size = 0;
    char name[OBJECT_NAME_LEN + 1];

    assert_int_equal(o->type, OBJECT_INDEX);
    assert_int_equal(o->ordinal, 0);
    assert_memory_equal(o->scope, s->options.context.scope, SEAL_ID_LEN);
    memcpy(identity.id, o->id, SEAL_ID_LEN);
    object_name(o->id, name);
    assert_done(store_head(s->w.real, name, &size));
    assert_int_equal(size, o->size);
    assert_done(index_unseal(s->w.repository, s->k_meta, &identity, o->size, build.len, &x));
    assert_int_equal(index_opened(x), 1); /* the header's */
    assert_done(index_check(x));
    assert_int_equal(index_opened(x), index_frame_count(build.len));
    use_index(x);
    assert_int_equal(index_image_len(index_header(x)), build.len);
    index_free(x);
}

/* Names as long as can be, so that few make much: an index_build of at least `least` bytes. */
static struct buf large_image(size_t least)
{
    struct parts p = parts_of_nothing();
    struct buf build;
    char name[256];

    for (int i = 0; p.entries.len < least; i++) {
        snprintf(name, sizeof name, "%08d%0*d", i, 240, 0);
        add_named(&p, ENTRY_DIR, name);
    }
    build = image_of(&p);
    parts_clear(&p);
    return build;
}

static void what_is_sealed_and_what_is_cached_is_the_image(void **state)
{
    static const size_t pieces[] = {1000, FETCH_LEN - 1, FETCH_LEN, FETCH_LEN + 1, 8 * MIB};
    struct writing s = {.journal = NULL};
    struct buf build = large_image(3 * FETCH_LEN);
    uint8_t digest[HASH_LEN];

    for (size_t i = 0; i < sizeof pieces / sizeof pieces[0]; i++) {
        struct manifest_object facts;
        struct buf cached = {.max = 8 * MIB};
        struct stat st;

        begin_writing(state, &s, NULL);
        assert_done(write_image(&s, buf_bytes(&build), pieces[i], true, &facts));
        assert_sealed(&s, &facts, buf_bytes(&build));
        assert_done(file_read(in(state, "state/cache/" SNAPSHOT ".index"), &cached));
        assert_int_equal(cached.len, build.len + SOURCE_MARKS_LEN + HASH_LEN);
        assert_done(hash_of(bytes_of(cached.data, build.len + SOURCE_MARKS_LEN), digest));
        assert_memory_equal(cached.data, build.data, build.len);
        assert_memory_equal(cached.data + build.len + SOURCE_MARKS_LEN, digest, HASH_LEN);
        assert_int_equal(stat(in(state, "state/cache/" SNAPSHOT ".index"), &st), 0);
        assert_int_equal(st.st_mode & 07777, 0600);
        assert_int_equal(count_names(in(state, "state/cache")), 1);
        assert_int_equal(unlink(in(state, "state/cache/" SNAPSHOT ".index")), 0);
        buf_clear(&cached);
        pause_writing(&s);
    }
    buf_clear(&build);
    end_writing(&s);
}

static void what_is_not_kept_leaves_no_copy(void **state)
{
    struct writing s = {.journal = NULL};
    struct parts p = parts_of_all();
    struct buf build = image_of(&p);
    struct manifest_object facts;

    begin_writing(state, &s, NULL);
    assert_done(write_image(&s, buf_bytes(&build), build.len, false, &facts));
    assert_sealed(&s, &facts, buf_bytes(&build));
    assert_int_equal(count_names(in(state, "state/cache")), 0);
    buf_clear(&build);
    parts_clear(&p);
    end_writing(&s);
}

static void an_index_of_another_length_than_its_manifest_says_is_refused(void **state)
{
    struct object_identity identity = {.type = OBJECT_INDEX};
    struct writing s = {.journal = NULL};
    struct parts p = parts_of_all();
    struct buf build = image_of(&p);
    struct manifest_object facts;
    struct index *x = NULL;
    char name[OBJECT_NAME_LEN + 1];
    char message[256];

    begin_writing(state, &s, NULL);
    assert_done(write_image(&s, buf_bytes(&build), build.len, false, &facts));
    identity.context = s.options.context;
    memcpy(identity.id, facts.id, SEAL_ID_LEN);
    object_name(facts.id, name);
    for (int more = -1; more <= 1; more += 2) {
        size_t claimed = build.len + (size_t)more;

        snprintf(message, sizeof message, "reading the index %s, frame 0: a block ", name);
        assert_refused(index_unseal(s.w.repository, s.k_meta, &identity, facts.size, claimed, &x),
                       ERR_CORRUPT, NULL);
        assert_int_equal(strncmp(err_text(), message, strlen(message)), 0);
    }
    snprintf(message, sizeof message,
             "reading the index %s: the directory of the index does not name all that is in it",
             name);
    /* The directory of another length lies elsewhere, and does not fit. */
    assert_refused(index_unseal(s.w.repository, s.k_meta, &identity, facts.size, INDEX_LEN_MAX, &x),
                   ERR_CORRUPT, NULL);
    assert_refused(index_unseal(s.w.repository, s.k_meta, &identity, facts.size, 0, &x),
                   ERR_CORRUPT, message);
    buf_clear(&build);
    parts_clear(&p);
    end_writing(&s);
}

/* Our own mistake is found before anything is recorded. */
static void an_index_that_no_restore_would_take_is_refused(void **state)
{
    struct writing s = {.journal = NULL};
    struct parts p = parts_of_nothing();
    struct manifest_object facts;
    struct buf build;

    add_named(&p, ENTRY_DIR, "b");
    add_named(&p, ENTRY_DIR, "a");
    build = image_of(&p);
    begin_writing(state, &s, NULL);
    assert_refused(write_image(&s, buf_bytes(&build), build.len, true, &facts), ERR_FAILED,
                   "the index that was just written cannot be read back: the files of the index "
                   "are not in order");
    assert_int_equal(count_names(in(state, "state/cache")), 0);
    build.len--;
    assert_refused(write_image(&s, buf_bytes(&build), build.len, true, &facts), ERR_FAILED, NULL);
    buf_clear(&build);
    parts_clear(&p);
    end_writing(&s);
}

static void a_store_that_fails_at_any_operation_leaves_neither_copy_nor_object(void **state)
{
    struct writing s = {.journal = NULL};
    struct buf build = large_image(FETCH_LEN);
    struct manifest_object facts;
    unsigned long nth = 1;

    for (bool came = true; came; nth++) {
        struct faulty fault = {.fault = FAULT_FAIL, .fail_at = nth};
        enum err rc;

        begin_writing(state, &s, &fault);
        rc = write_image(&s, buf_bytes(&build), build.len, false, &facts);
        came = atomic_load(&s.w.faulty.count) >= nth;
        assert_int_equal(rc, came ? ERR_STORAGE : ERR_OK);
        assert_int_equal(count_names(in(state, "state/cache")), 0);
        assert_int_equal(count_names(in(state, "repository/tmp")), 0);
        pause_writing(&s);
        assert_true(nth < 50);
    }
    assert_true(nth > 4); /* begin, header, segment, commit */
    buf_clear(&build);
    end_writing(&s);
}

static void its_name_is_in_the_journal_before_the_object_is_begun(void **state)
{
    struct writing s = {.journal = NULL};
    struct faulty fault = {.fault = FAULT_FAIL, .fail_at = 1, .ops = FAULTY_PUT_BEGIN};
    struct manifest_object facts;
    struct buf pending = {.max = MIB};

    begin_writing(state, &s, &fault);
    assert_refused(write_image(&s, bytes_of("", 0), 1, false, &facts), ERR_STORAGE, NULL);
    assert_done(file_read(in(state, "state/pending"), &pending));
    assert_done(buf_add(&pending, bytes_of("", 1)));
    assert_non_null(strstr((const char *)pending.data, "data/"));
    buf_clear(&pending);
    end_writing(&s);
}

static const struct CMUnitTest tests[] = {
    IN_DIRECTORY(what_is_sealed_and_what_is_cached_is_the_image),
    IN_DIRECTORY(what_is_not_kept_leaves_no_copy),
    IN_DIRECTORY(an_index_of_another_length_than_its_manifest_says_is_refused),
    IN_DIRECTORY(an_index_that_no_restore_would_take_is_refused),
    IN_DIRECTORY(a_store_that_fails_at_any_operation_leaves_neither_copy_nor_object),
    IN_DIRECTORY(its_name_is_in_the_journal_before_the_object_is_begun),
};

int main(void)
{
    return cmocka_run_group_tests(tests, NULL, NULL);
}
