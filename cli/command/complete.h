/*
 * Completion for shells: what may stand in place of the word that is being typed.
 *
 * The stubs in cli/embedded run the hidden command "sealpoint __complete WORD…": the words behind
 * the program's name up to the cursor, the last one (perhaps empty) the one that is typed. The
 * answer's first line says what the shell is to do:
 *
 *     words         each further line is a whole word that fits, a tab, and what it means
 *     files         complete the names of files itself
 *     directories   the same, only directories
 *
 * When the typed word is "--option=…" words have all of it in front, and files are what comes
 * behind "=". Completion asks nobody, says nothing of what goes wrong, and writes nothing, neither
 * in the repository nor in the state directory.
 * Uses: all rooms.
 */
#ifndef CLI_COMMAND_COMPLETE_H
#define CLI_COMMAND_COMPLETE_H

#include <stddef.h>

#include "cli/invocation.h"
#include "core/base/bytes.h"
#include "core/base/err.h"

#define COMPLETE_COMMAND "__complete"

/* Print the answer for the words behind COMPLETE_COMMAND, or nothing when there is none within a
 * second or two. */
void complete_run(size_t count, char *const *words);

/* The answer as text. A failure leaves an incomplete one. */
MUST_CHECK enum err complete_answer(size_t count, char *const *words, struct buf *to);

/* One that is being made. */
struct answer {
    struct buf *to;
    const char *front; /* "--option=" of the typed word, or "" of length 0; borrowed */
    size_t front_len;
    const char *typed; /* what is behind that */
};

/* Add a word if it begins with what is typed. A word that a shell could take for more than a word
 * is left out; `meaning` (NULL: none) is made printable and cut. */
MUST_CHECK enum err complete_offer(const struct answer *a, const char *word, const char *meaning);

/* complete_value.c: offer "latest" and the snapshots that this machine has seen and checked, the
 * newest first; the versions of the chosen master key. What cannot be read is not offered. `i` is
 * what was typed before. */
MUST_CHECK enum err complete_snapshots(const struct answer *a, const struct invocation *i);
MUST_CHECK enum err complete_versions(const struct answer *a, const struct invocation *i);
/* The writers whose enrolment this machine has seen and checked. */
MUST_CHECK enum err complete_writers(const struct answer *a, const struct invocation *i);

#endif
