/*
 * Reports all damaged records by name after the ledger was refused for one of them, so that whoever
 * repairs the repository need not find them one run at a time.
 *
 * Uses: core/base, core/store, record_set.
 */
#ifndef CORE_LEDGER_DAMAGE_REPORT_H
#define CORE_LEDGER_DAMAGE_REPORT_H

#include "core/base/err.h"
#include "core/ledger/record_set.h"
#include "core/store/store.h"

/*
 * Call after `refused` (ERR_CORRUPT or ERR_UNSUPPORTED) with its message. Reads what the set lacks,
 * and logs a warning for each record of the store that does not parse or whose signature does not
 * match. Returns ERR_CORRUPT with their number when there are several, else `refused` with the
 * message it had. ERR_INTERRUPTED: a signal came.
 */
MUST_CHECK enum err damage_report_all(struct store *store, struct record_set *set,
                                      enum err refused);

#endif
