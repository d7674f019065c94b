/* Bytes that belong to someone else, and why something was refused. */
#ifndef FOGBANK_SPAN_H
#define FOGBANK_SPAN_H

#include <stddef.h>
#include <stdint.h>
#include <string.h>

typedef struct {
    const uint8_t *at;
    size_t length;
} Span;

/* The section of SPEC.md that some bytes broke, such as "8.3.5"; NULL when they broke none. */
typedef const char *Rule;

/* In the place of a rule: there is a part that this program does not read. */
#define UNREAD "unread"

static inline Span span(const void *at, size_t length) {
    Span made = {(const uint8_t *)at, length};
    return made;
}

static inline int same_bytes(Span one, Span other) {
    return one.length == other.length &&
           (one.length == 0 || memcmp(one.at, other.at, one.length) == 0);
}

/* Less than, equal to or more than 0 as `one` comes before, is, or comes after `other`. */
static inline int compare_bytes(Span one, Span other) {
    size_t shorter = one.length < other.length ? one.length : other.length;
    int difference = shorter == 0 ? 0 : memcmp(one.at, other.at, shorter);
    if (difference != 0) return difference;
    return one.length < other.length ? -1 : one.length > other.length;
}

#endif
