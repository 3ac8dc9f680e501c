/*
 * vast makes the snapshot of a database that is too large to be there.
 *
 *   vast REPOSITORY STATE KEYRING SOURCE PACKS
 *
 * SOURCE is a directory with files of any length, all of them holes. What comes into being is the
 * full base that sealpoint would have taken of them if they were full of data: PACKS packs (sparse
 * files, which nothing can be read from), an index with a row of random digest for each block, a
 * manifest and a signed record, and the cached index in STATE, which is the repository's own state
 * directory. KEYRING is unencrypted. Then "nothing changed" can be measured at any size.
 */
#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "core/base/clock.h"
#include "core/base/mem.h"
#include "core/base/rand.h"
#include "core/base/text.h"
#include "core/fs/file.h"
#include "core/fs/path.h"
#include "keyring/catalogue/key_list.h"
#include "snapshot/backup/index_writer.h"
#include "snapshot/format/manifest.h"

#define NAMES_MAX 100000
#define ROWS 4096

struct vast {
    struct store *store;
    struct repository *repository;
    struct keyring *keyring;
    struct journal *journal;
    struct secret *k_meta;
    struct manifest m;
    struct snapshot made;
    uint8_t id[SNAPSHOT_ID_LEN];
    char **names; /* owned, each too; in walk order */
    size_t count;
    uint64_t rows;
    uint64_t bytes;
    const char *source;
};

static enum err open_all(struct vast *v, char **argv)
{
    struct repository_options repository = {.state_dir = argv[2]};
    struct master_key_options key = {.provider = "file", .path = argv[3]};
    struct data_key own = {0};
    struct secret *plain = NULL;
    enum err rc;

    TRY(store_open(argv[1], false, &v->store));
    repository.store = v->store;
    TRY(repository_open(&repository, &v->repository));
    TRY(keyring_open(&key, 1, &v->keyring));
    memcpy(v->m.repository, ledger_repository(repository_ledger(v->repository)), SEAL_ID_LEN);
    TRY(keyring_new_data_key(v->keyring, v->m.repository, &own, &plain));
    TRY(subkey_derive(plain, SUBKEY_META, &own.context, &v->k_meta));
    TRY(mem_new(1, sizeof *v->m.keys, &v->m.keys));
    v->m.keys[v->m.key_count++] = own;
    v->made.started_ms = clock_now_ms();
    be_put(v->id, (uint64_t)v->made.started_ms / 1000, 4);
    TRY(rand_fill(v->id + 4, SNAPSHOT_ID_LEN - 4));
    text_hex(bytes_of(v->id, SNAPSHOT_ID_LEN), v->made.id);
    memcpy(v->m.id, v->made.id, sizeof v->m.id);
    TRY(journal_new(v->repository, RECORD_SNAPSHOT, v->made.id, &v->journal));
out:
    secret_free(plain);
    return rc;
}

static int by_path(const void *a, const void *b)
{
    return path_compare(bytes_of_text(*(char *const *)a), bytes_of_text(*(char *const *)b));
}

static enum err list_source(struct vast *v)
{
    DIR *dir = opendir(v->source);
    enum err rc = ERR_OK;

    if (dir == NULL)
        FAIL_SYS(ERR_FAILED, "%s", v->source);
    TRY(mem_new(NAMES_MAX, sizeof *v->names, &v->names));
    for (struct dirent *d; (d = readdir(dir)) != NULL && v->count < NAMES_MAX;)
        if (d->d_name[0] != '.')
            TRY(mem_format(&v->names[v->count++], "%s", d->d_name));
    qsort(v->names, v->count, sizeof *v->names, by_path);
out:
    if (dir != NULL)
        closedir(dir);
    return rc;
}

/* As a backup describes it, and settled: who finds the same times need not read it. */
static enum err describe(const struct vast *v, const char *name, struct entry *e)
{
    char *path = NULL;
    struct stat st;
    enum err rc;

    entry_reset(e);
    TRY(file_join(v->source, name, &path));
    if (lstat(path, &st) != 0)
        FAIL_SYS(ERR_FAILED, "%s", path);
    e->type = S_ISDIR(st.st_mode) ? ENTRY_DIR : ENTRY_FILE;
    e->flags = ENTRY_SETTLED;
    e->mode = st.st_mode & 07777;
    e->uid = st.st_uid;
    e->gid = st.st_gid;
    e->mtime_s = st.st_mtim.tv_sec;
    e->mtime_ns = (uint32_t)st.st_mtim.tv_nsec;
    e->ctime_s = st.st_ctim.tv_sec;
    e->ctime_ns = (uint32_t)st.st_ctim.tv_nsec;
    e->inode = st.st_ino;
    e->size = S_ISREG(st.st_mode) ? (uint64_t)st.st_size : 0;
    e->block_log2 = e->size > 0 ? entry_block_log2_for(e->size) : 0;
    TRY(buf_add(&e->path, bytes_of(name, strlen(name) + 1)));
    e->path.len--;
out:
    mem_free(path);
    return rc;
}

/* All entries, encoded; their rows are counted. */
static enum err encode_entries(struct vast *v, struct buf *to)
{
    struct entry e;
    enum err rc;

    entry_init(&e);
    TRY(describe(v, ".", &e));
    TRY(entry_encode(&e, to));
    for (size_t i = 0; i < v->count; i++) {
        TRY(describe(v, v->names[i], &e));
        e.first_block = e.size > 0 ? v->rows : 0;
        v->rows += entry_blocks(&e);
        v->bytes += e.size;
        TRY(entry_encode(&e, to));
    }
out:
    entry_clear(&e);
    return rc;
}

/* Sparse files of the right length at the right places. */
static enum err make_packs(struct vast *v, const char *repository, size_t count)
{
    char name[OBJECT_NAME_LEN + 1];
    char *path = NULL;
    int fd = -1;
    enum err rc;

    TRY(mem_new(count, sizeof *v->m.objects, &v->m.objects));
    for (; v->m.object_count < count; v->m.object_count++) {
        struct manifest_object *o = &v->m.objects[v->m.object_count];

        *o = (struct manifest_object){.type = OBJECT_PACK,
                                      .ordinal = v->m.object_count,
                                      .size = object_sealed_size(v->bytes / count)};
        TRY(rand_fill(o->id, sizeof o->id));
        TRY(rand_fill(o->sha256, sizeof o->sha256));
        memcpy(o->scope, v->m.keys[0].context.scope, SEAL_ID_LEN);
        object_name(o->id, name);
        TRY(file_join(repository, name, &path));
        *strrchr(path, '/') = '\0';
        TRY(file_make_dirs(path, 0700));
        path[strlen(path)] = '/';
        fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
        if (fd < 0 || ftruncate(fd, (off_t)o->size) != 0)
            FAIL_SYS(ERR_FAILED, "%s", path);
        close(fd);
        fd = -1;
        mem_free(path);
        path = NULL;
    }
out:
    if (fd >= 0)
        close(fd);
    mem_free(path);
    return rc;
}

static enum err put_rows(const struct vast *v, struct index_writer *w)
{
    uint8_t *rows = NULL;
    uint64_t each; /* to a pack */
    enum err rc = ERR_OK;

    if (v->m.object_count == 0)
        FAIL(ERR_USAGE, "a base without packs");
    each = v->rows / v->m.object_count + 1;
    TRY(mem_new(ROWS, BLOCK_ROW_LEN, &rows));
    for (uint64_t i = 0; i < v->rows; i += ROWS) {
        size_t count = v->rows - i < ROWS ? (size_t)(v->rows - i) : ROWS;

        for (size_t k = 0; k < count; k++) {
            struct block b = {.object = (uint32_t)((i + k) / each), .codec = BLOCK_ZSTD};

            TRY(rand_fill(b.sha256, sizeof b.sha256));
            b.stored_len = BLOCK_LEN_MAX / 2 + (uint32_t)be_get(b.sha256, 2) * 8; /* 3/4 of it */
            b.offset = (i + k) % each * BLOCK_LEN_MAX;
            block_encode(&b, rows + k * BLOCK_ROW_LEN);
        }
        TRY(index_writer_add(w, bytes_of(rows, count * BLOCK_ROW_LEN)));
    }
out:
    mem_free(rows);
    return rc;
}

static enum err put_index(struct vast *v, const struct buf *entries, struct index_writer *w)
{
    struct index_header header = {.object_count = (uint32_t)v->m.object_count,
                                  .file_count = v->count + 1,
                                  .files_len = entries->len,
                                  .block_count = v->rows};
    uint8_t head[INDEX_HEADER_LEN];
    enum err rc;

    memcpy(header.snapshot, v->id, SNAPSHOT_ID_LEN);
    index_header_encode(&header, head);
    TRY(index_writer_add(w, bytes_of(head, sizeof head)));
    for (size_t i = 0; i < v->m.object_count; i++)
        TRY(index_writer_add(w, bytes_of(v->m.objects[i].id, SEAL_ID_LEN)));
    TRY(index_writer_add(w, buf_bytes(entries)));
    TRY(put_rows(v, w));
    TRY(index_writer_finish(w, &v->m.index));
    v->m.index_plain_len = index_image_len(&header);
out:
    return rc;
}

/* Manifest and record, as backup.c makes them. */
static enum err record_snapshot(struct vast *v)
{
    struct snapshot *s = &v->made;
    struct buf text = {.max = MANIFEST_LEN_MAX};
    struct jdoc *facts = NULL;
    struct jdoc *body = NULL;
    char name[MANIFEST_NAME_LEN + 1];
    enum err rc;

    snprintf(s->snapshot_type, sizeof s->snapshot_type, "onDemand");
    snprintf(s->frequency_type, sizeof s->frequency_type, "onDemand");
    snprintf(s->source_type, sizeof s->source_type, "directory");
    s->recorded_key = v->m.keys[0].envelopes[0].key;
    memcpy(s->base, s->id, sizeof s->base);
    s->chain_stored_bytes = s->chain_needed_bytes = v->bytes;
    s->totals = (struct snapshot_totals){v->count, v->bytes, v->bytes, v->bytes};
    TRY(snapshot_record_write_facts(s, &facts));
    TRY(manifest_encode(&v->m, facts, &text));
    TRY(hash_of(buf_bytes(&text), s->manifest_sha256));
    s->manifest_size = text.len;
    manifest_name(s->id, name);
    TRY(store_put(v->store, name, buf_bytes(&text)));
    TRY(snapshot_record_write(s, &v->m.keys[0], &body));
    TRY(ledger_append(repository_ledger(v->repository), RECORD_SNAPSHOT, body, NULL));
    TRY(journal_forget(v->journal));
out:
    jdoc_free(facts);
    jdoc_free(body);
    buf_clear(&text);
    return rc;
}

static enum err make_vast(struct vast *v, char **argv)
{
    struct index_writer_options options = {.snapshot_id = v->made.id};
    struct buf entries = {.max = 256 * MIB};
    struct index_writer *w = NULL;
    enum err rc;

    v->source = argv[4];
    TRY(open_all(v, argv));
    TRY(list_source(v));
    TRY(encode_entries(v, &entries));
    TRY(make_packs(v, argv[1], strtoul(argv[5], NULL, 10)));
    options.repository = v->repository;
    options.journal = v->journal;
    options.k_meta = v->k_meta;
    options.context = v->m.keys[0].context;
    TRY(index_writer_new(&options, &w));
    TRY(put_index(v, &entries, w));
    TRY(record_snapshot(v));
    TRY(index_writer_keep(w));
    printf("{\"rows\":%llu,\"bytes\":%llu,\"image\":%llu,\"index\":%llu,\"manifest\":%llu}\n",
           (unsigned long long)v->rows, (unsigned long long)v->bytes,
           (unsigned long long)v->m.index_plain_len, (unsigned long long)v->m.index.size,
           (unsigned long long)v->made.manifest_size);
out:
    index_writer_free(w);
    buf_clear(&entries);
    return rc;
}

int main(int argc, char **argv)
{
    struct vast v = {.store = NULL};
    enum err rc;

    if (argc != 6) {
        fputs("vast REPOSITORY STATE KEYRING SOURCE PACKS\n", stderr);
        return 2;
    }
    rc = make_vast(&v, argv);
    if (rc != ERR_OK)
        fprintf(stderr, "vast: %s\n", err_text());
    for (size_t i = 0; i < v.count; i++)
        mem_free(v.names[i]);
    mem_free(v.names);
    journal_free(v.journal);
    secret_free(v.k_meta);
    manifest_clear(&v.m);
    keyring_free(v.keyring);
    repository_free(v.repository);
    store_free(v.store);
    return rc == ERR_OK ? 0 : 1;
}
