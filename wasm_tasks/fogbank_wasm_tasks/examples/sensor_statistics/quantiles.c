#include "quantiles.h"

void begin_quantiles(Quantiles *quantiles) {
    for (int level = 0; level < LEVELS; level++) quantiles->filled[level] = quantiles->skipped[level] = 0;
}

/* Shell's sort with the gaps of Ciura. */
static void sort(double *values, uint32_t count) {
    static const uint32_t gaps[] = {132, 57, 23, 10, 4, 1};
    for (uint32_t pass = 0; pass < sizeof gaps / sizeof gaps[0]; pass++) {
        uint32_t gap = gaps[pass];
        for (uint32_t index = gap; index < count; index++) {
            double moving = values[index];
            uint32_t at = index;
            for (; at >= gap && values[at - gap] > moving; at -= gap) values[at] = values[at - gap];
            values[at] = moving;
        }
    }
}

static void promote(Quantiles *quantiles, uint32_t level) {
    double *above = quantiles->values[level + 1];
    uint32_t *filled = &quantiles->filled[level + 1];
    sort(quantiles->values[level], LEVEL_VALUES);
    for (uint32_t index = quantiles->skipped[level]; index < LEVEL_VALUES; index += 2) {
        above[(*filled)++] = quantiles->values[level][index];
    }
    quantiles->filled[level] = 0;
    quantiles->skipped[level] ^= 1;
}

void take_value(Quantiles *quantiles, double value) {
    /* Room is made before it is needed, so that up to LEVEL_VALUES values all of them are kept. */
    uint32_t full = 0;
    while (quantiles->filled[full] == LEVEL_VALUES) {
        if (++full == LEVELS) __builtin_trap();
    }
    for (uint32_t level = full; level > 0; level--) promote(quantiles, level - 1);
    quantiles->values[0][quantiles->filled[0]++] = value;
}

static double ranked(const Quantiles *quantiles, double rank) {
    uint32_t next[LEVELS] = {0};
    double passed = 0.0, value = 0.0;
    while (passed < rank) {
        int least = -1;
        for (int level = 0; level < LEVELS; level++) {
            if (next[level] == quantiles->filled[level]) continue;
            if (least < 0 ||
                quantiles->values[level][next[level]] < quantiles->values[least][next[least]]) {
                least = level;
            }
        }
        if (least < 0) break;
        value = quantiles->values[least][next[least]++];
        passed += (double)(1u << least);
    }
    return value;
}

double quantile(Quantiles *quantiles, double share) {
    double total = 0.0;
    for (int level = 0; level < LEVELS; level++) {
        sort(quantiles->values[level], quantiles->filled[level]);
        total += (double)quantiles->filled[level] * (double)(1u << level);
    }
    double rank = share * total;
    return ranked(quantiles, rank > 1.0 ? rank : 1.0);
}
