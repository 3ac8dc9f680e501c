#include "keyring/catalogue/key_state_record.h"

#include <stdio.h>

#include "keyring/catalogue/record_key.h"

#define GENERATION_MAX ((UINT64_C(1) << 53) - 1)
#define VERDICT_TEXT_MAX 11 /* "UNREACHABLE" */

enum err key_state_record_write(const struct key_name *key, const struct key_state *state,
                                int64_t checked_ms, struct jdoc **out)
{
    struct jdoc *body = NULL;
    enum err rc;

    TRY(jdoc_object(&body));
    TRY(record_key_write_name(key, "masterKey", body));
    TRY(jdoc_set_text(body, "verdict", verdict_name(state->verdict)));
    TRY(jdoc_set_text(body, "reason", state->reason[0] != '\0' ? state->reason : NULL));
    if (state->since_ms != 0)
        TRY(jdoc_set_time(body, "stateChangedAt", state->since_ms));
    else
        TRY(jdoc_set_null(body, "stateChangedAt"));
    TRY(jdoc_set_time(body, "checkedAt", checked_ms));
    if (state->generation != 0)
        TRY(jdoc_set_number(body, "keyringGeneration", state->generation));
    *out = body;
    body = NULL; /* the caller's now */
out:
    jdoc_free(body);
    return rc;
}

enum err key_state_record_read(const struct record *from, struct key_state_record *out)
{
    struct key_state_record found = {.verdict = KEY_UNREACHABLE};
    const char *verdict = NULL;
    const char *reason = "";
    struct jdoc *payload = NULL;
    enum err rc;

    TRY(record_payload(from, &payload));
    TRY(jdoc_text(payload, "verdict", VERDICT_TEXT_MAX, &verdict));
    TRY(verdict_parse(verdict, &found.verdict));
    if (jdoc_has(payload, "reason"))
        TRY(jdoc_text(payload, "reason", sizeof found.reason - 1, &reason));
    snprintf(found.reason, sizeof found.reason, "%s", reason);
    if (jdoc_has(payload, "keyringGeneration"))
        TRY(jdoc_number(payload, "keyringGeneration", GENERATION_MAX, &found.generation));
    *out = found;
out:
    jdoc_free(payload);
    return rc;
}
