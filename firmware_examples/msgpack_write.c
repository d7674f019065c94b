#include "msgpack.h"

Writer writer_to(void *buffer, size_t size) {
    Writer writer;
    writer.at = (uint8_t *)buffer;
    writer.end = writer.at + size;
    writer.failed = 0;
    return writer;
}

static void put(Writer *writer, uint8_t byte) {
    if (writer->at == writer->end) {
        writer->failed = 1;
    } else {
        *writer->at++ = byte;
    }
}

/* A head byte, then `number` as `count` bytes, the highest first. */
static void put_long(Writer *writer, uint8_t head, uint64_t number, int count) {
    put(writer, head);
    while (count-- > 0) put(writer, (uint8_t)(number >> 8 * count));
}

static void put_span(Writer *writer, Span bytes) {
    if ((size_t)(writer->end - writer->at) < bytes.length) {
        writer->failed = 1;
    } else if (bytes.length > 0) {
        memcpy(writer->at, bytes.at, bytes.length);
        writer->at += bytes.length;
    }
}

void write_array(Writer *writer, uint64_t count) {
    if (count < 0x10) put(writer, (uint8_t)(0x90 | count));
    else if (count < 0x10000) put_long(writer, 0xdc, count, 2);
    else put_long(writer, 0xdd, count, 4);
}

void write_uint(Writer *writer, uint64_t number) {
    if (number < 0x80) put(writer, (uint8_t)number);
    else if (number < 0x100) put_long(writer, 0xcc, number, 1);
    else if (number < 0x10000) put_long(writer, 0xcd, number, 2);
    else if (number < 0x100000000) put_long(writer, 0xce, number, 4);
    else put_long(writer, 0xcf, number, 8);
}

void write_bytes(Writer *writer, Span bytes) {
    if (bytes.length < 0x100) put_long(writer, 0xc4, bytes.length, 1);
    else if (bytes.length < 0x10000) put_long(writer, 0xc5, bytes.length, 2);
    else put_long(writer, 0xc6, bytes.length, 4);
    put_span(writer, bytes);
}

void write_text(Writer *writer, Span text) {
    if (text.length < 0x20) put(writer, (uint8_t)(0xa0 | text.length));
    else if (text.length < 0x100) put_long(writer, 0xd9, text.length, 1);
    else if (text.length < 0x10000) put_long(writer, 0xda, text.length, 2);
    else put_long(writer, 0xdb, text.length, 4);
    put_span(writer, text);
}

void write_value(Writer *writer, const Value *value) {
    switch (value->kind) {
        case KIND_NIL: put(writer, 0xc0); break;
        case KIND_BOOLEAN: put(writer, value->number ? 0xc3 : 0xc2); break;
        case KIND_UINT: write_uint(writer, value->number); break;
        case KIND_BYTES: write_bytes(writer, value->bytes); break;
        case KIND_TEXT: write_text(writer, value->bytes); break;
        case KIND_ARRAY: write_array(writer, value->number); break;
    }
}

Span encoded_again(Span data, void *buffer, size_t size) {
    Reader reader = reader_of(data);
    Writer writer = writer_to(buffer, size);
    while (!at_end(&reader)) {
        Value value;
        if (!read_value(&reader, &value)) return span(NULL, 0);
        write_value(&writer, &value);
    }
    if (writer.failed) return span(NULL, 0);
    return span(buffer, (size_t)(writer.at - (uint8_t *)buffer));
}
