#include "cli/command/escrow.h"

#include "cli/terminal.h"
#include "snapshot/read/snapshot_reader.h"

/* The whole way to the index: what is named has to work. */
static bool opens(struct session *s, const struct snapshot *of, size_t envelope)
{
    struct snapshot_reader reader = {0};
    bool is_open;

    terminal_hold(true);
    is_open = snapshot_reader_open_part(s->repository, s->keyring, of, envelope, &reader) == ERR_OK;
    terminal_hold(false);
    err_clear();
    if (is_open)
        snapshot_reader_clear(&reader);
    return is_open;
}

static bool is_about_keys(enum err rc)
{
    return rc == ERR_KEY_INVALID || rc == ERR_KEY_UNREACHABLE;
}

enum err escrow_hint(struct session *s, const struct snapshot *of, enum err rc)
{
    size_t count = s->settings->key_count;
    struct err_record failure = {0};
    size_t found = 0;

    if (!is_about_keys(rc) || of == NULL || s->keyring == NULL || s->repository == NULL ||
        settings_number(s->settings, OPTION_ENVELOPE) != 0)
        return rc;
    err_take(rc, &failure);
    for (size_t i = 1; i < count && found == 0; i++)
        if (opens(s, of, i))
            found = i;
    rc = err_give(&failure);
    if (found > 0)
        err_hint("`--envelope %zu` opens it by another master key", found);
    else if (count > 1 && s->settings->keys[1].passphrase_file == NULL &&
             !settings_flag(s->settings, OPTION_NO_PASSPHRASE))
        err_hint("`--envelope 1` may open it by another master key, whose passphrase is asked for");
    return rc;
}
