/* The product of two matrices modulo 2^31 - 1 as a Fogbank task: a reactor with a verifier
 * (SPEC.md sections 7.3 and 7.13).
 *
 * Input: the side n (1 ... 512), 32 bits little-endian, then the n * n elements of A and those of B,
 * row by row, 32 bits each, all below 2^31 - 1.  Output: the elements of A B in the same way.
 *
 * The verifier is Freivalds's: for a vector r that the provider cannot foresee, A (B r) = C r.  It
 * takes n * n instead of n * n * n steps, and lets a wrong product pass with probability below 2^-60.
 *
 * An input that is none traps. */
#include <stdint.h>

#define EXPORT(name) __attribute__((export_name(name)))

__attribute__((import_module("wasi_snapshot_preview1"), import_name("random_get"))) int32_t
random_get(void *to, uint32_t length);

enum { SIDE_MAX = 512, ROUNDS = 2 };

static const uint32_t MODULUS = 0x7fffffff;

static uint32_t given[1 + 2 * SIDE_MAX * SIDE_MAX];
static uint32_t product[SIDE_MAX * SIDE_MAX];
static int is_given;

static void require(int holds) {
    if (!holds) __builtin_trap();
}

/* A sum of up to 2^62 plus what is carried stays below 2^63. */
static uint64_t folded(uint64_t sum) {
    return (sum & MODULUS) + (sum >> 31);
}

static uint32_t reduced(uint64_t sum) {
    uint64_t small = folded(folded(sum));
    return (uint32_t)(small >= MODULUS ? small - MODULUS : small);
}

static int are_elements(const uint32_t *from, uint32_t count) {
    for (uint32_t at = 0; at < count; at++)
        if (from[at] >= MODULUS) return 0;
    return 1;
}

static uint32_t side_of(const uint32_t *input, uint32_t length) {
    require(input == given && length >= 4);
    uint32_t side = given[0];
    require(side >= 1 && side <= SIDE_MAX && length == 4 + 8 * side * side);
    require(are_elements(given + 1, 2 * side * side));
    return side;
}

/* The first allocation is the input, the second what the verifier is to check. */
EXPORT("alloc") void *alloc(uint32_t length) {
    require(length <= (is_given ? sizeof product : sizeof given));
    void *place = is_given ? product : given;
    is_given = 1;
    return place;
}

EXPORT("run") uint64_t run(const uint32_t *input, uint32_t length) {
    const uint32_t side = side_of(input, length);
    const uint32_t *a = given + 1, *b = a + side * side;
    for (uint32_t row = 0; row < side; row++) {
        uint64_t sums[SIDE_MAX] = {0};
        for (uint32_t at = 0; at < side; at++) {
            const uint64_t factor = a[row * side + at];
            const uint32_t *others = b + at * side;
            for (uint32_t column = 0; column < side; column++)
                sums[column] = folded(sums[column] + factor * others[column]);
        }
        for (uint32_t column = 0; column < side; column++) product[row * side + column] = reduced(sums[column]);
    }
    return (uint64_t)(uintptr_t)product << 32 | 4 * side * side;
}

static void apply(uint32_t *to, const uint32_t *matrix, const uint32_t *vector, uint32_t side) {
    for (uint32_t row = 0; row < side; row++) {
        uint64_t sum = 0;
        for (uint32_t at = 0; at < side; at++) sum = folded(sum + (uint64_t)matrix[row * side + at] * vector[at]);
        to[row] = reduced(sum);
    }
}

EXPORT("verify") int32_t verify(const uint32_t *input, uint32_t length, const uint32_t *claimed, uint32_t claimed_length) {
    static uint32_t vector[SIDE_MAX], by_b[SIDE_MAX], by_a[SIDE_MAX], by_claim[SIDE_MAX];
    const uint32_t side = side_of(input, length);
    const uint32_t *a = given + 1, *b = a + side * side;
    if (claimed_length != 4 * side * side || !are_elements(claimed, side * side)) return 0;
    for (int round = 0; round < ROUNDS; round++) {
        require(random_get(vector, 4 * side) == 0);
        for (uint32_t at = 0; at < side; at++) vector[at] = reduced(vector[at]);
        apply(by_b, b, vector, side);
        apply(by_a, a, by_b, side);
        apply(by_claim, claimed, vector, side);
        for (uint32_t at = 0; at < side; at++)
            if (by_a[at] != by_claim[at]) return 0;
    }
    return 1;
}
