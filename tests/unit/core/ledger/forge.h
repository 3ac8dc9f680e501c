/*
 * Repositories for the tests of this room, and records as an attacker, a revoked writer or another
 * machine would put them there. The keys are those of RFC 8032, 7.1, so that names are known: root
 * has test 1's, this machine test 3's, and another writer test 2's.
 *
 * Uses: core/ledger, helpers.
 */
#ifndef TESTS_UNIT_CORE_LEDGER_FORGE_H
#define TESTS_UNIT_CORE_LEDGER_FORGE_H

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "core/base/clock.h"
#include "core/base/log.h"
#include "core/base/text.h"
#include "core/ledger/ledger.h"
#include "core/ledger/record.h"
#include "core/ledger/signer.h"
#include "tests/unit/helpers.h"

#define ROOT_ID "21fe31dfa154a261"
#define OTHER_ID "39f713d0a644253f"
#define ROOT_PUBLIC "11qYAYKxCrfVS/7TyWQHOg7hcvPapiMlrwIaaPcHURo="
#define ROOT_PRIVATE "nWGxne/9WmC6hEr0kuwsxERJxWl7MmkZcDusAxyuf2A="
#define OTHER_PUBLIC "PUAXw+hDiVqStwqnTRt+vJyYLM8uxJaMwM1V8Sr0Zgw="
#define OWN_ID "dac073e0123bdea5"
#define OWN_PUBLIC "/FHNjmIYoaONpH7QAjDwWAgW7RO6MwOsXeuRFUiQgCU="
#define OWN_PRIVATE "xaqN9D+fg3vtt0QvMdy3sWbThTUHbwlLhc46LgtEWPc="
#define OTHER_PRIVATE "TM0Imyj/ltqdtsNG7BFOD1uKMZ81q6Yk2oz27U+4pvs="

/* What the message of a damaged record ends with. */
#define DAMAGED_HINT                                                                               \
    "\n  put it back from a copy of the repository: `sealpoint verify` on this one and on the "    \
    "copy "                                                                                        \
    "names what is damaged; until then restore from the copy, or a single snapshot by its own "    \
    "record with `sealpoint restore --record FILE`"
#define DAMAGED " (damaged or tampered with)" DAMAGED_HINT

#define KEY_FILE(id, public, private)                                                              \
    "{\"format\":1,\"type\":\"signing-key\",\"writerId\":\"" id                                    \
    "\",\"publicKey\":\"" public "\",\"privateKey\":\"" private "\"}\n"
#define ROOT_KEY_FILE KEY_FILE(ROOT_ID, ROOT_PUBLIC, ROOT_PRIVATE)
#define OWN_KEY_FILE KEY_FILE(OWN_ID, OWN_PUBLIC, OWN_PRIVATE)
#define OTHER_KEY_FILE KEY_FILE(OTHER_ID, OTHER_PUBLIC, OTHER_PRIVATE)

#define ENROL_OTHER ENROL_OTHER_AS("[\"backup\",\"retention\",\"keys\"]")
#define ENROL_OTHER_AS(roles)                                                                      \
    "{\"action\":\"enrol\",\"subject\":\"" OTHER_ID "\",\"publicKey\":\"" OTHER_PUBLIC             \
    "\",\"algorithms\":[\"ed25519\"],\"roles\":" roles "}"

/* A repository in the test's directory: "store", and "state" with this machine's key. */
struct site {
    void **state;
    struct store *store;
    struct ledger *ledger; /* NULL: not open */
    struct signer *root;
    struct signer *own;
    struct signer *other;
};

struct signer *forge_key(void **state, const char *name, const char *text);

struct ledger_options site_options(const struct site *s, bool read_all);

/* The store and the keys; no ledger yet. */
void site_prepare(struct site *s, void **state);

void site_new(struct site *s, void **state);

void site_close(struct site *s);

void site_free(struct site *s);

enum err site_open(struct site *s, bool read_all);

/* Another machine: the state directory is gone (and the signing key with it). */
void site_forget(struct site *s);

/* Writer records and tombstones by root, all else by this machine. */
enum err site_append(struct site *s, enum record_type type, const char *body);

void site_snapshot(struct site *s, const char *id);

const char *site_name(const char *writer, uint64_t seq);

/* The same with this machine's key, whatever it is. */
enum err site_append_own(struct site *s, enum record_type type, const char *body);

/* Revoke the other writer; `last` is the last of its records that counts, or NULL. */
void site_revoke_other(struct site *s, const struct record *last);

/* What lies under a name now: parsed, or as bytes. */
struct buf site_raw(const struct site *s, const char *name);

struct record *site_record(const struct site *s, const char *writer, uint64_t seq);

void site_delete(const struct site *s, const char *name);

void site_put(const struct site *s, const char *name, struct bytes content);

/* Sign a record for this place and put it under its name, over what is there. `before` is what it
 * is to follow, or NULL. */
struct record *forge(const struct site *s, const struct signer *signer, enum record_type type,
                     const struct record *before, int64_t created_ms, const char *body);

/* The message of the last failure has this in it. */
void assert_said(const char *part);

/* The last warning, and how many there were. */
extern size_t warnings;
extern char last_warning[ERR_TEXT_MAX];
void keep_warning(enum log_level level, const char *text);

#endif
