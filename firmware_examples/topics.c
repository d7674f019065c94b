#include "topics.h"

#include <stdio.h>
#include <stdlib.h>

enum { POOL_BYTES = 24 * 1024 * 1024 };

uint8_t scratch[SCRATCH_BYTES];
static uint8_t pool[POOL_BYTES];
static size_t pool_used;

void give_up(const char *what, const char *name) {
    fprintf(stderr, "the vectors cannot be used: %s %s\n", what, name);
    exit(2);
}

void forget_bytes(void) { pool_used = 0; }

static int digit_of(uint8_t letter) {
    if (letter >= '0' && letter <= '9') return letter - '0';
    return letter >= 'a' && letter <= 'f' ? letter - 'a' + 10 : -1;
}

Span bytes_of(const JsonNode *node, const char *name) {
    uint8_t *start = pool + pool_used;
    size_t index, length = node->text.length / 2;
    if (node->type != JSON_STRING || node->text.length % 2 != 0) give_up("these are no bytes:", name);
    if (length > POOL_BYTES - pool_used) give_up("more bytes than there is room for:", name);
    for (index = 0; index < length; index++) {
        int high = digit_of(node->text.at[2 * index]), low = digit_of(node->text.at[2 * index + 1]);
        if (high < 0 || low < 0) give_up("these are no lower-case digits:", name);
        start[index] = (uint8_t)(high << 4 | low);
    }
    pool_used += length;
    return span(start, length);
}

Span bytes_in(const JsonNode *object, const char *name) {
    const JsonNode *node = member(object, name);
    if (node == NULL) give_up("a case has no", name);
    return bytes_of(node, name);
}

Span bytes_in_either(const JsonNode *entry, const JsonNode *file, const char *name) {
    return bytes_in(member(entry, name) != NULL ? entry : file, name);
}

int agrees(const JsonNode *object, const char *name, Span bytes) {
    const JsonNode *node = member(object, name);
    return node == NULL || same_bytes(bytes_of(node, name), bytes);
}

int agrees_on_number(const JsonNode *object, const char *name, uint64_t number) {
    const JsonNode *node = member(object, name);
    char digits[24];
    if (node == NULL) return 1;
    sprintf(digits, "%llu", (unsigned long long)number);
    return same_bytes(node->text, span(digits, strlen(digits)));
}

Span joined(const Span *pieces, int count) {
    size_t length = 0;
    int index;
    for (index = 0; index < count; index++) {
        if (pieces[index].length > 0) memcpy(scratch + length, pieces[index].at, pieces[index].length);
        length += pieces[index].length;
    }
    return span(scratch, length);
}
