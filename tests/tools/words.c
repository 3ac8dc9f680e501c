#include "tests/tools/words.h"

#include <stdlib.h>
#include <string.h>

#define WORDS 1000
#define WORD_ROOM 16
#define TABLE_BITS 16
#define SENTENCE 14

/* The most frequent ones are real; the long tail is built from syllables. */
static const char frequent[][WORD_ROOM] = {
    "the",      "of",      "and",    "to",    "a",      "in",     "is",    "that",   "it",
    "was",      "for",     "on",     "are",   "with",   "as",     "at",    "be",     "this",
    "have",     "from",    "or",     "had",   "by",     "but",    "not",   "what",   "all",
    "were",     "we",      "when",   "your",  "can",    "said",   "there", "use",    "an",
    "each",     "which",   "she",    "do",    "how",    "their",  "if",    "will",   "up",
    "other",    "about",   "out",    "many",  "then",   "them",   "these", "so",     "some",
    "her",      "would",   "make",   "like",  "him",    "into",   "time",  "has",    "look",
    "two",      "more",    "write",  "go",    "see",    "number", "no",    "way",    "could",
    "people",   "my",      "than",   "first", "water",  "been",   "call",  "who",    "oil",
    "its",      "now",     "find",   "long",  "down",   "day",    "did",   "get",    "come",
    "made",     "may",     "part",   "order", "price",  "light",  "heavy", "small",  "quality",
    "delivery", "product", "garden", "house", "colour", "weight", "steel", "cotton", "summer",
    "winter",   "offer",
};

static const char syllables[][4] = {
    "ka",  "lo",  "mer", "tin", "sa",  "ro",  "vel", "dur", "ist", "an", "be",
    "cor", "dis", "en",  "fal", "gra", "hu",  "in",  "jo",  "kel", "li", "mon",
    "na",  "or",  "per", "qui", "re",  "ste", "tra", "un",  "vi",  "wo",
};

struct words {
    char list[WORDS][WORD_ROOM];
    uint16_t pick[1 << TABLE_BITS]; /* word n fills a part of it that goes with 1/(n+1) */
};

struct chance chance_of(uint64_t a, uint64_t b, uint64_t c)
{
    struct chance made = {a * 0x9e3779b97f4a7c15U + b * 0xbf58476d1ce4e5b9U +
                          c * 0x94d049bb133111ebU};

    (void)chance_next(&made);
    return made;
}

/* splitmix64 (Steele, Lea and Flood, 2014) */
uint64_t chance_next(struct chance *c)
{
    uint64_t z = (c->state += 0x9e3779b97f4a7c15U);

    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9U;
    z = (z ^ (z >> 27)) * 0x94d049bb133111ebU;
    return z ^ (z >> 31);
}

uint64_t chance_below(struct chance *c, uint64_t bound)
{
    return chance_next(c) % bound;
}

void chance_fill(struct chance *c, uint8_t *at, size_t len)
{
    while (len > 0) {
        uint64_t next = chance_next(c);
        size_t part = len < sizeof next ? len : sizeof next;

        memcpy(at, &next, part);
        at += part;
        len -= part;
    }
}

static void build_word(struct chance *c, char out[WORD_ROOM])
{
    unsigned parts = 2 + (unsigned)chance_below(c, 3);
    size_t len = 0;

    for (unsigned i = 0; i < parts; i++) {
        const char *part = syllables[chance_below(c, sizeof syllables / sizeof syllables[0])];
        size_t part_len = strlen(part);

        memcpy(out + len, part, part_len);
        len += part_len;
    }
    out[len] = '\0';
}

static void fill_table(struct words *w)
{
    double sum = 0, reached = 0;
    size_t at = 0;

    for (unsigned i = 0; i < WORDS; i++)
        sum += 1.0 / (i + 1);
    for (unsigned i = 0; i < WORDS; i++) {
        reached += 1.0 / (i + 1);
        while (at < ((size_t)1 << TABLE_BITS) && (double)at < reached / sum * (1 << TABLE_BITS))
            w->pick[at++] = (uint16_t)i;
    }
    while (at < ((size_t)1 << TABLE_BITS))
        w->pick[at++] = 0;
}

struct words *words_new(void)
{
    struct words *w = calloc(1, sizeof *w);
    struct chance c = chance_of(7, 7, 7);
    size_t real = sizeof frequent / sizeof frequent[0];

    if (w == NULL)
        return NULL;
    memcpy(w->list, frequent, sizeof frequent);
    for (size_t i = real; i < WORDS; i++)
        build_word(&c, w->list[i]);
    fill_table(w);
    return w;
}

void words_free(struct words *w)
{
    free(w);
}

const char *words_any(const struct words *w, struct chance *c)
{
    return w->list[w->pick[chance_next(c) >> (64 - TABLE_BITS)]];
}

const char *words_paragraph(const struct words *w, struct chance *c, unsigned count, char *at,
                            size_t room)
{
    size_t len = 0;

    for (unsigned i = 0; i < count; i++) {
        const char *word = words_any(w, c);
        size_t word_len = strlen(word);

        if (len + word_len + 3 > room)
            break;
        if (i > 0) {
            if (i % SENTENCE == 0)
                at[len++] = '.';
            at[len++] = ' ';
        }
        memcpy(at + len, word, word_len);
        if (i % SENTENCE == 0)
            at[len] = (char)(at[len] - 'a' + 'A');
        len += word_len;
    }
    at[len] = '\0';
    return at;
}

const char *words_sentence(const struct words *w, struct chance *c, unsigned count, char *at,
                           size_t room)
{
    return words_paragraph(w, c, count < SENTENCE ? count : SENTENCE, at, room);
}
