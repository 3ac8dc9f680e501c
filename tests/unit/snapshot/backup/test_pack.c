#include "snapshot/backup/pack.h"

#include "core/base/mem.h"
#include "core/base/pool.h"
#include "tests/unit/snapshot/repositories.h"

#define BLOCK_LEN (64 * KIB)

struct packing {
    struct world w;
    struct journal *journal;
    struct secret *key;
    struct packs *packs;
    struct packs_options options;
};

static void make_packing(void **state, struct packing *p, uint32_t first_number)
{
    *p = (struct packing){.journal = NULL};
    make_world(state, &p->w);
    assert_done(
        journal_new(p->w.repository, RECORD_SNAPSHOT, "0123456789abcdef01234567", &p->journal));
    assert_done(secret_random(SEAL_KEY_LEN, &p->key));
    p->options = (struct packs_options){
        .store = p->w.real, .journal = p->journal, .k_data = p->key, .first_number = first_number};
    memset(p->options.context.repository, 0xaa, SEAL_ID_LEN);
    memset(p->options.context.scope, 0xbb, SEAL_ID_LEN);
    assert_done(packs_new(&p->options, &p->packs));
}

static void clear_packing(struct packing *p)
{
    packs_free(p->packs);
    journal_free(p->journal);
    secret_free(p->key);
    clear_world(&p->w);
}

static enum err fetch(void *arg, uint64_t offset, void *to, size_t len)
{
    return store_blob_read(arg, offset, to, len);
}

/* The plaintext at `offset` of pack `i` as any reader would get it. */
static void read_pack(struct packing *p, uint32_t i, uint64_t offset, void *to, size_t len)
{
    const struct manifest_object *o = packs_at(p->packs, i);
    struct object_identity identity = {
        .type = o->type, .context = p->options.context, .ordinal = o->ordinal};
    struct store_blob *blob = NULL;
    struct object_reader *reader = NULL;
    char name[OBJECT_NAME_LEN + 1];

    memcpy(identity.id, o->id, SEAL_ID_LEN);
    object_name(o->id, name);
    assert_done(store_blob_open(p->w.real, name, &blob));
    assert_true(store_blob_size(blob) == o->size);
    assert_done(object_reader_new(p->key, &identity, o->size, fetch, blob, &reader));
    assert_done(object_reader_read(reader, offset, to, len));
    object_reader_free(reader);
    store_blob_free(blob);
}

static void what_was_added_is_read_back_where_it_was_said_to_be(void **state)
{
    static uint8_t block[BLOCK_LEN];
    static uint8_t back[BLOCK_LEN];
    struct packing p;
    struct pack_writer *w = NULL;
    uint32_t object[40];
    uint64_t offset[40];

    make_packing(state, &p, 7);
    assert_done(pack_writer_new(p.packs, &w));
    for (uint32_t i = 0; i < 40; i++) {
        fill_pattern(block, BLOCK_LEN, i);
        assert_done(pack_writer_add(w, bytes_of(block, BLOCK_LEN - i), &object[i], &offset[i]));
        assert_int_equal(object[i], 7);
        assert_true(i == 0 ? offset[i] == 0 : offset[i] == offset[i - 1] + BLOCK_LEN - i + 1);
    }
    assert_done(pack_writer_finish(w));
    assert_done(pack_writer_finish(w)); /* nothing is open any more */
    assert_int_equal(packs_count(p.packs), 1);
    assert_int_equal(packs_at(p.packs, 0)->type, OBJECT_PACK);
    assert_int_equal(packs_at(p.packs, 0)->ordinal, 0);
    assert_memory_equal(packs_at(p.packs, 0)->scope, p.options.context.scope, SEAL_ID_LEN);
    for (uint32_t i = 0; i < 40; i++) {
        fill_pattern(block, BLOCK_LEN, i);
        read_pack(&p, 0, offset[i], back, BLOCK_LEN - i);
        assert_memory_equal(back, block, BLOCK_LEN - i);
    }
    pack_writer_free(w);
    clear_packing(&p);
}

static void a_pack_without_blocks_is_none(void **state)
{
    struct packing p;
    struct pack_writer *w = NULL;

    make_packing(state, &p, 0);
    assert_done(pack_writer_new(p.packs, &w));
    assert_done(pack_writer_finish(w));
    assert_int_equal(packs_count(p.packs), 0);
    assert_int_equal(count_names(in(state, "repository/data")), 0);
    pack_writer_free(w);
    clear_packing(&p);
}

static void a_pack_that_is_not_finished_leaves_only_its_name_in_the_journal(void **state)
{
    struct packing p;
    struct pack_writer *w = NULL;
    struct buf pending = {.max = MIB};
    uint32_t object;
    uint64_t offset;

    make_packing(state, &p, 0);
    assert_done(pack_writer_new(p.packs, &w));
    assert_done(pack_writer_add(w, bytes_of_text("a block"), &object, &offset));
    assert_done(file_read(in(state, "state/pending"), &pending));
    assert_int_equal(pending.len, 25 + OBJECT_NAME_LEN + 1);
    pack_writer_free(w);
    assert_int_equal(count_names(in(state, "repository/tmp")), 0);
    assert_done(journal_recover(p.w.repository, RECORD_SNAPSHOT));
    buf_clear(&pending);
    clear_packing(&p);
}

static void a_full_pack_is_followed_by_the_next(void **state)
{
    uint8_t *block = malloc(MIB);
    struct packing p;
    struct pack_writer *w = NULL;
    uint32_t object = 0;
    uint64_t offset = 0;

    assert_non_null(block);
    fill_pattern(block, MIB, 1);
    make_packing(state, &p, 100);
    assert_done(pack_writer_new(p.packs, &w));
    for (uint32_t i = 0; i < 65; i++) {
        assert_done(pack_writer_add(w, bytes_of(block, MIB), &object, &offset));
        assert_int_equal(object, i < 64 ? 100 : 101);
    }
    assert_int_equal(offset, 0);
    assert_done(pack_writer_finish(w));
    assert_int_equal(packs_count(p.packs), 2);
    assert_true(packs_at(p.packs, 0)->size == object_sealed_size(PACK_LEN_LEAST));
    assert_int_equal(packs_at(p.packs, 1)->ordinal, 1);
    pack_writer_free(w);
    clear_packing(&p);
    free(block);
}

/* Whatever the source has, packs enough for it are fewer than PACK_COUNT_MAX, and none is longer
 * than an object can be. */
static void packs_grow_with_the_source(void **state)
{
    static const uint64_t sources[] = {
        0, 1, UINT64_C(1000) << 30, UINT64_C(1) << 40, UINT64_C(10) << 40, UINT64_C(1) << 50};

    (void)state;
    for (size_t i = 0; i < sizeof sources / sizeof sources[0]; i++) {
        uint64_t real = sources[i] > 0 ? 2 * sources[i] : UINT64_C(1) << 50; /* it grew; a stream */
        uint64_t sum = 0;
        uint32_t n = 0;

        for (; sum < real && n < PACK_COUNT_MAX; n++) {
            uint64_t len = pack_len_for(sources[i], n);

            assert_true(len >= PACK_LEN_LEAST && len <= UINT64_C(1) << 39);
            sum += len;
        }
        assert_true(sum >= real);
    }
    assert_int_equal(pack_len_for(UINT64_C(700) << 30, 12000), PACK_LEN_LEAST);
    assert_int_equal(pack_len_for(UINT64_C(12) << 40, 0), UINT64_C(1) << 30);
    assert_int_equal(pack_len_for(UINT64_C(12) << 40, 12288), UINT64_C(1) << 31);
    assert_int_equal(pack_len_for(0, 1023), PACK_LEN_LEAST);
    assert_int_equal(pack_len_for(0, 1024), 2 * PACK_LEN_LEAST);
}

/* Each worker has a pack of its own, and all are in the list. */
static enum err pack_some(void *shared, size_t worker, const atomic_bool *stop)
{
    struct packing *p = shared;
    struct pack_writer *w = NULL;
    uint8_t block[1000];
    uint32_t first = 0;
    uint32_t object = 0;
    uint64_t offset = 0;
    enum err rc;

    (void)stop;
    fill_pattern(block, sizeof block, (uint32_t)worker);
    TRY(pack_writer_new(p->packs, &w));
    for (int i = 0; i < 100; i++) {
        TRY(pack_writer_add(w, bytes_of(block, sizeof block), &object, &offset));
        if (i == 0)
            first = object;
        if (object != first || offset != (uint64_t)i * sizeof block)
            FAIL(ERR_FAILED, "another worker wrote into this pack");
    }
    TRY(pack_writer_finish(w));
out:
    pack_writer_free(w);
    return rc;
}

static void workers_do_not_share_a_pack(void **state)
{
    struct packing p;
    uint8_t block[1000];
    uint8_t back[1000];
    bool seen[20] = {false};

    make_packing(state, &p, 0);
    assert_done(pool_run(20, pack_some, &p));
    assert_int_equal(packs_count(p.packs), 20);
    for (uint32_t i = 0; i < 20; i++) {
        assert_int_equal(packs_at(p.packs, i)->ordinal, i);
        read_pack(&p, i, 99 * sizeof block, back, sizeof back);
        for (uint32_t worker = 0; worker < 20; worker++) {
            fill_pattern(block, sizeof block, worker);
            if (memcmp(block, back, sizeof back) == 0)
                seen[worker] = true;
        }
    }
    for (uint32_t worker = 0; worker < 20; worker++)
        assert_true(seen[worker]);
    clear_packing(&p);
}

static enum err pack_once(void *arg)
{
    struct packing *p = arg;
    struct packs *packs = NULL;
    struct pack_writer *w = NULL;
    uint32_t object;
    uint64_t offset;
    enum err rc;

    TRY(packs_new(&p->options, &packs));
    TRY(pack_writer_new(packs, &w));
    TRY(pack_writer_add(w, bytes_of_text("a block"), &object, &offset));
    TRY(pack_writer_finish(w));
out:
    pack_writer_free(w);
    packs_free(packs);
    return rc;
}

static void no_memory_is_said(void **state)
{
    struct packing p;

    make_packing(state, &p, 0);
    assert_true(sweep_allocations(pack_once, &p) > 4);
    assert_int_equal(count_names(in(state, "repository/tmp")), 0);
    clear_packing(&p);
}

static const struct CMUnitTest tests[] = {
    IN_DIRECTORY(what_was_added_is_read_back_where_it_was_said_to_be),
    IN_DIRECTORY(a_pack_without_blocks_is_none),
    IN_DIRECTORY(a_pack_that_is_not_finished_leaves_only_its_name_in_the_journal),
    IN_DIRECTORY(a_full_pack_is_followed_by_the_next),
    IN_DIRECTORY(packs_grow_with_the_source),
    IN_DIRECTORY(workers_do_not_share_a_pack),
    IN_DIRECTORY(no_memory_is_said),
};

int main(void)
{
    return cmocka_run_group_tests(tests, NULL, NULL);
}
