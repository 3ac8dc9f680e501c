#include "snapshot/backup/backup.h"

#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "core/base/clock.h"
#include "core/base/log.h"
#include "core/base/mem.h"
#include "core/base/pool.h"
#include "core/base/rand.h"
#include "core/base/stop.h"
#include "core/base/text.h"
#include "core/fs/file.h"
#include "core/fs/lock.h"
#include "core/ledger/state_files.h"
#include "snapshot/backup/block_writer.h"
#include "snapshot/backup/index_cache.h"
#include "snapshot/backup/index_writer.h"
#include "snapshot/format/chain.h"

/* All that one run holds. What is not there is NULL or zero. */
struct backup {
    const struct backup_options *options;
    const struct repository *repository;
    struct ledger *ledger; /* the repository's */
    int64_t started_ms;
    uint8_t id[SNAPSHOT_ID_LEN];
    char id_text[SNAPSHOT_ID_TEXT + 1];
    struct lock *lock;
    struct source source;
    struct snapshot_list snapshot_list;
    struct parent parent;
    bool has_parent;
    uint64_t attention; /* beside what the read_queue counts */
    const char *why_base;
    struct data_key data_key;
    struct secret *k_data;
    struct secret *k_meta;
    struct journal *journal;
    struct spool *spool;
    struct read_queue *queue;
    struct packs *packs;
    struct index_build_options build_options;
    struct index_build build;
    struct index_writer *index;
    struct manifest manifest;
    struct snapshot made; /* what the record says */
    uint64_t new_bytes;
    struct read_queue_totals totals;
};

static void backup_clear(struct backup *b)
{
    index_writer_free(b->index);
    index_build_clear(&b->build);
    packs_free(b->packs);
    read_queue_free(b->queue);
    spool_free(b->spool);
    journal_free(b->journal);
    secret_free(b->k_meta);
    secret_free(b->k_data);
    data_key_clear(&b->data_key);
    manifest_clear(&b->manifest);
    parent_clear(&b->parent);
    snapshot_list_clear(&b->snapshot_list);
    source_free(&b->source);
    lock_free(b->lock);
}

/* What no reader takes must not cost hours of reading first. */
static enum err check_option_text(const char *name, const char *text, size_t max)
{
    if (text == NULL)
        return ERR_OK;
    if (strlen(text) > max)
        return err_set(ERR_USAGE, "the %s is %zu bytes long, at most %zu are possible", name,
                       strlen(text), max);
    if (!text_is_printable(text))
        return err_set(ERR_USAGE, "the %s has characters that are not printable, or is not UTF-8",
                       name);
    return ERR_OK;
}

static enum err check_texts(const struct backup_options *o)
{
    enum err rc;

    TRY(check_option_text("description", o->description, SNAPSHOT_TEXT_MAX));
    TRY(check_option_text("snapshot type", o->snapshot_type, SNAPSHOT_WORD_MAX));
    TRY(check_option_text("frequency type", o->frequency_type, SNAPSHOT_WORD_MAX));
out:
    return rc;
}

/* `rc` is what a reader says of what is about to be recorded. Storing it would help nobody. */
static enum err refuse_unreadable(enum err rc)
{
    struct err_record why;

    if (rc != ERR_CORRUPT && rc != ERR_UNSUPPORTED)
        return rc;
    err_take(ERR_FAILED, &why);
    rc = err_give(&why);
    err_note("the snapshot could not be read back, so it is not recorded; this is a bug, please "
             "report it");
    return rc;
}

static enum err take_lock(struct backup *b)
{
    char *path = NULL;
    enum err rc;

    TRY(repository_state_path(b->repository, STATE_BACKUP_LOCK, &path));
    TRY(lock_take(path, false, &b->lock));
out:
    if (rc == ERR_BUSY)
        err_note("another backup of this repository runs");
    mem_free(path);
    return rc;
}

static enum err open_source(struct backup *b)
{
    const char *const apart[] = {repository_state_dir(b->repository),
                                 store_where(repository_store(b->repository)), NULL};
    const struct source_options options = {.path = b->options->source,
                                           .apart = apart,
                                           .any_directory = b->options->any_directory,
                                           .stream_name = b->options->stream_name};

    return source_open(&options, &b->source);
}

/* 4 bytes of time, 8 random: as MongoDB's own ids, they sort by time. */
static enum err make_id(struct backup *b)
{
    enum err rc;

    b->started_ms = clock_now_ms();
    be_put(b->id, (uint64_t)b->started_ms / 1000, 4);
    TRY(rand_fill(b->id + 4, SNAPSHOT_ID_LEN - 4));
    text_hex(bytes_of(b->id, SNAPSHOT_ID_LEN), b->id_text);
out:
    return rc;
}

/* A parent that cannot be built upon is no failure: then this is a full base. That it is damaged is
 * worth more than a warning. */
static enum err open_parent(struct backup *b, const struct snapshot *parent)
{
    const struct manifest *m = &b->parent.manifest;
    enum err rc = parent_open(b->repository, b->options->keyring, parent, &b->parent);

    if (rc == ERR_OK) {
        const char *why = chain_overflow(m->object_count, m->keys, m->key_count, PACK_COUNT_MAX);

        b->has_parent = why == NULL;
        if (why != NULL) {
            parent_clear(&b->parent);
            b->why_base = why;
        }
        return ERR_OK;
    }
    if (rc != ERR_NOT_FOUND && rc != ERR_CORRUPT)
        return rc;
    log_say(LOG_WARN, "snapshot %s cannot be built upon: %s", parent->id, err_text());
    b->why_base = rc == ERR_CORRUPT ? "the newest snapshot is damaged"
                                    : "the parent's index cannot be read here";
    b->attention += rc == ERR_CORRUPT;
    return ERR_OK;
}

/* A database that was one at the last snapshot and is none now: its disk is not mounted, or the
 * path is another's. */
static enum err compare_type(struct backup *b)
{
    const struct snapshot_list *list = &b->snapshot_list;
    const struct snapshot *last = list->count > 0 ? &list->items[list->count - 1] : NULL;

    if (b->source.is_stream || strcmp(b->source.type, SOURCE_TYPE_DBPATH) == 0 || last == NULL ||
        strcmp(last->source_type, SOURCE_TYPE_DBPATH) != 0)
        return ERR_OK;
    if (b->options->any_directory) {
        log_say(LOG_WARN, "%s is no dbpath, but the last snapshot, %s, is of one",
                b->options->source, last->id);
        b->source.warned++;
        return ERR_OK;
    }
    err_set(ERR_USAGE, "source %s: it is no dbpath, but the last snapshot, %s, is of one",
            b->options->source, last->id);
    err_hint("is its disk mounted? `--any-directory` backs it up all the same");
    return ERR_USAGE;
}

static enum err choose_parent(struct backup *b)
{
    const struct backup_options *o = b->options;
    struct chain_limits limits = {
        .age_ms = o->chain_age_ms > 0 ? o->chain_age_ms : BACKUP_CHAIN_AGE_MS,
        .length = o->chain_length > 0 ? o->chain_length : BACKUP_CHAIN_LENGTH,
        .writer = ledger_own(b->ledger),
    };
    struct key_name active;
    const struct snapshot *parent;
    enum err rc;

    TRY(snapshot_list_read(b->ledger, &b->snapshot_list));
    TRY(compare_type(b));
    TRY(keyring_active(o->keyring, 0, &active));
    parent = chain_parent(&b->snapshot_list, &active, &limits, b->started_ms, &b->why_base);
    if (o->full && parent != NULL) {
        b->why_base = "it was requested";
        parent = NULL;
    }
    if (parent != NULL)
        TRY(open_parent(b, parent));
out:
    return rc;
}

/* The key may have been rotated since the parent was chosen: what wraps the new data key counts. */
static void keep_same_keys(struct backup *b)
{
    const struct manifest *m = &b->parent.manifest;
    const char *why = b->has_parent ? chain_key_change(m->keys, m->key_count, &b->data_key) : NULL;

    if (why != NULL) {
        parent_clear(&b->parent);
        b->has_parent = false;
        b->why_base = why;
    }
    if (b->has_parent)
        log_say(LOG_DEBUG, "an increment on snapshot %s", b->parent.snapshot->id);
    else
        log_say(LOG_DEBUG, "a full base: %s", b->why_base);
}

/* The run's one key operation: a fresh data key, wrapped; nothing is ever unwrapped for it. */
static enum err make_keys(struct backup *b)
{
    struct secret *key = NULL;
    enum err rc;

    TRY(keyring_new_data_key(b->options->keyring, ledger_repository(b->ledger), &b->data_key,
                             &key));
    TRY(subkey_derive(key, SUBKEY_DATA, &b->data_key.context, &b->k_data));
    TRY(subkey_derive(key, SUBKEY_META, &b->data_key.context, &b->k_meta));
out:
    secret_free(key);
    return rc;
}

static enum err read_and_store(struct backup *b)
{
    const struct backup_options *o = b->options;
    struct read_queue_options queue = {
        .source = &b->source,
        .parent = b->has_parent ? &b->parent : NULL,
        .read_all = o->read_all,
        .progress = o->progress,
    };
    struct packs_options packs = {
        .store = repository_store(b->repository),
        .journal = b->journal,
        .k_data = b->k_data,
        .context = b->data_key.context,
        .source_len = b->source.total_len,
        .first_number = (uint32_t)b->parent.manifest.object_count,
    };
    struct block_writers writers = {.new_bytes = 0};
    enum err rc;

    if (o->progress != NULL)
        atomic_store(&o->progress->total_bytes, b->source.total_len);
    TRY(spool_new(repository_state_dir(b->repository), &b->spool));
    queue.spool = b->spool;
    TRY(read_queue_new(&queue, &b->queue));
    TRY(packs_new(&packs, &b->packs));
    writers.queue = b->queue;
    writers.spool = b->spool;
    writers.packs = b->packs;
    TRY(pool_run(o->workers > 0 ? o->workers : pool_processors(), block_writer_work, &writers));
    b->new_bytes = atomic_load(&writers.new_bytes);
    read_queue_totals(b->queue, &b->totals);
out:
    return rc;
}

static enum err build_index(struct backup *b)
{
    struct index_writer_options options = {
        .repository = b->repository,
        .journal = b->journal,
        .k_meta = b->k_meta,
        .context = b->data_key.context,
        .snapshot_id = b->id_text,
        .marks = b->source.marks,
    };
    enum err rc;

    b->build_options = (struct index_build_options){
        .spool = b->spool,
        .is_sorted = b->source.is_sorted,
        .row_count = b->totals.rows,
        .snapshot_id = b->id,
        .inherited = b->parent.manifest.objects,
        .inherited_count = b->parent.manifest.object_count,
        .packs = packs_count(b->packs) > 0 ? packs_at(b->packs, 0) : NULL,
        .pack_count = packs_count(b->packs),
    };
    TRY(index_build_plan(&b->build_options, &b->build));
    TRY(index_writer_new(&options, &b->index));
    TRY(index_build_write(&b->build_options, &b->build, index_writer_add, b->index));
    TRY(index_writer_finish(b->index, &b->manifest.index));
    b->manifest.index_plain_len = index_image_len(&b->build.header);
    index_build_take_objects(&b->build, &b->manifest.objects, &b->manifest.object_count);
out:
    return rc;
}

/* The envelopes of every scope that is read from: its own and those of inherited objects. */
static enum err gather_keys(struct backup *b)
{
    struct manifest *m = &b->manifest;
    enum err rc;

    TRY(mem_new(1 + b->parent.manifest.key_count, sizeof *m->keys, &m->keys));
    TRY(data_key_copy(&b->data_key, &m->keys[0]));
    m->key_count = 1;
    for (size_t i = 0; i < m->object_count; i++) {
        const struct data_key *key;

        if (manifest_key(m, m->objects[i].scope) != NULL)
            continue;
        key = manifest_key(&b->parent.manifest, m->objects[i].scope);
        if (key == NULL)
            FAIL(ERR_CORRUPT, "the parent's manifest lacks a data key");
        TRY(data_key_copy(key, &m->keys[m->key_count]));
        m->key_count++;
    }
out:
    return rc;
}

static uint64_t packed_len(const struct backup *b)
{
    uint64_t len = 0;

    for (uint32_t i = 0; i < packs_count(b->packs); i++)
        len += packs_at(b->packs, i)->size;
    return len;
}

/* What record and manifest both say. */
/* They are not longer: check_texts(). */
static void copy_text(const char *text, char *out, size_t cap)
{
    snprintf(out, cap, "%s", text != NULL ? text : "");
}

static void describe_snapshot(struct backup *b)
{
    const struct backup_options *o = b->options;
    const struct snapshot *parent = b->has_parent ? b->parent.snapshot : NULL;

    b->made = (struct snapshot){
        .started_ms = b->started_ms,
        .expires_ms = o->expires_ms,
        .recorded_key = b->data_key.envelopes[0].key,
        .chain_position = parent != NULL ? parent->chain_position + 1 : 0,
        .chain_stored_bytes = packed_len(b) + (parent != NULL ? parent->chain_stored_bytes : 0),
        .chain_needed_bytes = b->build.needed_len,
        .attention = b->totals.attention,
        .totals = {.files = b->totals.files,
                   .bytes = b->totals.bytes,
                   .new_bytes = b->new_bytes,
                   .stored_bytes = packed_len(b) + b->manifest.index.size},
    };
    copy_text(o->snapshot_type, b->made.snapshot_type, sizeof b->made.snapshot_type);
    copy_text(o->frequency_type, b->made.frequency_type, sizeof b->made.frequency_type);
    copy_text(o->description, b->made.description, sizeof b->made.description);
    copy_text(b->source.type, b->made.source_type, sizeof b->made.source_type);
    memcpy(b->made.id, b->id_text, sizeof b->made.id);
    memcpy(b->made.base, parent != NULL ? parent->base : b->id_text, sizeof b->made.base);
    if (parent != NULL)
        memcpy(b->made.parent, parent->id, sizeof b->made.parent);
}

static enum err put_manifest(struct backup *b)
{
    struct buf text = {.max = MANIFEST_LEN_MAX};
    struct jdoc *facts = NULL;
    struct manifest again = {0};
    char name[MANIFEST_NAME_LEN + 1];
    enum err rc;

    memcpy(b->manifest.repository, ledger_repository(b->ledger), SEAL_ID_LEN);
    TRY(gather_keys(b));
    TRY(snapshot_record_write_facts(&b->made, &facts));
    TRY(manifest_encode(&b->manifest, facts, &text));
    TRY(refuse_unreadable(manifest_decode(buf_bytes(&text), b->manifest.repository, &again)));
    TRY(hash_of(buf_bytes(&text), b->made.manifest_sha256));
    b->made.manifest_size = text.len;
    manifest_name(b->id_text, name);
    TRY(journal_add(b->journal, name));
    TRY(store_put(repository_store(b->repository), name, buf_bytes(&text)));
out:
    manifest_clear(&again);
    jdoc_free(facts);
    buf_clear(&text);
    return rc;
}

/* All that the record will say, and a reader's word that it can be taken. */
static enum err make_record(struct backup *b, struct jdoc **out)
{
    struct jdoc *body = NULL;
    enum err rc;

    TRY(snapshot_record_write(&b->made, &b->data_key, &body));
    TRY(refuse_unreadable(snapshot_record_check(b->ledger, body)));
    *out = body;
    body = NULL; /* the caller's now */
out:
    jdoc_free(body);
    return rc;
}

/* The snapshot is made; what fails here costs speed next time, not data. */
static void keep_for_next(struct backup *b)
{
    if (journal_forget(b->journal) != ERR_OK || index_writer_keep(b->index) != ERR_OK ||
        index_cache_prune(b->repository, b->id_text) != ERR_OK)
        log_say(LOG_WARN, "the snapshot was taken, but preparing the next one failed: %s",
                err_text());
}

static void fill_result(const struct backup *b, struct backup_result *out)
{
    *out = (struct backup_result){
        .is_base = !b->has_parent,
        .totals = b->made.totals,
        .attention = snapshot_attention_count(&b->totals.attention) + b->attention,
    };
    memcpy(out->id, b->id_text, sizeof out->id);
    if (out->is_base)
        snprintf(out->why_base, sizeof out->why_base, "%s", b->why_base);
}

/* Objects that no record will name go at once, if they can; else the next run removes them. */
static void undo_backup(struct backup *b)
{
    struct err_record failure;

    err_take(ERR_OK, &failure);
    journal_free(b->journal);
    b->journal = NULL;
    index_writer_free(b->index);
    b->index = NULL;
    if (journal_undo(b->repository, RECORD_SNAPSHOT) != ERR_OK)
        log_say(LOG_WARN, "%s; the next backup tries again", err_text());
    err_give(&failure);
}

/* This machine's key, and that it may sign a snapshot: before anything is read. */
static enum err require_writer(const struct backup *b)
{
    const uint8_t *own = ledger_own(b->ledger);
    const struct writer *w = own != NULL ? writers_find(ledger_writers(b->ledger), own) : NULL;
    char id[2 * SIGNER_ID_LEN + 1];
    enum err rc;

    TRY(ledger_check_key(b->ledger));
    if (ledger_can_append(b->ledger, RECORD_SNAPSHOT))
        goto out;
    if (w == NULL)
        FAIL(ERR_USAGE,
             "there is no signing key in %s that may sign snapshots of this repository: this "
             "machine can verify and restore, but not back up",
             repository_state_dir(b->repository));
    text_hex(bytes_of(own, SIGNER_ID_LEN), id);
    FAIL(ERR_USAGE,
         "the signing key of this machine (writer %s) %s: it can verify and restore, but "
         "not back up",
         id, w->revoked ? "was revoked" : "has not the role backup");
out:
    return rc;
}

enum err backup_run(const struct backup_options *options, struct backup_result *out)
{
    struct backup b = {.options = options,
                       .repository = options->repository,
                       .ledger = repository_ledger(options->repository),
                       .why_base = ""};
    struct jdoc *body = NULL;
    bool may_be_recorded = false;
    enum err rc;

    TRY(check_texts(options));
    TRY(require_writer(&b));
    TRY(take_lock(&b));
    TRY(journal_recover(b.repository, RECORD_SNAPSHOT));
    TRY(open_source(&b));
    TRY(make_id(&b));
    TRY(choose_parent(&b));
    TRY(make_keys(&b));
    keep_same_keys(&b);
    TRY(journal_new(b.repository, RECORD_SNAPSHOT, b.id_text, &b.journal));
    TRY(read_and_store(&b));
    TRY(build_index(&b));
    describe_snapshot(&b);
    TRY(put_manifest(&b));
    TRY(make_record(&b, &body));
    TRY(ledger_hear_root(b.ledger, RECORD_SNAPSHOT)); /* while all of it can still be undone */
    TRY(stop_check());
    may_be_recorded = true;
    TRY(ledger_append(b.ledger, RECORD_SNAPSHOT, body, NULL)); /* the commit point */
    keep_for_next(&b);
    fill_result(&b, out);
    if (out->attention > 0)
        FAIL(ERR_ATTENTION, "snapshot %s was taken, but needs attention: see the warnings above",
             out->id);
out:
    if (rc != ERR_OK && b.journal != NULL && !may_be_recorded)
        undo_backup(&b);
    jdoc_free(body);
    backup_clear(&b);
    return rc;
}
