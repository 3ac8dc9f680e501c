#include <string.h>

#include "core/base/mem.h"
#include "core/fs/file.h"
#include "core/ledger/state_files.h"
#include "core/ledger/trust.h"
#include "core/repository/repository.h"

/* Genesis and the writer's enrolment: with fewer records a run was killed midway. */
#define RECORDS_MADE 2

static enum err load_seen(const char *state_dir, struct trust *out)
{
    char *path = NULL;
    enum err rc;

    TRY(file_join(state_dir, STATE_TRUST, &path));
    TRY(trust_load(path, out));
out:
    mem_free(path);
    return rc;
}

/* *seen is to be cleared either way. */
static bool has_seen(const char *state_dir, struct trust *seen)
{
    struct err_record before;
    bool has;

    err_take(ERR_OK, &before);
    has = load_seen(state_dir, seen) == ERR_OK && seen->known;
    (void)err_give(&before);
    return has;
}

bool repository_seen(const char *state_dir, char fingerprint[LEDGER_FINGERPRINT_LEN + 1])
{
    struct trust seen = {.known = false};
    bool is_seen = has_seen(state_dir, &seen);

    if (is_seen)
        memcpy(fingerprint, seen.fingerprint, sizeof seen.fingerprint);
    trust_clear(&seen);
    return is_seen;
}

bool repository_seen_id(const char *state_dir, uint8_t id[SEAL_ID_LEN])
{
    struct trust seen = {.known = false};
    bool is_seen = has_seen(state_dir, &seen);

    if (is_seen)
        memcpy(id, seen.repository, SEAL_ID_LEN);
    trust_clear(&seen);
    return is_seen;
}

static bool has_file(const char *state_dir, const char *name)
{
    struct err_record before;
    char *path = NULL;
    bool is_there;

    err_take(ERR_OK, &before);
    is_there = file_join(state_dir, name, &path) == ERR_OK && file_exists(path);
    (void)err_give(&before);
    mem_free(path);
    return is_there;
}

bool repository_has_signing_key(const char *state_dir)
{
    return has_file(state_dir, STATE_SIGNING_KEY);
}

bool repository_is_remembered(const char *state_dir)
{
    return has_file(state_dir, STATE_TRUST) || has_file(state_dir, STATE_SIGNING_KEY);
}

static enum err count_record(void *arg, const char *name, uint64_t size)
{
    size_t *count = arg;

    (void)name;
    (void)size;
    ++*count;
    return ERR_OK;
}

enum err repository_look(struct store *store, enum repository_presence *out)
{
    size_t records = 0;
    enum err rc;

    TRY(store_list(store, RECORD_DIRECTORY, count_record, &records));
    if (records == 0)
        *out = REPOSITORY_NONE;
    else
        *out = records < RECORDS_MADE ? REPOSITORY_BEGUN : REPOSITORY_MADE;
out:
    return rc;
}

bool repository_is_vacant(struct store *store)
{
    struct err_record before;
    bool is_empty = false;
    bool is_known;

    /* The message of the failure that raised the question is kept. */
    err_take(ERR_OK, &before);
    is_known = store_is_empty(store, &is_empty) == ERR_OK;
    (void)err_give(&before);
    return is_known && is_empty;
}
