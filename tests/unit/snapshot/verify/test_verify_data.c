#include "snapshot/verify/verify_data.h"

#include "core/base/mem.h"

#include "tests/unit/snapshot/repositories.h"

/* ---- sets put together by hand ---- */

static struct manifest_object object_of(uint8_t id, uint64_t size)
{
    return (struct manifest_object){.id = {id}, .type = OBJECT_PACK, .size = size, .sha256 = {id}};
}

/* What two manifests of one chain have in common is looked at once. */
static void an_object_of_several_manifests_is_in_the_set_once(void **state)
{
    struct manifest_object first[] = {object_of(3, 300), object_of(1, 100)};
    struct manifest_object second[] = {object_of(1, 100), object_of(2, 200), object_of(3, 300)};
    struct manifest a = {.objects = first, .object_count = 2, .index = object_of(9, 10)};
    struct manifest b = {.objects = second, .object_count = 3, .index = object_of(8, 10)};
    struct verify_set set = {.options = NULL};

    (void)state;
    assert_done(verify_set_add(&set, &a));
    assert_done(verify_set_add(&set, &b));
    verify_set_end(&set);
    assert_int_equal(set.count, 5);
    for (size_t i = 1; i < set.count; i++)
        assert_true(verify_by_id(&set.objects[i - 1], &set.objects[i]) < 0);
    assert_int_equal(verify_total_size(&set), 620);
    verify_set_clear(&set);
}

/* ---- over a store ---- */

#define OBJECT_COUNT 10

struct checking {
    struct world w;
    struct verify_options options;
    struct verify_set set;
};

/* Ten objects of 1000 bytes each, no snapshot of them. */
static void begin_checking(void **state, struct checking *c, enum verify_depth depth, double sample)
{
    char name[OBJECT_NAME_LEN + 1];
    uint8_t bytes[1000];

    *c = (struct checking){.set = {.options = NULL}};
    make_world(state, &c->w);
    c->options = (struct verify_options){
        .repository = c->w.repository, .depth = depth, .sample = sample, .workers = 2};
    c->set.options = &c->options;
    for (uint8_t i = 0; i < OBJECT_COUNT; i++) {
        struct manifest_object o = object_of(i + 1, sizeof bytes);
        struct manifest m = {.index = o};

        fill_pattern(bytes, sizeof bytes, i);
        assert_done(hash_of(bytes_of(bytes, sizeof bytes), m.index.sha256));
        object_name(o.id, name);
        assert_done(store_put(c->w.real, name, bytes_of(bytes, sizeof bytes)));
        assert_done(verify_set_add(&c->set, &m));
    }
    verify_set_end(&c->set);
}

static void end_checking(struct checking *c)
{
    verify_set_clear(&c->set);
    clear_world(&c->w);
}

/* Nobody bears either of them out: the objects here have no header. */
static void two_manifests_that_say_different_things_of_one_object_are_noticed(void **state)
{
    struct manifest_object first[] = {object_of(0x51, 100)};
    struct checking c;

    begin_checking(state, &c, VERIFY_PRESENCE, 1);
    for (uint8_t other = 0; other < 6; other++) {
        struct manifest_object second[] = {object_of(0x51, 100)};
        struct manifest a = {.objects = first, .object_count = 1, .index = object_of(0x59, 10)};
        struct manifest b = {.objects = second, .object_count = 1, .index = object_of(0x58, 10)};

        second[0].size += other == 1;
        second[0].sha256[HASH_LEN - 1] ^= other == 2;
        second[0].ordinal += other == 3;
        second[0].scope[5] ^= other == 4;
        second[0].type = other == 5 ? OBJECT_INDEX : OBJECT_PACK;
        assert_done(verify_set_add(&c.set, &a));
        if (other == 0)
            assert_done(verify_set_add(&c.set, &b));
        else
            assert_refused(verify_set_add(&c.set, &b), ERR_CORRUPT,
                           "manifests say different things of object "
                           "data/51/51000000000000000000000000000000, and it does not bear out "
                           "this one");
    }
    verify_set_end(&c.set);
    assert_int_equal(c.set.count, OBJECT_COUNT + 3);
    assert_false(verify_differs(&c.set, &first[0]));
    first[0].ordinal = 7;
    assert_true(verify_differs(&c.set, &first[0]));
    end_checking(&c);
}

static void a_sample_is_rounded_up_and_never_more_than_all(void **state)
{
    static const struct {
        double sample;
        uint64_t read;
    } rows[] = {{0, 10},  {1, 10},    {2, 10},  {0.00001, 1},
                {0.1, 1}, {0.101, 2}, {0.5, 5}, {0.95, 10}};

    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct verify_result r = {0};
        struct checking c;

        begin_checking(state, &c, VERIFY_READ_DATA, rows[i].sample);
        assert_done(verify_set_check(&c.set, &r));
        assert_int_equal(r.objects, OBJECT_COUNT);
        assert_int_equal(verify_read_count(&c.set), rows[i].read);
        assert_int_equal(r.bytes, rows[i].read * 1000);
        for (size_t k = 1; k < c.set.count; k++)
            assert_true(verify_by_id(&c.set.objects[k - 1], &c.set.objects[k]) < 0);
        end_checking(&c);
        remove_all(in(state, "repository"));
        remove_all(in(state, "state"));
        remove_all(in(state, "source"));
    }
}

static void a_damaged_object_is_counted_once_and_the_others_are_read(void **state)
{
    struct verify_result r = {0};
    struct checking c;

    begin_checking(state, &c, VERIFY_READ_DATA, 1);
    c.set.objects[3].facts.sha256[0] ^= 1;
    c.set.objects[5].facts.size++;
    assert_done(store_remove(c.w.real, "data/08/08000000000000000000000000000000"));
    assert_done(verify_set_check(&c.set, &r));
    assert_int_equal(r.damaged, 3);
    assert_int_equal(r.bytes, 7 * 1000);
    assert_true(was_said("object data/04/04000000000000000000000000000000: its SHA-256 is not that "
                         "of the manifest (damaged or tampered with)\n"));
    assert_true(was_said("object data/06/06000000000000000000000000000000: it is 1000 bytes long, "
                         "its manifest says 1001\n"));
    assert_true(was_said("object data/08/08000000000000000000000000000000: it is missing from the "
                         "repository\n"));
    end_checking(&c);
}

/* Half of an object was read: the next one's digest begins anew. */
static void an_object_cut_while_it_is_read_makes_no_other_look_damaged(void **state)
{
    static uint8_t large[300 * KIB];
    struct manifest m = {.index = object_of(0, sizeof large)};
    struct faulty fault = {
        .fault = FAULT_FAIL, .fail_at = 2, .ops = FAULTY_BLOB_READ, .code = ERR_CORRUPT};
    struct verify_result r = {0};
    struct checking c;
    char name[OBJECT_NAME_LEN + 1];

    begin_checking(state, &c, VERIFY_READ_DATA, 1);
    object_name(m.index.id, name);
    assert_done(hash_of(bytes_of(large, sizeof large), m.index.sha256));
    assert_done(store_put(c.w.real, name, bytes_of(large, sizeof large)));
    assert_done(verify_set_add(&c.set, &m));
    verify_set_end(&c.set);
    open_ledger(&c.w, &fault);
    c.options.repository = c.w.repository;
    c.options.workers = 1;
    assert_done(verify_set_check(&c.set, &r));
    assert_int_equal(r.damaged, 1);
    assert_int_equal(r.bytes, OBJECT_COUNT * 1000);
    end_checking(&c);
}

/* A read error is no damage, and no proof of the contrary; the other objects are still read. */
static void an_object_that_cannot_be_read_hides_no_other(void **state)
{
    struct checking c;
    bool came = true;
    unsigned long nth = 1;

    begin_checking(state, &c, VERIFY_READ_DATA, 1);
    for (; came; nth++) {
        struct faulty fault = {.fault = FAULT_FAIL, .fail_at = nth};
        struct verify_result r = {0};
        enum err rc;

        open_ledger(&c.w, &fault);
        c.options.repository = c.w.repository;
        c.options.workers = 1;
        rc = verify_set_check(&c.set, &r);
        came = atomic_load(&c.w.faulty.count) >= nth;
        assert_int_equal(rc, ERR_OK);
        assert_int_equal(r.damaged, 0);
        assert_int_equal(r.unreadable, came ? 1 : 0);
        assert_int_equal(r.bytes, (OBJECT_COUNT - (came ? 1 : 0)) * 1000);
        for (size_t i = 0; i < OBJECT_COUNT; i++) {
            mem_free(c.set.objects[i].reason);
            c.set.objects[i].reason = NULL;
        }
    }
    assert_true(nth > 3 * OBJECT_COUNT); /* looked for, snapshot_reader, read */
    end_checking(&c);
}

static void a_store_that_is_gone_ends_the_check(void **state)
{
    struct faulty fault = {.fault = FAULT_FAIL, .fail_at = 3, .sticky = true};
    struct verify_result r = {0};
    struct checking c;

    begin_checking(state, &c, VERIFY_READ_DATA, 1);
    open_ledger(&c.w, &fault);
    c.options.repository = c.w.repository;
    assert_refused(verify_set_check(&c.set, &r), ERR_STORAGE, NULL);
    end_checking(&c);
}

static const struct CMUnitTest tests[] = {
    IN_DIRECTORY(an_object_of_several_manifests_is_in_the_set_once),
    IN_DIRECTORY(two_manifests_that_say_different_things_of_one_object_are_noticed),
    IN_DIRECTORY(a_sample_is_rounded_up_and_never_more_than_all),
    IN_DIRECTORY(a_damaged_object_is_counted_once_and_the_others_are_read),
    IN_DIRECTORY(an_object_cut_while_it_is_read_makes_no_other_look_damaged),
    IN_DIRECTORY(an_object_that_cannot_be_read_hides_no_other),
    IN_DIRECTORY(a_store_that_is_gone_ends_the_check),
};

int main(void)
{
    return cmocka_run_group_tests(tests, NULL, NULL);
}
