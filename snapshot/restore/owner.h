/*
 * Whose a restored file is on this machine: the user and group of its entry's names, where they are
 * known here, else its numbers; the numbers alone; or one owner for all.
 *
 * Numbers differ between machines, names seldom do: the mongodb user of the old host must not
 * become whoever has his number here. Uses: core/base, entry.
 */
#ifndef SNAPSHOT_RESTORE_OWNER_H
#define SNAPSHOT_RESTORE_OWNER_H

#include <stdbool.h>
#include <stdint.h>

#include "core/base/err.h"
#include "snapshot/format/acl.h"
#include "snapshot/format/entry.h"

struct owner_options {
    bool numeric;      /* names count for nothing */
    const char *fixed; /* "USER:GROUP", each a name or a number, for all entries; NULL: none */
};

/* How names are looked up; a test has its own. Each gives *known = false for a name that is not
 * there. ERR_FAILED: cannot be told (a directory service that does not answer). */
struct owner_lookup {
    enum err (*user)(const char *name, uint32_t *uid, bool *known);
    enum err (*group)(const char *name, uint32_t *gid, bool *known);
};
extern const struct owner_lookup owner_lookup_system;

struct owner_map;

/* `lookup` is borrowed. ERR_USAGE: `fixed` is not of that form, or names nobody. */
MUST_CHECK enum err owner_map_new(const struct owner_options *o, const struct owner_lookup *lookup,
                                  struct owner_map **out);
void owner_map_free(struct owner_map *m);

/* Any thread. Each name is looked up once; one that is not known here is said by log_say, once.
 * ERR_FAILED: cannot be told. */
MUST_CHECK enum err owner_map_find(struct owner_map *m, const struct entry *e, uint32_t *uid,
                                   uint32_t *gid);
/* The same for a row of an ACL that has a name or number; `m` may be NULL: numbers alone. *known =
 * false: it has no number, and its name is not known here. */
MUST_CHECK enum err owner_map_find_row(struct owner_map *m, const struct acl_row *row, uint32_t *id,
                                       bool *known);

#endif
