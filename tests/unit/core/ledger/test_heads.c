#include "core/ledger/heads.h"

#include <string.h>

#include "tests/unit/helpers.h"

static struct head head(uint8_t writer, uint64_t seq)
{
    struct head h = {.seq = seq};

    h.writer[0] = writer;
    h.id[0] = (uint8_t)seq;
    return h;
}

static void heads_are_kept_in_order_and_only_rise(void **state)
{
    struct heads h = {NULL, 0, 0};
    const uint8_t order[] = {5, 1, 9, 1, 5};
    const uint64_t seqs[] = {3, 2, 7, 4, 1};

    (void)state;
    for (size_t i = 0; i < sizeof order; i++) {
        struct head one = head(order[i], seqs[i]);

        assert_done(heads_raise(&h, &one));
    }
    assert_int_equal(h.count, 3);
    assert_int_equal(h.items[0].writer[0], 1);
    assert_int_equal(h.items[0].seq, 4);
    assert_int_equal(h.items[1].seq, 3);
    assert_int_equal(h.items[2].seq, 7);
    heads_clear(&h);
}

static void what_is_written_is_read(void **state)
{
    struct heads h = {NULL, 0, 0};
    struct heads again = {NULL, 0, 0};
    struct jdoc *doc = NULL;

    (void)state;
    for (size_t i = 0; i < HEADS_MAX; i++) {
        struct head one = head((uint8_t)i, i);

        assert_done(heads_raise(&h, &one));
    }
    assert_done(jdoc_object(&doc));
    assert_done(heads_write(&h, doc));
    assert_done(heads_read(doc, &again));
    assert_true(heads_equal(&h, &again));
    again.items[3].id[31] ^= 1;
    assert_false(heads_equal(&h, &again));
    jdoc_free(doc);
    heads_clear(&again);
    heads_clear(&h);
}

static void there_are_at_most_256(void **state)
{
    struct heads h = {NULL, 0, 0};
    struct head one = head(0, 1);

    (void)state;
    for (size_t i = 0; i < HEADS_MAX; i++) {
        one.writer[0] = (uint8_t)i;
        assert_done(heads_raise(&h, &one));
    }
    assert_done(heads_reserve(&h, one.writer)); /* it has its place */
    one.writer[1] = 1;
    assert_refused(heads_raise(&h, &one), ERR_CORRUPT, "more than 256 writers");
    heads_clear(&h);
}

static void a_writer_is_not_there_twice(void **state)
{
    static const char text[] =
        "{\"heads\":[{\"writerId\":\"0000000000000001\",\"seq\":1,\"recordId\":\""
        "0000000000000000000000000000000000000000000000000000000000000000\"},"
        "{\"writerId\":\"0000000000000001\",\"seq\":2,\"recordId\":\""
        "0000000000000000000000000000000000000000000000000000000000000000\"}]}";
    struct heads h = {NULL, 0, 0};
    struct jdoc *doc = NULL;

    (void)state;
    assert_done(jdoc_parse(bytes_of_text(text), &doc));
    assert_refused(heads_read(doc, &h), ERR_CORRUPT, "a writer is twice in \"heads\"");
    jdoc_free(doc);
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(heads_are_kept_in_order_and_only_rise),
        cmocka_unit_test(what_is_written_is_read),
        cmocka_unit_test(there_are_at_most_256),
        cmocka_unit_test(a_writer_is_not_there_twice),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
