/*
 * What can be restored instead, when a key refuses.
 *
 * Uses: keyring, catalogue.
 */
#ifndef SNAPSHOT_RESTORE_ALTERNATIVES_H
#define SNAPSHOT_RESTORE_ALTERNATIVES_H

#include "core/repository/repository.h"
#include "keyring/keyring.h"
#include "snapshot/format/snapshot_list.h"

/* Add to the recorded error which newer and which older snapshot have a valid key now. Nothing is
 * added when the refused key's passphrase was rejected, and nobody is asked for one. */
void alternatives_hint(const struct repository *repository, struct keyring *keyring,
                       const struct snapshot_list *list, const struct snapshot *refused);

#endif
