/*
 * How far a long job is: counters that workers add to and the cli's ticker reads.
 *
 * Uses: nothing.
 */
#ifndef SNAPSHOT_FORMAT_PROGRESS_H
#define SNAPSHOT_FORMAT_PROGRESS_H

#include <stdatomic.h>

struct progress {
    atomic_ullong done_bytes;
    atomic_ullong total_bytes; /* 0: not known (a stream) */
    atomic_ullong done_files;
};

#endif
