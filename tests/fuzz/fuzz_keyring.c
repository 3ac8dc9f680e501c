/*
 * Hostile bytes as a keyring file. What decodes is within every limit, is encoded again to what
 * decodes to the same, and as a protected one does not pass the mac of a key nobody sealed it with.
 */
#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "keyring/file/file_model.h"
#include "keyring/file/file_seal.h"
#include "keyring/file/file_state.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static struct secret *kek;

static void check_limits(const struct file_keyring *k)
{
    assert(k->count >= 1 && k->count <= FILE_KEYRING_VERSIONS_MAX);
    assert(k->active >= 1 && k->active <= k->count);
    assert(k->generation >= 1 && k->generation <= FILE_GENERATION_MAX);
    assert(k->repository_count <= FILE_REPOSITORIES_MAX);
    if (k->protection.kdf == FILE_KDF_SCRYPT)
        assert(k->protection.n >= FILE_SCRYPT_N && k->protection.n <= FILE_SCRYPT_N_MAX &&
               k->protection.p >= 1 && k->protection.p <= FILE_SCRYPT_P_MAX);
    for (size_t i = 0; i < k->count; i++) {
        assert(k->versions[i].number == i + 1);
        assert(k->versions[i].stored_len <= FILE_KEY_STORED_MAX);
        assert((k->versions[i].stored_len == 0) == (k->versions[i].state == FILE_KEY_DESTROYED));
    }
}

static void check_round_trip(const struct file_keyring *k)
{
    struct buf b = {.max = 2 * FILE_KEYRING_LEN_MAX};
    struct file_keyring again = {.count = 0};

    assert(file_keyring_encode(k, file_is_protected(k) ? kek : NULL, &b) == ERR_OK);
    assert(file_keyring_decode(buf_bytes(&b), &again) == ERR_OK);
    assert(again.count == k->count && again.active == k->active);
    assert(memcmp(again.id, k->id, sizeof k->id) == 0);
    assert(again.generation == k->generation && again.repository_count == k->repository_count);
    assert(file_protection_equal(&again.protection, &k->protection));
    for (size_t i = 0; i < k->count; i++) {
        assert(again.versions[i].state == k->versions[i].state);
        assert(again.versions[i].deletion_ms == k->versions[i].deletion_ms);
        assert(again.versions[i].stored_len == k->versions[i].stored_len);
        assert(memcmp(again.versions[i].stored, k->versions[i].stored, k->versions[i].stored_len) ==
               0);
    }
    assert(file_seal_check(&again, file_is_protected(k) ? kek : NULL) == ERR_OK);
    file_keyring_clear(&again);
    buf_clear(&b);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct file_keyring k = {.count = 0};
    enum err rc;

    if (kek == NULL && secret_random(SEAL_KEY_LEN, &kek) != ERR_OK)
        abort();
    rc = file_keyring_decode(bytes_of(data, size), &k);
    if (rc != ERR_OK) {
        assert(rc == ERR_CORRUPT || rc == ERR_UNSUPPORTED);
        assert(*err_text() != '\0' && k.versions == NULL);
        return 0;
    }
    check_limits(&k);
    if (file_is_protected(&k))
        assert(file_seal_check(&k, kek) == ERR_KEY_INVALID);
    check_round_trip(&k);
    file_settle(&k, INT64_MAX);
    check_round_trip(&k);
    file_keyring_clear(&k);
    return 0;
}
