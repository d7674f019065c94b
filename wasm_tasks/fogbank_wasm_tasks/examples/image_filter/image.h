/* Pictures in memory, read from and written as binary PGM and PPM (netpbm's P5 and P6), 8 bits a sample. */
#ifndef FOGBANK_IMAGE_H
#define FOGBANK_IMAGE_H

#include <stdint.h>

enum { SIDE_MAX = 8192, PIXELS_MAX = 1 << 24 };

typedef struct {
    uint8_t *samples; /* row by row from the top, the channels of a pixel side by side */
    uint32_t width, height;
    uint32_t channels; /* 1 grey, 3 red, green and blue */
} Image;

_Noreturn void give_up(const char *sentence, uint32_t code);

/* Zeroed memory that is never given back: a run makes a few pictures and is over. */
uint8_t *take_memory(uint32_t bytes);

Image new_image(uint32_t width, uint32_t height, uint32_t channels);
Image read_image(void);
void write_image(const Image *image);

#endif
