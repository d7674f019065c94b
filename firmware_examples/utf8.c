#include "utf8.h"

/* How many bytes the character at the start of `text` has; 0 when it is none. */
static size_t character_bytes(Span text) {
    static const uint32_t least[5] = {0, 0, 0x80, 0x800, 0x10000};
    uint32_t lead = text.at[0], code;
    size_t count, index;
    if (lead < 0x80) return 1;
    if ((lead & 0xe0) == 0xc0) count = 2, code = lead & 0x1f;
    else if ((lead & 0xf0) == 0xe0) count = 3, code = lead & 0x0f;
    else if ((lead & 0xf8) == 0xf0) count = 4, code = lead & 0x07;
    else return 0;
    if (text.length < count) return 0;
    for (index = 1; index < count; index++) {
        if ((text.at[index] & 0xc0) != 0x80) return 0;
        code = code << 6 | (text.at[index] & 0x3fu);
    }
    if (code < least[count] || code > 0x10ffff || (code >= 0xd800 && code < 0xe000)) return 0;
    return count;
}

int is_utf8(Span text) {
    while (text.length > 0) {
        size_t count = character_bytes(text);
        if (count == 0) return 0;
        text.at += count;
        text.length -= count;
    }
    return 1;
}
