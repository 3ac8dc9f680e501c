/*
 * Which repository a path has shown: one small file in the state directory for each path, as it was
 * configured and as it is without its links.
 *
 * What was seen of a repository is kept by fingerprint, so a path says nothing of it. But a path
 * that shows another repository than before is an alarm: a link, another disk, or somebody's own
 * repository may be in its place, and the next backup would go there.
 * The file: {"format": 1, "location", "fingerprint", "root", "mountPoint"}, "location" for people.
 * Uses: core/base, core/fs, core/ledger.
 */
#ifndef CORE_REPOSITORY_LOCATION_H
#define CORE_REPOSITORY_LOCATION_H

#include <stdbool.h>

#include "core/base/err.h"
#include "core/ledger/ledger.h"

/* Zero-initialised: it has shown none. */
struct location {
    bool known;
    struct ledger_origin shown;
    bool is_mount_point; /* it was when it was seen: an empty directory there awaits its disk */
};

/* `base` is the configured state directory. A missing file leaves out->known false. ERR_CORRUPT: it
 * is damaged; the message says what to do. */
MUST_CHECK enum err location_read(const char *base, const char *path, struct location *out);

/* Remember what it shows now; nothing is written when that is known. ERR_CORRUPT: another run has
 * seen another repository there meanwhile, and `replace` is false. */
MUST_CHECK enum err location_keep(const char *base, const char *path, const struct location *now,
                                  bool replace);

/* Is a file system mounted there? False when it cannot be told. */
bool location_is_mount_point(const char *path);

#endif
