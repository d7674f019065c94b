/* What is in the picture: spheres on a wet floor, a low sun and a bank of fog. */
#ifndef FOGBANK_SCENE_H
#define FOGBANK_SCENE_H

#include <stdint.h>

#include "vector.h"

typedef enum { MATTE, GLAZED, METAL, GLASS } Surface;

typedef struct {
    Vector colour;
    Surface surface;
    float roughness; /* radius of the ball that a mirrored direction is spread over */
} Material;

typedef struct {
    Vector origin, direction; /* direction has length 1 */
} Ray;

typedef struct {
    float distance;
    Vector point, normal; /* normal points out of the thing hit */
    Material material;
} Hit;

/* Places the spheres; the same scene every time. */
void build_scene(void);

/* Whether `ray` hits anything, and the nearest hit if so. */
int nearest_hit(Ray ray, Hit *hit);

/* The share of the sun's light, by colour, that reaches `origin` from `direction`. */
Vector sunlight_passing(Ray ray);

/* The light that comes from the sky in `direction`, without the sun's disc. */
Vector sky(Vector direction);

/* Towards the middle of the sun. */
Vector sun_direction(void);

/* How much of what `ray` shows at `distance` comes through the fog, 0 to 1. */
float clearness(Ray ray, float distance);

/* The colour of the fog seen along `direction`. */
Vector fog_colour(Vector direction);

extern const Vector SUN_COLOUR;
extern const float SUN_SPREAD; /* radius of the sun's disc at distance 1 */

#endif
