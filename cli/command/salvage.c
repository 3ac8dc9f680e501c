#include "cli/command/salvage.h"

#include <string.h>

#include "core/base/log.h"
#include "core/fs/file.h"
#include "core/ledger/record_alone.h"

void salvage_clear(struct salvage *s)
{
    record_free(s->record);
    *s = (struct salvage){.record = NULL};
}

static enum err read_record(const char *path, struct record **out)
{
    struct buf raw = {.max = RECORD_LEN_MAX};
    struct record *r = NULL;
    enum err rc;

    TRY(file_read(path, &raw));
    TRY(record_parse(buf_bytes(&raw), &r));
    if (r->type != RECORD_SNAPSHOT) {
        rc = err_set(ERR_USAGE, "it is a %s record, and not one of a snapshot",
                     record_type_name(r->type));
        goto out;
    }
    *out = r;
    r = NULL; /* the caller's now */
out:
    if (rc == ERR_CORRUPT || rc == ERR_UNSUPPORTED || rc == ERR_USAGE)
        err_note("%s", path);
    record_free(r);
    buf_clear(&raw);
    return rc;
}

/* The store, and which repository it should be; the ledger is left alone. */
static enum err open_store(struct session *s)
{
    enum err rc;

    TRY(session_open_store(s, false));
    TRY(session_look(s));
    TRY(session_check_places(s));
    TRY(repository_of_store(s->store, &s->repository));
out:
    return rc;
}

/* When root cannot be asked: this machine may know which repository it was. */
static enum err check_repository(const struct session *s, const struct record *r)
{
    uint8_t seen[SEAL_ID_LEN];

    if (s->state_dir == NULL || !repository_seen_id(s->state_dir, seen) ||
        memcmp(seen, r->repository, SEAL_ID_LEN) == 0)
        return ERR_OK;
    return err_set(ERR_CORRUPT, "the record belongs to another repository");
}

static void say_unchecked(const struct session *s, const char *unchecked)
{
    log_say(LOG_WARN, "the ledger is not read: whether this snapshot was deleted, whether there is "
                      "a newer one, and whether the repository was rolled back is not checked; "
                      "envelopes by `sealpoint key rewrap` are not looked for");
    if (*unchecked != '\0')
        log_say(LOG_WARN,
                "whether a writer of this repository has signed the record is not checked: %s",
                unchecked);
    else if (!session_is_known(s) && s->pinned == NULL)
        log_say(LOG_WARN,
                "the record is signed by a writer of the repository %s, and whether that is the "
                "right one is not checked: compare it, or give --fingerprint",
                s->fingerprint);
}

enum err salvage_open(struct session *session, const char *path, struct salvage *out)
{
    struct salvage s = {.record = NULL};
    char unchecked[ERR_TEXT_MAX];
    enum err rc;

    TRY(open_store(session));
    TRY(read_record(path, &s.record));
    rc = record_alone_check(session->store, s.record, session->fingerprint, unchecked);
    if (rc == ERR_OK)
        rc = check_repository(session, s.record);
    if (rc == ERR_CORRUPT)
        err_note("%s", path);
    TRY(rc);
    TRY(snapshot_record_read(NULL, s.record, &s.snapshot));
    s.is_unsigned = *unchecked != '\0';
    say_unchecked(session, unchecked);
    *out = s;
    s.record = NULL; /* the caller's now */
out:
    salvage_clear(&s);
    return rc;
}
