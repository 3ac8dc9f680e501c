#include <stdlib.h>
#include <string.h>

#include "core/base/log.h"
#include "core/base/mem.h"
#include "core/ledger/ledger_query.h"
#include "keyring/catalogue/record_key.h"
#include "snapshot/verify/verify_data.h"

/*
 * A manifest stands alone: it has the data keys of all it reads from, so a restore needs no other
 * record. But what a master-key version carries, and what is to be rewrapped before it goes, is
 * found in the ledger. A data key whose record is not there any more is seen by nobody, and lost
 * with the version that it is under.
 */
static int compare_scopes(const void *a, const void *b)
{
    return memcmp(a, b, SEAL_ID_LEN);
}

/* Once, of all snapshot records, ended ones too. */
static enum err collect_scopes(struct verify_set *set)
{
    const struct ledger *l = repository_ledger(set->options->repository);
    size_t count = ledger_query_count(l, RECORD_SNAPSHOT);
    enum err rc;

    TRY(mem_new(count + 1, sizeof *set->scopes, &set->scopes));
    for (size_t i = 0; i < count; i++) {
        const struct record *r = ledger_query_at(l, RECORD_SNAPSHOT, i);

        if (record_key_read_scope(r, set->scopes[set->scope_count]) == ERR_OK)
            set->scope_count++;
        err_clear();
    }
    if (set->scope_count > 1)
        qsort(set->scopes, set->scope_count, sizeof *set->scopes, compare_scopes);
out:
    return rc;
}

static bool is_known(const struct verify_set *set, const uint8_t scope[SEAL_ID_LEN])
{
    return set->scope_count > 0 && bsearch(scope, set->scopes, set->scope_count,
                                           sizeof *set->scopes, compare_scopes) != NULL;
}

enum err verify_check_scopes(struct verify_set *set, const struct snapshot *of,
                             const struct manifest *m, struct verify_result *out)
{
    size_t missing = 0;
    enum err rc = ERR_OK;

    if (set->scopes == NULL)
        TRY(collect_scopes(set));
    for (size_t i = 0; i < m->key_count; i++)
        missing += is_known(set, m->keys[i].context.scope) ? 0 : 1;
    if (missing > 0)
        log_say(LOG_WARN,
                "snapshot %s: the ledger has no record of %zu of the data keys that it needs: "
                "`sealpoint key impact` and `key rewrap` do not see them",
                of->id, missing);
    out->unseen += missing;
out:
    return rc;
}
