/* Conway's Game of Life on a torus as a Fogbank task: a step task (SPEC.md section 7.3).
 *
 * Input, five 32-bit little-endian numbers:
 *   version (1), seed, generations, words of 64 cells in a row (1 ... 16), rows (3 ... 1024)
 * One step of size n is n generations.
 * Output: generations done and cells alive, 32 bits each, then the cells, row by row, one bit each,
 * the lowest bit of the first byte first.
 *
 * All state is the grid and a few counters, so that a run can be stopped, moved and disputed. */
#include <stdint.h>

#define EXPORT(name) __attribute__((export_name(name)))

enum { INPUT_BYTES = 20, WORDS_MAX = 16, ROWS_MAX = 1024 };

typedef struct {
    uint32_t version, seed, generations, words, rows;
} Order;

typedef struct {
    uint32_t generations, alive;
    uint64_t cells[ROWS_MAX * WORDS_MAX];
} World;

static Order order;
static World world;

static void require(int holds) {
    if (!holds) __builtin_trap();
}

/* SplitMix64: the first generation is half alive. */
static uint64_t draw(uint64_t *state) {
    uint64_t mixed = *state += 0x9e3779b97f4a7c15u;
    mixed = (mixed ^ mixed >> 30) * 0xbf58476d1ce4e5b9u;
    mixed = (mixed ^ mixed >> 27) * 0x94d049bb133111ebu;
    return mixed ^ mixed >> 31;
}

/* Two bits of a sum for each of 64 cells. */
typedef struct {
    uint64_t ones, twos;
} Sum;

/* How many of three rows' cells are alive, in one column, for 64 columns. */
static Sum columns(uint64_t above, uint64_t here, uint64_t below) {
    uint64_t half = above ^ here;
    return (Sum){half ^ below, (above & here) | (half & below)};
}

static Sum shifted_left(Sum sum, Sum before) {
    return (Sum){sum.ones << 1 | before.ones >> 63, sum.twos << 1 | before.twos >> 63};
}

static Sum shifted_right(Sum sum, Sum after) {
    return (Sum){sum.ones >> 1 | after.ones << 63, sum.twos >> 1 | after.twos << 63};
}

/* The next generation of 64 cells, from the sums of their own columns and those beside. */
static uint64_t next(uint64_t here, Sum left, Sum own, Sum right) {
    Sum low = columns(left.ones, own.ones, right.ones);
    Sum high = columns(left.twos, own.twos, right.twos);
    /* Nine cells alive with the own one: low.ones + 2 (low.twos + high.ones) + 4 high.twos. */
    uint64_t twos = low.twos ^ high.ones;
    uint64_t fours = (low.twos & high.ones) ^ high.twos;
    uint64_t eights = low.twos & high.ones & high.twos;
    uint64_t three = low.ones & twos & ~fours & ~eights;
    uint64_t four = ~low.ones & ~twos & fours & ~eights;
    return three | (four & here);
}

static void advance_row(uint64_t *row, const uint64_t *above, const uint64_t *here, const uint64_t *below) {
    const uint32_t words = order.words;
    for (uint32_t at = 0; at < words; at++) {
        uint32_t before = at ? at - 1 : words - 1, after = at + 1 < words ? at + 1 : 0;
        Sum left = columns(above[before], here[before], below[before]);
        Sum own = columns(above[at], here[at], below[at]);
        Sum right = columns(above[after], here[after], below[after]);
        row[at] = next(here[at], shifted_left(own, left), own, shifted_right(own, right));
    }
}

static void copy(uint64_t *to, const uint64_t *from) {
    for (uint32_t at = 0; at < order.words; at++) to[at] = from[at];
}

/* In place: only the first row and two rows of the generation before are kept. */
static void advance(void) {
    uint64_t first[WORDS_MAX], above[WORDS_MAX], here[WORDS_MAX];
    const uint32_t words = order.words, rows = order.rows;
    copy(first, world.cells);
    copy(above, world.cells + (rows - 1) * words);
    for (uint32_t row = 0; row < rows; row++) {
        uint64_t *cells = world.cells + row * words;
        copy(here, cells);
        advance_row(cells, above, here, row + 1 < rows ? cells + words : first);
        copy(above, here);
    }
    world.generations++;
}

EXPORT("alloc") void *alloc(uint32_t length) {
    require(length == INPUT_BYTES);
    return &order;
}

EXPORT("init") void init(const Order *given, uint32_t length) {
    require(given == &order && length == INPUT_BYTES && order.version == 1);
    require(order.words >= 1 && order.words <= WORDS_MAX && order.rows >= 3 && order.rows <= ROWS_MAX);
    uint64_t state = order.seed;
    for (uint32_t at = 0; at < order.words * order.rows; at++) world.cells[at] = draw(&state);
}

EXPORT("step") int32_t step(uint32_t count) {
    for (; count && world.generations < order.generations; count--) advance();
    return world.generations == order.generations;
}

EXPORT("result") uint64_t result(void) {
    const uint32_t count = order.words * order.rows;
    world.alive = 0;
    for (uint32_t at = 0; at < count; at++) world.alive += (uint32_t)__builtin_popcountll(world.cells[at]);
    return (uint64_t)(uintptr_t)&world << 32 | (8 + count * 8);
}
