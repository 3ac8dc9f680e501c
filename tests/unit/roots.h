/*
 * A root key for tests that make a repository and have nothing to do with root.
 *
 * Uses: core/ledger, helpers.
 */
#ifndef TESTS_UNIT_ROOTS_H
#define TESTS_UNIT_ROOTS_H

#include "core/ledger/signer.h"

/* The same for the whole run; not to be freed. */
const struct signer *test_root(void);

#endif
