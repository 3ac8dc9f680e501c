/*
 * What mutated code asks: is this mutant the one of this run? One build holds all mutants; the
 * environment says which is alive (MUTANT=number; 0 or none: the code is as it was).
 *
 * A mutant is asked for only where it would change what happens, so that MUTANT_REACHED, a file of
 * a byte for each mutant, tells which ones a test can see at all.
 */
#ifndef TESTS_TOOLS_MUTANT_H
#define TESTS_TOOLS_MUTANT_H

int mutant_lives(int number);

/* What a call returned, or 0 (ERR_OK) for its failure. */
static inline int mutant_ignores(int number, int rc)
{
    return rc != 0 && mutant_lives(number) ? 0 : rc;
}

/* `a op b`, or for equal ones what the sister of `op` says of them: < and <=, > and >=. */
#define MUTANT_BOUNDARY(number, op, a, b)                                                          \
    __extension__({                                                                                \
        __typeof__(a) mutant_a = (a);                                                              \
        __typeof__(b) mutant_b = (b);                                                              \
        (mutant_a op mutant_b) != (mutant_a == mutant_b && mutant_lives(number));                  \
    })

#endif
