#include "core/ledger/ledger_visit.h"

#include "core/base/log.h"
#include "core/ledger/ledger_internal.h"

const struct heads *ledger_visit_heads(const struct ledger *l)
{
    return &l->heads;
}

int64_t ledger_visit_known_since(const struct ledger *l)
{
    return l->seen.since_ms;
}

bool ledger_visit_is_new(const struct ledger *l, const struct heads *since, const struct record *r)
{
    const struct head *last;

    if (since == NULL) {
        if (!l->seen.known)
            return false;
        since = &l->seen.told;
    }
    last = heads_find(since, r->writer);
    return last == NULL || r->seq > last->seq;
}

void ledger_visit_end(struct ledger *l)
{
    enum err rc;

    if (l->state_dir == NULL || !l->seen.known || heads_equal(&l->seen.told, &l->heads))
        return;
    rc = ledger_lock(l);
    if (rc == ERR_OK) {
        rc = trust_tell(l->trust_path, &l->heads);
        ledger_unlock(l);
    }
    if (rc != ERR_OK)
        log_say(LOG_WARN, "%s: what was shown is shown again the next time", err_text());
    err_clear();
}
