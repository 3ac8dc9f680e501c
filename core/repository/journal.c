#include "core/repository/journal.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <string.h>
#include <unistd.h>

#include "core/base/log.h"
#include "core/base/mem.h"
#include "core/fs/file.h"
#include "core/ledger/state_files.h"

#define JOURNAL_LEN_MAX (64 * MIB)

struct journal {
    int fd; /* owned */
    char *path;
    pthread_mutex_t lock;
    uint64_t len; /* of whole lines */
};

/* One row for each kind of run. */
static const struct kind {
    enum record_type type; /* of the record that makes it real */
    const char *file;      /* in the state directory */
    const char *run;       /* for messages */
} kinds[] = {
    {RECORD_SNAPSHOT, STATE_BACKUP_JOURNAL, "backup"},
};
#define KIND_COUNT (sizeof kinds / sizeof kinds[0])

static const struct kind *find_kind(enum record_type type)
{
    size_t i = 0;

    while (i < KIND_COUNT && kinds[i].type != type)
        i++;
    assert(i < KIND_COUNT);
    return &kinds[i];
}

static bool is_recorded(const struct ledger *ledger, enum record_type type, const char *id)
{
    for (size_t i = ledger_count(ledger); i-- > 0;) {
        const struct record *r = ledger_at(ledger, i);

        if (r->type == type && strcmp(r->facts.id, id) == 0)
            return true;
    }
    return false;
}

/* The ledger as it is now. It was opened before the lock was taken: a run that made its record in
 * between, and was killed then, would be taken for one that did not come so far. */
static enum err is_recorded_now(const struct repository *repository, enum record_type type,
                                const char *id, bool *is)
{
    const struct repository_options options = {.store = repository_store(repository),
                                               .state_dir = repository_state_dir(repository)};
    struct repository *now = NULL;
    enum err rc;

    TRY(repository_open(&options, &now));
    *is = is_recorded(repository_ledger(now), type, id);
out:
    repository_free(now);
    return rc;
}

/* Line 1 is the run's id, each further one an object's name. A torn last line names nothing:
 * its object was not begun. */
static enum err remove_pending(struct store *store, char *line)
{
    enum err rc = ERR_OK;

    for (char *end; (end = strchr(line, '\n')) != NULL; line = end + 1) {
        *end = '\0';
        TRY(store_remove(store, line));
    }
out:
    return rc;
}

static enum err undo_note(const struct repository *repository, const struct kind *kind, bool is_own,
                          struct buf *text)
{
    char *first = (char *)text->data;
    char *end = strchr(first, '\n');
    bool is_made = false;
    enum err rc = ERR_OK;

    if (end == NULL)
        return ERR_OK;
    *end = '\0';
    TRY(is_recorded_now(repository, kind->type, first, &is_made));
    if (is_made)
        goto out;
    log_say(is_own ? LOG_DEBUG : LOG_INFO, "removing what an interrupted %s (%s) left behind",
            kind->run, first);
    TRY(remove_pending(repository_store(repository), end + 1));
out:
    return rc;
}

static enum err finish_journal(const struct repository *repository, enum record_type type,
                               bool is_own)
{
    const struct kind *kind = find_kind(type);
    char *path = NULL;
    struct buf text = {.max = JOURNAL_LEN_MAX};
    enum err rc;

    TRY(store_sweep(repository_store(repository)));
    TRY(ledger_sweep(repository_ledger(repository)));
    TRY(repository_state_path(repository, kind->file, &path));
    rc = file_read(path, &text);
    if (rc == ERR_NOT_FOUND) {
        rc = ERR_OK;
        goto out;
    }
    TRY(rc);
    TRY(buf_add(&text, bytes_of("", 1)));
    TRY(undo_note(repository, kind, is_own, &text));
    if (unlink(path) != 0)
        FAIL_SYS(ERR_FAILED, "removing %s", path);
out:
    if (rc != ERR_OK)
        err_note("cleaning up after an interrupted %s", kind->run);
    mem_free(path);
    buf_clear(&text);
    return rc;
}

enum err journal_recover(const struct repository *repository, enum record_type type)
{
    return finish_journal(repository, type, false);
}

enum err journal_undo(const struct repository *repository, enum record_type type)
{
    return finish_journal(repository, type, true);
}

enum err journal_new(const struct repository *repository, enum record_type type, const char *id,
                     struct journal **out)
{
    struct journal *j = NULL;
    enum err rc;

    TRY(mem_new(1, sizeof *j, &j));
    pthread_mutex_init(&j->lock, NULL);
    j->fd = -1;
    TRY(repository_state_path(repository, find_kind(type)->file, &j->path));
    j->fd = open(j->path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    if (j->fd < 0)
        FAIL_SYS(ERR_FAILED, "making %s", j->path);
    TRY(journal_add(j, id));
    *out = j;
    j = NULL; /* the caller's now */
out:
    journal_free(j);
    return rc;
}

/* A line that a full disk tore is not continued by the next one: that takes its place. */
enum err journal_add(struct journal *j, const char *name)
{
    char *line = NULL;
    enum err rc;

    pthread_mutex_lock(&j->lock);
    TRY(mem_format(&line, "%s\n", name));
    TRY(file_write_at(j->fd, bytes_of_text(line), j->len));
    j->len += strlen(line);
out:
    if (rc != ERR_OK)
        err_note("writing %s", j->path);
    pthread_mutex_unlock(&j->lock);
    mem_free(line);
    return rc;
}

enum err journal_forget(struct journal *j)
{
    if (unlink(j->path) != 0)
        return err_sys(ERR_FAILED, "removing %s", j->path);
    return ERR_OK;
}

void journal_free(struct journal *j)
{
    if (j == NULL)
        return;
    if (j->fd >= 0)
        close(j->fd);
    pthread_mutex_destroy(&j->lock);
    mem_free(j->path);
    mem_free(j);
}
