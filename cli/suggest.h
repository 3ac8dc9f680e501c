/*
 * "Did you mean …?": the known word nearest to one that is not known.
 *
 * Uses: core/base.
 */
#ifndef CLI_SUGGEST_H
#define CLI_SUGGEST_H

#include <stddef.h>

struct suggest {
    const char *word; /* borrowed */
    const char *best; /* borrowed; NULL: nothing near was offered */
    size_t best_len;
    size_t distance;
};

struct suggest suggest_for(const char *word);
/* Insertions, deletions, replacements and swaps of neighbours count one each; more than a third of
 * the word's length is not near. */
void suggest_offer(struct suggest *s, const char *candidate);
/* The same with the first `len` bytes of a text. */
void suggest_offer_n(struct suggest *s, const char *candidate, size_t len);
/* Add "did you mean <before><best>?" to this thread's message, if anything was near. */
void suggest_hint(const struct suggest *s, const char *before);

#endif
