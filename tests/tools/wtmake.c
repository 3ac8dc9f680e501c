/*
 * wtmake makes a real WiredTiger database, laid out as a stopped mongod leaves its dbpath.
 *
 *   wtmake create DIR SIZE_MB   a new database of about that size on disk; DIR is new or empty
 *   wtmake update DIR COUNT     scattered changes: four of five are updates, the rest inserts
 *   wtmake run DIR COUNT        the same, says "running", and has it open until it is killed
 *
 * Tables as mongod names and configures them: collection-N-X (key q, value u, snappy blocks, BSON
 * documents), index-N-X (keys with prefix compression), _mdb_catalog, sizeStorer, an oplog that is
 * logged; journal/ with a snappy log, storage.bson, an empty mongod.lock. What is in the tables
 * follows from the arguments alone; where WiredTiger puts its pages does not.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "tests/tools/bson.h"
#include "tests/tools/documents.h"
#include "tests/tools/shop.h"
#include "tests/tools/words.h"

#define BATCH 200             /* changes in one transaction */
#define DOCUMENTS_PER_MB 1720 /* measured; snappy blocks and indexes included */

static int64_t number(const char *text, int64_t max)
{
    char *end;
    long long value;

    errno = 0;
    value = strtoll(text, &end, 10);
    if (errno != 0 || end == text || *end != '\0' || value < 1 || value > max)
        die("%s: a number from 1 to %lld is expected", text, (long long)max);
    return value;
}

static void write_file(const char *directory, const char *name, const void *at, size_t len)
{
    char path[4096];
    int fd;

    (void)snprintf(path, sizeof path, "%s/%s", directory, name);
    fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    if (fd < 0 || write(fd, at, len) != (ssize_t)len || close(fd) != 0)
        die("%s: %s", path, strerror(errno));
}

static void write_storage_bson(const char *directory)
{
    uint8_t room[256];
    struct bson b = {.at = room, .room = sizeof room};

    bson_start(&b);
    bson_begin(&b, BSON_DOCUMENT, "storage");
    bson_text(&b, "engine", "wiredTiger");
    bson_begin(&b, BSON_DOCUMENT, "options");
    bson_bool(&b, "directoryPerDB", false);
    bson_bool(&b, "directoryForIndexes", false);
    bson_bool(&b, "groupCollections", false);
    bson_end(&b);
    bson_end(&b);
    bson_finish(&b);
    write_file(directory, "storage.bson", b.at, b.len);
}

static void make_directory(const char *path)
{
    if (mkdir(path, 0700) != 0 && errno != EEXIST)
        die("%s: %s", path, strerror(errno));
}

static void create(const char *directory, int64_t size_mb)
{
    int64_t count = size_mb * DOCUMENTS_PER_MB;
    char journal[4096];
    struct chance c = chance_of(1, 1, 1);
    struct shop *shop;

    make_directory(directory);
    (void)snprintf(journal, sizeof journal, "%s/journal", directory);
    make_directory(journal);
    shop = shop_open(directory, true);
    for (int64_t i = 0; i < count; i++) {
        if (i % BATCH == 0)
            shop_begin(shop);
        /* A real oplog is capped: only its newest entries are still there. */
        shop_insert(shop, kind_any(&c), count - i < count / 50);
        if (i % BATCH == BATCH - 1 || i == count - 1)
            shop_commit(shop);
    }
    shop_close(shop, true);
    write_storage_bson(directory);
    write_file(directory, "mongod.lock", "", 0);
}

static void change_one(struct shop *shop, struct chance *c, int64_t i, uint64_t revision)
{
    enum kind kind = kind_any(c);
    uint64_t count = (uint64_t)shop_count(shop, kind);

    if (i % 5 == 0 || count == 0)
        shop_insert(shop, kind, true);
    else
        shop_update(shop, kind, 1 + (int64_t)chance_below(c, count), revision);
}

static void change(struct shop *shop, int64_t count)
{
    uint64_t revision = 0;
    struct chance c;

    /* No two runs change the same documents to the same values. */
    for (int k = 0; k < KINDS; k++)
        revision += (uint64_t)shop_count(shop, (enum kind)k);
    c = chance_of(2, revision, 1);
    for (int64_t i = 0; i < count; i++) {
        if (i % BATCH == 0)
            shop_begin(shop);
        change_one(shop, &c, i, revision);
        if (i % BATCH == BATCH - 1 || i == count - 1)
            shop_commit(shop);
    }
}

static void update(const char *directory, int64_t count)
{
    struct shop *shop = shop_open(directory, false);

    change(shop, count);
    shop_close(shop, false);
}

/* What was changed is in the journal, and not in a checkpoint. */
static void run(const char *directory, int64_t count)
{
    struct shop *shop = shop_open(directory, false);
    char pid[32];
    int len = snprintf(pid, sizeof pid, "%d\n", (int)getpid());

    write_file(directory, "mongod.lock", pid, (size_t)len);
    change(shop, count);
    if (puts("running") < 0 || fflush(stdout) != 0)
        die("standard output: %s", strerror(errno));
    for (;;)
        (void)pause();
}

int main(int argc, char **argv)
{
    if (argc != 4)
        die("usage: wtmake create DIR SIZE_MB | wtmake update DIR COUNT | wtmake run DIR COUNT");
    (void)umask(077);
    if (strcmp(argv[1], "create") == 0)
        create(argv[2], number(argv[3], 100000));
    else if (strcmp(argv[1], "update") == 0)
        update(argv[2], number(argv[3], 100000000));
    else if (strcmp(argv[1], "run") == 0)
        run(argv[2], number(argv[3], 100000000));
    else
        die("%s: no such command; create, update and run are there", argv[1]);
    return 0;
}
