#include "tests/unit/core/repository/opened.h"

#include "tests/unit/roots.h"

struct repository_options options_of_opened(struct opened *o)
{
    return (struct repository_options){
        .store = o->store, .state_dir = in(o->state, "state"), .root = {.key = test_root()}};
}

void make_opened(void **state, struct opened *o)
{
    struct repository_options options;

    *o = (struct opened){.state = state};
    assert_done(store_open(in(state, "repository"), true, &o->real));
    o->faulty.inner = o->real;
    assert_done(faulty_open(&o->faulty, &o->store));
    options = options_of_opened(o);
    assert_done(repository_create(&options, &o->repository));
}

void clear_opened(struct opened *o)
{
    repository_free(o->repository);
    store_free(o->store);
    faulty_clear(&o->faulty);
    store_free(o->real);
}

void set_opened_fault(struct opened *o, enum fault fault, unsigned long nth, unsigned ops)
{
    o->faulty.fault = fault;
    o->faulty.fail_at = nth;
    o->faulty.ops = ops;
    atomic_store(&o->faulty.count, 0);
}
