#include "core/ledger/cache.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "core/base/log.h"
#include "core/fs/file.h"
#include "core/ledger/bundle.h"

#define OTHERS_MAY_WRITE 022
#define STALE_LEAST 64 /* fewer stale records are not worth rewriting the file */
#define WRITE_LEN (1 * MIB)

static enum err read_file(void *arg, uint64_t offset, void *to, size_t len)
{
    size_t got = 0;
    enum err rc;

    TRY(file_read_at(*(int *)arg, to, len, offset, &got));
    if (got < len)
        FAIL(ERR_CORRUPT, "the cache became shorter while it was read");
out:
    return rc;
}

void cache_clear(struct cache *c)
{
    record_set_clear(&c->gone);
    *c = (struct cache){.renew = false};
}

struct taking {
    struct record_set *set;
    struct cache *cache; /* NULL: nothing is taken into the set */
    struct record_set *gone;
    size_t stale;
};

/* Takes `r`. */
static enum err keep_gone(struct taking *t, struct record *r)
{
    struct record_entry e = {.seq = r->seq, .record = r, .from = FROM_CACHE};
    enum err rc;

    memcpy(e.writer, r->writer, SIGNER_ID_LEN);
    rc = record_set_add(t->gone, &e);
    if (rc != ERR_OK)
        record_free(r);
    return rc;
}

/* What lies at its place in the store is known to be another one, or may be. */
static bool is_another(const struct record_entry *entry, const struct record *r, size_t size)
{
    if (entry->record == NULL)
        return entry->size != size;
    return memcmp(entry->record->id, r->id, RECORD_ID_LEN) != 0;
}

static enum err take_cached_record(void *arg, struct bytes raw)
{
    struct taking *t = arg;
    struct record *r = NULL;
    struct record_entry *entry;
    enum err rc;

    TRY(record_parse(raw, &r));
    entry = record_set_find(t->set, r->writer, r->seq);
    if (entry == NULL || is_another(entry, r, raw.len)) {
        t->stale++;
        rc = keep_gone(t, r);
        r = NULL;
    } else if (t->cache != NULL && entry->record == NULL) {
        entry->record = r;
        entry->from = FROM_CACHE;
        r = NULL; /* the set's now */
        t->cache->used++;
    } else {
        t->stale++; /* twice here, or compared only */
        if (entry->from == FROM_STORE)
            entry->from = FROM_CACHE;
    }
out:
    record_free(r);
    return rc;
}

/* Signatures of cached records are not checked again, so nobody else may be able to write the file.
 */
static bool may_be_trusted(const char *path, int fd, uint64_t *size)
{
    struct stat st;

    if (fstat(fd, &st) != 0 || !S_ISREG(st.st_mode))
        return false;
    if ((st.st_mode & OTHERS_MAY_WRITE) != 0) {
        log_say(LOG_WARN, "%s can be written by others and is not used", path);
        return false;
    }
    *size = (uint64_t)st.st_size;
    return true;
}

enum err cache_read(const char *path, struct record_set *set, struct cache *out)
{
    struct taking taking = {.set = set, .cache = out, .gone = &out->gone};
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
    struct bundle_source from = {.read = read_file, .arg = &fd};
    enum err rc = ERR_OK;

    *out = (struct cache){.renew = fd < 0};
    if (fd < 0)
        goto out;
    if (!may_be_trusted(path, fd, &from.size)) {
        out->renew = true;
        goto out;
    }
    if (bundle_each(&from, take_cached_record, &taking, &out->good) != ERR_OK)
        err_clear(); /* the records after it are read from the store */
    out->torn = out->good < from.size;
    out->renew = taking.stale > STALE_LEAST && taking.stale > out->used;
out:
    if (fd >= 0)
        close(fd);
    return rc;
}

void cache_compare(const char *path, struct record_set *set, struct cache *out)
{
    struct taking taking = {.set = set, .gone = &out->gone};
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
    struct bundle_source from = {.read = read_file, .arg = &fd};

    if (fd < 0 || !may_be_trusted(path, fd, &from.size))
        out->renew = true;
    else if (bundle_each(&from, take_cached_record, &taking, &out->good) != ERR_OK)
        err_clear(); /* what is damaged there tells nothing */
    out->torn = out->good < from.size;
    if (fd >= 0)
        close(fd);
}

static enum err open_to_add(const char *path, int *fd)
{
    *fd = open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK, 0600);
    if (*fd < 0)
        return err_sys(ERR_FAILED, "writing %s", path);
    return ERR_OK;
}

/* A run that was killed leaves a torn end. If two runs write at the same moment, one loses its
 * records and reads them from the store the next time. */
static enum err cut_torn_end(const char *path, int fd, const struct cache *found)
{
    uint64_t keep = found->renew ? 0 : found->good;

    if ((found->renew || found->torn) && ftruncate(fd, (off_t)keep) != 0)
        return err_sys(ERR_FAILED, "cutting %s", path);
    if (found->renew && fchmod(fd, 0600) != 0)
        return err_sys(ERR_FAILED, "setting the mode of %s", path);
    return ERR_OK;
}

static bool is_to_be_written(const struct cache *found, const struct record_entry *entry)
{
    return entry->from == FROM_STORE || (found->renew && entry->from == FROM_CACHE);
}

enum err cache_write(const char *path, const struct cache *found, const struct record_set *set)
{
    struct buf text = {.max = WRITE_LEN + RECORD_LEN_MAX};
    int fd = -1;
    enum err rc = ERR_OK;

    for (size_t i = 0; i < set->count; i++) {
        if (!is_to_be_written(found, &set->items[i]))
            continue;
        if (fd < 0) {
            TRY(open_to_add(path, &fd));
            TRY(cut_torn_end(path, fd, found));
        }
        TRY(buf_add(&text, buf_bytes(&set->items[i].record->raw)));
        if (text.len >= WRITE_LEN) {
            TRY(file_write(fd, buf_bytes(&text)));
            text.len = 0;
        }
    }
    if (text.len > 0)
        TRY(file_write(fd, buf_bytes(&text)));
out:
    if (fd >= 0)
        close(fd);
    buf_clear(&text);
    return rc;
}

enum err cache_add(const char *path, const struct record *r)
{
    int fd = -1;
    enum err rc;

    TRY(open_to_add(path, &fd));
    TRY(file_write(fd, buf_bytes(&r->raw)));
out:
    if (fd >= 0)
        close(fd);
    return rc;
}
