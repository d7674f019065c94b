#include "scene.h"

/* The three large spheres, then a sunflower's spiral of small ones in clusters that share a
 * bounding sphere, so that most rays test few. */
enum { CLUSTER_SPHERES = 8, CLUSTERS = 13, SPHERES = CLUSTERS * CLUSTER_SPHERES, LARGE_SPHERES = 4 };

typedef struct {
    Vector centre;
    float radius;
    Material material;
} Sphere;

typedef struct {
    Vector centre;
    float radius_squared;
} Bound;

static Sphere large[LARGE_SPHERES];
static Sphere spheres[SPHERES];
static Bound bounds[CLUSTERS];

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
        Vector apart = subtract(centre, large[index].centre);
        float room = radius + large[index].radius + 0.02f;
        if (dot(apart, apart) < room * room) return 1;
    }
    return 0;
}

static void bound_cluster(int cluster) {
    const Sphere *members = spheres + cluster * CLUSTER_SPHERES;
    Vector middle = vector(0.0f, 0.0f, 0.0f);
    for (int index = 0; index < CLUSTER_SPHERES; index++) middle = add(middle, members[index].centre);
    middle = scale(middle, 1.0f / CLUSTER_SPHERES);
    float reach = 0.0f;
    for (int index = 0; index < CLUSTER_SPHERES; index++) {
        Vector apart = subtract(members[index].centre, middle);
        float far = square_root(dot(apart, apart)) + members[index].radius;
        reach = far > reach ? far : reach;
    }
    bounds[cluster].centre = middle;
    bounds[cluster].radius_squared = reach * reach;
}

/* Sorts the small spheres by column and row of a coarse grid: neighbours share a cluster. */
static float place_key(const Sphere *sphere) {
    int column = (int)((sphere->centre.x + 20.0f) * (1.0f / 2.2f));
    float row = sphere->centre.z + 20.0f;
    return (float)column * 100.0f + (column % 2 ? 50.0f - row : row);
}

static void sort_spheres(void) {
    for (int index = 1; index < SPHERES; index++) {
        Sphere moving = spheres[index];
        int at = index;
        for (; at > 0 && place_key(&spheres[at - 1]) > place_key(&moving); at--) spheres[at] = spheres[at - 1];
        spheres[at] = moving;
    }
}

static void place_large(void) {
    const Sphere placed[LARGE_SPHERES] = {
        {{0.0f, 1.0f, 0.0f}, 1.0f, {{0.98f, 1.0f, 0.99f}, GLASS, 0.0f}},
        {{-2.35f, 0.86f, -0.75f}, 0.86f, {{0.98f, 0.72f, 0.36f}, METAL, 0.02f}},
        {{2.2f, 0.8f, -0.85f}, 0.8f, {{0.07f, 0.22f, 0.42f}, GLAZED, 0.0f}},
        {{0.75f, 0.62f, -2.7f}, 0.62f, {{0.93f, 0.93f, 0.95f}, METAL, 0.0f}},
    };
    for (int index = 0; index < LARGE_SPHERES; index++) large[index] = placed[index];
}

void build_scene(void) {
    place_large();
    /* One golden angle after the other, by turning (east, north) instead of asking for sines. */
    const float cosine = -0.7373688781f, sine = 0.6754902943f;
    float east = 1.0f, north = 0.0f;
    int placed = 0;
    for (int index = 1; placed < SPHERES; index++) {
        float turned = east * cosine - north * sine;
        north = east * sine + north * cosine;
        east = turned;
        float out = 0.56f * square_root((float)index + 0.5f);
        float radius = 0.13f + 0.013f * (float)(index * 7 % 11);
        Vector centre = vector(out * east, radius, out * north - 0.4f);
        if (touches_large(centre, radius)) continue;
        Sphere sphere = {centre, radius, material_of(index)};
        spheres[placed++] = sphere;
    }
    sort_spheres();
    for (int cluster = 0; cluster < CLUSTERS; cluster++) bound_cluster(cluster);
}

/* The distance along `ray` to the sphere, or NEVER. */
static inline float distance_to(const Sphere *sphere, Ray ray) {
    Vector towards = subtract(sphere->centre, ray.origin);
    float along = dot(towards, ray.direction);
    Vector aside = subtract(towards, scale(ray.direction, along));
    float inside = sphere->radius * sphere->radius - dot(aside, aside);
    if (inside < 0.0f) return NEVER;
    float half = square_root(inside);
    if (along - half > SKIN) return along - half;
    return along + half > SKIN ? along + half : NEVER;
}

static inline int may_hit(const Bound *bound, Ray ray) {
    Vector towards = subtract(bound->centre, ray.origin);
    float along = dot(towards, ray.direction);
    float square = dot(towards, towards);
    return square < bound->radius_squared ||
           (along > 0.0f && square - along * along < bound->radius_squared);
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

int nearest_hit(Ray ray, Hit *hit) {
    const Sphere *nearest = 0;
    float distance = distance_to_floor(ray);
    for (int index = 0; index < LARGE_SPHERES; index++) {
        float here = distance_to(&large[index], ray);
        if (here < distance) distance = here, nearest = &large[index];
    }
    for (int cluster = 0; cluster < CLUSTERS; cluster++) {
        if (!may_hit(&bounds[cluster], ray)) continue;
        const Sphere *members = spheres + cluster * CLUSTER_SPHERES;
        for (int index = 0; index < CLUSTER_SPHERES; index++) {
            float here = distance_to(&members[index], ray);
            if (here < distance) distance = here, nearest = &members[index];
        }
    }
    if (distance == NEVER) return 0;
    hit->distance = distance;
    hit->point = add(ray.origin, scale(ray.direction, distance));
    hit->normal = nearest ? scale(subtract(hit->point, nearest->centre), 1.0f / nearest->radius)
                          : vector(0.0f, 1.0f, 0.0f);
    hit->material = nearest ? nearest->material : floor_at(hit->point);
    return 1;
}

/* Glass throws a light shadow, clear in the middle: a path tracer would find the true caustic only
 * with many more samples than this picture has time for. */
static int shades(const Sphere *sphere, Ray ray, Vector *light) {
    if (distance_to(sphere, ray) == NEVER) return 0;
    if (sphere->material.surface != GLASS) return 1;
    Vector towards = subtract(sphere->centre, ray.origin);
    float along = dot(towards, ray.direction);
    float aside = (dot(towards, towards) - along * along) / (sphere->radius * sphere->radius);
    float through = 1.0f - clamped(aside, 0.0f, 1.0f);
    *light = scale(multiply(*light, sphere->material.colour), 0.12f + 1.5f * through * through * through);
    return 0;
}

Vector sunlight_passing(Ray ray) {
    Vector light = vector(1.0f, 1.0f, 1.0f);
    const Vector dark = {0.0f, 0.0f, 0.0f};
    for (int index = 0; index < LARGE_SPHERES; index++) {
        if (shades(&large[index], ray, &light)) return dark;
    }
    for (int cluster = 0; cluster < CLUSTERS; cluster++) {
        if (!may_hit(&bounds[cluster], ray)) continue;
        const Sphere *members = spheres + cluster * CLUSTER_SPHERES;
        for (int index = 0; index < CLUSTER_SPHERES; index++) {
            if (shades(&members[index], ray, &light)) return dark;
        }
    }
    return light;
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
