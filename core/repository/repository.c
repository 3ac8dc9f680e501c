#include "core/repository/repository.h"

#include "core/base/log.h"
#include "core/base/mem.h"
#include "core/fs/file.h"

/* Unlike /tmp it is on a disk: an index may be larger than the memory. */
#define TEMPORARIES "/var/tmp"

struct repository {
    struct store *store;   /* borrowed */
    struct ledger *ledger; /* owned; NULL: it is not opened */
};

/* ledger_create() or ledger_open(). */
typedef enum err get_ledger(const struct ledger_options *options, struct ledger **out);

static enum err open_by(get_ledger *get, const struct repository_options *options,
                        struct repository **out)
{
    const struct ledger_options of_ledger = {
        .store = options->store,
        .state_dir = options->state_dir,
        .states = options->states,
        .fingerprint = options->fingerprint,
        .report = options->report,
        .checkpoint_life_ms = options->checkpoint_life_ms,
        .read_all = options->read_all,
        .root = options->root,
    };
    struct repository *r = NULL;
    enum err rc;

    TRY(mem_new(1, sizeof *r, &r));
    r->store = options->store;
    TRY(get(&of_ledger, &r->ledger));
    *out = r;
    r = NULL; /* the caller's now */
out:
    repository_free(r);
    return rc;
}

enum err repository_create(const struct repository_options *options, struct repository **out)
{
    return open_by(ledger_create, options, out);
}

enum err repository_open(const struct repository_options *options, struct repository **out)
{
    return open_by(ledger_open, options, out);
}

enum err repository_of_store(struct store *store, struct repository **out)
{
    struct repository *r = NULL;
    enum err rc;

    TRY(mem_new(1, sizeof *r, &r));
    r->store = store;
    *out = r;
out:
    return rc;
}

void repository_free(struct repository *r)
{
    if (r == NULL)
        return;
    ledger_free(r->ledger);
    mem_free(r);
}

struct ledger *repository_ledger(const struct repository *r)
{
    return r->ledger;
}

struct store *repository_store(const struct repository *r)
{
    return r->store;
}

const char *repository_state_dir(const struct repository *r)
{
    return r->ledger != NULL ? ledger_state_dir(r->ledger) : NULL;
}

enum err repository_state_path(const struct repository *r, const char *name, char **out)
{
    const char *dir = repository_state_dir(r);

    if (dir == NULL)
        return err_set(ERR_STORAGE, "there is no state directory for %s", name);
    return file_join(dir, name, out);
}

enum err repository_temporary(const struct repository *r, int *fd)
{
    const char *dir = repository_state_dir(r);
    enum err rc;

    if (dir != NULL) {
        rc = file_temporary(dir, fd);
        if (rc == ERR_OK)
            return rc;
        log_say(LOG_WARN, "%s: " TEMPORARIES " is used instead", err_text());
        err_clear();
    }
    rc = file_temporary(TEMPORARIES, fd);
    if (rc != ERR_OK)
        err_hint("--state-dir DIR names a directory that can be written");
    return rc;
}
