/*
 * The report of a verify: one JSON document, printed by --json, kept by --report, read by --heads.
 *
 * Uses: session, verdicts, visit.
 */
#ifndef CLI_COMMAND_REPORT_H
#define CLI_COMMAND_REPORT_H

#include "cli/command/verdicts.h"
#include "cli/session.h"
#include "core/base/jdoc.h"

/* All borrowed. */
struct report_facts {
    const struct verify_options *options;
    const struct verify_result *result;
    struct verdicts *verdicts; /* taken: see verdicts_write() */
    enum err verdict;          /* what the verify ends with */
    int64_t elapsed_ms;
};

/* ERR_FAILED: no memory. */
MUST_CHECK enum err report_make(const struct session *session, const struct report_facts *facts,
                                struct jdoc **out);

/* Whole in the place of an older one, or the older one stays. ERR_STORAGE, ERR_FAILED: it cannot
 * be written. */
MUST_CHECK enum err report_keep(const struct jdoc *report, const char *path);

#endif
