#include "core/repository/sealed_put.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "core/fs/file.h"
#include "core/repository/sealed_get.h"
#include "tests/unit/core/repository/opened.h"

#define RUN "0123456789abcdef01234567"

struct putting {
    struct opened o;
    struct journal *journal;
    struct secret *key;
    struct object_identity identity; /* of the last put */
    uint64_t size;
    uint8_t sha256[HASH_LEN];
    struct bytes plain;
};

static void begin_putting(void **state, struct putting *p)
{
    *p = (struct putting){.identity = {.type = OBJECT_PACK, .ordinal = 7}};
    make_opened(state, &p->o);
    assert_done(journal_new(p->o.repository, RECORD_SNAPSHOT, RUN, &p->journal));
    assert_done(secret_random(SEAL_KEY_LEN, &p->key));
    memset(p->identity.context.repository, 0xaa, SEAL_ID_LEN);
    memset(p->identity.context.scope, 0xbb, SEAL_ID_LEN);
    p->plain = bytes_of_text("some plaintext");
}

static void end_putting(struct putting *p)
{
    journal_free(p->journal);
    secret_free(p->key);
    clear_opened(&p->o);
}

static enum err put_once(void *arg)
{
    struct putting *p = arg;
    struct sealed_put *put = NULL;
    enum err rc;

    TRY(sealed_put_begin(p->o.store, p->journal, p->key, &p->identity, &put));
    TRY(sealed_put_add(put, p->plain));
    TRY(sealed_put_commit(put, &p->size, p->sha256));
out:
    sealed_put_free(put);
    return rc;
}

static bool is_noted(struct putting *p)
{
    struct buf text = {.max = MIB};
    char name[OBJECT_NAME_LEN + 1];
    bool is;

    object_name(p->identity.id, name);
    assert_done(file_read(in(p->o.state, "state/pending"), &text));
    assert_done(buf_add(&text, bytes_of("", 1)));
    is = strstr((const char *)text.data, name) != NULL;
    buf_clear(&text);
    return is;
}

static bool is_stored(struct putting *p)
{
    char name[OBJECT_NAME_LEN + 1];
    uint64_t size;

    object_name(p->identity.id, name);
    return store_head(p->o.real, name, &size) == ERR_OK;
}

static void assert_read_back(struct putting *p)
{
    struct sealed_get *get = NULL;
    uint8_t *back = malloc(p->plain.len + 1);

    assert_non_null(back);
    assert_done(sealed_get_open(p->o.real, p->key, &p->identity, p->size, &get));
    assert_int_equal(sealed_get_size(get), p->plain.len);
    assert_done(sealed_get_read(get, 0, back, p->plain.len));
    assert_memory_equal(back, p->plain.data, p->plain.len);
    sealed_get_free(get);
    free(back);
}

/* Size and digest are those of the bytes that lie in the store. */
static void what_was_put_is_what_the_store_has(void **state)
{
    struct buf sealed = {.max = MIB};
    uint8_t digest[HASH_LEN];
    char name[OBJECT_NAME_LEN + 1];
    struct putting p;

    begin_putting(state, &p);
    assert_done(put_once(&p));
    assert_read_back(&p);
    object_name(p.identity.id, name);
    assert_done(store_get(p.o.real, name, &sealed));
    assert_int_equal(p.size, sealed.len);
    assert_done(hash_of(buf_bytes(&sealed), digest));
    assert_memory_equal(p.sha256, digest, HASH_LEN);
    buf_clear(&sealed);
    end_putting(&p);
}

static void each_object_has_an_id_of_its_own(void **state)
{
    uint8_t first[SEAL_ID_LEN];
    struct putting p;

    begin_putting(state, &p);
    assert_done(put_once(&p));
    memcpy(first, p.identity.id, SEAL_ID_LEN);
    assert_done(put_once(&p));
    assert_memory_not_equal(first, p.identity.id, SEAL_ID_LEN);
    end_putting(&p);
}

static void the_offset_is_where_the_next_byte_goes(void **state)
{
    struct sealed_put *put = NULL;
    uint8_t *plain = malloc(3 * MIB);
    struct putting p;

    assert_non_null(plain);
    begin_putting(state, &p);
    fill_pattern(plain, 3 * MIB, 1);
    assert_done(sealed_put_begin(p.o.store, p.journal, p.key, &p.identity, &put));
    assert_int_equal(sealed_put_offset(put), 0);
    assert_done(sealed_put_add(put, bytes_of(plain, 5)));
    assert_int_equal(sealed_put_offset(put), 5);
    assert_done(sealed_put_add(put, bytes_of(plain + 5, 3 * MIB - 5)));
    assert_int_equal(sealed_put_offset(put), 3 * MIB);
    assert_done(sealed_put_commit(put, &p.size, p.sha256));
    sealed_put_free(put);
    p.plain = bytes_of(plain, 3 * MIB);
    assert_read_back(&p);
    end_putting(&p);
    free(plain);
}

/* The name comes first: else a killed run would leave an object that nobody removes. */
static void the_name_is_noted_before_there_is_an_object(void **state)
{
    struct sealed_put *put = NULL;
    struct putting p;

    begin_putting(state, &p);
    set_opened_fault(&p.o, FAULT_FAIL, 1, FAULTY_PUT_BEGIN);
    assert_refused(sealed_put_begin(p.o.store, p.journal, p.key, &p.identity, &put), ERR_STORAGE,
                   NULL);
    assert_null(put);
    assert_true(is_noted(&p));
    end_putting(&p);
}

static void what_was_not_committed_leaves_nothing(void **state)
{
    struct sealed_put *put = NULL;
    struct putting p;

    begin_putting(state, &p);
    sealed_put_free(NULL);
    assert_done(sealed_put_begin(p.o.store, p.journal, p.key, &p.identity, &put));
    assert_done(sealed_put_add(put, p.plain));
    sealed_put_free(put);
    assert_false(is_stored(&p));
    assert_int_equal(count_names(in(state, "repository/tmp")), 0);
    end_putting(&p);
}

static enum err refuse_name(void *arg, const char *name, uint64_t size)
{
    (void)arg;
    return err_set(ERR_EXISTS, "%s is there, %llu bytes long", name, (unsigned long long)size);
}

/* Whichever operation of the store fails: a failure is said, and the next run cleans up. */
static void a_store_that_fails_leaves_what_the_journal_names(void **state)
{
    static const enum fault faults[] = {FAULT_FAIL, FAULT_FAIL_AFTER};
    unsigned long operations;
    struct putting p;

    begin_putting(state, &p);
    set_opened_fault(&p.o, FAULT_NONE, 0, 0);
    assert_done(put_once(&p));
    operations = atomic_load(&p.o.faulty.count);
    assert_true(operations >= 3);
    for (size_t f = 0; f < sizeof faults / sizeof faults[0]; f++) {
        for (unsigned long i = 1; i <= operations; i++) {
            set_opened_fault(&p.o, faults[f], i, 0);
            assert_refused(put_once(&p), ERR_STORAGE, NULL);
            assert_true(is_noted(&p));
            assert_int_equal(count_names(in(state, "repository/tmp")), 0);
        }
    }
    p.o.faulty.fault = FAULT_NONE;
    journal_free(p.journal);
    p.journal = NULL;
    assert_done(journal_recover(p.o.repository, RECORD_SNAPSHOT));
    assert_done(store_list(p.o.real, "data", refuse_name, NULL));
    end_putting(&p);
}

static void no_memory_is_said(void **state)
{
    struct putting p;

    begin_putting(state, &p);
    assert_true(sweep_allocations(put_once, &p) > 3);
    assert_int_equal(count_names(in(state, "repository/tmp")), 0);
    end_putting(&p);
}

static const struct CMUnitTest tests[] = {
    IN_DIRECTORY(what_was_put_is_what_the_store_has),
    IN_DIRECTORY(each_object_has_an_id_of_its_own),
    IN_DIRECTORY(the_offset_is_where_the_next_byte_goes),
    IN_DIRECTORY(the_name_is_noted_before_there_is_an_object),
    IN_DIRECTORY(what_was_not_committed_leaves_nothing),
    IN_DIRECTORY(a_store_that_fails_leaves_what_the_journal_names),
    IN_DIRECTORY(no_memory_is_said),
};

int main(void)
{
    return cmocka_run_group_tests(tests, NULL, NULL);
}
