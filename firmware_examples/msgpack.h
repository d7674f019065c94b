/* Canonical msgpack (SPEC.md section 2.1), read and written in place: nothing is allocated. */
#ifndef FOGBANK_MSGPACK_H
#define FOGBANK_MSGPACK_H

#include "span.h"

enum { DEPTH_MAX = 16, ELEMENTS_MAX = 65536 };

typedef enum { KIND_NIL, KIND_BOOLEAN, KIND_UINT, KIND_BYTES, KIND_TEXT, KIND_ARRAY } Kind;

typedef struct {
    Kind kind;
    uint64_t number; /* the integer, the boolean, or how many elements of the array follow */
    Span bytes;      /* of KIND_BYTES and KIND_TEXT */
} Value;

/* Reads values one head at a time: after an array's head come its elements. */
typedef struct {
    const uint8_t *at, *end;
} Reader;

/* Writes into a buffer of fixed size; `failed` once it was full. */
typedef struct {
    uint8_t *at, *end;
    int failed;
} Writer;

Reader reader_of(Span data);

/* Whether nothing is left. */
int at_end(const Reader *reader);

/* Reads one head, with the bytes of a byte string or text.  Returns 0 when it is cut short, not the
 * shortest form, of a type that the protocol does not have, or not UTF-8. */
int read_value(Reader *reader, Value *value);

/* Each reads one value of that type and returns whether there was one. */
int read_array(Reader *reader, uint64_t count);
int read_array_up_to(Reader *reader, uint64_t count_max, uint64_t *count);
int read_uint(Reader *reader, uint64_t least, uint64_t most, uint64_t *number);
int read_bytes(Reader *reader, size_t least, size_t most, Span *bytes);
int read_text(Reader *reader, size_t least, size_t most, Span *text);

/* Passes over one whole value. */
int skip_value(Reader *reader);

/* Whether `data` is exactly one value in its canonical form. */
int is_canonical(Span data);

Writer writer_to(void *buffer, size_t size);
void write_array(Writer *writer, uint64_t count);
void write_uint(Writer *writer, uint64_t number);
void write_bytes(Writer *writer, Span bytes);
void write_text(Writer *writer, Span text);
void write_value(Writer *writer, const Value *value);

/* Takes `data` apart and writes it anew; returns the bytes written, or an empty span. */
Span encoded_again(Span data, void *buffer, size_t size);

#endif
