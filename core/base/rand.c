#include "core/base/rand.h"

#include <openssl/rand.h>

enum err rand_fill(void *data, size_t len)
{
    if (RAND_bytes(data, (int)len) != 1)
        return err_set(ERR_FAILED, "the random generator failed");
    return ERR_OK;
}
