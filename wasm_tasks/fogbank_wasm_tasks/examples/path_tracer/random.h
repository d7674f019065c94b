/* Random numbers that depend on the seed and the pixel only, so that a picture does not depend on
 * how it was cut into tiles.
 *
 * The first numbers of a path come from a Kronecker sequence over the samples of its pixel, which
 * spreads them evenly and roughly halves the noise; later ones from a plain generator. */
#ifndef FOGBANK_RANDOM_H
#define FOGBANK_RANDOM_H

#include <stdint.h>

enum { EVEN_DIMENSIONS = 16 };

typedef struct {
    uint32_t pixel;     /* hash of seed and pixel */
    uint32_t sample;    /* index of the path within its pixel */
    uint32_t dimension; /* how many numbers this path has drawn */
    uint32_t state;     /* of the plain generator */
} Random;

/* Mixes all bits of `value` (the finaliser of PCG-RXS-M-XS). */
static inline uint32_t hashed(uint32_t value) {
    uint32_t state = value * 747796405u + 2891336453u;
    uint32_t word = ((state >> ((state >> 28) + 4)) ^ state) * 277803737u;
    return (word >> 22) ^ word;
}

static inline Random random_for(uint32_t seed, uint32_t x, uint32_t y) {
    Random made = {hashed(seed ^ hashed(x ^ hashed(y))), 0, 0, 0};
    return made;
}

static inline void begin_sample(Random *random, uint32_t sample) {
    random->sample = sample;
    random->dimension = 0;
    random->state = hashed(random->pixel ^ hashed(sample + 0x9e3779b9u));
}

/* A number in [0, 1) with 24 bits. */
static inline float draw(Random *random) {
    /* The fractional parts of the square roots of the first sixteen primes, times 2^32. */
    static const uint32_t steps[EVEN_DIMENSIONS] = {
        0x6a09e667u, 0xbb67ae85u, 0x3c6ef372u, 0xa54ff53au, 0x510e527fu, 0x9b05688cu,
        0x1f83d9abu, 0x5be0cd19u, 0xcbbb9d5du, 0x629a292au, 0x9159015au, 0x152fecd8u,
        0x67332667u, 0x8eb44a87u, 0xdb0c2e0du, 0x47b5481du,
    };
    uint32_t dimension = random->dimension++;
    uint32_t bits;
    if (dimension < EVEN_DIMENSIONS) {
        bits = hashed(random->pixel + dimension) + random->sample * steps[dimension];
    } else {
        random->state = random->state * 747796405u + 2891336453u;
        bits = hashed(random->state);
    }
    return (float)(bits >> 8) * (1.0f / 16777216.0f);
}

#endif
