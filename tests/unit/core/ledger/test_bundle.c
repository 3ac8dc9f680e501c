#include "core/ledger/bundle.h"

#include <string.h>

#include "core/ledger/record.h"
#include "tests/unit/helpers.h"

struct source {
    struct buf text;
    uint64_t offset; /* bytes come in order, each once */
    size_t records;
    size_t len;
};

static enum err read_source(void *arg, uint64_t offset, void *to, size_t len)
{
    struct source *s = arg;

    assert_int_equal(offset, s->offset);
    assert_true(offset + len <= s->text.len);
    memcpy(to, s->text.data + offset, len);
    s->offset += len;
    return ERR_OK;
}

static enum err count(void *arg, struct bytes raw)
{
    struct source *s = arg;

    assert_memory_equal(raw.data, s->text.data + s->len, raw.len);
    s->records++;
    s->len += raw.len;
    return ERR_OK;
}

/* `records` records whose first line has `len` bytes. */
static void fill(struct source *s, size_t records, size_t len)
{
    *s = (struct source){.text = {.max = 64 * MIB}};
    for (size_t i = 0; i < records; i++) {
        for (size_t left = len; left > 0; left -= left < 64 ? left : 64)
            assert_done(
                buf_add(&s->text,
                        bytes_of("................................................................",
                                 left < 64 ? left : 64)));
        assert_done(buf_add_text(&s->text, "\n.\n"));
    }
}

static void records_of_every_length_are_taken_whole(void **state)
{
    static const size_t lengths[] = {0, 1, 100, 1000, 65532, RECORD_LEN_MAX - 3};

    (void)state;
    for (size_t i = 0; i < sizeof lengths / sizeof lengths[0]; i++) {
        struct source s;
        struct bundle_source from = {.read = read_source, .arg = &s};
        uint64_t good = 0;

        fill(&s, 13, lengths[i]);
        from.size = s.text.len;
        assert_done(bundle_each(&from, count, &s, &good));
        assert_int_equal(s.records, 13);
        assert_int_equal(good, s.text.len);
        buf_clear(&s.text);
    }
}

static void a_torn_end_is_told_with_what_was_good(void **state)
{
    struct source s;
    struct bundle_source from = {.read = read_source, .arg = &s};
    uint64_t good = 0;

    (void)state;
    fill(&s, 3, 5);
    for (size_t cut = 1; cut < 8; cut++) {
        s.offset = s.records = s.len = 0;
        from.size = s.text.len - cut;
        assert_int_equal(bundle_each(&from, count, &s, &good), ERR_CORRUPT);
        assert_int_equal(s.records, 2);
        assert_int_equal(good, 16);
    }
    buf_clear(&s.text);
}

static void a_record_without_an_end_is_not_read_to_the_last_byte(void **state)
{
    struct source s;
    struct bundle_source from = {.read = read_source, .arg = &s};
    uint64_t good = 0;

    (void)state;
    fill(&s, 1, 3 * MIB);
    from.size = s.text.len;
    assert_refused(bundle_each(&from, count, &s, &good), ERR_CORRUPT,
                   "a record of more than 65536 bytes");
    assert_true(s.offset < MIB);
    buf_clear(&s.text);
}

static void nothing_is_a_bundle_of_no_records(void **state)
{
    struct source s;
    struct bundle_source from = {.read = read_source, .arg = &s};
    uint64_t good = 1;

    (void)state;
    fill(&s, 0, 0);
    assert_done(bundle_each(&from, count, &s, &good));
    assert_int_equal(good, 0);
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(records_of_every_length_are_taken_whole),
        cmocka_unit_test(a_torn_end_is_told_with_what_was_good),
        cmocka_unit_test(a_record_without_an_end_is_not_read_to_the_last_byte),
        cmocka_unit_test(nothing_is_a_bundle_of_no_records),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
