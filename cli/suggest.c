#include "cli/suggest.h"

#include <string.h>

#include "core/base/err.h"

#define WORD_MAX 40

struct suggest suggest_for(const char *word)
{
    struct suggest s = {.word = word, .best = NULL, .distance = (strlen(word) + 2) / 3 + 1};

    return s;
}

static size_t smaller_of(size_t a, size_t b)
{
    return a < b ? a : b;
}

/* Damerau and Levenshtein's distance (optimal string alignment), with three rows. */
static size_t word_distance(const char *a, size_t a_len, const char *b, size_t b_len)
{
    size_t rows[3][WORD_MAX + 1];

    for (size_t j = 0; j <= b_len; j++)
        rows[0][j] = j;
    for (size_t i = 1; i <= a_len; i++) {
        size_t *now = rows[i % 3];
        const size_t *last = rows[(i + 2) % 3];
        const size_t *before = rows[(i + 1) % 3];

        now[0] = i;
        for (size_t j = 1; j <= b_len; j++) {
            size_t cost = a[i - 1] != b[j - 1];

            now[j] = smaller_of(smaller_of(last[j], now[j - 1]) + 1, last[j - 1] + cost);
            if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1])
                now[j] = smaller_of(now[j], before[j - 2] + 1);
        }
    }
    return rows[a_len % 3][b_len];
}

void suggest_offer_n(struct suggest *s, const char *candidate, size_t len)
{
    size_t word_len = strlen(s->word);
    size_t far;

    if (word_len > WORD_MAX || len > WORD_MAX)
        return;
    far = word_distance(s->word, word_len, candidate, len);
    if (far >= s->distance)
        return;
    s->distance = far;
    s->best = candidate;
    s->best_len = len;
}

void suggest_offer(struct suggest *s, const char *candidate)
{
    suggest_offer_n(s, candidate, strlen(candidate));
}

void suggest_hint(const struct suggest *s, const char *before)
{
    if (s->best != NULL)
        err_hint("did you mean %s%.*s?", before, (int)s->best_len, s->best);
}
