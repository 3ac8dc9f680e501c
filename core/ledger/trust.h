/*
 * What this machine has seen of a repository, kept outside of it: the fingerprint and the highest
 * record of each writer. It reveals a store that was rolled back.
 *
 * The file: {"format": 1, "fingerprint", "repositoryId", "firstSeenAt", "heads": [{"writerId",
 * "seq", "recordId"}], "told": {"heads": [the same]}}; since when it is known, and with which heads
 * the last visit of its reader ended (ledger_visit.h). Uses: core/base, checkpoint, heads, ledger,
 * record_set.
 */
#ifndef CORE_LEDGER_TRUST_H
#define CORE_LEDGER_TRUST_H

#include <stdbool.h>

#include "core/base/err.h"
#include "core/ledger/checkpoint.h"
#include "core/ledger/heads.h"
#include "core/ledger/ledger.h"
#include "core/ledger/record_set.h"

/* Zero-initialised: nothing was seen. */
struct trust {
    bool known;
    char fingerprint[LEDGER_FINGERPRINT_LEN + 1];
    uint8_t repository[SEAL_ID_LEN];
    int64_t since_ms;
    struct heads heads;
    struct heads told;
};

void trust_clear(struct trust *t);

/* A missing file leaves out->known false. ERR_CORRUPT: the file is damaged. */
MUST_CHECK enum err trust_load(const char *path, struct trust *out);
MUST_CHECK enum err trust_save(const char *path, const struct trust *t);

/*
 * Raise the file to `now`: of each writer the higher record stays, for another run may have seen
 * more. Nothing is written when nothing is higher. The caller holds the lock of the state
 * directory. ERR_CORRUPT: the file has another record at the same place, or another repository; the
 * message says what to do; `where` is for it.
 */
MUST_CHECK enum err trust_raise(const char *path, const struct trust *now, const char *where);
/* The reader was told of everything up to these heads. The caller holds the lock. */
MUST_CHECK enum err trust_tell(const char *path, const struct heads *heads);

/* Their heads, and whose they are. */
bool trust_equal(const struct trust *a, const struct trust *b);

/*
 * Check that a validated set still has what was seen. ERR_CORRUPT: a writer's records end before
 * the one seen, or another is in its place, or it is missing and the checkpoint does not cover it.
 * The message says what was seen and what is there; `where` is for it.
 */
MUST_CHECK enum err trust_check(const struct heads *seen, const struct record_set *set,
                                const struct checkpoint *cover, const char *where);
/* Adds to that message what to do when the trust state at `path` has seen it. */
void trust_hint(const char *path);

#endif
