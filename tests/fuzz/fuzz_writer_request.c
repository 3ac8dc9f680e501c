/*
 * Hostile bytes as a machine's request to be enrolled. What is taken for one is signed by the key
 * that it gives, over its first line; the rest is refused with a message.
 */
#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/text.h"
#include "core/ledger/ledger_internal.h"
#include "core/ledger/writer_request.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* The good requests of the corpus are for this repository. */
#define REPOSITORY "49edd150e72cee5fff8f0a224119e854"
#define FINGERPRINT "43e112f92ee2fe405272ecc11d3dec4f247a2aa00b4844eaffe8e7d4a2856c2f"

static struct ledger ledger = {.fingerprint = FINGERPRINT};

static bool is_refusal(enum err rc)
{
    return *err_text() != '\0' && (rc == ERR_CORRUPT || rc == ERR_UNSUPPORTED || rc == ERR_USAGE);
}

/* Nothing in its first line may be changed and still be taken. */
static void check_is_signed(struct bytes from)
{
    uint8_t key[SIGNER_PUBLIC_LEN];
    const uint8_t *end = memchr(from.data, '\n', from.len);
    uint8_t *copy = malloc(from.len);

    assert(copy != NULL && end != NULL);
    memcpy(copy, from.data, from.len);
    for (size_t i = 1; i < (size_t)(end - from.data); i += 37) {
        copy[i] ^= 1;
        assert(writer_request_read(&ledger, bytes_of(copy, from.len), key) != ERR_OK);
        copy[i] ^= 1;
    }
    free(copy);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct bytes from = bytes_of(data, size);
    uint8_t key[SIGNER_PUBLIC_LEN];
    enum err recognised, rc;

    if (text_unhex(REPOSITORY, ledger.writers.repository, SEAL_ID_LEN) != ERR_OK)
        abort();
    recognised = writer_request_recognise(from);
    assert(recognised == ERR_OK || recognised == ERR_CORRUPT);
    err_clear();
    rc = writer_request_read(&ledger, from, key);
    assert(rc == ERR_OK || is_refusal(rc));
    err_clear();
    if (rc != ERR_OK)
        return 0;
    assert(recognised == ERR_OK);
    check_is_signed(from);
    err_clear();
    return 0;
}
