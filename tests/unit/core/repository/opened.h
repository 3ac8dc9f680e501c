/*
 * A repository, open, for the tests of what is put into one: its store can fail on order.
 *
 *     struct opened o;
 *
 *     make_opened(state, &o);            (in "repository", seen in "state")
 *     o.faulty.fault = …
 *     … o.repository, o.store …
 *     clear_opened(&o);
 *
 * Uses: helpers, faulty, core/repository.
 */
#ifndef TESTS_UNIT_CORE_REPOSITORY_OPENED_H
#define TESTS_UNIT_CORE_REPOSITORY_OPENED_H

#include "core/repository/repository.h"
#include "tests/unit/faulty.h"
#include "tests/unit/helpers.h"

struct opened {
    void **state;
    struct store *real;
    struct faulty faulty; /* no fault, until a test sets one */
    struct store *store;  /* the faulty one, over the real one */
    struct repository *repository;
};

static inline struct repository_options options_of_opened(struct opened *o)
{
    return (struct repository_options){.store = o->store, .state_dir = in(o->state, "state")};
}

static inline void make_opened(void **state, struct opened *o)
{
    struct repository_options options;

    *o = (struct opened){.state = state};
    assert_done(store_open(in(state, "repository"), true, &o->real));
    o->faulty.inner = o->real;
    assert_done(faulty_open(&o->faulty, &o->store));
    options = options_of_opened(o);
    assert_done(repository_create(&options, &o->repository));
}

static inline void clear_opened(struct opened *o)
{
    repository_free(o->repository);
    store_free(o->store);
    faulty_clear(&o->faulty);
    store_free(o->real);
}

/* The `nth` operation of these kinds is like that; what was counted is forgotten. */
static inline void set_opened_fault(struct opened *o, enum fault fault, unsigned long nth,
                                    unsigned ops)
{
    o->faulty.fault = fault;
    o->faulty.fail_at = nth;
    o->faulty.ops = ops;
    atomic_store(&o->faulty.count, 0);
}

#endif
