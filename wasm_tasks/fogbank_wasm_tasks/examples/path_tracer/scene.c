#include "scene.h"

#include <wasm_simd128.h>

/* The large spheres, then a sunflower's spiral of small ones in clusters that share a bounding
 * sphere, so that most rays test few.  Four are tested at a time: what the lanes of a vector hold
 * is packed once, when the scene is built. */
enum {
    LANES = 4,
    LARGE_SPHERES = LANES,
    CLUSTER_SPHERES = 2 * LANES,
    CLUSTERS = 13,
    SMALL_SPHERES = CLUSTERS * CLUSTER_SPHERES,
    SPHERES = LARGE_SPHERES + SMALL_SPHERES,
    SPHERE_PACKS = SPHERES / LANES,
    BOUND_PACKS = (CLUSTERS + LANES - 1) / LANES,
};

typedef struct {
    Vector centre;
    float radius;
    Material material;
} Sphere;

/* Four spheres, lane by lane. */
typedef struct {
    v128_t x, y, z, radius_squared;
} Pack;

/* A ray in all lanes. */
typedef struct {
    v128_t x, y, z, to_x, to_y, to_z;
} Rays;

static Sphere spheres[SPHERES]; /* the large ones first */
static Sphere *const small = spheres + LARGE_SPHERES;
static Pack packs[SPHERE_PACKS];
static Pack bounds[BOUND_PACKS]; /* a lane for each cluster; those left over hit nothing */

static const float NEVER = 1e30f;
static const float SKIN = 1e-3f; /* hits nearer than this are the surface that a ray left */
const Vector SUN_COLOUR = {15.0f, 9.6f, 5.4f};
const float SUN_SPREAD = 0.055f;

Vector sun_direction(void) { return normalized(vector(-0.62f, 0.36f, -0.52f)); }

/* A rainbow without sines: three shifted triangles, softened. */
static float hump(float turn) {
    turn = turn - (float)(int)turn;
    float height = turn < 0.5f ? 2.0f * turn : 2.0f - 2.0f * turn;
    return height * height * (3.0f - 2.0f * height);
}

static Vector hue(float turn) {
    return vector(0.10f + 0.85f * hump(turn + 0.5f), 0.08f + 0.62f * hump(turn + 0.17f),
                  0.12f + 0.80f * hump(turn + 0.86f));
}

static Material material_of(int index) {
    Material glazed = {hue((float)index * (1.0f / 55.0f)), GLAZED, 0.0f};
    Material metal = {mix(hue((float)index * (1.0f / 55.0f)), vector(0.95f, 0.93f, 0.9f), 0.55f), METAL,
                      0.06f};
    Material glass = {vector(0.97f, 0.99f, 0.99f), GLASS, 0.0f};
    return index % 7 == 3 ? glass : index % 5 == 1 ? metal : glazed;
}

static int touches_large(Vector centre, float radius) {
    for (int index = 0; index < LARGE_SPHERES; index++) {
        Vector apart = subtract(centre, spheres[index].centre);
        float room = radius + spheres[index].radius + 0.02f;
        if (dot(apart, apart) < room * room) return 1;
    }
    return 0;
}

static Vector middle_of(const Sphere *members) {
    Vector middle = vector(0.0f, 0.0f, 0.0f);
    for (int index = 0; index < CLUSTER_SPHERES; index++) middle = add(middle, members[index].centre);
    return scale(middle, 1.0f / CLUSTER_SPHERES);
}

/* The smallest sphere around `middle` that holds all the members. */
static Sphere bound_of(const Sphere *members) {
    Sphere bound = {middle_of(members), 0.0f, {{0.0f, 0.0f, 0.0f}, MATTE, 0.0f}};
    for (int index = 0; index < CLUSTER_SPHERES; index++) {
        Vector apart = subtract(members[index].centre, bound.centre);
        float far = square_root(dot(apart, apart)) + members[index].radius;
        bound.radius = far > bound.radius ? far : bound.radius;
    }
    return bound;
}

static Pack packed(const Sphere four[LANES]) {
    Pack pack = {
        wasm_f32x4_make(four[0].centre.x, four[1].centre.x, four[2].centre.x, four[3].centre.x),
        wasm_f32x4_make(four[0].centre.y, four[1].centre.y, four[2].centre.y, four[3].centre.y),
        wasm_f32x4_make(four[0].centre.z, four[1].centre.z, four[2].centre.z, four[3].centre.z),
        wasm_f32x4_make(four[0].radius * four[0].radius, four[1].radius * four[1].radius,
                        four[2].radius * four[2].radius, four[3].radius * four[3].radius),
    };
    return pack;
}

static void pack_all(void) {
    static const Sphere nothing = {{0.0f, -1e6f, 0.0f}, 0.0f, {{0.0f, 0.0f, 0.0f}, MATTE, 0.0f}};
    for (int index = 0; index < SPHERE_PACKS; index++) packs[index] = packed(spheres + index * LANES);
    for (int index = 0; index < BOUND_PACKS; index++) {
        Sphere four[LANES] = {nothing, nothing, nothing, nothing};
        for (int lane = 0; lane < LANES && index * LANES + lane < CLUSTERS; lane++) {
            four[lane] = bound_of(small + (index * LANES + lane) * CLUSTER_SPHERES);
        }
        bounds[index] = packed(four);
    }
}

/* Sorts the small spheres by column and row of a coarse grid: neighbours share a cluster. */
static float place_key(const Sphere *sphere) {
    int column = (int)((sphere->centre.x + 20.0f) * (1.0f / 2.2f));
    float row = sphere->centre.z + 20.0f;
    return (float)column * 100.0f + (column % 2 ? 50.0f - row : row);
}

static void sort_spheres(void) {
    for (int index = 1; index < SMALL_SPHERES; index++) {
        Sphere moving = small[index];
        int at = index;
        for (; at > 0 && place_key(&small[at - 1]) > place_key(&moving); at--) small[at] = small[at - 1];
        small[at] = moving;
    }
}

static void place_large(void) {
    const Sphere placed[LARGE_SPHERES] = {
        {{0.0f, 1.0f, 0.0f}, 1.0f, {{0.98f, 1.0f, 0.99f}, GLASS, 0.0f}},
        {{-2.35f, 0.86f, -0.75f}, 0.86f, {{0.98f, 0.72f, 0.36f}, METAL, 0.02f}},
        {{2.2f, 0.8f, -0.85f}, 0.8f, {{0.07f, 0.22f, 0.42f}, GLAZED, 0.0f}},
        {{0.75f, 0.62f, -2.7f}, 0.62f, {{0.93f, 0.93f, 0.95f}, METAL, 0.0f}},
    };
    for (int index = 0; index < LARGE_SPHERES; index++) spheres[index] = placed[index];
}

void build_scene(void) {
    place_large();
    /* One golden angle after the other, by turning (east, north) instead of asking for sines. */
    const float cosine = -0.7373688781f, sine = 0.6754902943f;
    float east = 1.0f, north = 0.0f;
    int placed = 0;
    for (int index = 1; placed < SMALL_SPHERES; index++) {
        float turned = east * cosine - north * sine;
        north = east * sine + north * cosine;
        east = turned;
        float out = 0.56f * square_root((float)index + 0.5f);
        float radius = 0.13f + 0.013f * (float)(index * 7 % 11);
        Vector centre = vector(out * east, radius, out * north - 0.4f);
        if (touches_large(centre, radius)) continue;
        Sphere sphere = {centre, radius, material_of(index)};
        small[placed++] = sphere;
    }
    sort_spheres();
    pack_all();
}

static inline Rays in_all_lanes(Ray ray) {
    Rays rays = {wasm_f32x4_splat(ray.origin.x),    wasm_f32x4_splat(ray.origin.y),
                 wasm_f32x4_splat(ray.origin.z),    wasm_f32x4_splat(ray.direction.x),
                 wasm_f32x4_splat(ray.direction.y), wasm_f32x4_splat(ray.direction.z)};
    return rays;
}

static inline v128_t dot_lanes(v128_t ax, v128_t ay, v128_t az, v128_t bx, v128_t by, v128_t bz) {
    return wasm_f32x4_add(wasm_f32x4_add(wasm_f32x4_mul(ax, bx), wasm_f32x4_mul(ay, by)),
                          wasm_f32x4_mul(az, bz));
}

/* How far along the ray the middle of each sphere lies, and the square of half the chord that the
 * ray cuts out of it: negative where it passes by. */
static inline v128_t half_chords_squared(const Pack *pack, const Rays *rays, v128_t *along) {
    v128_t x = wasm_f32x4_sub(pack->x, rays->x), y = wasm_f32x4_sub(pack->y, rays->y),
           z = wasm_f32x4_sub(pack->z, rays->z);
    *along = dot_lanes(x, y, z, rays->to_x, rays->to_y, rays->to_z);
    x = wasm_f32x4_sub(x, wasm_f32x4_mul(rays->to_x, *along));
    y = wasm_f32x4_sub(y, wasm_f32x4_mul(rays->to_y, *along));
    z = wasm_f32x4_sub(z, wasm_f32x4_mul(rays->to_z, *along));
    return wasm_f32x4_sub(pack->radius_squared, dot_lanes(x, y, z, x, y, z));
}

/* The distances along the ray to four spheres, NEVER for those that it does not hit. */
static inline int distances_to(const Pack *pack, const Rays *rays, v128_t *distances) {
    const v128_t zero = wasm_f32x4_splat(0.0f), skin = wasm_f32x4_splat(SKIN);
    v128_t along, squared = half_chords_squared(pack, rays, &along);
    v128_t hit = wasm_f32x4_gt(squared, zero);
    if (!wasm_v128_any_true(hit)) return 0;
    v128_t half = wasm_f32x4_sqrt(wasm_f32x4_pmax(squared, zero));
    v128_t enter = wasm_f32x4_sub(along, half), leave = wasm_f32x4_add(along, half);
    v128_t distance = wasm_v128_bitselect(enter, leave, wasm_f32x4_gt(enter, skin));
    hit = wasm_v128_and(hit, wasm_f32x4_gt(distance, skin));
    *distances = wasm_v128_bitselect(distance, wasm_f32x4_splat(NEVER), hit);
    return wasm_v128_any_true(hit);
}

/* A bit for each of the four clusters of `pack` that the ray may hit: those whose bounding sphere it
 * meets ahead, or begins in. */
static inline uint32_t clusters_met(const Pack *pack, const Rays *rays) {
    v128_t along, squared = half_chords_squared(pack, rays, &along);
    v128_t ahead = wasm_f32x4_gt(along, wasm_f32x4_splat(0.0f));
    v128_t inside = wasm_f32x4_gt(squared, wasm_f32x4_mul(along, along));
    v128_t met = wasm_f32x4_gt(squared, wasm_f32x4_splat(0.0f));
    return wasm_i32x4_bitmask(wasm_v128_and(met, wasm_v128_or(ahead, inside)));
}

/* Calls `visit(pack, rays, context)` for each pack of four spheres that the ray may hit, until it
 * returns 0. */
typedef int Visit(int pack, const Rays *rays, void *context);

static inline void visit_packs(Ray ray, Visit *visit, void *context) {
    Rays rays = in_all_lanes(ray);
    if (!visit(0, &rays, context)) return;
    for (int index = 0; index < BOUND_PACKS; index++) {
        uint32_t met = clusters_met(&bounds[index], &rays);
        for (; met != 0; met &= met - 1) {
            int cluster = index * LANES + __builtin_ctz(met);
            int pack = (LARGE_SPHERES + cluster * CLUSTER_SPHERES) / LANES;
            if (!visit(pack, &rays, context) || !visit(pack + 1, &rays, context)) return;
        }
    }
}

static inline float distance_to_floor(Ray ray) {
    if (ray.direction.y > -1e-5f) return NEVER;
    float distance = -ray.origin.y / ray.direction.y;
    return distance > SKIN ? distance : NEVER;
}

static Material floor_at(Vector point) {
    /* Rings around the middle, as on a pond. */
    float out = square_root(point.x * point.x + (point.z + 0.4f) * (point.z + 0.4f));
    float ring = hump(out * 0.55f);
    Material material = {mix(vector(0.075f, 0.085f, 0.11f), vector(0.21f, 0.20f, 0.21f), ring), GLAZED, 0.03f};
    return material;
}

typedef struct {
    float distance;
    const Sphere *sphere;
} Nearest;

static inline int keep_nearest(int pack, const Rays *rays, void *context) {
    Nearest *nearest = context;
    v128_t distances;
    if (!distances_to(&packs[pack], rays, &distances)) return 1;
    float lanes[LANES];
    wasm_v128_store(lanes, distances);
    for (int lane = 0; lane < LANES; lane++) {
        if (lanes[lane] >= nearest->distance) continue;
        nearest->distance = lanes[lane];
        nearest->sphere = &spheres[pack * LANES + lane];
    }
    return 1;
}

int nearest_hit(Ray ray, Hit *hit) {
    Nearest nearest = {distance_to_floor(ray), 0};
    visit_packs(ray, keep_nearest, &nearest);
    if (nearest.distance == NEVER) return 0;
    const Sphere *sphere = nearest.sphere;
    hit->distance = nearest.distance;
    hit->point = add(ray.origin, scale(ray.direction, nearest.distance));
    hit->normal = sphere ? scale(subtract(hit->point, sphere->centre), 1.0f / sphere->radius)
                         : vector(0.0f, 1.0f, 0.0f);
    hit->material = sphere ? sphere->material : floor_at(hit->point);
    return 1;
}

typedef struct {
    Ray ray;
    Vector light;
} Shadow;

/* Glass throws a light shadow, clear in the middle: a path tracer would find the true caustic only
 * with many more samples than this picture has time for. */
static Vector tinted(const Sphere *glass, const Shadow *shadow) {
    Vector towards = subtract(glass->centre, shadow->ray.origin);
    float along = dot(towards, shadow->ray.direction);
    float aside = (dot(towards, towards) - along * along) / (glass->radius * glass->radius);
    float through = 1.0f - clamped(aside, 0.0f, 1.0f);
    return scale(multiply(shadow->light, glass->material.colour), 0.12f + 1.5f * through * through * through);
}

static inline int cast_shadow(int pack, const Rays *rays, void *context) {
    Shadow *shadow = context;
    v128_t distances;
    if (!distances_to(&packs[pack], rays, &distances)) return 1;
    float lanes[LANES];
    wasm_v128_store(lanes, distances);
    for (int lane = 0; lane < LANES; lane++) {
        const Sphere *sphere = &spheres[pack * LANES + lane];
        if (lanes[lane] == NEVER) continue;
        if (sphere->material.surface != GLASS) {
            shadow->light = vector(0.0f, 0.0f, 0.0f);
            return 0;
        }
        shadow->light = tinted(sphere, shadow);
    }
    return 1;
}

Vector sunlight_passing(Ray ray) {
    Shadow shadow = {ray, {1.0f, 1.0f, 1.0f}};
    visit_packs(ray, cast_shadow, &shadow);
    return shadow.light;
}

Vector sky(Vector direction) {
    float up = clamped(direction.y, 0.0f, 1.0f);
    Vector air = mix(vector(0.86f, 0.50f, 0.36f), vector(0.10f, 0.21f, 0.50f), square_root(square_root(up) * up + 0.25f * up));
    float towards_sun = clamped(dot(direction, sun_direction()), 0.0f, 1.0f);
    float glow = towards_sun * towards_sun;
    glow *= glow;
    float halo = glow * glow;
    halo *= halo;
    halo *= halo;
    return add(add(air, scale(vector(0.75f, 0.36f, 0.14f), glow)), scale(vector(2.2f, 1.5f, 0.8f), halo));
}

/* Density falls off with height, so the fog lies on the floor; its integral along a ray is closed. */
float clearness(Ray ray, float distance) {
    const float density = 0.026f, fall = 1.1f;
    float low = decay(clamped(fall * ray.origin.y, 0.0f, 200.0f));
    float rise = fall * ray.direction.y * distance;
    float depth;
    if (rise > 0.02f || rise < -0.02f) {
        float end = fall * (ray.origin.y + ray.direction.y * distance);
        depth = density * distance * (low - decay(clamped(end, 0.0f, 200.0f))) / rise;
    } else {
        depth = density * distance * low;
    }
    return decay(clamped(depth, 0.0f, 200.0f));
}

Vector fog_colour(Vector direction) {
    Vector level = normalized(vector(direction.x, 0.06f, direction.z));
    return scale(sky(level), 0.94f);
}
