#include "image.h"

#include "wasi.h"

enum { PAGE_BYTES = 65536, READ_BYTES = PAGE_BYTES, HEADER_BYTES_MAX = 32 };

extern uint8_t __heap_base;
static uint8_t *next_free = &__heap_base;

_Noreturn void give_up(const char *sentence, uint32_t code) {
    uint32_t length = 0, written;
    while (sentence[length]) length++;
    Span span = {sentence, length};
    wasi_fd_write(STANDARD_ERROR, &span, 1, &written);
    wasi_proc_exit(code);
}

uint8_t *take_memory(uint32_t bytes) {
    uint8_t *taken = next_free;
    uint32_t have = (uint32_t)__builtin_wasm_memory_size(0) * PAGE_BYTES - (uint32_t)taken;
    if (bytes > have) {
        uint32_t pages = (bytes - have + PAGE_BYTES - 1) / PAGE_BYTES;
        if (__builtin_wasm_memory_grow(0, pages) == (__SIZE_TYPE__)-1) give_up("the picture is too large for the memory allowed\n", 4);
    }
    next_free += bytes;
    return taken;
}

Image new_image(uint32_t width, uint32_t height, uint32_t channels) {
    Image image = {take_memory(width * height * channels), width, height, channels};
    return image;
}

/* Standard input, a buffer at a time. */
static uint8_t input[READ_BYTES];
static uint32_t input_at, input_length;

static int next_byte(void) {
    if (input_at == input_length) {
        Span span = {input, READ_BYTES};
        input_at = 0;
        if (wasi_fd_read(STANDARD_INPUT, &span, 1, &input_length) != 0) give_up("the picture cannot be read\n", 4);
        if (input_length == 0) return -1;
    }
    return input[input_at++];
}

static int is_space(int byte) { return byte == ' ' || (byte >= '\t' && byte <= '\r'); }

/* Reads a number of the header and the one byte that ends it; comments run from # to the end of the line. */
static uint32_t next_number(void) {
    int byte = next_byte();
    while (is_space(byte) || byte == '#') {
        if (byte == '#') {
            while (byte != '\n' && byte != -1) byte = next_byte();
        } else {
            byte = next_byte();
        }
    }
    uint32_t number = 0, digits = 0;
    for (; byte >= '0' && byte <= '9' && digits < 6; digits++, byte = next_byte()) number = number * 10 + (uint32_t)(byte - '0');
    if (digits == 0 || !is_space(byte)) give_up("the header of the picture is broken\n", 3);
    return number;
}

Image read_image(void) {
    int letter = next_byte(), kind = next_byte();
    if (letter != 'P' || (kind != '5' && kind != '6')) give_up("this is no binary PGM or PPM picture (P5 or P6)\n", 3);
    uint32_t width = next_number(), height = next_number(), brightest = next_number();
    if (width == 0 || width > SIDE_MAX || height == 0 || height > SIDE_MAX || width * height > PIXELS_MAX) give_up("the picture is too large: 8,192 a side and 16 megapixels are the most\n", 3);
    if (brightest != 255) give_up("the picture has another depth than 8 bits a sample\n", 3);
    Image image = new_image(width, height, kind == '6' ? 3 : 1);
    uint32_t size = width * height * image.channels;
    for (uint32_t at = 0; at < size; at++) {
        int byte = next_byte();
        if (byte == -1) give_up("the picture ends before its last row\n", 3);
        image.samples[at] = (uint8_t)byte;
    }
    return image;
}

static char *put_number(char *at, uint32_t number) {
    char digits[10];
    uint32_t count = 0;
    do digits[count++] = (char)('0' + number % 10);
    while ((number /= 10) != 0);
    while (count) *at++ = digits[--count];
    return at;
}

void write_image(const Image *image) {
    char header[HEADER_BYTES_MAX], *end = header;
    *end++ = 'P';
    *end++ = image->channels == 3 ? '6' : '5';
    *end++ = '\n';
    end = put_number(end, image->width);
    *end++ = ' ';
    end = put_number(end, image->height);
    *end++ = '\n';
    end = put_number(end, 255);
    *end++ = '\n';
    uint32_t size = image->width * image->height * image->channels, written;
    Span spans[] = {{header, (uint32_t)(end - header)}, {image->samples, size}};
    if (wasi_fd_write(STANDARD_OUTPUT, spans, 2, &written) != 0) give_up("the picture cannot be written\n", 4);
}
