/*
 * What a record's signature is over (the label keeps it from ever being taken for another's), and
 * the line that holds it.
 *
 * Uses: record.
 */
#ifndef CORE_LEDGER_RECORD_MESSAGE_H
#define CORE_LEDGER_RECORD_MESSAGE_H

#include "core/ledger/record.h"

#define RECORD_MESSAGE_LABEL "sealpoint/v1/record" /* its NUL is part of the message */
#define RECORD_MESSAGE_LEN (sizeof RECORD_MESSAGE_LABEL + RECORD_ID_LEN)

/* Fills `out` and returns it as bytes. */
struct bytes record_message(const uint8_t id[RECORD_ID_LEN], uint8_t out[RECORD_MESSAGE_LEN]);

/* Line 2 without its newline, in its one form. */
MUST_CHECK enum err record_write_signature(const uint8_t writer[SIGNER_ID_LEN],
                                           const uint8_t signature[SIGNER_SIGNATURE_LEN],
                                           struct buf *to);

#endif
