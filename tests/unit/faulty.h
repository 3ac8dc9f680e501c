/*
 * A store that fails on order: a decorator over another store, for the tests of what uses stores.
 *
 *     struct faulty f = {.fault = FAULT_CRASH, .at = 3, .inner = real};
 *     assert_done(faulty_open(&f, &store));
 *     … store_put(store, …) …
 *     store_free(store);        (the crashed run is over; a look into `real`, a rerun)
 *     faulty_clear(&f);
 *
 * Uses: core/store.
 */
#ifndef TESTS_UNIT_FAULTY_H
#define TESTS_UNIT_FAULTY_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "core/base/err.h"
#include "core/store/store.h"

/* The kinds of operations, to be or-ed in `ops`. */
#define FAULTY_PUT_BEGIN 0x001u
#define FAULTY_PUT_WRITE 0x002u
#define FAULTY_PUT_COMMIT 0x004u
#define FAULTY_BLOB_OPEN 0x008u
#define FAULTY_BLOB_READ 0x010u
#define FAULTY_HEAD 0x020u
#define FAULTY_LIST 0x040u
#define FAULTY_REMOVE 0x080u
#define FAULTY_SWEEP 0x100u
#define FAULTY_PUTS (FAULTY_PUT_BEGIN | FAULTY_PUT_WRITE | FAULTY_PUT_COMMIT)

enum fault {
    FAULT_NONE,        /* only count */
    FAULT_FAIL,        /* the operation is not done and gives `code` */
    FAULT_FAIL_AFTER,  /* it is done, but gives `code` all the same: a lost reply */
    FAULT_CRASH,       /* it is not done; from now on nothing is, puts are left as they lie */
    FAULT_CRASH_AFTER, /* it is done, but nothing after it */
    FAULT_FLIP,        /* a read gives one wrong byte, at `byte` modulo its length */
    FAULT_SHORT,       /* an object looks `byte` bytes shorter than it is, at least empty */
    FAULT_SWAP,        /* another object, `other`, is opened under this name */
};

#define FAULTY_ABANDONED_MAX 64

struct faulty {
    struct store *inner; /* borrowed: the real store */
    enum fault fault;
    unsigned long fail_at; /* the how-manieth counted operation, from 1 on */
    unsigned ops;          /* which kinds are counted; 0: all */
    const char *below;     /* only names that start so are counted; NULL: all */
    enum err code;         /* 0: ERR_STORAGE, as of a full disk */
    bool sticky;           /* FAIL and FLIP: every counted operation from `at` on */
    uint64_t byte;
    const char *other;

    atomic_ulong count; /* the operations counted so far */
    atomic_bool crashed;
    atomic_size_t abandoned_count;
    struct store_put *abandoned[FAULTY_ABANDONED_MAX]; /* of the crash; owned */
};

/* A store over f->inner that behaves as `f` says; both outlive it. */
MUST_CHECK enum err faulty_open(struct faulty *f, struct store **out);

/* Frees what a crash left in memory (and so, at last, its temporaries). */
void faulty_clear(struct faulty *f);

#endif
