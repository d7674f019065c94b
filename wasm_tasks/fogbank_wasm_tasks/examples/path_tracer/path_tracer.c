/* A path tracer as a Fogbank task: a reactor (SPEC.md section 7.3).
 *
 * Input, ten 32-bit little-endian numbers:
 *   version (1), seed, image width, image height, tile x, tile y, tile width, tile height,
 *   samples per pixel, bounces at most
 * Output: tile width x tile height x 3 bytes, red green blue, rows from the top.
 *
 * An input that is not such a tile traps. */
#include <stdint.h>

#include "random.h"
#include "scene.h"

#define EXPORT(name) __attribute__((export_name(name)))

enum {
    INPUT_BYTES = 40,
    IMAGE_SIDE_MAX = 8192,
    TILE_PIXELS_MAX = 65536,
    SAMPLES_MAX = 4096,
    BOUNCES_MAX = 64,
};

typedef struct {
    uint32_t version, seed, image_width, image_height, x, y, width, height, samples, bounces;
} Tile;

static uint32_t input[INPUT_BYTES / 4];
static uint8_t output[TILE_PIXELS_MAX * 3];

static void require(int holds) {
    if (!holds) __builtin_trap();
}

static const Vector WHITE = {1.0f, 1.0f, 1.0f};
static const float GLASS_INDEX = 1.5f;
static const float LIFT = 2e-3f; /* a new ray starts this far off the surface it leaves */

/* A point in the unit ball, by throwing darts at its cube. */
static Vector in_ball(Random *random) {
    for (;;) {
        Vector dart = vector(draw(random) * 2.0f - 1.0f, draw(random) * 2.0f - 1.0f,
                             draw(random) * 2.0f - 1.0f);
        if (dot(dart, dart) <= 1.0f) return dart;
    }
}

/* A point of the unit disc. */
static void in_disc(Random *random, float *east, float *north) {
    do {
        *east = draw(random) * 2.0f - 1.0f;
        *north = draw(random) * 2.0f - 1.0f;
    } while (*east * *east + *north * *north > 1.0f);
}

/* Two directions square to `axis` and to each other. */
static void across(Vector axis, Vector *one, Vector *other) {
    Vector helper = axis.x > 0.7f || axis.x < -0.7f ? vector(0.0f, 1.0f, 0.0f) : vector(1.0f, 0.0f, 0.0f);
    *one = normalized(cross(axis, helper));
    *other = cross(axis, *one);
}

/* A direction off a matte surface, as likely as the cosine to its normal. */
static Vector scattered(Vector normal, Random *random) {
    Vector one, other;
    float east, north;
    across(normal, &one, &other);
    in_disc(random, &east, &north);
    float up = square_root(clamped(1.0f - east * east - north * north, 0.0f, 1.0f));
    return normalized(add(add(scale(one, east), scale(other, north)), scale(normal, up + 1e-4f)));
}

/* Schlick's share of light that is mirrored. */
static float mirrored_share(float cosine, float straight) {
    float left = 1.0f - clamped(cosine, 0.0f, 1.0f);
    float squared = left * left;
    return straight + (1.0f - straight) * squared * squared * left;
}

/* The sun's light that a matte surface sends on, by one ray to a random point of the sun. */
static Vector sunlit(const Hit *hit, Random *random) {
    Vector one, other, sun = sun_direction();
    float east, north;
    across(sun, &one, &other);
    in_disc(random, &east, &north);
    Vector aside = add(scale(one, east * SUN_SPREAD), scale(other, north * SUN_SPREAD));
    Ray ray = {add(hit->point, scale(hit->normal, LIFT)), normalized(add(sun, aside))};
    float cosine = dot(ray.direction, hit->normal);
    if (cosine <= 0.0f) return vector(0.0f, 0.0f, 0.0f);
    Vector light = scale(multiply(SUN_COLOUR, sunlight_passing(ray)), cosine * (1.0f / 3.14159265f));
    return multiply(light, hit->material.colour);
}

/* The next ray after glass: mirrored or bent, as Fresnel and Snell have it. */
static Ray through_glass(Ray ray, const Hit *hit, Random *random) {
    float cosine = dot(ray.direction, hit->normal);
    Vector facing = cosine < 0.0f ? hit->normal : scale(hit->normal, -1.0f);
    float ratio = cosine < 0.0f ? 1.0f / GLASS_INDEX : GLASS_INDEX;
    cosine = cosine < 0.0f ? -cosine : cosine;
    float bent = 1.0f - ratio * ratio * (1.0f - cosine * cosine);
    float grazing = ratio > 1.0f && bent > 0.0f ? square_root(bent) : cosine;
    Ray next;
    if (bent <= 0.0f || draw(random) < mirrored_share(grazing, 0.04f)) {
        next.direction = normalized(reflected(ray.direction, facing));
        next.origin = add(hit->point, scale(facing, LIFT));
    } else {
        Vector sideways = scale(add(ray.direction, scale(facing, cosine)), ratio);
        next.direction = normalized(subtract(sideways, scale(facing, square_root(bent))));
        next.origin = subtract(hit->point, scale(facing, LIFT));
    }
    return next;
}

static Ray mirrored_ray(Ray ray, const Hit *hit, Random *random) {
    Vector direction = reflected(ray.direction, hit->normal);
    if (hit->material.roughness > 0.0f) {
        direction = add(direction, scale(in_ball(random), hit->material.roughness));
    }
    Ray next = {add(hit->point, scale(hit->normal, LIFT)), normalized(direction)};
    return next;
}

/* The sun's disc, seen by the eye and in mirrors and glass: once a path has left a matte surface,
 * `sunlit` has counted it. */
static Vector sun_seen(Vector direction) {
    float cosine = dot(direction, sun_direction());
    return cosine > 1.0f - 0.5f * SUN_SPREAD * SUN_SPREAD ? SUN_COLOUR
                                                           : vector(0.0f, 0.0f, 0.0f);
}

/* Chooses where the light of `hit` comes from; 0 when none of it can matter. */
static int bounce(Ray *ray, const Hit *hit, Vector *share, Vector *light, int *sees_sun, Random *random) {
    Surface surface = hit->material.surface;
    if (surface == GLASS) {
        *ray = through_glass(*ray, hit, random);
        *share = multiply(*share, hit->material.colour);
        return 1;
    }
    float cosine = -dot(ray->direction, hit->normal);
    if (surface == METAL) {
        *share = multiply(*share, mix(hit->material.colour, WHITE, mirrored_share(cosine, 0.0f)));
        *ray = mirrored_ray(*ray, hit, random);
        return dot(ray->direction, hit->normal) > 0.0f;
    }
    if (surface == GLAZED && draw(random) < mirrored_share(cosine, 0.04f)) {
        *ray = mirrored_ray(*ray, hit, random);
        return dot(ray->direction, hit->normal) > 0.0f;
    }
    *light = add(*light, multiply(*share, sunlit(hit, random)));
    *share = multiply(*share, hit->material.colour);
    ray->origin = add(hit->point, scale(hit->normal, LIFT));
    ray->direction = scattered(hit->normal, random);
    *sees_sun = 0;
    return 1;
}

static Vector traced(Ray ray, uint32_t bounces, Random *random) {
    Vector light = vector(0.0f, 0.0f, 0.0f), share = WHITE;
    int sees_sun = 1;
    for (uint32_t depth = 0; depth < bounces; depth++) {
        Hit hit;
        int found = nearest_hit(ray, &hit);
        float clear = clearness(ray, found ? hit.distance : 60.0f);
        light = add(light, multiply(share, scale(fog_colour(ray.direction), 1.0f - clear)));
        share = scale(share, clear);
        if (!found) {
            Vector beyond = sky(ray.direction);
            if (sees_sun) beyond = add(beyond, sun_seen(ray.direction));
            return add(light, multiply(share, beyond));
        }
        if (!bounce(&ray, &hit, &share, &light, &sees_sun, random)) return light;
        if (share.x + share.y + share.z < 0.03f) return light;
    }
    return light;
}

/* A ray of the camera through the pixel, from a random point of its lens. */
static Ray camera_ray(const Tile *tile, uint32_t x, uint32_t y, Random *random) {
    const Vector eye = {0.9f, 1.75f, 6.4f}, target = {0.0f, 0.72f, -0.3f};
    const float field = 0.40f, lens = 0.045f;
    Vector ahead = subtract(target, eye);
    float focus = square_root(dot(ahead, ahead)) - 0.6f;
    ahead = normalized(ahead);
    Vector right = normalized(cross(ahead, vector(0.0f, 1.0f, 0.0f)));
    Vector up = cross(right, ahead);
    float half = 2.0f / (float)tile->image_height;
    float east = ((float)x + draw(random) - 0.5f * (float)tile->image_width) * half * field;
    float north = (0.5f * (float)tile->image_height - (float)y - draw(random)) * half * field;
    float lens_east, lens_north;
    in_disc(random, &lens_east, &lens_north);
    Vector shift = add(scale(right, lens_east * lens), scale(up, lens_north * lens));
    Vector aim = scale(add(ahead, add(scale(right, east), scale(up, north))), focus);
    Ray ray = {add(eye, shift), normalized(subtract(aim, shift))};
    return ray;
}

/* Narkowicz's fit of the ACES film curve, then sRGB by square roots; 0 to 255. */
static uint8_t shown(float light) {
    float film = light * (2.51f * light + 0.03f) / (light * (2.43f * light + 0.59f) + 0.14f);
    float one = square_root(clamped(film, 0.0f, 1.0f)), two = square_root(one), three = square_root(two);
    float display = 0.585122381f * one + 0.783140355f * two - 0.368262736f * three;
    return (uint8_t)(clamped(display, 0.0f, 1.0f) * 255.0f + 0.5f);
}

/* A single path is cut here, or one glint leaves a white speck in the picture. */
static Vector without_specks(Vector light) {
    return vector(clamped(light.x, 0.0f, 5.0f), clamped(light.y, 0.0f, 5.0f), clamped(light.z, 0.0f, 5.0f));
}

static void render_pixel(const Tile *tile, uint32_t x, uint32_t y, uint8_t *pixel) {
    Random random = random_for(tile->seed, x, y);
    Vector sum = vector(0.0f, 0.0f, 0.0f);
    for (uint32_t sample = 0; sample < tile->samples; sample++) {
        begin_sample(&random, sample);
        Ray ray = camera_ray(tile, x, y, &random);
        sum = add(sum, without_specks(traced(ray, tile->bounces, &random)));
    }
    sum = scale(sum, 0.72f / (float)tile->samples);
    pixel[0] = shown(sum.x);
    pixel[1] = shown(sum.y);
    pixel[2] = shown(sum.z);
}

static Tile read_tile(void) {
    Tile tile = {input[0], input[1], input[2], input[3], input[4],
                 input[5], input[6], input[7], input[8], input[9]};
    require(tile.version == 1);
    require(tile.image_width >= 1 && tile.image_width <= IMAGE_SIDE_MAX);
    require(tile.image_height >= 1 && tile.image_height <= IMAGE_SIDE_MAX);
    require(tile.x < tile.image_width && tile.width >= 1 && tile.width <= tile.image_width - tile.x);
    require(tile.y < tile.image_height && tile.height >= 1 && tile.height <= tile.image_height - tile.y);
    require(tile.width * tile.height <= TILE_PIXELS_MAX);
    require(tile.samples >= 1 && tile.samples <= SAMPLES_MAX);
    require(tile.bounces >= 1 && tile.bounces <= BOUNCES_MAX);
    return tile;
}

EXPORT("alloc") void *alloc(uint32_t length) {
    require(length == INPUT_BYTES);
    return input;
}

EXPORT("run") uint64_t run(const void *pointer, uint32_t length) {
    require(pointer == input && length == INPUT_BYTES);
    Tile tile = read_tile();
    build_scene();
    uint8_t *pixel = output;
    for (uint32_t y = tile.y; y < tile.y + tile.height; y++) {
        for (uint32_t x = tile.x; x < tile.x + tile.width; x++, pixel += 3) render_pixel(&tile, x, y, pixel);
    }
    return (uint64_t)(uintptr_t)output << 32 | tile.width * tile.height * 3;
}
