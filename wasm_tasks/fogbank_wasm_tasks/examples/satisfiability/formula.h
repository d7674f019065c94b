/* Formulas in conjunctive normal form, and assignments, as DIMACS text. */
#ifndef FORMULA_H
#define FORMULA_H

#include <stdint.h>

enum { VARIABLES_MAX = 4096, CLAUSES_MAX = 20000, LITERALS_MAX = 100000 };

typedef struct {
    uint32_t variables, clauses;
    int32_t literals[LITERALS_MAX];
    uint32_t begin[CLAUSES_MAX + 1];             /* of each clause's literals, and their end */
    uint32_t uses[LITERALS_MAX];                 /* the clauses of each literal */
    uint32_t uses_begin[2 * VARIABLES_MAX + 4];  /* by twice the variable, plus 1 when it is positive */
} Formula;

void require(int holds);
void read_formula(Formula *formula, const uint8_t *text, uint32_t length);
int read_answer(uint8_t *is_true, uint32_t variables, const uint8_t *text, uint32_t length);
uint8_t *put_text(uint8_t *to, const char *text);
uint8_t *put_literal(uint8_t *to, int32_t literal);

#endif
