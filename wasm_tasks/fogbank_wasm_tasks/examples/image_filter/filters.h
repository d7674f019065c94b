/* The filters.  All arithmetic is on integers; beyond an edge the pixel at the edge is repeated. */
#ifndef FOGBANK_FILTERS_H
#define FOGBANK_FILTERS_H

#include "image.h"

enum { RADIUS_MAX = 64 };

Image grey(const Image *image);
Image inverted(const Image *image);
Image edges(const Image *image);
Image despeckled(const Image *image);
Image blurred(const Image *image, uint32_t radius);
Image sharpened(const Image *image, uint32_t radius);

#endif
