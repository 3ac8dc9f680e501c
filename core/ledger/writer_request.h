/*
 * A machine's request to be enrolled as a writer, and the file that carries it to root.
 *
 * Two lines, each ended by one newline:
 *   {"format": 1, "type": "writer-request", "repositoryId": hex 16, "fingerprint": hex 32,
 *    "writerId": hex 8, "publicKey": base64 32, "createdAt": time}
 *   {"signature": base64 64}: by that key, over "sealpoint/v1/writer-request" ‖ 00 ‖ SHA-256 of
 *   line 1 without its newline. It shows that whoever asks has the key.
 *
 * Uses: core/base, ledger, signer.
 */
#ifndef CORE_LEDGER_WRITER_REQUEST_H
#define CORE_LEDGER_WRITER_REQUEST_H

#include "core/base/bytes.h"
#include "core/base/err.h"
#include "core/ledger/ledger.h"
#include "core/ledger/signer.h"

#define WRITER_REQUEST_LEN_MAX (4 * KIB)

/* Ask for this machine: its signing key is made, and saved, when there is none. Appends to `to`.
 * ERR_EXISTS: its key was enrolled already; ERR_FAILED: it was revoked. */
MUST_CHECK enum err writer_request_make(struct ledger *l, struct buf *to);

/* Is it a request at all? ERR_CORRUPT: it is something else, or has other than two lines. */
MUST_CHECK enum err writer_request_recognise(struct bytes from);

/* Check a request for this repository, and give the key that asks. ERR_CORRUPT: malformed, or not
 * signed by that key; ERR_USAGE: it is for another repository. */
MUST_CHECK enum err writer_request_read(const struct ledger *l, struct bytes from,
                                        uint8_t public_key[SIGNER_PUBLIC_LEN]);

#endif
