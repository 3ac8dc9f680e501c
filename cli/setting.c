#include "cli/setting.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "core/base/mem.h"
#include "core/base/text.h"
#include "core/fs/file.h"

#define KEYRING_FILE "keyring.json"

const char *setting_origin_name(enum setting_origin origin)
{
    static const char *const names[] = {
        [FROM_NOWHERE] = "not set",         [FROM_DEFAULT] = "default",
        [FROM_FILE] = "configuration file", [FROM_ENVIRONMENT] = "environment",
        [FROM_OPTION] = "option",
    };

    return names[origin];
}

static void set_value(struct settings *s, size_t id, const char *text, enum setting_origin origin)
{
    if (text == NULL || s->values[id].origin > origin)
        return;
    s->values[id].text = text;
    s->values[id].origin = origin;
}

static enum err take_options(struct settings *s, const struct invocation *i)
{
    for (size_t id = 0; id < OPTION_COUNT; id++) {
        const struct option *o = option_at(id);

        if (i->values[id] != NULL && option_check_value(o, i->values[id]) != ERR_OK) {
            err_note("--%s", o->name);
            return ERR_USAGE;
        }
        set_value(s, id, i->values[id], FROM_OPTION);
    }
    for (size_t n = 0; n < i->only_count; n++)
        if (*i->only[n] == '\0')
            return err_set(ERR_USAGE, "--only: is empty");
    return ERR_OK;
}

static enum err take_environment(struct settings *s)
{
    for (size_t id = 0; id < OPTION_COUNT; id++) {
        const struct option *o = option_at(id);
        const char *value = o->variable != NULL ? getenv(o->variable) : NULL;

        if (value == NULL || *value == '\0')
            continue;
        if (option_check_value(o, value) != ERR_OK) {
            err_note("environment variable %s", o->variable);
            return ERR_USAGE;
        }
        set_value(s, id, value, FROM_ENVIRONMENT);
    }
    return ERR_OK;
}

/* A file that was named must be there; the default one need not. */
static enum err take_file(struct settings *s)
{
    enum err rc;

    if (s->values[OPTION_CONFIG].text == NULL) {
        if (access(SETTING_CONFIG_DEFAULT, F_OK) != 0)
            return ERR_OK;
        set_value(s, OPTION_CONFIG, SETTING_CONFIG_DEFAULT, FROM_DEFAULT);
    }
    TRY(config_read(s->values[OPTION_CONFIG].text, &s->config));
    for (size_t id = 0; id < OPTION_COUNT; id++)
        set_value(s, id, s->config->values[id], FROM_FILE);
out:
    return rc;
}

/* NULL in *out when the environment does not tell where. */
static enum err default_state_dir(char **out)
{
    const char *state = getenv("XDG_STATE_HOME");
    const char *home = getenv("HOME");

    if (geteuid() == 0)
        return mem_text(SETTING_STATE_DIR_ROOT, out);
    if (state != NULL && *state == '/') /* a relative one is to be ignored, says its standard */
        return file_join(state, "sealpoint", out);
    if (home != NULL && *home == '/')
        return file_join(home, ".local/state/sealpoint", out);
    return ERR_OK;
}

static enum err take_defaults(struct settings *s)
{
    enum err rc = ERR_OK;

    for (size_t id = 0; id < OPTION_COUNT; id++)
        set_value(s, id, option_at(id)->default_text, FROM_DEFAULT);
    if (s->values[OPTION_STATE_DIR].text == NULL) {
        TRY(default_state_dir(&s->state_dir));
        set_value(s, OPTION_STATE_DIR, s->state_dir, FROM_DEFAULT);
    }
    if (s->values[OPTION_STATE_DIR].text != NULL) {
        TRY(file_join(s->values[OPTION_STATE_DIR].text, KEYRING_FILE, &s->keyring));
        set_value(s, OPTION_KEYRING, s->keyring, FROM_DEFAULT);
    }
out:
    return rc;
}

/* One setting of the first master key of provider file: what the configuration's list says stands
 * between the default and the environment. */
static const char *settle_value(struct settings *s, enum option_id id, const char *in_list)
{
    if (in_list != NULL && s->values[id].origin < FROM_FILE) {
        s->values[id].text = in_list;
        s->values[id].origin = FROM_FILE;
    }
    return s->values[id].text;
}

/* A passphrase that is to be generated is the one of the keyring that is to be made. */
static enum err settle_generated(struct settings *s)
{
    const char *generated = s->values[OPTION_GENERATE_PASSPHRASE].text;
    enum command_id command = command_id(s->invocation->command);
    size_t i = command == COMMAND_KEY_CREATE ? (size_t)settings_number(s, OPTION_KEY) : s->file_key;

    if (generated == NULL || command == COMMAND_KEY_PASSPHRASE || i >= s->key_count)
        return ERR_OK;
    if (s->keys[i].passphrase_file != NULL && strcmp(s->keys[i].passphrase_file, generated) != 0)
        return err_set(ERR_USAGE,
                       "--generate-passphrase %s: another passphrase file is given, too: %s",
                       generated, s->keys[i].passphrase_file);
    s->keys[i].passphrase_file = generated;
    return ERR_OK;
}

/* Typed from paper, it may be in any case. */
static enum err settle_fingerprint(struct settings *s)
{
    const char *text = s->values[OPTION_FINGERPRINT].text;
    enum err rc = ERR_OK;

    if (text == NULL)
        goto out;
    TRY(mem_text(text, &s->fingerprint));
    for (char *digit = s->fingerprint; *digit != '\0'; digit++)
        if (*digit >= 'A' && *digit <= 'F')
            *digit = (char)(*digit - 'A' + 'a');
    s->values[OPTION_FINGERPRINT].text = s->fingerprint;
out:
    return rc;
}

static void settle_keys(struct settings *s)
{
    static const struct config_master_key file_alone = {{[MASTER_KEY_PROVIDER] = NULL}};
    const struct config_master_key *items = &file_alone;

    s->key_count = 1;
    if (s->config != NULL && s->config->key_count > 0) {
        items = s->config->keys;
        s->key_count = s->config->key_count;
    }
    assert(s->key_count <= KEYRING_KEYS_MAX); /* the schema's limit */
    s->file_key = s->key_count;
    for (size_t i = 0; i < s->key_count; i++) {
        struct master_key_options *to = &s->keys[i];
        char *const *members = items[i].members;

        to->provider = members[MASTER_KEY_PROVIDER] != NULL ? members[MASTER_KEY_PROVIDER] : "file";
        to->path = members[MASTER_KEY_PATH];
        to->passphrase_file = members[MASTER_KEY_PASSPHRASE_FILE];
        to->state_dir = s->values[OPTION_STATE_DIR].text;
        to->new_keyring = settings_flag(s, OPTION_NEW_KEYRING);
        to->allow_memory = settings_flag(s, OPTION_ALLOW_MEMORY);
        if (s->file_key < s->key_count || strcmp(to->provider, "file") != 0)
            continue;
        s->file_key = i;
        to->path = settle_value(s, OPTION_KEYRING, to->path);
        to->passphrase_file = settle_value(s, OPTION_PASSPHRASE_FILE, to->passphrase_file);
    }
}

enum err settings_resolve(const struct invocation *i, struct settings *out)
{
    struct settings s = {.invocation = i};
    enum err rc;

    TRY(take_options(&s, i));
    TRY(take_environment(&s));
    TRY(take_file(&s));
    TRY(take_defaults(&s));
    TRY(settle_fingerprint(&s));
    settle_keys(&s);
    TRY(settle_generated(&s));
    *out = s;
    memset(&s, 0, sizeof s); /* the caller's now */
out:
    settings_clear(&s);
    return rc;
}

void settings_clear(struct settings *s)
{
    config_free(s->config);
    mem_free(s->state_dir);
    mem_free(s->keyring);
    mem_free(s->fingerprint);
    memset(s, 0, sizeof *s);
}

const char *settings_text(const struct settings *s, enum option_id id)
{
    return s->values[id].text;
}

/* The values were checked when they came in: what fails here is our mistake. */
static void must_succeed(enum err rc)
{
    assert(rc == ERR_OK);
    (void)rc;
}

bool settings_flag(const struct settings *s, enum option_id id)
{
    bool value = false;

    if (s->values[id].text != NULL)
        must_succeed(option_flag_value(s->values[id].text, &value));
    return value;
}

uint64_t settings_number(const struct settings *s, enum option_id id)
{
    uint64_t value = 0;

    if (s->values[id].text != NULL)
        must_succeed(text_number(s->values[id].text, option_at(id)->max, &value));
    return value;
}

double settings_share(const struct settings *s, enum option_id id)
{
    const char *text = s->values[id].text;
    char digits[4] = "";
    uint64_t percent = 100;
    size_t len;

    if (text != NULL) {
        len = strcspn(text, "%");
        assert(len < sizeof digits);
        memcpy(digits, text, len);
        must_succeed(text_number(digits, 100, &percent));
    }
    return (double)percent / 100;
}

int64_t settings_duration_ms(const struct settings *s, enum option_id id)
{
    const char *text = s->values[id].text;
    uint64_t seconds = 0;

    if (text != NULL && strcmp(text, "never") != 0)
        must_succeed(text_duration(text, &seconds));
    return (int64_t)seconds * 1000;
}
