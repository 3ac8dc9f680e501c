#include "tests/tools/shop.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <wiredtiger.h>

#include "tests/tools/bson.h"
#include "tests/tools/words.h"

/* The extension where Debian puts it (the Makefile asks pkg-config); "" where snappy is built in.
 */
#ifndef WT_SNAPPY
#error "WT_SNAPPY: path of libwiredtiger_snappy.so, or nothing"
#endif

#define IDENT "7294837266203847561"
#define RECORD_LEN 4 /* of a record number in an index */
#define OPLOG_ID 12  /* collection-12 */

static const char collection_config[] =
    "key_format=q,value_format=u,type=file,memory_page_max=10m,split_pct=90,leaf_value_max=64MB,"
    "checksum=on,block_compressor=snappy,app_metadata=(formatVersion=1),log=(enabled=%s)";
static const char index_config[] =
    "key_format=u,value_format=u,type=file,internal_page_max=16k,leaf_page_max=16k,checksum=on,"
    "prefix_compression=true,app_metadata=(formatVersion=8),log=(enabled=false)";
static const char plain_config[] = "key_format=u,value_format=u,type=file,log=(enabled=true)";

struct table {
    WT_CURSOR *documents;
    WT_CURSOR *ids;
    WT_CURSOR *second;
    int64_t last; /* highest record number */
    uint64_t bytes;
};

struct shop {
    WT_CONNECTION *connection;
    WT_SESSION *session;
    struct table tables[KINDS];
    WT_CURSOR *oplog;
    int64_t oplog_last;
    struct words *words;
};

void die(const char *fmt, ...)
{
    va_list args;

    va_start(args, fmt);
    (void)fputs("wtmake: ", stderr);
    (void)vfprintf(stderr, fmt, args);
    (void)fputc('\n', stderr);
    va_end(args);
    exit(1);
}

static void must(int result, const char *what)
{
    if (result != 0)
        die("%s: %s", what, wiredtiger_strerror(result));
}

static WT_ITEM item_of(const void *at, size_t len)
{
    WT_ITEM item = {.data = at, .size = len};

    return item;
}

static WT_CURSOR *open_table(struct shop *shop, const char *name, const char *config)
{
    char uri[128];
    WT_CURSOR *cursor;

    (void)snprintf(uri, sizeof uri, "table:%s", name);
    if (config != NULL)
        must(shop->session->create(shop->session, uri, config), uri);
    must(shop->session->open_cursor(shop->session, uri, NULL, "overwrite=true", &cursor), uri);
    return cursor;
}

static int64_t highest(WT_CURSOR *cursor)
{
    int64_t record = 0;
    int result = cursor->prev(cursor);

    if (result == WT_NOTFOUND)
        return 0;
    must(result, "reading the highest record number");
    must(cursor->get_key(cursor, &record), "reading the highest record number");
    must(cursor->reset(cursor), "resetting a cursor");
    return record;
}

static void open_tables(struct shop *shop, bool fresh)
{
    char name[64], data_config[512], oplog_config[512];

    (void)snprintf(data_config, sizeof data_config, collection_config, "false");
    (void)snprintf(oplog_config, sizeof oplog_config, collection_config, "true");
    for (int k = 0; k < KINDS; k++) {
        struct table *t = &shop->tables[k];

        (void)snprintf(name, sizeof name, "collection-%d-" IDENT, 3 * k);
        t->documents = open_table(shop, name, fresh ? data_config : NULL);
        (void)snprintf(name, sizeof name, "index-%d-" IDENT, 3 * k + 1);
        t->ids = open_table(shop, name, fresh ? index_config : NULL);
        (void)snprintf(name, sizeof name, "index-%d-" IDENT, 3 * k + 2);
        t->second = open_table(shop, name, fresh ? index_config : NULL);
        t->last = highest(t->documents);
    }
    (void)snprintf(name, sizeof name, "collection-%d-" IDENT, OPLOG_ID);
    shop->oplog = open_table(shop, name, fresh ? oplog_config : NULL);
    shop->oplog_last = highest(shop->oplog);
}

/* Record numbers inside index entries: as mongod's, their byte order is their order. */
static size_t put_record(uint8_t *at, int64_t record)
{
    for (int i = 0; i < RECORD_LEN; i++)
        at[i] = (uint8_t)((uint64_t)record >> (8 * (RECORD_LEN - 1 - i)));
    return RECORD_LEN;
}

static void index_document(struct shop *shop, enum kind kind, int64_t record)
{
    struct table *t = &shop->tables[kind];
    uint8_t key[DOCUMENT_FIELD_ROOM + 16], value[8];
    char field[DOCUMENT_FIELD_ROOM];
    size_t len;
    WT_ITEM item;

    key[0] = 0x64; /* an ObjectId */
    document_id(kind, record, key + 1);
    key[13] = 0x04; /* the end of the fields */
    item = item_of(key, 14);
    t->ids->set_key(t->ids, &item);
    item = item_of(value, put_record(value, record));
    t->ids->set_value(t->ids, &item);
    must(t->ids->insert(t->ids), "inserting an _id");

    document_field(shop->words, kind, record, field);
    len = strlen(field) + 1;
    key[0] = 0x3c; /* a string */
    memcpy(key + 1, field, len);
    key[len + 1] = 0x04;
    len += 2;
    len += put_record(key + len, record);
    item = item_of(key, len);
    t->second->set_key(t->second, &item);
    item = item_of("", 0);
    t->second->set_value(t->second, &item);
    must(t->second->insert(t->second), "inserting an index key");
}

static void write_document(struct shop *shop, enum kind kind, int64_t record, const struct bson *b)
{
    struct table *t = &shop->tables[kind];
    WT_ITEM item = item_of(b->at, b->len);

    t->documents->set_key(t->documents, record);
    t->documents->set_value(t->documents, &item);
    must(t->documents->insert(t->documents), "writing a document");
    t->bytes += b->len;
}

static void write_oplog(struct shop *shop, char op, enum kind kind, const struct bson *document)
{
    static uint8_t room[DOCUMENT_MAX + 1024];
    struct bson b = {.at = room, .room = sizeof room};
    char op_text[2] = {op, '\0'};
    WT_ITEM item;

    shop->oplog_last++;
    bson_start(&b);
    bson_text(&b, "op", op_text);
    bson_text(&b, "ns", kind_namespace(kind));
    bson_raw(&b, "o", document->at, document->len);
    bson_timestamp(&b, "ts", 1720000000U + (uint32_t)(shop->oplog_last / 50),
                   1 + (uint32_t)(shop->oplog_last % 50));
    bson_i64(&b, "t", 1);
    bson_i64(&b, "v", 2);
    bson_finish(&b);
    shop->oplog->set_key(shop->oplog, shop->oplog_last);
    item = item_of(b.at, b.len);
    shop->oplog->set_value(shop->oplog, &item);
    must(shop->oplog->insert(shop->oplog), "writing the oplog");
}

void shop_begin(struct shop *shop)
{
    must(shop->session->begin_transaction(shop->session, "isolation=snapshot"), "beginning");
}

void shop_commit(struct shop *shop)
{
    must(shop->session->commit_transaction(shop->session, NULL), "committing");
}

void shop_insert(struct shop *shop, enum kind kind, bool into_oplog)
{
    static uint8_t room[DOCUMENT_MAX];
    struct bson b = {.at = room, .room = sizeof room};
    int64_t record = ++shop->tables[kind].last;

    document_make(shop->words, kind, record, 0, &b);
    write_document(shop, kind, record, &b);
    index_document(shop, kind, record);
    if (into_oplog)
        write_oplog(shop, 'i', kind, &b);
}

void shop_update(struct shop *shop, enum kind kind, int64_t record, uint64_t revision)
{
    static uint8_t room[DOCUMENT_MAX];
    struct bson b = {.at = room, .room = sizeof room};

    document_make(shop->words, kind, record, revision, &b);
    write_document(shop, kind, record, &b);
    write_oplog(shop, 'u', kind, &b);
}

static void write_catalog(struct shop *shop)
{
    uint8_t room[1024];
    char ident[64];
    WT_CURSOR *cursor = open_table(shop, "_mdb_catalog",
                                   "key_format=q,value_format=u,type=file,log=(enabled=true)");

    for (int k = 0; k < KINDS; k++) {
        struct bson b = {.at = room, .room = sizeof room};
        WT_ITEM item;

        bson_start(&b);
        bson_text(&b, "ns", kind_namespace((enum kind)k));
        (void)snprintf(ident, sizeof ident, "collection-%d-" IDENT, 3 * k);
        bson_text(&b, "ident", ident);
        bson_begin(&b, BSON_DOCUMENT, "idxIdent");
        (void)snprintf(ident, sizeof ident, "index-%d-" IDENT, 3 * k + 1);
        bson_text(&b, "_id_", ident);
        (void)snprintf(ident, sizeof ident, "index-%d-" IDENT, 3 * k + 2);
        bson_text(&b, kind_field((enum kind)k), ident);
        bson_end(&b);
        bson_finish(&b);
        cursor->set_key(cursor, (int64_t)k + 1);
        item = item_of(b.at, b.len);
        cursor->set_value(cursor, &item);
        must(cursor->insert(cursor), "writing the catalog");
    }
    must(cursor->close(cursor), "closing the catalog");
}

static void write_sizes(struct shop *shop, bool fresh)
{
    uint8_t room[256];
    char ident[64];
    WT_CURSOR *cursor = open_table(shop, "sizeStorer", fresh ? plain_config : NULL);

    for (int k = 0; k < KINDS; k++) {
        struct bson b = {.at = room, .room = sizeof room};
        WT_ITEM item;

        (void)snprintf(ident, sizeof ident, "table:collection-%d-" IDENT, 3 * k);
        item = item_of(ident, strlen(ident));
        cursor->set_key(cursor, &item);
        bson_start(&b);
        bson_i64(&b, "numRecords", shop->tables[k].last);
        bson_i64(&b, "dataSize", (int64_t)shop->tables[k].bytes);
        bson_finish(&b);
        item = item_of(b.at, b.len);
        cursor->set_value(cursor, &item);
        must(cursor->insert(cursor), "writing sizeStorer");
    }
    must(cursor->close(cursor), "closing sizeStorer");
}

struct shop *shop_open(const char *directory, bool fresh)
{
    struct shop *shop = calloc(1, sizeof *shop);
    char config[1024];

    if (shop == NULL || (shop->words = words_new()) == NULL)
        die("no memory");

    /* A small log file keeps small databases small; mongod's has 100 MB. */
    (void)snprintf(config, sizeof config,
                   "%s,cache_size=512MB,session_max=100,eviction=(threads_min=1,threads_max=2),"
                   "log=(enabled=true,archive=true,path=journal,compressor=snappy,file_max=4MB,"
                   "prealloc=false),"
                   "extensions=[" WT_SNAPPY "]",
                   fresh ? "create,exclusive" : "create=false");
    must(wiredtiger_open(directory, NULL, config, &shop->connection), directory);
    must(shop->connection->open_session(shop->connection, NULL, NULL, &shop->session),
         "opening a session");
    open_tables(shop, fresh);
    if (fresh)
        write_catalog(shop);
    return shop;
}

void shop_close(struct shop *shop, bool fresh)
{
    write_sizes(shop, fresh);
    must(shop->session->checkpoint(shop->session, NULL), "taking a checkpoint");
    must(shop->connection->close(shop->connection, NULL), "closing");
    words_free(shop->words);
    free(shop);
}

int64_t shop_count(const struct shop *shop, enum kind kind)
{
    return shop->tables[kind].last;
}
