/*
 * No waiting for the disk: fsync, fdatasync and syncfs do nothing, in the programs whose files
 * include this header and in no other (see the Makefile). What is durable when is tested with the
 * store.
 *
 * Uses: nothing.
 */
#ifndef TESTS_UNIT_SNAPSHOT_FAKE_SYNC_H
#define TESTS_UNIT_SNAPSHOT_FAKE_SYNC_H

#endif
