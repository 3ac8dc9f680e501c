#include "core/ledger/cache.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "core/base/log.h"
#include "core/base/mem.h"
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
    const struct record_home *home;
    struct record_set *set;
    struct cache *cache;
    bool compare; /* nothing is taken into the set */
    size_t stale;
};

/* Takes `r`. */
static enum err keep_gone(struct taking *t, struct record *r)
{
    struct record_entry e = {.seq = r->seq, .record = r, .from = FROM_CACHE};
    enum err rc;

    memcpy(e.writer, r->writer, SIGNER_ID_LEN);
    rc = record_set_add(&t->cache->gone, &e);
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

    TRY(record_recall(raw, t->home, t->cache->good, &r));
    entry = record_set_find(t->set, r->writer, r->seq);
    if (entry == NULL || is_another(entry, r, raw.len)) {
        t->stale++;
        rc = keep_gone(t, r);
        r = NULL;
    } else if (!t->compare && entry->record == NULL) {
        entry->record = r;
        entry->from = FROM_CACHE;
        r = NULL; /* the set's now */
        t->cache->used++;
    } else {
        t->stale++; /* twice here, or compared only */
        if (entry->from == FROM_STORE)
            entry->from = FROM_CACHE;
        if (entry->record->home == NULL)
            record_move_home(entry->record, t->home, t->cache->good);
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

static void read_all(const char *path, struct record_home *home, struct taking *taking)
{
    struct cache *out = taking->cache;
    struct bundle_source from = {.read = read_file, .arg = &home->fd};

    *out = (struct cache){.renew = true};
    home->fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
    if (home->fd < 0)
        return;
    if (!may_be_trusted(path, home->fd, &from.size)) {
        close(home->fd);
        home->fd = -1;
        return;
    }
    taking->home = home;
    if (bundle_each(&from, take_cached_record, taking, &out->good) != ERR_OK)
        err_clear(); /* the records after it are read from the store */
    out->size = from.size;
    out->torn = out->good < from.size;
    out->renew = false;
}

enum err cache_read(const char *path, struct record_home *home, struct record_set *set,
                    struct cache *out)
{
    struct taking taking = {.set = set, .cache = out};

    read_all(path, home, &taking);
    out->renew = out->renew || (taking.stale > STALE_LEAST && taking.stale > out->used);
    return ERR_OK;
}

void cache_compare(const char *path, struct record_home *home, struct record_set *set,
                   struct cache *out)
{
    struct taking taking = {.set = set, .cache = out, .compare = true};
    const bool renew = out->renew;

    read_all(path, home, &taking);
    out->renew = out->renew || renew;
}

/* Where each record of the set will lie, and whether it has to be written. */
struct writing {
    int fd;
    uint64_t end;      /* of the file */
    uint64_t *offsets; /* owned; UINT64_MAX: it is not written */
    struct buf text;
};

static bool is_same_file(int a, int b)
{
    struct stat of_a, of_b;

    return fstat(a, &of_a) == 0 && fstat(b, &of_b) == 0 && of_a.st_dev == of_b.st_dev &&
           of_a.st_ino == of_b.st_ino;
}

/* The records that are at home in the old file go on being read from that, until all are here. */
static enum err open_new(const char *path, struct writing *w)
{
    if (unlink(path) != 0 && errno != ENOENT)
        return err_sys(ERR_FAILED, "removing %s", path);
    w->fd = open(path, O_RDWR | O_CREAT | O_EXCL | O_APPEND | O_CLOEXEC | O_NOFOLLOW, 0600);
    return w->fd < 0 ? err_sys(ERR_FAILED, "writing %s", path) : ERR_OK;
}

/* One run at a time appends, so that each knows where its records come to lie. *out is false when
 * nothing may be added: the file is not the one that was read, or has a torn end that another run
 * may be writing. The next opening will see. */
static enum err open_to_add(const char *path, const struct cache *found,
                            const struct record_home *home, struct writing *w, bool *out)
{
    struct stat st;
    enum err rc = ERR_OK;

    *out = false;
    w->fd = open(path, O_RDWR | O_CREAT | O_APPEND | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK, 0600);
    if (w->fd < 0 || flock(w->fd, LOCK_EX) != 0 || fstat(w->fd, &st) != 0)
        FAIL_SYS(ERR_FAILED, "writing %s", path);
    w->end = (uint64_t)st.st_size;
    if (home->fd < 0 ? w->end > 0 : !is_same_file(home->fd, w->fd))
        goto out;
    if (found != NULL && found->torn) {
        if (w->end != found->size)
            goto out;
        if (ftruncate(w->fd, (off_t)found->good) != 0)
            FAIL_SYS(ERR_FAILED, "cutting %s", path);
        w->end = found->good;
    }
    *out = true;
out:
    return rc;
}

static enum err flush(struct writing *w)
{
    enum err rc = w->text.len > 0 ? file_write(w->fd, buf_bytes(&w->text)) : ERR_OK;

    w->text.len = 0;
    return rc;
}

static bool is_to_be_written(const struct cache *found, const struct record_entry *entry)
{
    return entry->from == FROM_STORE || (found->renew && entry->from == FROM_CACHE);
}

static enum err write_records(struct writing *w, const struct cache *found,
                              const struct record_set *set)
{
    enum err rc = ERR_OK;

    TRY(mem_new(set->count, sizeof *w->offsets, &w->offsets));
    for (size_t i = 0; i < set->count; i++) {
        w->offsets[i] = UINT64_MAX;
        if (!is_to_be_written(found, &set->items[i]))
            continue;
        TRY(record_raw(set->items[i].record, &w->text));
        w->offsets[i] = w->end;
        w->end += set->items[i].record->len;
        if (w->text.len >= WRITE_LEN)
            TRY(flush(w));
    }
    TRY(flush(w));
out:
    return rc;
}

static void move_home(struct writing *w, struct record_home *home, const struct record_set *set)
{
    if (home->fd >= 0)
        close(home->fd);
    home->fd = w->fd;
    (void)flock(home->fd, LOCK_UN);
    w->fd = -1; /* the home's now */
    for (size_t i = 0; i < set->count; i++)
        if (w->offsets[i] != UINT64_MAX)
            record_move_home(set->items[i].record, home, w->offsets[i]);
}

static bool has_new(const struct cache *found, const struct record_set *set)
{
    for (size_t i = 0; i < set->count; i++)
        if (is_to_be_written(found, &set->items[i]))
            return true;
    return false;
}

enum err cache_write(const char *path, const struct cache *found, struct record_home *home,
                     struct record_set *set)
{
    struct writing w = {.fd = -1, .text = {.max = WRITE_LEN + RECORD_LEN_MAX}};
    bool may_add = true;
    enum err rc = ERR_OK;

    if (!has_new(found, set))
        goto out;
    if (found->renew)
        TRY(open_new(path, &w));
    else
        TRY(open_to_add(path, found, home, &w, &may_add));
    if (!may_add)
        goto out;
    TRY(write_records(&w, found, set));
    move_home(&w, home, set);
out:
    if (w.fd >= 0)
        close(w.fd);
    mem_free(w.offsets);
    buf_clear(&w.text);
    return rc;
}

enum err cache_add(const char *path, struct record_home *home, struct record *r)
{
    struct writing w = {.fd = -1};
    bool may_add = true;
    enum err rc;

    TRY(open_to_add(path, NULL, home, &w, &may_add));
    if (!may_add)
        goto out;
    TRY(file_write(w.fd, buf_bytes(&r->raw)));
    if (home->fd >= 0)
        record_move_home(r, home, w.end);
out:
    if (w.fd >= 0)
        close(w.fd);
    return rc;
}
