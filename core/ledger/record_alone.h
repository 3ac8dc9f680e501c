/*
 * One record judged by itself, when its ledger does not open: is it signed by a writer that root
 * has enrolled? For that root's own chain is enough.
 *
 * That the record was not ended, and what else the ledger would say, nobody has looked at then.
 * Uses: core/base, core/store, record, writers.
 */
#ifndef CORE_LEDGER_RECORD_ALONE_H
#define CORE_LEDGER_RECORD_ALONE_H

#include "core/base/err.h"
#include "core/ledger/record.h"
#include "core/store/store.h"

/*
 * `fingerprint`: which repository it must be of; "": whatever the store shows. ERR_OK: it is signed
 * as it should be, and `unchecked` is ""; or genesis, or the record that enrols its writer, is
 * missing or damaged, and `unchecked` says so. ERR_CORRUPT: its signature does not fit, it is of
 * another repository, its writer was never enrolled, or was revoked before it.
 */
MUST_CHECK enum err record_alone_check(struct store *store, const struct record *r,
                                       const char *fingerprint, char unchecked[ERR_TEXT_MAX]);

#endif
