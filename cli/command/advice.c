#include "cli/command/advice.h"

#include "core/base/log.h"
#include "keyring/admin.h"

static enum err warn_of_place(const char *path, const char *repository)
{
    enum key_place place = KEY_PLACE_APART;
    enum err rc;

    TRY(key_place_of(path, repository, &place));
    if (place != KEY_PLACE_APART)
        log_say(LOG_WARN,
                "the keyring %s is %s the repository: whoever takes both can read every backup; "
                "move it elsewhere",
                path, place == KEY_PLACE_INSIDE ? "inside" : "beside");
out:
    return rc;
}

enum err advice_on_keyring(const struct session *session, size_t i, const char *repository)
{
    const char *path = session->settings->keys[i].path;
    struct key_versions versions = {0};
    enum err rc;

    TRY(keyring_versions(session->keyring, i, false, &versions));
    if (repository != NULL)
        TRY(warn_of_place(path, repository));
    if (!versions.is_protected)
        log_say(LOG_WARN,
                "the keys in %s are unencrypted: whoever reads that file can read every backup",
                path);
    log_say(LOG_INFO,
            "keep a copy of %s away from this machine and from the repository%s: without it "
            "nothing can be restored",
            path, versions.is_protected ? ", and its passphrase apart from it" : "");
out:
    key_versions_clear(&versions);
    return rc;
}
