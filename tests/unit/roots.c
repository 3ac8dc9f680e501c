#include "tests/unit/roots.h"

#include <stdlib.h>

#include "tests/unit/helpers.h"

static struct signer *root;

static void free_root(void)
{
    signer_free(root);
}

const struct signer *test_root(void)
{
    if (root == NULL) {
        assert_done(signer_new(&root));
        assert_int_equal(atexit(free_root), 0);
    }
    return root;
}
