#include "keyring/admin.h"

#include <libgen.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/hash.h"
#include "core/base/mem.h"
#include "core/base/text.h"
#include "core/fs/file.h"
#include "keyring/file/file_kek.h"
#include "keyring/keyring_internal.h"

void key_versions_clear(struct key_versions *v)
{
    mem_free(v->items);
    v->items = NULL;
    v->count = 0;
}

static enum err refuse_elsewhere(const struct provider *p)
{
    err_set(ERR_USAGE, "master keys of provider %s are managed in their key service", p->name);
    err_hint("use its console or command line; `sealpoint key check` sees the result");
    return ERR_USAGE;
}

/* ERR_USAGE unless there is a master key `i` and it is managed here. */
static enum err find_managed(const struct keyring *k, size_t i)
{
    enum err rc;

    TRY(keyring_has(k, i));
    if (k->keys[i].does->admin == NULL)
        return refuse_elsewhere(k->keys[i].does);
out:
    return rc;
}

enum err keyring_create(struct keyring *k, size_t i, bool unencrypted, struct key_name *out)
{
    enum err rc;

    TRY(find_managed(k, i));
    TRY(k->keys[i].does->admin->create(k->keys[i].self, unencrypted, out));
out:
    return rc;
}

enum err keyring_versions(struct keyring *k, size_t i, bool verify, struct key_versions *out)
{
    enum err rc;

    TRY(find_managed(k, i));
    TRY(k->keys[i].does->admin->versions(k->keys[i].self, verify, out));
out:
    return rc;
}

enum err keyring_purge(struct keyring *k, size_t i)
{
    enum err rc;

    TRY(find_managed(k, i));
    TRY(k->keys[i].does->admin->purge(k->keys[i].self));
out:
    return rc;
}

enum err keyring_passphrase(struct keyring *k, size_t i, const char *file)
{
    enum err rc;

    TRY(find_managed(k, i));
    TRY(k->keys[i].does->admin->passphrase(k->keys[i].self, file));
out:
    return rc;
}

enum err keyring_generate_secret(const char *file)
{
    struct secret *line = NULL;
    enum err rc;

    TRY(file_kek_generate(&line));
    TRY(file_create(file, secret_bytes(line), 0600));
out:
    if (rc != ERR_OK)
        err_note("passphrase file %s", file);
    secret_free(line);
    return rc;
}

enum err keyring_serve(struct keyring *k, size_t i, const char *fingerprint)
{
    uint8_t raw[HASH_LEN];
    enum err rc;

    TRY(find_managed(k, i));
    if (text_unhex(fingerprint, raw, sizeof raw) != ERR_OK)
        FAIL(ERR_USAGE, "\"%.80s\" is not a fingerprint", fingerprint);
    TRY(k->keys[i].does->admin->serve(k->keys[i].self, raw));
out:
    return rc;
}

enum err keyring_rotate(struct keyring *k, size_t i, struct key_name *out)
{
    enum err rc;

    TRY(find_managed(k, i));
    TRY(k->keys[i].does->admin->rotate(k->keys[i].self, out));
out:
    return rc;
}

enum err keyring_act(struct keyring *k, size_t i, enum key_action action, const char *version,
                     uint64_t days, struct key_version *out)
{
    enum err rc;

    TRY(find_managed(k, i));
    TRY(k->keys[i].does->admin->act(k->keys[i].self, action, version, days, out));
out:
    return rc;
}

/* The directory of `path`, links resolved, with a '/' at the end; it need not hold the file yet. */
static enum err resolve_directory_of(const char *path, bool is_directory, char **out)
{
    char *copy = NULL;
    char *resolved = NULL;
    const char *directory = path;
    enum err rc;

    TRY(mem_text(path, &copy));
    if (!is_directory)
        directory = dirname(copy);
    resolved = realpath(directory, NULL);
    TRY(mem_format(out, "%s/", resolved != NULL ? resolved : directory));
out:
    mem_free(resolved);
    mem_free(copy);
    return rc;
}

/* Compared by resolved path with a trailing slash, so that "/backup2" is not inside "/backup". */
enum err key_place_of(const char *keyring_path, const char *repository, enum key_place *out)
{
    char *of_keyring = NULL;
    char *of_repository = NULL;
    char *beside = NULL;
    enum err rc;

    TRY(resolve_directory_of(keyring_path, false, &of_keyring));
    TRY(resolve_directory_of(repository, true, &of_repository));
    TRY(resolve_directory_of(repository, false, &beside));
    *out = KEY_PLACE_APART;
    if (strncmp(of_keyring, of_repository, strlen(of_repository)) == 0)
        *out = KEY_PLACE_INSIDE;
    else if (strcmp(of_keyring, beside) == 0)
        *out = KEY_PLACE_BESIDE;
out:
    mem_free(of_keyring);
    mem_free(of_repository);
    mem_free(beside);
    return rc;
}
