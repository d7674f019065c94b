// A step task whose every step changes all of its 128 KiB: what benchmarks/verification.py times.
// Built with
//     python -m ziglang cc --target=wasm32-freestanding -nostdlib -O2 -Wl,--no-entry -Wl,--strip-all \
//         -Wl,-z,stack-size=16384 -o stirring.wasm stirring.c
//
// Input: how many steps there are, a 32-bit little-endian number.
#include <stdint.h>
#define EXPORT(name) __attribute__((export_name(name)))
#define WORDS 16384
#define ROUNDS 190

static uint32_t order;
static struct {
    uint32_t done;
    uint64_t words[WORDS];
} world;

EXPORT("alloc") void *alloc(uint32_t length) {
    if (length != sizeof order) __builtin_trap();
    return &order;
}

EXPORT("init") void init(const void *given, uint32_t length) {
    for (uint32_t at = 0; at < WORDS; at++) world.words[at] = at;
}

EXPORT("step") int32_t step(uint32_t count) {
    for (; count && world.done < order; count--, world.done++) {
        uint64_t state = world.words[0] + world.done + 1;
        for (uint32_t at = 0; at < WORDS * ROUNDS; at++) {
            state ^= state << 13;
            state ^= state >> 7;
            state ^= state << 17;
            world.words[at % WORDS] += state;
        }
    }
    return world.done == order;
}

EXPORT("result") uint64_t result(void) { return (uint64_t)(uintptr_t)&world << 32 | sizeof world; }
