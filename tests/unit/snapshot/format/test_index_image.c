#include "snapshot/format/index_image.h"

#include <pthread.h>
#include <stdlib.h>

#include "core/base/mem.h"
#include "core/repository/sealed_put.h"
#include "snapshot/format/codec.h"
#include "snapshot/format/index.h"
#include "snapshot/read/choice.h"
#include "snapshot/read/selection.h"
#include "tests/unit/snapshot/index_samples.h"
#include "tests/unit/snapshot/repositories.h"

/*
 * Sealed indexes made by hand: an image, cut into frames, and a directory that may lie.
 */

#define SNAPSHOT "736e617073686f742d696421" /* "snapshot-id!" */

struct sealing {
    struct world w;
    struct journal *journal;
    struct secret *k_meta;
    struct seal_context context;
    struct buf image;
    struct buf frames;
    struct buf directory;
    uint32_t count;
};

static void begin_sealing(void **state, struct sealing *s, struct buf image)
{
    struct codec *codec = NULL;
    struct index *x = NULL;

    *s = (struct sealing){.image = image, .frames = {.max = 64 * MIB}, .directory = {.max = MIB}};
    make_world(state, &s->w);
    assert_done(secret_random(SEAL_KEY_LEN, &s->k_meta));
    assert_done(journal_new(s->w.repository, RECORD_SNAPSHOT, SNAPSHOT, &s->journal));
    memset(&s->context, 0xaa, sizeof s->context);
    s->count = index_frame_count(image.len);
    assert_done(codec_new(&codec));
    assert_done(open_image(buf_bytes(&image), &x));
    for (uint32_t f = 0; f < s->count; f++) {
        size_t at = (size_t)f * INDEX_FRAME_LEN;
        size_t len = image.len - at < INDEX_FRAME_LEN ? image.len - at : INDEX_FRAME_LEN;
        uint8_t row[INDEX_MARK_LEN];
        struct bytes stored = {NULL, 0};
        struct index_mark mark;

        assert_done(codec_compress_frame(codec, bytes_of(image.data + at, len), &stored));
        assert_done(buf_add(&s->frames, stored));
        index_mark(x, f, &mark);
        mark.stored_len = (uint32_t)stored.len;
        index_mark_encode(&mark, row);
        assert_done(buf_add(&s->directory, bytes_of(row, sizeof row)));
    }
    index_free(x);
    codec_free(codec);
}

/* An image of one frame, changed: the directory stays. */
static void compress_again(struct sealing *s)
{
    struct codec *codec = NULL;
    struct bytes stored = {NULL, 0};

    assert_int_equal(s->count, 1);
    assert_done(codec_new(&codec));
    assert_done(codec_compress_frame(codec, buf_bytes(&s->image), &stored));
    s->frames.len = 0;
    assert_done(buf_add(&s->frames, stored));
    be_put(s->directory.data, stored.len, 4);
    codec_free(codec);
}

static void end_sealing(struct sealing *s)
{
    buf_clear(&s->image);
    buf_clear(&s->frames);
    buf_clear(&s->directory);
    secret_free(s->k_meta);
    journal_free(s->journal);
    clear_world(&s->w);
}

/* Seal what is there, and open it. */
static enum err open_sealed(struct sealing *s, uint64_t plain_len, struct index **out)
{
    struct object_identity identity = {.type = OBJECT_INDEX, .context = s->context};
    struct sealed_put *put = NULL;
    uint8_t digest[HASH_LEN];
    uint64_t size = 0;

    assert_done(sealed_put_begin(s->w.real, s->journal, s->k_meta, &identity, &put));
    if (s->frames.len > 0)
        assert_done(sealed_put_add(put, buf_bytes(&s->frames)));
    if (s->directory.len > 0)
        assert_done(sealed_put_add(put, buf_bytes(&s->directory)));
    assert_done(sealed_put_commit(put, &size, digest));
    sealed_put_free(put);
    return index_unseal(s->w.repository, s->k_meta, &identity, size, plain_len, out);
}

/* Open it, and read all of it. */
static enum err use_sealed(struct sealing *s)
{
    struct index *x = NULL;
    enum err rc;

    TRY(open_sealed(s, s->image.len, &x));
    TRY(index_check(x));
    use_index(x);
out:
    index_free(x);
    return rc;
}

#define DIRECTORIES 1600
#define MANY 7000

/* Directories with a file each, whose names are as long as can be: six frames of 1,600;
 * one entry is longer than a frame. Then rows, of two frames more. */
static struct buf large_image(int directories)
{
    struct parts p = parts_of_nothing();
    struct buf image;
    char name[512];
    struct entry e;

    p.entries.max = 16 * MIB;
    p.rows.max = 8 * MIB;
    add_object(&p, 7);
    add_named(&p, ENTRY_DIR, ".");
    for (int i = 0; i < directories; i++) {
        snprintf(name, sizeof name, "%08d%0*d", i, 200, 0);
        add_named(&p, ENTRY_DIR, name);
        snprintf(name + 208, sizeof name - 208, "/%0*d", 200, i);
        e = entry_at(ENTRY_FILE, name);
        e.size = 3;
        e.block_log2 = 16;
        e.first_block = (uint64_t)i;
        for (uint64_t k = 0; i == 1000 && k < 20000; k++) {
            e.size = 40003;
            assert_done(entry_add_extent(&e, 2 * k, 1));
        }
        add_entry(&p, &e);
        entry_clear(&e);
    }
    for (uint64_t i = 0; i < 12000; i++)
        add_block(&p, 0, 100 * i);
    image = image_of(&p);
    parts_clear(&p);
    return image;
}

static void a_name_is_found_without_opening_the_rest(void **state)
{
    static const int numbers[] = {0, 1, 999, 1000, 1001, 1300, MANY - 1};
    struct sealing s;
    char name[512];
    struct entry e;

    entry_init(&e);
    begin_sealing(state, &s, large_image(MANY));
    assert_true(s.count >= 20);
    for (size_t n = 0; n < sizeof numbers / sizeof numbers[0]; n++) {
        struct index *x = NULL;
        uint8_t row[BLOCK_ROW_LEN];
        uint64_t i = 0;

        assert_done(open_sealed(&s, s.image.len, &x));
        assert_int_equal(index_opened(x), 1); /* the header's */
        snprintf(name, sizeof name, "%08d%0*d/%0*d", numbers[n], 200, 0, 200, numbers[n]);
        assert_done(index_find(x, bytes_of_text(name), &i));
        assert_int_equal(i, 2 * numbers[n] + 2);
        assert_done(index_entry(x, i, &e));
        assert_string_equal(entry_path(&e), name);
        assert_int_equal(entry_extent_count(&e), numbers[n] == 1000 ? 20000 : 0);
        assert_done(index_rows(x, e.first_block, 1, row));
        assert_int_equal(be_get(row + BLOCK_AT_OFFSET, 8), 100 * numbers[n]);
        assert_true(index_opened(x) <= 8);
        assert_done(index_check(x));
        assert_int_equal(index_opened(x), s.count);
        index_free(x);
    }
    entry_clear(&e);
    end_sealing(&s);
}

struct counting {
    uint64_t count;
    char last[512];
};

static enum err count_entry(void *arg, const struct entry *e)
{
    struct counting *c = arg;

    c->count++;
    snprintf(c->last, sizeof c->last, "%s", entry_path(e));
    return ERR_OK;
}

/* As `ls DIR`, `cat` and `--only` do. */
static void what_is_asked_for_by_its_path_is_listed_without_opening_the_rest(void **state)
{
    struct sealing s;
    struct snapshot_reader reader = {.store = NULL};
    struct selection selection = {.from = &reader};
    struct path_list only = {.count = 0};
    struct counting counted = {.count = 0};
    char name[512];
    const char *typed[] = {name, NULL};
    bool all = true;

    snprintf(name, sizeof name, "%08d%0*d", 1300, 200, 0);
    begin_sealing(state, &s, large_image(MANY));
    assert_done(open_sealed(&s, s.image.len, &reader.index));
    assert_done(choice_resolve(reader.index, typed, &only, &all));
    assert_false(all);
    selection.only = &only;
    assert_done(selection_walk(&selection, count_entry, &counted));
    assert_int_equal(counted.count, 3); /* the root, the directory, its file */
    assert_int_equal(strncmp(counted.last, name, strlen(name)), 0);
    assert_true(index_opened(reader.index) <= 8);
    path_list_clear(&only);
    index_free(reader.index);
    end_sealing(&s);
}

/* A part is checked as it is walked: what lies below a link is refused. */
static void a_part_that_lies_in_no_directory_is_refused(void **state)
{
    static const char *const typed[] = {"a/b", NULL};
    struct parts p = parts_of_nothing();
    struct sealing s;
    struct snapshot_reader reader = {.store = NULL};
    struct selection selection = {.from = &reader};
    struct path_list only = {.count = 0};
    struct counting counted = {.count = 0};
    bool all = true;
    uint8_t *type;

    add_named(&p, ENTRY_DIR, ".");
    add_named(&p, ENTRY_DIR, "a");
    add_named(&p, ENTRY_FIFO, "a/b");
    begin_sealing(state, &s, image_of(&p));
    parts_clear(&p);
    /* The directory becomes a fifo, in the image that is compressed. */
    type = s.image.data + INDEX_HEADER_LEN + ENTRY_FIXED_LEN + 1 + 4;
    assert_int_equal(*type, ENTRY_DIR);
    *type = ENTRY_FIFO;
    compress_again(&s);
    assert_done(open_sealed(&s, s.image.len, &reader.index));
    assert_done(choice_resolve(reader.index, typed, &only, &all));
    selection.only = &only;
    assert_refused(selection_walk(&selection, count_entry, &counted), ERR_CORRUPT,
                   "a file of the index lies in no directory of it");
    path_list_clear(&only);
    index_free(reader.index);
    end_sealing(&s);
}

/* Also one that nobody would notice by what is found. */
static void a_directory_that_lies_is_refused(void **state)
{
    struct sealing s;
    unsigned long refused = 0;

    begin_sealing(state, &s, large_image(DIRECTORIES));
    assert_done(use_sealed(&s));
    for (size_t at = 0; at < s.directory.len; at++)
        for (int less = 0; less < 2; less++) {
            uint8_t *byte = s.directory.data + at;
            uint8_t was = *byte;

            *byte = (uint8_t)(less != 0 ? was - 1 : was + 1);
            assert_int_equal(use_sealed(&s), ERR_CORRUPT);
            refused++;
            *byte = was;
        }
    assert_int_equal(refused, 2 * s.directory.len);
    assert_done(use_sealed(&s));
    end_sealing(&s);
}

static void refuse(struct sealing *s, const char *message)
{
    assert_int_equal(use_sealed(s), ERR_CORRUPT);
    if (strstr(err_text(), message) == NULL)
        fail_msg("%s", err_text());
}

static void frames_and_directory_are_all_there_is(void **state)
{
    struct parts p = parts_of_all();
    struct sealing s;
    struct index *x = NULL;

    begin_sealing(state, &s, image_of(&p));
    parts_clear(&p);
    assert_done(use_sealed(&s));
    assert_done(buf_add(&s.frames, bytes_of("x", 1)));
    refuse(&s, "the directory of the index does not name all that is in it");
    s.frames.len -= 2;
    refuse(&s, "the directory of the index has an impossible row");
    s.frames.len = 0;
    refuse(&s, "the index is shorter than its manifest says");
    s.directory.len = 0;
    refuse(&s, "the index is shorter than its manifest says");
    assert_int_equal(open_sealed(&s, INDEX_LEN_MAX + 1, &x), ERR_CORRUPT);
    assert_int_equal(open_sealed(&s, INDEX_LEN_MAX, &x), ERR_CORRUPT);
    assert_int_equal(open_sealed(&s, 0, &x), ERR_CORRUPT);
    assert_null(x);
    end_sealing(&s);
}

/* Each byte of a small one: a frame's own, too. */
static void every_changed_byte_of_a_frame_is_refused_or_safe(void **state)
{
    struct parts p = parts_of_all();
    struct sealing s;
    size_t refused = 0;

    begin_sealing(state, &s, image_of(&p));
    parts_clear(&p);
    for (size_t at = 0; at < s.frames.len; at++) {
        s.frames.data[at] ^= 0x41;
        if (use_sealed(&s) != ERR_OK) {
            assert_non_null(strstr(err_text(), "reading the index data/"));
            refused++;
        }
        s.frames.data[at] ^= 0x41;
    }
    assert_true(refused > s.frames.len / 4); /* the rest are times, digests and the like */
    end_sealing(&s);
}

struct reader {
    struct index *x;
    uint64_t from;
};

static void *read_all(void *arg)
{
    struct reader *r = arg;
    uint64_t count = index_header(r->x)->file_count;
    struct entry e;

    entry_init(&e);
    for (uint64_t k = 0; k < count; k++)
        if (index_entry(r->x, (r->from + k) % count, &e) != ERR_OK)
            abort();
    entry_clear(&e);
    return NULL;
}

static void several_threads_open_each_frame_once(void **state)
{
    struct sealing s;
    struct reader readers[4];
    pthread_t threads[4];
    struct index *x = NULL;

    begin_sealing(state, &s, large_image(DIRECTORIES));
    assert_done(open_sealed(&s, s.image.len, &x));
    for (size_t i = 0; i < 4; i++) {
        readers[i] = (struct reader){x, 900 * i};
        assert_int_equal(pthread_create(&threads[i], NULL, read_all, &readers[i]), 0);
    }
    for (size_t i = 0; i < 4; i++)
        assert_int_equal(pthread_join(threads[i], NULL), 0);
    assert_true(index_opened(x) < s.count); /* nobody asked for rows */
    assert_done(index_check(x));
    assert_int_equal(index_opened(x), s.count);
    index_free(x);
    end_sealing(&s);
}

static const struct CMUnitTest tests[] = {
    IN_DIRECTORY(a_name_is_found_without_opening_the_rest),
    IN_DIRECTORY(what_is_asked_for_by_its_path_is_listed_without_opening_the_rest),
    IN_DIRECTORY(a_part_that_lies_in_no_directory_is_refused),
    IN_DIRECTORY(a_directory_that_lies_is_refused),
    IN_DIRECTORY(frames_and_directory_are_all_there_is),
    IN_DIRECTORY(every_changed_byte_of_a_frame_is_refused_or_safe),
    IN_DIRECTORY(several_threads_open_each_frame_once),
};

int main(void)
{
    return cmocka_run_group_tests(tests, NULL, NULL);
}
