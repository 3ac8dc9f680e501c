/*
 * What the writer commands share.
 *
 * Uses: session, core/ledger.
 */
#ifndef CLI_COMMAND_WRITER_H
#define CLI_COMMAND_WRITER_H

#include "cli/session.h"
#include "core/base/err.h"
#include "core/ledger/writers.h"

/* A writer as JSON: "writerId", "state" ("enrolled", "revoked"), "roles", "createdAt", "revokedAt",
 * "head" {"seq", "recordId", "createdAt"} or null, "thisMachine". */
MUST_CHECK enum err writer_describe(const struct session *s, const struct writer *w,
                                    struct jdoc **out);

/* The one writer whose id begins with `text`. ERR_NOT_FOUND: none does; ERR_USAGE: several do. */
MUST_CHECK enum err writer_find(const struct session *s, const char *text,
                                const struct writer **out);

/* "backup, keys"; "none". */
#define WRITER_ROLES_TEXT_MAX 64
void writer_roles_text(unsigned roles, char out[WRITER_ROLES_TEXT_MAX]);

#endif
