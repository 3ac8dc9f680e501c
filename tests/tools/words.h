/*
 * Repeatable chance, and text that looks like text: words as frequent as in real language.
 *
 * Uses: nothing.
 */
#ifndef TESTS_TOOLS_WORDS_H
#define TESTS_TOOLS_WORDS_H

#include <stddef.h>
#include <stdint.h>

/* A stream of numbers that depends on nothing but the three it was made of. */
struct chance {
    uint64_t state;
};

struct chance chance_of(uint64_t a, uint64_t b, uint64_t c);
uint64_t chance_next(struct chance *c);
uint64_t chance_below(struct chance *c, uint64_t bound);
void chance_fill(struct chance *c, uint8_t *at, size_t len);

/* The word list; the same in every run. NULL: no memory. */
struct words;
struct words *words_new(void);
void words_free(struct words *w);

/* Any word, frequent ones more often. */
const char *words_any(const struct words *w, struct chance *c);

/* `count` words with a capital first, or sentences of together `count` words; cut to `room`. */
const char *words_sentence(const struct words *w, struct chance *c, unsigned count, char *at,
                           size_t room);
const char *words_paragraph(const struct words *w, struct chance *c, unsigned count, char *at,
                            size_t room);

#endif
