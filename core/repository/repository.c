#include "core/repository/repository.h"

#include "core/base/mem.h"
#include "core/fs/file.h"

struct repository {
    struct store *store;   /* borrowed */
    struct ledger *ledger; /* owned */
    char *state_dir;
};

/* ledger_create() or ledger_open(). */
typedef enum err get_ledger(const struct ledger_options *options, struct ledger **out);

static enum err open_by(get_ledger *get, const struct repository_options *options,
                        struct repository **out)
{
    const struct ledger_options of_ledger = {
        .store = options->store,
        .state_dir = options->state_dir,
        .fingerprint = options->fingerprint,
        .read_all = options->read_all,
        .root = options->root,
    };
    struct repository *r = NULL;
    enum err rc;

    TRY(mem_new(1, sizeof *r, &r));
    r->store = options->store;
    TRY(mem_text(options->state_dir, &r->state_dir));
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

void repository_free(struct repository *r)
{
    if (r == NULL)
        return;
    ledger_free(r->ledger);
    mem_free(r->state_dir);
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
    return r->state_dir;
}

enum err repository_state_path(const struct repository *r, const char *name, char **out)
{
    return file_join(r->state_dir, name, out);
}
