#include "filters.h"

static uint32_t clamped(int32_t at, uint32_t count) {
    return at < 0 ? 0 : (uint32_t)at >= count ? count - 1 : (uint32_t)at;
}

static uint8_t sample(int32_t value) { return (uint8_t)(value < 0 ? 0 : value > 255 ? 255 : value); }

static int32_t at(const Image *image, int32_t x, int32_t y, uint32_t channel) {
    uint32_t place = clamped(y, image->height) * image->width + clamped(x, image->width);
    return image->samples[place * image->channels + channel];
}

Image grey(const Image *image) {
    Image made = new_image(image->width, image->height, 1);
    for (uint32_t pixel = 0; pixel < image->width * image->height; pixel++) {
        const uint8_t *from = image->samples + pixel * image->channels;
        /* The weights of ITU-R BT.709. */
        made.samples[pixel] = image->channels == 1 ? from[0] : (uint8_t)((2126 * from[0] + 7152 * from[1] + 722 * from[2] + 5000) / 10000);
    }
    return made;
}

Image inverted(const Image *image) {
    Image made = new_image(image->width, image->height, image->channels);
    uint32_t size = image->width * image->height * image->channels;
    for (uint32_t place = 0; place < size; place++) made.samples[place] = 255 - image->samples[place];
    return made;
}

/* Sobel's operator: how fast the brightness changes along x and along y. */
Image edges(const Image *image) {
    Image bright = grey(image), made = new_image(image->width, image->height, 1);
    for (int32_t y = 0; y < (int32_t)image->height; y++) {
        for (int32_t x = 0; x < (int32_t)image->width; x++) {
            int32_t along_x = 0, along_y = 0;
            for (int32_t step = -1; step <= 1; step++) {
                int32_t weight = 2 - step * step;
                along_x += weight * (at(&bright, x + 1, y + step, 0) - at(&bright, x - 1, y + step, 0));
                along_y += weight * (at(&bright, x + step, y + 1, 0) - at(&bright, x + step, y - 1, 0));
            }
            int32_t change = (along_x < 0 ? -along_x : along_x) + (along_y < 0 ? -along_y : along_y);
            made.samples[(uint32_t)y * image->width + (uint32_t)x] = sample(change / 2);
        }
    }
    return made;
}

static uint8_t median_of_nine(uint8_t *values) {
    for (uint32_t next = 1; next < 9; next++) {
        uint8_t value = values[next];
        uint32_t place = next;
        for (; place > 0 && values[place - 1] > value; place--) values[place] = values[place - 1];
        values[place] = value;
    }
    return values[4];
}

/* The median of each sample and its eight neighbours: takes single wrong pixels away and keeps edges. */
Image despeckled(const Image *image) {
    Image made = new_image(image->width, image->height, image->channels);
    uint8_t *to = made.samples;
    for (int32_t y = 0; y < (int32_t)image->height; y++) {
        for (int32_t x = 0; x < (int32_t)image->width; x++) {
            for (uint32_t channel = 0; channel < image->channels; channel++) {
                uint8_t values[9], count = 0;
                for (int32_t down = -1; down <= 1; down++) {
                    for (int32_t right = -1; right <= 1; right++) values[count++] = (uint8_t)at(image, x + right, y + down, channel);
                }
                *to++ = median_of_nine(values);
            }
        }
    }
    return made;
}

/* The mean over 2 * radius + 1 samples of a line of `count`, `stride` bytes apart: one addition and one subtraction a
 * sample, whatever the radius. */
static void blur_line(const uint8_t *from, uint8_t *to, uint32_t count, uint32_t stride, int32_t radius) {
    uint32_t window = 2 * (uint32_t)radius + 1, sum = 0;
    for (int32_t near = -radius; near <= radius; near++) sum += from[clamped(near, count) * stride];
    for (int32_t place = 0; place < (int32_t)count; place++) {
        to[(uint32_t)place * stride] = (uint8_t)((sum + (uint32_t)radius) / window);
        sum += from[clamped(place + radius + 1, count) * stride];
        sum -= from[clamped(place - radius, count) * stride];
    }
}

/* Means along rows and columns, three times: close to a Gaussian. */
Image blurred(const Image *image, uint32_t radius) {
    Image across = new_image(image->width, image->height, image->channels);
    Image made = new_image(image->width, image->height, image->channels);
    uint32_t channels = image->channels, row = image->width * channels;
    const uint8_t *from = image->samples;
    for (int times = 0; times < 3; times++, from = made.samples) {
        for (uint32_t y = 0; y < image->height; y++) {
            for (uint32_t channel = 0; channel < channels; channel++) blur_line(from + y * row + channel, across.samples + y * row + channel, image->width, channels, (int32_t)radius);
        }
        for (uint32_t x = 0; x < row; x++) blur_line(across.samples + x, made.samples + x, image->height, row, (int32_t)radius);
    }
    return made;
}

/* What blurring takes away is added once more. */
Image sharpened(const Image *image, uint32_t radius) {
    Image made = blurred(image, radius);
    uint32_t size = image->width * image->height * image->channels;
    for (uint32_t place = 0; place < size; place++) made.samples[place] = sample(2 * image->samples[place] - made.samples[place]);
    return made;
}
