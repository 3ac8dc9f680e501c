#include "cli/command/key_ledger.h"

#include "core/base/log.h"
#include "keyring/catalogue/check.h"

void key_ledger_open(struct session *session)
{
    if (settings_text(session->settings, OPTION_REPOSITORY) == NULL ||
        session_open_repository(session, SESSION_READ) == ERR_OK)
        return;
    log_say(LOG_WARN, "what the ledger knows of this keyring is not known: %s", err_text());
    err_clear();
    key_ledger_close(session);
}

/* The keyring must not ask a ledger that is gone. */
void key_ledger_close(struct session *session)
{
    static const struct keyring_witness nobody = {.arg = NULL};

    keyring_remind(session->keyring, &nobody);
    repository_free(session->repository);
    session->repository = NULL;
}

void key_ledger_record(struct session *session)
{
    struct check check = {0};

    if (session->repository == NULL)
        return;
    if (check_run(session->keyring, session_ledger(session), false, &check) == ERR_OK)
        session_checkpoint(session);
    else
        log_say(LOG_WARN, "the change is not in the ledger yet: %s", err_text());
    err_clear();
    check_clear(&check);
}
