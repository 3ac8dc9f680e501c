#include "core/repository/readme.h"

static const char text[] =
    "This is a repository of sealpoint: sealed backups, and a signed ledger that says what they "
    "are.\n"
    "\n"
    "Format: version 1. It is described byte by byte in docs/FORMAT.md of sealpoint's source, "
    "well\n"
    "enough to write another reader; tests/reference there is one, in Python.\n"
    "\n"
    "ledger/ can be read by anybody: `head -1 FILE | jq`. Check all of it, without any key:\n"
    "    sealpoint verify --repository DIRECTORY --read-data\n"
    "Restore, with the keyring and its passphrase, which should not lie here:\n"
    "    sealpoint restore latest --repository DIRECTORY --to NEW-DIRECTORY\n"
    "\n"
    "Change, rename and remove nothing here by hand: it would be taken for an attack. This file\n"
    "alone is nobody's: no program reads it, and no signature covers it.\n";

enum err readme_put(struct store *store)
{
    enum err rc = store_put(store, STORE_README, bytes_of_text(text));

    if (rc == ERR_EXISTS) {
        err_clear();
        rc = ERR_OK;
    }
    return rc;
}
