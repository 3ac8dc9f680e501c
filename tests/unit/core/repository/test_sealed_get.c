#include "core/repository/sealed_get.h"

#include <string.h>

#include "tests/unit/faulty.h"
#include "tests/unit/helpers.h"

#define PLAIN_LEN (OBJECT_SEGMENT_LEN + 1000) /* two segments */

struct getting {
    struct store *real;
    struct faulty faulty;
    struct store *store; /* over the real one */
    struct secret *key;
    struct object_identity identity;
    uint64_t size;
};

static uint8_t plain[PLAIN_LEN];
static uint8_t back[PLAIN_LEN];

static enum err keep_sealed(void *arg, struct bytes sealed)
{
    return buf_add(arg, sealed);
}

/* Put by hand: what is read must not depend on how it is put. */
static void put_sealed(struct getting *g)
{
    struct buf sealed = {.max = 4 * MIB};
    struct object_writer *writer = NULL;
    char name[OBJECT_NAME_LEN + 1];
    uint8_t digest[HASH_LEN];

    object_name(g->identity.id, name);
    assert_done(object_writer_new(g->key, &g->identity, keep_sealed, &sealed, &writer));
    assert_done(object_writer_add(writer, bytes_of(plain, PLAIN_LEN)));
    assert_done(object_writer_finish(writer, &g->size, digest));
    assert_done(store_put(g->real, name, buf_bytes(&sealed)));
    object_writer_free(writer);
    buf_clear(&sealed);
}

static void begin_getting(void **state, struct getting *g)
{
    *g = (struct getting){.identity = {.type = OBJECT_INDEX, .ordinal = 3}};
    assert_done(store_open(in(state, "repository"), true, &g->real));
    g->faulty.inner = g->real;
    assert_done(faulty_open(&g->faulty, &g->store));
    assert_done(secret_random(SEAL_KEY_LEN, &g->key));
    memset(g->identity.context.repository, 0xaa, SEAL_ID_LEN);
    memset(g->identity.context.scope, 0xbb, SEAL_ID_LEN);
    memset(g->identity.id, 0xcc, SEAL_ID_LEN);
    fill_pattern(plain, PLAIN_LEN, 1);
    put_sealed(g);
}

static void end_getting(struct getting *g)
{
    secret_free(g->key);
    store_free(g->store);
    faulty_clear(&g->faulty);
    store_free(g->real);
}

static enum err get_once(void *arg)
{
    struct getting *g = arg;
    struct sealed_get *get = NULL;
    enum err rc;

    memset(back, 0, sizeof back);
    TRY(sealed_get_open(g->store, g->key, &g->identity, g->size, &get));
    TRY(sealed_get_read(get, 0, back, PLAIN_LEN));
out:
    sealed_get_free(get);
    return rc;
}

static void any_range_is_read(void **state)
{
    struct sealed_get *get = NULL;
    struct getting g;

    begin_getting(state, &g);
    assert_done(get_once(&g));
    assert_memory_equal(back, plain, PLAIN_LEN);
    assert_done(sealed_get_open(g.store, g.key, &g.identity, g.size, &get));
    assert_int_equal(sealed_get_size(get), PLAIN_LEN);
    assert_done(sealed_get_read(get, OBJECT_SEGMENT_LEN - 10, back, 20));
    assert_memory_equal(back, plain + OBJECT_SEGMENT_LEN - 10, 20);
    sealed_get_free(get);
    sealed_get_free(NULL);
    end_getting(&g);
}

static void an_object_that_is_not_there_is_not_found(void **state)
{
    struct getting g;

    begin_getting(state, &g);
    g.identity.id[0] ^= 1;
    assert_refused(get_once(&g), ERR_NOT_FOUND, NULL);
    end_getting(&g);
}

/* Every field of what is known before; and the key. */
static void another_object_in_its_place_is_refused(void **state)
{
    struct secret *other = NULL;
    struct secret *own;
    struct getting g;

    begin_getting(state, &g);
    g.identity.type = OBJECT_PACK;
    assert_refused(get_once(&g), ERR_CORRUPT, NULL);
    g.identity.type = OBJECT_INDEX;
    g.identity.ordinal++;
    assert_refused(get_once(&g), ERR_CORRUPT, NULL);
    g.identity.ordinal--;
    g.identity.context.repository[0] ^= 1;
    assert_refused(get_once(&g), ERR_CORRUPT, NULL);
    g.identity.context.repository[0] ^= 1;
    g.identity.context.scope[0] ^= 1;
    assert_refused(get_once(&g), ERR_CORRUPT, NULL);
    g.identity.context.scope[0] ^= 1;
    g.size--;
    assert_refused(get_once(&g), ERR_CORRUPT, NULL);
    g.size++;
    assert_done(secret_random(SEAL_KEY_LEN, &other));
    own = g.key;
    g.key = other;
    assert_refused(get_once(&g), ERR_CORRUPT, NULL);
    g.key = own;
    assert_done(get_once(&g));
    secret_free(other);
    end_getting(&g);
}

/* Whichever operation of the store fails, or flips a bit of what it reads. */
static void a_store_that_fails_or_lies_is_refused(void **state)
{
    unsigned long operations;
    struct getting g;

    begin_getting(state, &g);
    assert_done(get_once(&g));
    operations = atomic_load(&g.faulty.count);
    assert_true(operations >= 3);
    for (unsigned long i = 1; i <= operations; i++) {
        g.faulty.fault = FAULT_FAIL;
        g.faulty.fail_at = i;
        g.faulty.ops = 0;
        atomic_store(&g.faulty.count, 0);
        assert_refused(get_once(&g), ERR_STORAGE, NULL);
    }
    for (unsigned long i = 1; i < operations; i++) { /* the first one opens */
        g.faulty.fault = FAULT_FLIP;
        g.faulty.fail_at = i;
        g.faulty.ops = FAULTY_BLOB_READ;
        g.faulty.byte = 5;
        atomic_store(&g.faulty.count, 0);
        assert_refused(get_once(&g), ERR_CORRUPT, NULL);
    }
    end_getting(&g);
}

static void no_memory_is_said(void **state)
{
    struct getting g;

    begin_getting(state, &g);
    assert_true(sweep_allocations(get_once, &g) > 2);
    end_getting(&g);
}

static const struct CMUnitTest tests[] = {
    IN_DIRECTORY(any_range_is_read),
    IN_DIRECTORY(an_object_that_is_not_there_is_not_found),
    IN_DIRECTORY(another_object_in_its_place_is_refused),
    IN_DIRECTORY(a_store_that_fails_or_lies_is_refused),
    IN_DIRECTORY(no_memory_is_said),
};

int main(void)
{
    return cmocka_run_group_tests(tests, NULL, NULL);
}
