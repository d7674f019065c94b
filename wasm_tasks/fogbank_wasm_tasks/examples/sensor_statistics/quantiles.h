/* Quantiles of any number of values in fixed memory: the sketch of Manku, Rajagopalan and Lindsay
 * (SIGMOD 1998).  Each level holds values that stand for 2^level values each; a full level is
 * sorted, and every other value of it goes up one. */
#ifndef FOGBANK_QUANTILES_H
#define FOGBANK_QUANTILES_H

#include <stdint.h>

enum {
    LEVEL_VALUES = 256,
    LEVELS = 18, /* enough for 2^25 values; the largest input, 64 MiB, has fewer lines */
};

typedef struct {
    double values[LEVELS][LEVEL_VALUES];
    uint32_t filled[LEVELS];
    uint32_t skipped[LEVELS]; /* 0 or 1, in turn: how many values the next promotion skips first */
} Quantiles;

/* Makes `quantiles` empty. */
void begin_quantiles(Quantiles *quantiles);

/* Counts `value`. */
void take_value(Quantiles *quantiles, double value);

/* The least value that `share` (0 to 1) of the values do not exceed: exact up to LEVEL_VALUES values,
 * then off by at most log2(n / LEVEL_VALUES) / (2 LEVEL_VALUES) of the ranks; 0 without a value. */
double quantile(Quantiles *quantiles, double share);

#endif
