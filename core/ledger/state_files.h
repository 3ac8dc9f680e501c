/*
 * The names of all that lies in the state directory. The rooms share it, so the names stand in one
 * place, where none can be taken twice.
 *
 *   <stateDir>/repositories/<fingerprint>/   one repository's own, wherever it lies
 *   <stateDir>/locations/<digest>.json       which repository a path has shown
 *
 * Uses: nothing.
 */
#ifndef CORE_LEDGER_STATE_FILES_H
#define CORE_LEDGER_STATE_FILES_H

/* In the state directory that is configured. */
#define STATE_REPOSITORIES "repositories"
#define STATE_LOCATIONS "locations"
#define STATE_LOCATIONS_LOCK "locations.lock" /* held for moments, by whoever writes one */

/* In a repository's own. */
#define STATE_TRUST "trust.json"             /* what was seen of the repository */
#define STATE_RECORDS "records.jsonl"        /* records that were checked once */
#define STATE_SIGNING_KEY "signing-key.json" /* of this machine, as a writer */
#define STATE_ROOT_KEY "root-key.json"       /* of the repository, until it is moved away */
#define STATE_LEDGER_LOCK "ledger.lock"      /* held for moments, by whoever writes one of these */
#define STATE_BACKUP_LOCK "backup.lock"      /* held by a running backup */
#define STATE_BACKUP_JOURNAL "pending"       /* the names of what it has put */
#define STATE_INDEX_CACHE "cache"            /* a directory: the newest snapshot's index */

#endif
