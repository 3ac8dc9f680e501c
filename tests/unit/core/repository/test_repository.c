#include "core/repository/repository.h"

#include <string.h>
#include <unistd.h>

#include "core/base/mem.h"
#include "tests/unit/core/repository/opened.h"

static void what_was_created_is_opened_again(void **state)
{
    struct repository *again = NULL;
    struct repository_options options;
    char *path = NULL;
    struct opened o;

    make_opened(state, &o);
    options = options_of_opened(&o);
    options.fingerprint = ledger_fingerprint(repository_ledger(o.repository));
    assert_done(repository_open(&options, &again));
    assert_ptr_equal(repository_store(again), o.store);
    assert_string_equal(repository_state_dir(again), in(state, "state"));
    assert_memory_equal(ledger_repository(repository_ledger(again)),
                        ledger_repository(repository_ledger(o.repository)), SEAL_ID_LEN);
    assert_done(repository_state_path(again, "pending", &path));
    assert_string_equal(path, in(state, "state/pending"));
    mem_free(path);
    repository_free(again);
    repository_free(NULL);
    clear_opened(&o);
}

/* All four options reach the ledger. */
static void a_repository_that_is_not_the_pinned_one_is_refused(void **state)
{
    char pinned[LEDGER_FINGERPRINT_LEN + 1];
    struct repository *again = NULL;
    struct repository_options options;
    struct opened o;

    make_opened(state, &o);
    options = options_of_opened(&o);
    memset(pinned, '0', LEDGER_FINGERPRINT_LEN);
    pinned[LEDGER_FINGERPRINT_LEN] = '\0';
    options.fingerprint = pinned;
    assert_refused(repository_open(&options, &again), ERR_CORRUPT, NULL);
    assert_null(again);
    options = options_of_opened(&o);
    assert_refused(repository_create(&options, &again), ERR_EXISTS, NULL);
    assert_null(again);
    set_opened_fault(&o, FAULT_FAIL, 1, FAULTY_BLOB_OPEN);
    assert_done(repository_open(&options, &again)); /* the cache has all records */
    repository_free(again);
    again = NULL;
    options.read_all = true;
    assert_refused(repository_open(&options, &again), ERR_STORAGE, NULL);
    assert_null(again);
    clear_opened(&o);
}

static enum err open_once(void *arg)
{
    const struct repository_options options = options_of_opened(arg);
    struct repository *again = NULL;
    enum err rc = repository_open(&options, &again);

    repository_free(again);
    return rc;
}

static void no_memory_is_said(void **state)
{
    struct opened o;

    make_opened(state, &o);
    assert_true(sweep_allocations(open_once, &o) > 4);
    clear_opened(&o);
}

static const struct CMUnitTest tests[] = {
    IN_DIRECTORY(what_was_created_is_opened_again),
    IN_DIRECTORY(a_repository_that_is_not_the_pinned_one_is_refused),
    IN_DIRECTORY(no_memory_is_said),
};

int main(void)
{
    return cmocka_run_group_tests(tests, NULL, NULL);
}
