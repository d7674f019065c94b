#include "formula.h"

typedef struct {
    const uint8_t *at, *end;
} Text;

void require(int holds) {
    if (!holds) __builtin_trap();
}

static int is_space(uint8_t letter) {
    return letter == ' ' || letter == '\n' || letter == '\r' || letter == '\t';
}

static void skip_spaces(Text *text) {
    while (text->at < text->end && is_space(*text->at)) text->at++;
}

static int take(Text *text, const char *expected) {
    const uint8_t *at = text->at;
    for (; *expected; expected++, at++)
        if (at == text->end || *at != (uint8_t)*expected) return 0;
    text->at = at;
    return 1;
}

/* A whole number with an end or a space after it; 0 when there is none. */
static int take_number(Text *text, int32_t *number) {
    skip_spaces(text);
    int is_negative = take(text, "-");
    uint32_t value = 0, digits = 0;
    for (; text->at < text->end && *text->at >= '0' && *text->at <= '9'; text->at++, digits++) {
        if (digits == 7) return 0;
        value = value * 10 + (*text->at - '0');
    }
    *number = is_negative ? -(int32_t)value : (int32_t)value;
    return digits && (text->at == text->end || is_space(*text->at));
}

static void skip_comments(Text *text) {
    for (;;) {
        skip_spaces(text);
        if (!take(text, "c")) return;
        while (text->at < text->end && *text->at != '\n') text->at++;
    }
}

static uint32_t side_of(int32_t literal) {
    return literal < 0 ? 2 * (uint32_t)-literal : 2 * (uint32_t)literal + 1;
}

/* Counting sort of all literals by variable and sign. */
static void list_uses(Formula *formula) {
    uint32_t sides = 2 * formula->variables + 2, literals = formula->begin[formula->clauses];
    for (uint32_t side = 0; side <= sides; side++) formula->uses_begin[side] = 0;
    for (uint32_t at = 0; at < literals; at++) formula->uses_begin[side_of(formula->literals[at]) + 1]++;
    for (uint32_t side = 0; side < sides; side++) formula->uses_begin[side + 1] += formula->uses_begin[side];
    for (uint32_t clause = formula->clauses; clause--;)
        for (uint32_t at = formula->begin[clause]; at < formula->begin[clause + 1]; at++)
            formula->uses[--formula->uses_begin[side_of(formula->literals[at]) + 1]] = clause;
    /* Each beginning has moved one place down. */
    for (uint32_t side = 0; side < sides; side++) formula->uses_begin[side] = formula->uses_begin[side + 1];
    formula->uses_begin[sides] = literals;
}

void read_formula(Formula *formula, const uint8_t *given, uint32_t length) {
    Text text = {given, given + length};
    int32_t variables = 0, clauses = 0, literal = 0;
    skip_comments(&text);
    require(take(&text, "p cnf ") && take_number(&text, &variables) && take_number(&text, &clauses));
    require(variables >= 1 && variables <= VARIABLES_MAX && clauses >= 0 && clauses <= CLAUSES_MAX);
    formula->variables = (uint32_t)variables;
    formula->clauses = (uint32_t)clauses;
    uint32_t count = 0;
    for (int32_t clause = 0; clause < clauses; clause++) {
        formula->begin[clause] = count;
        for (;;) {
            skip_comments(&text);
            require(take_number(&text, &literal) && literal >= -variables && literal <= variables);
            if (!literal) break;
            require(count < LITERALS_MAX);
            formula->literals[count++] = literal;
        }
    }
    formula->begin[clauses] = count;
    skip_comments(&text);
    require(text.at == text.end);
    list_uses(formula);
}

int read_answer(uint8_t *is_true, uint32_t variables, const uint8_t *given, uint32_t length) {
    Text text = {given, given + length};
    int32_t literal = 0;
    if (!take(&text, "s SATISFIABLE\nv ")) return 0;
    for (uint32_t variable = 1; variable <= variables; variable++) {
        if (!take_number(&text, &literal)) return 0;
        if (literal != (int32_t)variable && literal != -(int32_t)variable) return 0;
        is_true[variable] = literal > 0;
    }
    return take_number(&text, &literal) && literal == 0 && take(&text, "\n") && text.at == text.end;
}

uint8_t *put_text(uint8_t *to, const char *text) {
    while (*text) *to++ = (uint8_t)*text++;
    return to;
}

uint8_t *put_literal(uint8_t *to, int32_t literal) {
    char digits[8];
    uint32_t value = literal < 0 ? (uint32_t)-literal : (uint32_t)literal, count = 0;
    if (literal < 0) *to++ = '-';
    for (; value; value /= 10) digits[count++] = (char)('0' + value % 10);
    while (count) *to++ = (uint8_t)digits[--count];
    *to++ = ' ';
    return to;
}
