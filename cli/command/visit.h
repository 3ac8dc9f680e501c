/*
 * What a command tells who looks at a repository now and then: what was taken away since the last
 * visit, and how old the newest signature is.
 *
 * Uses: session, core/ledger.
 */
#ifndef CLI_COMMAND_VISIT_H
#define CLI_COMMAND_VISIT_H

#include "cli/session.h"
#include "core/base/jdoc.h"
#include "core/ledger/heads.h"

/* A warning for each tombstone behind those heads, or, with NULL, behind the last visit's; the
 * first VISIT_SAID_MAX of them are named. */
#define VISIT_SAID_MAX 20
void visit_say_deleted(const struct session *session, const struct heads *since);
/* The same as a list, member "deleted". */
MUST_CHECK enum err visit_write_deleted(const struct session *session, const struct heads *since,
                                        struct jdoc *to);

/* "repository", "repositoryId", "fingerprint", "heads" and "newestSignatureAt": what a report of a
 * visit has in front. */
MUST_CHECK enum err visit_write(const struct session *session, struct jdoc *to);

/* When the newest record was signed. */
int64_t visit_newest_ms(const struct session *session);

/* An earlier report of verify: which repository it is of, and its heads, which the caller
 * clears. ERR_USAGE: it is no such report; ERR_NOT_FOUND: it is not there. */
struct visit_report {
    char fingerprint[LEDGER_FINGERPRINT_LEN + 1];
    struct heads heads;
};
MUST_CHECK enum err visit_read_report(const char *path, struct visit_report *out);

#endif
