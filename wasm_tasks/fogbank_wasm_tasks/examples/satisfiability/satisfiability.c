/* Satisfiability of a Boolean formula as a Fogbank task: a reactor with a verifier
 * (SPEC.md sections 7.3 and 7.13).
 *
 * Input: a formula in conjunctive normal form as DIMACS text ("p cnf 3 2", "1 -3 0", "2 3 -1 0").
 * Output: "s SATISFIABLE" and a line "v 1 -2 3 0" with one literal for each variable, or "s UNKNOWN"
 * when WalkSAT did not find an assignment.
 *
 * Finding an assignment takes long, checking one takes one look at every clause.
 *
 * An input that is no such text, or is too large, traps. */
#include <stdint.h>

#include "formula.h"

#define EXPORT(name) __attribute__((export_name(name)))

enum { INPUT_BYTES_MAX = 1 << 20, OUTPUT_BYTES_MAX = 1 << 16, FLIPS_PER_VARIABLE = 20000, NOISE_PERCENT = 45 };

static uint8_t given[INPUT_BYTES_MAX], claimed[OUTPUT_BYTES_MAX];
static int is_given;

static Formula formula;
static uint8_t is_true[VARIABLES_MAX + 1];
static uint32_t broken[CLAUSES_MAX], place_of[CLAUSES_MAX], broken_count;
static uint16_t true_literals[CLAUSES_MAX];
static uint64_t random_state = 0x2545f4914f6cdd1du;

static uint32_t draw(uint32_t below) {
    random_state ^= random_state << 13;
    random_state ^= random_state >> 7;
    random_state ^= random_state << 17;
    return (uint32_t)((random_state >> 32) * below >> 32);
}

static int holds(int32_t literal) {
    return is_true[literal < 0 ? -literal : literal] == (literal > 0);
}

static void mark_broken(uint32_t clause) {
    place_of[clause] = broken_count;
    broken[broken_count++] = clause;
}

static void mark_mended(uint32_t clause) {
    uint32_t last = broken[--broken_count];
    broken[place_of[clause]] = last;
    place_of[last] = place_of[clause];
}

static void count_all(void) {
    broken_count = 0;
    for (uint32_t clause = 0; clause < formula.clauses; clause++) {
        true_literals[clause] = 0;
        for (uint32_t at = formula.begin[clause]; at < formula.begin[clause + 1]; at++)
            true_literals[clause] += (uint16_t)holds(formula.literals[at]);
        if (!true_literals[clause]) mark_broken(clause);
    }
}

/* How many clauses hold by this variable alone. */
static uint32_t breaks(uint32_t variable) {
    uint32_t side = 2 * variable + is_true[variable], found = 0;
    for (uint32_t at = formula.uses_begin[side]; at < formula.uses_begin[side + 1]; at++)
        found += true_literals[formula.uses[at]] == 1;
    return found;
}

static void flip(uint32_t variable) {
    uint32_t losing = 2 * variable + is_true[variable], gaining = losing ^ 1;
    is_true[variable] ^= 1;
    for (uint32_t at = formula.uses_begin[gaining]; at < formula.uses_begin[gaining + 1]; at++)
        if (!true_literals[formula.uses[at]]++) mark_mended(formula.uses[at]);
    for (uint32_t at = formula.uses_begin[losing]; at < formula.uses_begin[losing + 1]; at++)
        if (!--true_literals[formula.uses[at]]) mark_broken(formula.uses[at]);
}

static uint32_t choose(uint32_t clause) {
    uint32_t begin = formula.begin[clause], length = formula.begin[clause + 1] - begin;
    uint32_t best = 0, fewest = UINT32_MAX;
    for (uint32_t at = 0; at < length; at++) {
        int32_t literal = formula.literals[begin + at];
        uint32_t variable = (uint32_t)(literal < 0 ? -literal : literal), found = breaks(variable);
        if (found < fewest) best = variable, fewest = found;
    }
    if (fewest && draw(100) < NOISE_PERCENT) {
        int32_t literal = formula.literals[begin + draw(length)];
        return (uint32_t)(literal < 0 ? -literal : literal);
    }
    return best;
}

static int solve(void) {
    for (uint32_t variable = 1; variable <= formula.variables; variable++) is_true[variable] = draw(2) != 0;
    count_all();
    for (uint32_t left = FLIPS_PER_VARIABLE * formula.variables; broken_count && left; left--) {
        uint32_t clause = broken[draw(broken_count)];
        if (formula.begin[clause] == formula.begin[clause + 1]) return 0;
        flip(choose(clause));
    }
    return broken_count == 0;
}

/* The first allocation is the input, the second what the verifier is to check. */
EXPORT("alloc") void *alloc(uint32_t length) {
    uint8_t *place = is_given ? claimed : given;
    require(length <= (is_given ? sizeof claimed : sizeof given));
    is_given = 1;
    return place;
}

EXPORT("run") uint64_t run(const uint8_t *input, uint32_t length) {
    read_formula(&formula, input, length);
    uint8_t *end = claimed;
    end = solve() ? put_text(end, "s SATISFIABLE\nv ") : put_text(end, "s UNKNOWN\n");
    if (!broken_count) {
        for (uint32_t variable = 1; variable <= formula.variables; variable++)
            end = put_literal(end, is_true[variable] ? (int32_t)variable : -(int32_t)variable);
        end = put_text(end, "0\n");
    }
    return (uint64_t)(uintptr_t)claimed << 32 | (uint32_t)(end - claimed);
}

EXPORT("verify") int32_t verify(const uint8_t *input, uint32_t length, const uint8_t *answer, uint32_t answer_length) {
    read_formula(&formula, input, length);
    if (!read_answer(is_true, formula.variables, answer, answer_length)) return 0;
    count_all();
    return broken_count == 0;
}
