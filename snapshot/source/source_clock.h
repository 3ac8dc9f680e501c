/*
 * What a source tells of its own clock, and of which state of a volume it shows.
 *
 * Times are compared with times of the same file system: a snapshot of one was frozen long before
 * our own start, and on a whole-second file system much happens within one of its ticks.
 * Uses: core/base, core/fs.
 */
#ifndef SNAPSHOT_SOURCE_SOURCE_CLOCK_H
#define SNAPSHOT_SOURCE_SOURCE_CLOCK_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/stat.h>

#include "core/base/err.h"
#include "core/base/hash.h"
#include "core/fs/walk.h"

/* On a file system, what is this much younger than the newest change is not settled: a change that
 * the snapshot lacks may have the same time. Two seconds are more than one tick of the coarsest
 * clocks, and than most of what btrfs takes from writing data back to freezing it. */
#define SOURCE_SETTLE_MS 2000
/* More file systems than this in one source: the files of the others are never settled. */
#define SOURCE_DEVICES_MAX 16

/*
 * Which file systems a source lies on. All zeros: not known, and equal to nothing.
 */
struct source_marks {
    /* The same: these very volumes, mounted by this same kernel, so that every change since has
     * passed through them and got a time of our own clock. */
    uint8_t mount[HASH_LEN];
    /* The volume, subvolume or dataset, where each snapshot is one of its own. Another: it was
     * frozen at another time, if it is not a copy of the same snapshot. */
    uint8_t state[HASH_LEN];
    /* The state that this one is a snapshot of, where that is known. */
    uint8_t origin[HASH_LEN];
    /* Changes may come from another machine, with a clock of its own. */
    bool is_remote;
};

/* As they are kept beside the index of a snapshot; `is_remote` is asked of the source at hand. */
#define SOURCE_MARKS_LEN (3 * HASH_LEN)
void source_marks_encode(const struct source_marks *m, uint8_t out[SOURCE_MARKS_LEN]);
void source_marks_decode(const uint8_t from[SOURCE_MARKS_LEN], struct source_marks *out);

/* Both are known, and are the same volumes under the same kernel. */
bool source_marks_same_mount(const struct source_marks *a, const struct source_marks *b);
/* Both are known, are not the same state, and neither is a snapshot of the other. */
bool source_marks_other_state(const struct source_marks *a, const struct source_marks *b);

struct source_device {
    dev_t device;
    int64_t newest_s; /* the newest change of anything on it, but for times to come */
    uint32_t newest_ns;
    uint8_t mount[HASH_LEN];
    bool is_met; /* again, while the source is read */
};

/* Held in place. Everything is looked at once before anything is read: then the source's clock was
 * at `newest` at least, whatever is read of it later. */
struct source_clock {
    int64_t began_ns; /* our clock, before the first look */
    struct source_device devices[SOURCE_DEVICES_MAX];
    size_t count;
    bool has_more;             /* devices than there is room for */
    struct source_marks first; /* of the first device, the source's root */
};

void source_clock_init(struct source_clock *c);
/* ERR_FAILED: hashing is not possible. What is left out of a snapshot should be looked at, too. */
MUST_CHECK enum err source_clock_look(struct source_clock *c, const struct walk_item *item);
/* While it is read: something on this device was met. */
void source_clock_meet(struct source_clock *c, dev_t device);
/* How many of the devices that were there at the first look were not met again. */
size_t source_clock_missed(const struct source_clock *c);
/* The source's clock was past this change when the first look was over: who reads the file now, and
 * finds the same time later, has the content of that time. */
bool source_clock_is_settled(const struct source_clock *c, const struct stat *st);
/* After the last look. ERR_FAILED: as above. */
MUST_CHECK enum err source_clock_marks(const struct source_clock *c, struct source_marks *out);

#endif
