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

/* The one form of line 2, without its newline: so it is read without a parser. */
#define RECORD_SIGNATURE_FRONT "{\"signatures\":[{\"alg\":\""
#define RECORD_SIGNATURE_KEY "\",\"writerId\":\""
#define RECORD_SIGNATURE_SIG "\",\"sig\":\""
#define RECORD_SIGNATURE_END "\"}]}"

MUST_CHECK enum err record_write_signature(const uint8_t writer[SIGNER_ID_LEN],
                                           const uint8_t signature[SIGNER_SIGNATURE_LEN],
                                           struct buf *to);
/* ERR_CORRUPT: it is in another form; ERR_UNSUPPORTED: by an algorithm this release does not know.
 */
MUST_CHECK enum err record_read_signature(struct bytes line, uint8_t writer[SIGNER_ID_LEN],
                                          uint8_t signature[SIGNER_SIGNATURE_LEN]);

/* Fill `r` from line 1 by walking it, without a parser: a line that was parsed strictly before.
 * False: a common member is not there. */
bool record_scan(struct bytes line, struct record *r);

#endif
