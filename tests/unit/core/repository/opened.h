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

struct repository_options options_of_opened(struct opened *o);

void make_opened(void **state, struct opened *o);

void clear_opened(struct opened *o);

/* The `nth` operation of these kinds is like that; what was counted is forgotten. */
void set_opened_fault(struct opened *o, enum fault fault, unsigned long nth, unsigned ops);

#endif
