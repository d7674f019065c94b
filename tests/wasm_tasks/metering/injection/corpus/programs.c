// Small programs of many kinds; each becomes a module that exports `run` and its memory.
#include <stdint.h>
#define PROGRAM(name) __attribute__((export_name("run"))) void run_##name(void)
typedef uint32_t u32;
typedef uint64_t u64;
static volatile u64 result;
static u32 state = 12345;
static u32 next(void) { return state = state * 1664525u + 1013904223u; }
static unsigned char bytes[8192];
static int numbers[1024];
static double reals[64 * 64 * 3];

#ifdef ONLY_primes
PROGRAM(primes) { for (int i = 2; i < 8192; i++) if (!bytes[i]) { result++; for (int j = i; j < 8192; j += i) bytes[j] = 1; } }
#endif
#ifdef ONLY_fibonacci
static u32 fib(u32 n) { return n < 2 ? n : fib(n - 1) + fib(n - 2); }
PROGRAM(fibonacci) { result = fib(18); }
#endif
#ifdef ONLY_matrix
PROGRAM(matrix) { double *a = reals, *b = reals + 4096, *c = reals + 8192; for (int i = 0; i < 4096; i++) { a[i] = i * 0.5; b[i] = 4096 - i; }
  for (int i = 0; i < 4; i++) for (int j = 0; j < 64; j++) { double s = 0; for (int k = 0; k < 64; k++) s += a[i * 64 + k] * b[k * 64 + j]; c[i * 64 + j] = s; } }
#endif
#ifdef ONLY_quicksort
static void sort(int *a, int n) { if (n < 2) return; int p = a[n / 2], i = 0, j = n - 1; while (i <= j) { while (a[i] < p) i++; while (a[j] > p) j--; if (i <= j) { int t = a[i]; a[i++] = a[j]; a[j--] = t; } } sort(a, j + 1); sort(a + i, n - i); }
PROGRAM(quicksort) { for (int i = 0; i < 1024; i++) numbers[i] = next(); sort(numbers, 1024); }
#endif
#ifdef ONLY_crc
PROGRAM(crc) { u32 c = ~0u; for (int i = 0; i < 4096; i++) { c ^= bytes[i] + i; for (int k = 0; k < 8; k++) c = c >> 1 ^ (c & 1 ? 0xEDB88320u : 0); } result = ~c; }
#endif
#ifdef ONLY_fnv
PROGRAM(fnv) { u64 h = 14695981039346656037ull; for (int i = 0; i < 8192; i++) h = (h ^ bytes[i]) * 1099511628211ull; result = h; }
#endif
#ifdef ONLY_queens
static int place(u32 n, u32 columns, u32 left, u32 right) { if (columns == (1u << n) - 1) return 1; int count = 0; u32 free = ~(columns | left | right) & ((1u << n) - 1); while (free) { u32 bit = free & -free; free ^= bit; count += place(n, columns | bit, (left | bit) << 1, (right | bit) >> 1); } return count; }
PROGRAM(queens) { result = place(7, 0, 0, 0); }
#endif
#ifdef ONLY_collatz
PROGRAM(collatz) { for (u64 n = 1; n < 500; n++) for (u64 x = n; x != 1; x = x % 2 ? 3 * x + 1 : x / 2) result++; }
#endif
#ifdef ONLY_interpreter
PROGRAM(interpreter) { static const unsigned char code[] = {0, 3, 1, 2, 4, 5, 0, 6}; u32 a = 1, b = 2; for (int i = 0; i < 4000; i++) switch (code[(i + a) % 8]) { case 0: a += b; break; case 1: b ^= a; break; case 2: a <<= 1; break; case 3: b -= 7; break; case 4: a ^= b >> 3; break; case 5: b++; break; default: a--; } result = a ^ b; }
#endif
#ifdef ONLY_dispatch
static u32 f0(u32 x) { return x * 3; }
static u32 f1(u32 x) { return x ^ 99; }
static u32 f2(u32 x) { return x >> 1 | x << 31; }
static u32 (*volatile table[3])(u32) = {f0, f1, f2};
PROGRAM(dispatch) { u32 x = 5; for (int i = 0; i < 2000; i++) x = table[i % 3](x); result = x; }
#endif
#ifdef ONLY_life
PROGRAM(life) { for (int i = 0; i < 4096; i++) bytes[i] = next() >> 31; for (int g = 0; g < 4; g++) { unsigned char *a = bytes + (g & 1) * 4096, *b = bytes + 4096 - (g & 1) * 4096; for (int y = 0; y < 64; y++) for (int x = 0; x < 64; x++) { int n = 0; for (int d = -1; d < 2; d++) for (int e = -1; e < 2; e++) if (d || e) n += a[(y + d & 63) * 64 + (x + e & 63)]; b[y * 64 + x] = n == 3 || (n == 2 && a[y * 64 + x]); } } }
#endif
#ifdef ONLY_mandelbrot
PROGRAM(mandelbrot) { for (int y = 0; y < 32; y++) for (int x = 0; x < 32; x++) { double r = 0, i = 0, a = x / 16.0 - 1.5, b = y / 16.0 - 1; int n = 0; while (n < 50 && r * r + i * i < 4) { double t = r * r - i * i + a; i = 2 * r * i + b; r = t; n++; } bytes[y * 32 + x] = n; } }
#endif
#ifdef ONLY_bodies
PROGRAM(bodies) { float x = 1, y = 0, u = 0, v = 0.5f; for (int i = 0; i < 2000; i++) { float d = x * x + y * y, f = 0.01f / (d * __builtin_sqrtf(d)); u -= f * x; v -= f * y; x += u * 0.01f; y += v * 0.01f; } result = (u64)(x * x * 1e6f); }
#endif
#ifdef ONLY_knapsack
PROGRAM(knapsack) { for (int i = 0; i < 40; i++) { int w = next() % 60 + 1, v = next() % 1000; for (int c = 1023; c >= w; c--) if (numbers[c - w] + v > numbers[c]) numbers[c] = numbers[c - w] + v; } }
#endif
#ifdef ONLY_copies
PROGRAM(copies) { for (int i = 0; i < 60; i++) { __builtin_memcpy(bytes + i * 64, bytes + 4096 - i, 64); __builtin_memset(bytes + i, i, i + 1); __builtin_memmove(bytes + i, bytes + i * 3, 700); } }
#endif
#ifdef ONLY_ackermann
static u32 ack(u32 m, u32 n) { return m == 0 ? n + 1 : n == 0 ? ack(m - 1, 1) : ack(m - 1, ack(m, n - 1)); }
PROGRAM(ackermann) { result = ack(2, 9); }
#endif
#ifdef ONLY_search
PROGRAM(search) { for (int i = 0; i < 1024; i++) numbers[i] = i * 7; for (int q = 0; q < 400; q++) { int low = 0, high = 1024, x = next() % 7000; while (low < high) { int m = (low + high) / 2; if (numbers[m] < x) low = m + 1; else high = m; } result += low; } }
#endif
#ifdef ONLY_letters
PROGRAM(letters) { for (int i = 0; i < 8192; i++) bytes[i] = 'a' + next() % 26; for (int i = 0; i < 8192; i++) numbers[bytes[i]]++; }
#endif
#ifdef ONLY_cipher
PROGRAM(cipher) { u32 v = 1, w = 2, s = 0; for (int i = 0; i < 500; i++) { s += 0x9E3779B9u; v += (w << 4 ^ w >> 5) + w ^ s; w += (v << 4 ^ v >> 5) + v ^ s; } result = (u64)v << 32 | w; }
#endif
#ifdef ONLY_distances
PROGRAM(distances) { for (int i = 0; i < 1024; i++) numbers[i] = next() % 100 + 1; for (int k = 0; k < 16; k++) for (int i = 0; i < 16; i++) for (int j = 0; j < 16; j++) { int d = numbers[i * 16 + k] + numbers[k * 16 + j]; if (d < numbers[i * 16 + j]) numbers[i * 16 + j] = d; } }
#endif
#ifdef ONLY_integral
PROGRAM(integral) { double s = 0; for (int i = 0; i < 3000; i++) { double x = i / 3000.0; s += 4 / (1 + x * x); } reals[0] = s / 3000; result = (u64)(s * 1000); }
#endif
#ifdef ONLY_greatest
static u64 gcd(u64 a, u64 b) { return b ? gcd(b, a % b) : a; }
PROGRAM(greatest) { for (int i = 0; i < 300; i++) result += gcd(next(), next() | 1); }
#endif
