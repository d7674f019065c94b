/* Three floats, and the few operations of arithmetic that WebAssembly gives the same bits on every
 * machine: + - * / and the square root.  No libm. */
#ifndef FOGBANK_VECTOR_H
#define FOGBANK_VECTOR_H

/* Four lanes of a vector register, of which the last stays unused: one instruction instead of three. */
typedef float Vector __attribute__((ext_vector_type(4)));

static inline Vector vector(float x, float y, float z) {
    Vector made = {x, y, z, 0.0f};
    return made;
}
static inline Vector add(Vector a, Vector b) { return a + b; }
static inline Vector subtract(Vector a, Vector b) { return a - b; }
static inline Vector multiply(Vector a, Vector b) { return a * b; }
static inline Vector scale(Vector a, float by) { return a * by; }
static inline float dot(Vector a, Vector b) {
    Vector product = a * b;
    return product.x + product.y + product.z;
}
static inline Vector cross(Vector a, Vector b) { return a.yzxw * b.zxyw - a.zxyw * b.yzxw; }
static inline float square_root(float of) { return __builtin_sqrtf(of); }
static inline Vector normalized(Vector a) { return scale(a, 1.0f / square_root(dot(a, a))); }
static inline Vector mix(Vector a, Vector b, float share_of_b) {
    return add(scale(a, 1.0f - share_of_b), scale(b, share_of_b));
}
static inline float clamped(float value, float low, float high) {
    return value < low ? low : value > high ? high : value;
}
static inline Vector reflected(Vector direction, Vector normal) {
    return subtract(direction, scale(normal, 2.0f * dot(direction, normal)));
}

/* e^-x for x >= 0 as (1 - x/256)^256: eight squarings, within 0.5 % where it matters. */
static inline float decay(float x) {
    float power = x < 256.0f ? 1.0f - x * (1.0f / 256.0f) : 0.0f;
    for (int squaring = 0; squaring < 8; squaring++) power *= power;
    return power;
}

#endif
