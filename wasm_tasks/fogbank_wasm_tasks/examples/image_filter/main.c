/* An image filter as a Fogbank task: a command (SPEC.md section 7.3).
 *
 * Standard input: a binary PGM or PPM picture.  Standard output: another one.  The arguments are filters, carried out
 * from left to right: grey, invert, edges, despeckle, blur:RADIUS, sharpen:RADIUS.
 *
 * Exit codes: 2 an argument is unknown, 3 the input is no picture that is understood, 4 out of memory. */
#include "filters.h"
#include "image.h"
#include "wasi.h"

enum { ARGUMENTS_MAX = 65, ARGUMENT_BYTES_MAX = 4096 };

static const char UNKNOWN[] = "the arguments are grey, invert, edges, despeckle, blur:RADIUS and sharpen:RADIUS, RADIUS 1 to 64\n";

static int is_word(const char *text, const char *word) {
    while (*word && *text == *word) text++, word++;
    return *text == *word;
}

/* Returns the radius that follows `word` and a colon, or 0. */
static uint32_t radius_of(const char *text, const char *word) {
    while (*word && *text == *word) text++, word++;
    if (*word || *text++ != ':') return 0;
    uint32_t radius = 0;
    for (; *text >= '0' && *text <= '9' && radius <= RADIUS_MAX; text++) radius = radius * 10 + (uint32_t)(*text - '0');
    return *text || radius > RADIUS_MAX ? 0 : radius;
}

static Image filtered(const Image *image, const char *filter) {
    uint32_t radius;
    if (is_word(filter, "grey")) return grey(image);
    if (is_word(filter, "invert")) return inverted(image);
    if (is_word(filter, "edges")) return edges(image);
    if (is_word(filter, "despeckle")) return despeckled(image);
    if ((radius = radius_of(filter, "blur"))) return blurred(image, radius);
    if ((radius = radius_of(filter, "sharpen"))) return sharpened(image, radius);
    give_up(UNKNOWN, 2);
}

__attribute__((export_name("_start"))) void start(void) {
    static char *arguments[ARGUMENTS_MAX];
    static char bytes[ARGUMENT_BYTES_MAX];
    uint32_t count = 0, size = 0;
    if (wasi_args_sizes_get(&count, &size) != 0) give_up("the arguments cannot be read\n", 4);
    if (count < 2 || count > ARGUMENTS_MAX || size > ARGUMENT_BYTES_MAX) give_up(UNKNOWN, 2);
    if (wasi_args_get(arguments, bytes) != 0) give_up("the arguments cannot be read\n", 4);
    Image image = read_image();
    for (uint32_t index = 1; index < count; index++) image = filtered(&image, arguments[index]);
    write_image(&image);
}
