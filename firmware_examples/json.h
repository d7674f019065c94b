/* A strict reader of JSON (RFC 8259) for the files of test vectors: everything lies in one array of
 * nodes, text stays where it was read and is unescaped in place. */
#ifndef FOGBANK_JSON_H
#define FOGBANK_JSON_H

#include "span.h"

enum { JSON_NODES_MAX = 400000, JSON_DEPTH_MAX = 64 };

typedef enum {
    JSON_NULL,
    JSON_FALSE,
    JSON_TRUE,
    JSON_NUMBER, /* `text` as it is written */
    JSON_STRING, /* `text` unescaped, UTF-8 */
    JSON_ARRAY,  /* `first`, then its `next` and so on */
    JSON_OBJECT  /* likewise, each with a `name` */
} JsonType;

typedef struct JsonNode {
    JsonType type;
    Span name, text;
    const struct JsonNode *first, *next;
} JsonNode;

/* Reads `length` bytes at `text`, which are changed where they have escapes.  Returns the whole
 * value, valid until the next call, or NULL when it is not JSON or has too many nodes. */
const JsonNode *read_json(char *text, size_t length);

/* The member `name` of an object; NULL when there is none. */
const JsonNode *member(const JsonNode *object, const char *name);

/* Whether a string is exactly `word`. */
int is_string(const JsonNode *node, const char *word);

/* The whole number of a node; returns 0 when it is none or does not fit. */
int json_uint(const JsonNode *node, uint64_t *number);

#endif
