#include "tests/unit/snapshot/handmade.h"

#include "core/base/log.h"
#include "core/base/mem.h"
#include "snapshot/verify/verify_data.h"

#define BLOCK_LEN (64 * KIB)

static uint8_t content[4 * BLOCK_LEN];
static char said[4096];

static void keep_line(enum log_level level, const char *text)
{
    size_t len = strlen(said);

    if (level == LOG_WARN)
        snprintf(said + len, sizeof said - len, "%s\n", text);
}

/* Snapshots put together by hand, snapshot_reader, in a set; they are the set's. */
struct opening {
    struct handmade *snapshots;
    struct verify_options options;
    struct verify_set set;
};

static void begin_opening(struct opening *o, struct handmade *snapshots, size_t count)
{
    *o = (struct opening){.snapshots = snapshots, .options = {.depth = VERIFY_DECRYPT}};
    o->options.workers = 1;
    assert_done(verify_set_init(&o->set, &o->options, count));
    *said = '\0';
    log_to(keep_line);
    assert_done(mem_new(count, sizeof *o->set.readers, &o->set.readers));
    o->set.reader_cap = count;
    for (size_t i = 0; i < count; i++) {
        struct manifest *m = &snapshots[i].opened.manifest;

        m->index.id[0] = (uint8_t)(0xf0 + i); /* of which nothing is read */
        assert_done(verify_set_add(&o->set, m));
        o->set.readers[o->set.reader_count++] =
            (struct verify_reader){.reader = snapshots[i].opened, .of = &o->set.snapshots[i]};
    }
    verify_set_end(&o->set);
}

/* What is left of a snapshot that the set has closed. */
static void leave(struct handmade *h)
{
    struct store *over = h->opened.store;

    h->opened = (struct snapshot_reader){.store = over};
    handmade_clear(h);
}

static void end_opening(struct opening *o, size_t count)
{
    verify_set_clear(&o->set);
    for (size_t i = 0; i < count; i++)
        leave(&o->snapshots[i]);
    log_to(NULL);
}

static void make_one(void **state, struct handmade *h)
{
    handmade_begin(state, h);
    fill_pattern(content, sizeof content, 1);
    add_pack(h, bytes_of(content, sizeof content));
    for (size_t i = 0; i < 4; i++)
        add_piece(h, 0, i * BLOCK_LEN, bytes_of(content + i * BLOCK_LEN, BLOCK_LEN));
    add_sized(&h->parts, "f", sizeof content, 0);
}

static void every_block_of_an_object_is_opened(void **state)
{
    struct verify_result r = {0};
    struct handmade h;
    struct opening o;

    make_one(state, &h);
    handmade_index(&h);
    begin_opening(&o, &h, 1);
    assert_done(verify_set_decrypt(&o.set, &r));
    assert_int_equal(r.bytes, sizeof content);
    assert_int_equal(r.damaged, 0);
    assert_int_equal(o.set.reader_count, 0);
    end_opening(&o, 1);
}

/* Whichever it is: the object is sound, and the index is another's. */
static void a_wrong_digest_of_any_block_is_found_and_its_object_counted_once(void **state)
{
    for (size_t wrong = 0; wrong < 5; wrong++) {
        struct verify_result r = {0};
        struct handmade h;
        struct opening o;

        make_one(state, &h);
        for (size_t i = 0; i < 4; i++)
            if (i == wrong || wrong == 4) /* and all of them */
                h.parts.rows.data[i * BLOCK_ROW_LEN + HASH_LEN - 1] ^= 1;
        handmade_index(&h);
        begin_opening(&o, &h, 1);
        assert_done(verify_set_decrypt(&o.set, &r));
        assert_int_equal(r.damaged, 1);
        assert_non_null(strstr(said, "object data/01/"));
        assert_non_null(strstr(said, "the block's SHA-256 is not that of the index\n"));
        end_opening(&o, 1);
        assert_int_equal(unlink(in(state, "repository/data/01/01000000000000000000000000000000")),
                         0);
    }
}

static void an_object_that_was_found_damaged_before_is_not_read_again(void **state)
{
    struct verify_result r = {0};
    struct handmade h;
    struct opening o;

    make_one(state, &h);
    h.parts.rows.data[0] ^= 1;
    handmade_index(&h);
    begin_opening(&o, &h, 1);
    assert_done(mem_text("found before", &o.set.objects[0].reason));
    assert_done(verify_set_decrypt(&o.set, &r));
    assert_int_equal(r.damaged, 0);
    assert_int_equal(r.bytes, 0);
    assert_int_equal(atomic_load(&h.faulty.count), 0);
    end_opening(&o, 1);
}

/* The second snapshot of a chain has lost the first object, so the other has another number. */
static void what_two_snapshots_share_is_read_once_whatever_its_number(void **state)
{
    struct verify_result r = {0};
    struct handmade h[2];
    struct manifest *second = &h[1].opened.manifest;
    struct opening o;

    handmade_begin(state, &h[0]);
    fill_pattern(content, sizeof content, 1);
    add_pack(&h[0], bytes_of(content, 100));
    add_pack(&h[0], bytes_of(content, 3000));
    add_piece(&h[0], 0, 0, bytes_of(content, 100));
    add_piece(&h[0], 1, 0, bytes_of(content, 1000));
    add_piece(&h[0], 1, 1000, bytes_of(content + 1000, 1000));
    handmade_index(&h[0]);
    handmade_begin(state, &h[1]);
    secret_free(h[1].opened.k_data[0]);
    assert_done(secret_copy(secret_bytes(h[0].opened.k_data[0]), &h[1].opened.k_data[0]));
    assert_done(mem_resize(1, sizeof *second->objects, &second->objects));
    second->objects[0] = h[0].opened.manifest.objects[1];
    second->object_count = 1;
    add_object(&h[1].parts, 2);
    add_piece(&h[1], 0, 1000, bytes_of(content + 1000, 1000)); /* shared */
    add_piece(&h[1], 0, 2000, bytes_of(content + 2000, 1000)); /* its own */
    handmade_index(&h[1]);
    begin_opening(&o, h, 2);
    assert_done(verify_set_decrypt(&o.set, &r));
    assert_string_equal(said, "");
    assert_int_equal(r.damaged, 0);
    assert_int_equal(r.bytes, 100 + 3 * 1000);
    end_opening(&o, 2);
}

static void an_object_that_cannot_be_read_is_counted(void **state)
{
    bool came = true;

    for (unsigned long nth = 1; came; nth++) {
        struct verify_result r = {0};
        struct handmade h;
        struct opening o;
        enum err rc;

        make_one(state, &h);
        handmade_index(&h);
        begin_opening(&o, &h, 1);
        set_fault(&h, FAULT_FAIL, nth, 0);
        rc = verify_set_decrypt(&o.set, &r);
        came = atomic_load(&h.faulty.count) >= nth;
        assert_int_equal(rc, ERR_OK);
        assert_int_equal(r.damaged, 0);
        assert_int_equal(r.unreadable, came ? 1 : 0);
        assert_int_equal(o.set.reader_count, 0); /* closed all the same */
        end_opening(&o, 1);
        assert_int_equal(unlink(in(state, "repository/data/01/01000000000000000000000000000000")),
                         0);
        assert_true(nth < 10);
    }
}

static const struct CMUnitTest tests[] = {
    IN_DIRECTORY(every_block_of_an_object_is_opened),
    IN_DIRECTORY(a_wrong_digest_of_any_block_is_found_and_its_object_counted_once),
    IN_DIRECTORY(an_object_that_was_found_damaged_before_is_not_read_again),
    IN_DIRECTORY(what_two_snapshots_share_is_read_once_whatever_its_number),
    IN_DIRECTORY(an_object_that_cannot_be_read_is_counted),
};

int main(void)
{
    return cmocka_run_group_tests(tests, NULL, NULL);
}
