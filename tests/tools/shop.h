/*
 * The database of a made-up shop, held open: its tables, named and configured as mongod does it.
 *
 * Every failure ends the program with a message: this serves tests only.
 * Uses: bson, documents, words, WiredTiger.
 */
#ifndef TESTS_TOOLS_SHOP_H
#define TESTS_TOOLS_SHOP_H

#include <stdbool.h>
#include <stdint.h>

#include "tests/tools/documents.h"

struct shop;

/* Open the database in `directory`, which exists; `fresh`: make it. A directory has one database
 * only. */
struct shop *shop_open(const char *directory, bool fresh);

/* A checkpoint, and a clean end: what a stopped mongod leaves. */
void shop_close(struct shop *shop, bool fresh);

/* How many documents of a kind were ever inserted; their numbers are 1 to that. */
int64_t shop_count(const struct shop *shop, enum kind kind);

/* Changes stand between a begin and a commit. The oplog is logged, the tables are not. */
void shop_begin(struct shop *shop);
void shop_commit(struct shop *shop);
void shop_insert(struct shop *shop, enum kind kind, bool into_oplog);
void shop_update(struct shop *shop, enum kind kind, int64_t record, uint64_t revision);

/* Say it on standard error and end with 1. */
_Noreturn void die(const char *fmt, ...) __attribute__((format(printf, 1, 2)));

#endif
