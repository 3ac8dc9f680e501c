/*
 * Put live data keys under the active master-key versions. No data is touched.
 *
 * One record a scope: killed at any point, everything is restorable by the old envelope or the
 * new, and a rerun does what is left.
 * Uses: keyring.h, key_opener, live_scopes, rewrap_record.
 */
#ifndef KEYRING_CATALOGUE_REWRAP_H
#define KEYRING_CATALOGUE_REWRAP_H

#include <stdbool.h>
#include <stddef.h>

#include "core/base/err.h"
#include "core/ledger/ledger.h"
#include "keyring/keyring.h"

struct rewrap_options {
    struct ledger *ledger;
    struct keyring *keyring;
    size_t envelope; /* which envelope opens each data key; 0: the recorded master key */
    bool dry_run;    /* all but the writing: what refuses, refuses here too */
};

struct rewrap_result {
    size_t scopes;  /* live ones */
    size_t current; /* under the active versions already, by an envelope that opens */
    size_t done;    /* rewrapped by this run (dry_run: would be) */
    size_t refused; /* neither the old envelopes nor the new one open; each was said by log_say */
};

/*
 * ERR_OK: every live data key is under the active versions. ERR_KEY_INVALID, ERR_KEY_UNREACHABLE,
 * ERR_CORRUPT: some could not be opened, or nothing can be wrapped; what could be done is done.
 * ERR_FAILED: no signing key here. *out is filled on these too.
 */
MUST_CHECK enum err rewrap_run(const struct rewrap_options *options, struct rewrap_result *out);

#endif
