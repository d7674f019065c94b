// What benchmarks/metering.py times.  Built with
//     python -m ziglang cc --target=wasm32-freestanding -nostdlib -O2 -Wl,--no-entry -Wl,--strip-all \
//         -o kernels.wasm kernels.c
#include <stdint.h>
#define EXPORT(name) __attribute__((export_name(name)))
#define SIDE 160
#define SIEVE 4000000

static double a[SIDE * SIDE], b[SIDE * SIDE], c[SIDE * SIDE];

EXPORT("matmul") int64_t matmul(int rounds) {
    for (int i = 0; i < SIDE * SIDE; i++) {
        a[i] = i * 0.5;
        b[i] = i * 0.25;
    }
    for (int round = 0; round < rounds; round++)
        for (int i = 0; i < SIDE; i++)
            for (int j = 0; j < SIDE; j++) {
                double sum = 0;
                for (int k = 0; k < SIDE; k++)
                    sum += a[i * SIDE + k] * b[k * SIDE + j];
                c[i * SIDE + j] = sum;
            }
    return (int64_t)c[777];
}

static uint8_t is_prime[SIEVE];

EXPORT("sieve") int64_t sieve(int rounds) {
    int64_t count = 0;
    for (int round = 0; round < rounds; round++) {
        for (int i = 0; i < SIEVE; i++)
            is_prime[i] = 1;
        count = 0;
        for (int i = 2; i < SIEVE; i++)
            if (is_prime[i]) {
                count++;
                for (long j = (long)i * 2; j < SIEVE; j += i)
                    is_prime[j] = 0;
            }
    }
    return count;
}

static uint8_t data[1 << 20];

EXPORT("hash") int64_t hash(int rounds) {
    // Else the compiler knows that all is zero, reads nothing, and multiplies once for eight bytes.
    for (int i = 0; i < 1 << 20; i++)
        data[i] = i * rounds;
    uint64_t value = 14695981039346656037ULL;
    for (int round = 0; round < rounds; round++)
        for (int i = 0; i < 1 << 20; i++) {
            value ^= data[i];
            value *= 1099511628211ULL;
        }
    return value;
}

EXPORT("fib") int64_t fib(int n) { return n < 2 ? n : fib(n - 1) + fib(n - 2); }
