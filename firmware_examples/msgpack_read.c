#include "msgpack.h"
#include "utf8.h"

Reader reader_of(Span data) {
    Reader reader;
    reader.at = data.at;
    reader.end = data.length == 0 ? data.at : data.at + data.length;
    return reader;
}

int at_end(const Reader *reader) { return reader->at == reader->end; }

/* Takes a big-endian integer of `count` bytes. */
static int take_integer(Reader *reader, size_t count, uint64_t *number) {
    if ((size_t)(reader->end - reader->at) < count) return 0;
    *number = 0;
    while (count-- > 0) *number = *number << 8 | *reader->at++;
    return 1;
}

/* As take_integer, refusing what a shorter form could have said. */
static int take_shortest(Reader *reader, size_t count, uint64_t least, uint64_t *number) {
    return take_integer(reader, count, number) && *number >= least;
}

static int take_span(Reader *reader, uint64_t length, Span *bytes) {
    if ((uint64_t)(reader->end - reader->at) < length) return 0;
    *bytes = span(reader->at, (size_t)length);
    reader->at += (size_t)length;
    return 1;
}

static int take_bytes(Reader *reader, size_t length_bytes, uint64_t least, Value *value) {
    value->kind = KIND_BYTES;
    return take_shortest(reader, length_bytes, least, &value->number) &&
           take_span(reader, value->number, &value->bytes);
}

static int take_text(Reader *reader, uint64_t length, Value *value) {
    value->kind = KIND_TEXT;
    value->number = length;
    return take_span(reader, length, &value->bytes) && is_utf8(value->bytes);
}

static int take_long_text(Reader *reader, size_t length_bytes, uint64_t least, Value *value) {
    uint64_t length;
    return take_shortest(reader, length_bytes, least, &length) && take_text(reader, length, value);
}

static int take_plain(Kind kind, uint64_t number, Value *value) {
    value->kind = kind;
    value->number = number;
    return 1;
}

static int take_long(Reader *reader, Kind kind, size_t bytes, uint64_t least, Value *value) {
    value->kind = kind;
    return take_shortest(reader, bytes, least, &value->number);
}

int read_value(Reader *reader, Value *value) {
    uint64_t head;
    value->bytes = span(NULL, 0);
    if (!take_integer(reader, 1, &head)) return 0;
    if (head < 0x80) return take_plain(KIND_UINT, head, value);
    if ((head & 0xf0) == 0x90) return take_plain(KIND_ARRAY, head & 0x0f, value);
    if ((head & 0xe0) == 0xa0) return take_text(reader, head & 0x1f, value);
    switch (head) {
        case 0xc0: return take_plain(KIND_NIL, 0, value);
        case 0xc2: return take_plain(KIND_BOOLEAN, 0, value);
        case 0xc3: return take_plain(KIND_BOOLEAN, 1, value);
        case 0xc4: return take_bytes(reader, 1, 0, value);
        case 0xc5: return take_bytes(reader, 2, 0x100, value);
        case 0xc6: return take_bytes(reader, 4, 0x10000, value);
        case 0xcc: return take_long(reader, KIND_UINT, 1, 0x80, value);
        case 0xcd: return take_long(reader, KIND_UINT, 2, 0x100, value);
        case 0xce: return take_long(reader, KIND_UINT, 4, 0x10000, value);
        case 0xcf: return take_long(reader, KIND_UINT, 8, 0x100000000, value);
        case 0xd9: return take_long_text(reader, 1, 0x20, value);
        case 0xda: return take_long_text(reader, 2, 0x100, value);
        case 0xdb: return take_long_text(reader, 4, 0x10000, value);
        case 0xdc: return take_long(reader, KIND_ARRAY, 2, 0x10, value);
        case 0xdd: return take_long(reader, KIND_ARRAY, 4, 0x10000, value);
        default: return 0; /* maps, floats, negative integers, extensions */
    }
}

int read_array_up_to(Reader *reader, uint64_t count_max, uint64_t *count) {
    Value value;
    if (!read_value(reader, &value) || value.kind != KIND_ARRAY || value.number > count_max) return 0;
    *count = value.number;
    return 1;
}

int read_array(Reader *reader, uint64_t count) {
    uint64_t found;
    return read_array_up_to(reader, count, &found) && found == count;
}

int read_uint(Reader *reader, uint64_t least, uint64_t most, uint64_t *number) {
    Value value;
    if (!read_value(reader, &value) || value.kind != KIND_UINT) return 0;
    *number = value.number;
    return least <= value.number && value.number <= most;
}

static int read_string(Reader *reader, Kind kind, size_t least, size_t most, Span *bytes) {
    Value value;
    if (!read_value(reader, &value) || value.kind != kind) return 0;
    *bytes = value.bytes;
    return least <= value.bytes.length && value.bytes.length <= most;
}

int read_bytes(Reader *reader, size_t least, size_t most, Span *bytes) {
    return read_string(reader, KIND_BYTES, least, most, bytes);
}

int read_text(Reader *reader, size_t least, size_t most, Span *text) {
    return read_string(reader, KIND_TEXT, least, most, text);
}

/* How many elements are still to come in each array that is open: no recursion, a small stack. */
typedef struct {
    uint64_t left[DEPTH_MAX];
    int depth;
    uint64_t elements;
} Nesting;

/* Takes note of `value`; returns 0 when it nests too deep or has too many elements. */
static int enter(Nesting *nesting, const Value *value) {
    if (nesting->depth > 0) nesting->left[nesting->depth - 1]--;
    if (value->kind == KIND_ARRAY) {
        if (nesting->depth == DEPTH_MAX) return 0;
        nesting->elements += value->number;
        if (nesting->elements > ELEMENTS_MAX) return 0;
        nesting->left[nesting->depth++] = value->number;
    }
    while (nesting->depth > 0 && nesting->left[nesting->depth - 1] == 0) nesting->depth--;
    return 1;
}

int skip_value(Reader *reader) {
    Nesting nesting = {{0}, 0, 0};
    do {
        Value value;
        if (!read_value(reader, &value) || !enter(&nesting, &value)) return 0;
    } while (nesting.depth > 0);
    return 1;
}

int is_canonical(Span data) {
    Reader reader = reader_of(data);
    return skip_value(&reader) && at_end(&reader);
}
