#include "json.h"

#include "utf8.h"

static JsonNode nodes[JSON_NODES_MAX];
static size_t node_count;

typedef struct {
    uint8_t *at, *end;
} Cursor;

static void skip_space(Cursor *cursor) {
    while (cursor->at < cursor->end && strchr(" \t\r\n", *cursor->at) && *cursor->at) cursor->at++;
}

static int take(Cursor *cursor, char letter) {
    if (cursor->at == cursor->end || *cursor->at != (uint8_t)letter) return 0;
    cursor->at++;
    return 1;
}

static int take_word(Cursor *cursor, const char *word) {
    size_t length = strlen(word);
    if ((size_t)(cursor->end - cursor->at) < length || memcmp(cursor->at, word, length) != 0) return 0;
    cursor->at += length;
    return 1;
}

static int take_hex(Cursor *cursor, uint32_t *code) {
    int digit;
    *code = 0;
    for (digit = 0; digit < 4; digit++) {
        uint32_t letter = cursor->at < cursor->end ? *cursor->at++ : 0;
        if (letter >= '0' && letter <= '9') *code = *code << 4 | (letter - '0');
        else if ((letter | 0x20) >= 'a' && (letter | 0x20) <= 'f') *code = *code << 4 | ((letter | 0x20) - 'a' + 10);
        else return 0;
    }
    return 1;
}

static uint8_t *put_utf8(uint8_t *to, uint32_t code) {
    if (code < 0x80) {
        *to++ = (uint8_t)code;
    } else if (code < 0x800) {
        *to++ = (uint8_t)(0xc0 | code >> 6);
        *to++ = (uint8_t)(0x80 | (code & 0x3f));
    } else if (code < 0x10000) {
        *to++ = (uint8_t)(0xe0 | code >> 12);
        *to++ = (uint8_t)(0x80 | (code >> 6 & 0x3f));
        *to++ = (uint8_t)(0x80 | (code & 0x3f));
    } else {
        *to++ = (uint8_t)(0xf0 | code >> 18);
        *to++ = (uint8_t)(0x80 | (code >> 12 & 0x3f));
        *to++ = (uint8_t)(0x80 | (code >> 6 & 0x3f));
        *to++ = (uint8_t)(0x80 | (code & 0x3f));
    }
    return to;
}

/* \uXXXX, or two of them that make a surrogate pair; never longer in UTF-8 than as written. */
static uint8_t *take_code(Cursor *cursor, uint8_t *to) {
    uint32_t code, low;
    if (!take_hex(cursor, &code)) return NULL;
    if (code >= 0xd800 && code < 0xdc00) {
        if (!take_word(cursor, "\\u") || !take_hex(cursor, &low) || low < 0xdc00 || low > 0xdfff) return NULL;
        code = 0x10000 + ((code - 0xd800) << 10) + (low - 0xdc00);
    } else if (code >= 0xdc00 && code < 0xe000) {
        return NULL;
    }
    return put_utf8(to, code);
}

static uint8_t *take_escape(Cursor *cursor, uint8_t *to) {
    static const char escapes[] = "\"\\/bfnrt", meanings[] = "\"\\/\b\f\n\r\t";
    const char *found;
    if (cursor->at == cursor->end) return NULL;
    if (*cursor->at == 'u') {
        cursor->at++;
        return take_code(cursor, to);
    }
    found = *cursor->at ? strchr(escapes, *cursor->at) : NULL;
    if (found == NULL) return NULL;
    cursor->at++;
    *to++ = (uint8_t)meanings[found - escapes];
    return to;
}

static int take_string(Cursor *cursor, Span *text) {
    uint8_t *start, *to;
    if (!take(cursor, '"')) return 0;
    start = to = cursor->at;
    while (cursor->at < cursor->end && *cursor->at != '"') {
        uint8_t letter = *cursor->at++;
        if (letter < 0x20) return 0;
        if (letter == '\\') {
            to = take_escape(cursor, to);
            if (to == NULL) return 0;
        } else {
            *to++ = letter;
        }
    }
    *text = span(start, (size_t)(to - start));
    return take(cursor, '"') && is_utf8(*text);
}

static int take_digits(Cursor *cursor) {
    uint8_t *start = cursor->at;
    while (cursor->at < cursor->end && *cursor->at >= '0' && *cursor->at <= '9') cursor->at++;
    return cursor->at > start;
}

static int take_number(Cursor *cursor, Span *text) {
    uint8_t *start = cursor->at;
    take(cursor, '-');
    if (!take(cursor, '0') && !take_digits(cursor)) return 0;
    if (take(cursor, '.') && !take_digits(cursor)) return 0;
    if (take(cursor, 'e') || take(cursor, 'E')) {
        if (!take(cursor, '+')) take(cursor, '-');
        if (!take_digits(cursor)) return 0;
    }
    *text = span(start, (size_t)(cursor->at - start));
    return 1;
}

static JsonNode *new_node(JsonType type) {
    JsonNode *node;
    if (node_count == JSON_NODES_MAX) return NULL;
    node = &nodes[node_count++];
    memset(node, 0, sizeof *node);
    node->type = type;
    return node;
}

static JsonNode *take_value(Cursor *cursor, int depth);

static JsonNode *take_element(Cursor *cursor, int named, int depth) {
    Span name = {NULL, 0};
    JsonNode *node;
    skip_space(cursor);
    if (named) {
        if (!take_string(cursor, &name)) return NULL;
        skip_space(cursor);
        if (!take(cursor, ':')) return NULL;
    }
    node = take_value(cursor, depth);
    if (node != NULL) node->name = name;
    return node;
}

static JsonNode *take_elements(Cursor *cursor, JsonType type, char close, int depth) {
    JsonNode *node = new_node(type), *last = NULL;
    if (node == NULL || depth == JSON_DEPTH_MAX) return NULL;
    skip_space(cursor);
    if (take(cursor, close)) return node;
    do {
        JsonNode *element = take_element(cursor, type == JSON_OBJECT, depth + 1);
        if (element == NULL) return NULL;
        if (last == NULL) node->first = element;
        else last->next = element;
        last = element;
        skip_space(cursor);
    } while (take(cursor, ','));
    return take(cursor, close) ? node : NULL;
}

static JsonNode *take_scalar(Cursor *cursor) {
    Span text = {NULL, 0};
    JsonType type;
    JsonNode *node;
    if (take_word(cursor, "null")) type = JSON_NULL;
    else if (take_word(cursor, "false")) type = JSON_FALSE;
    else if (take_word(cursor, "true")) type = JSON_TRUE;
    else if (take_string(cursor, &text)) type = JSON_STRING;
    else if (take_number(cursor, &text)) type = JSON_NUMBER;
    else return NULL;
    node = new_node(type);
    if (node != NULL) node->text = text;
    return node;
}

static JsonNode *take_value(Cursor *cursor, int depth) {
    skip_space(cursor);
    if (take(cursor, '[')) return take_elements(cursor, JSON_ARRAY, ']', depth);
    if (take(cursor, '{')) return take_elements(cursor, JSON_OBJECT, '}', depth);
    return take_scalar(cursor);
}

const JsonNode *read_json(char *text, size_t length) {
    Cursor cursor;
    JsonNode *whole;
    cursor.at = (uint8_t *)text;
    cursor.end = cursor.at + length;
    node_count = 0;
    whole = take_value(&cursor, 0);
    skip_space(&cursor);
    return cursor.at == cursor.end ? whole : NULL;
}

static int is_text(Span text, const char *word) { return same_bytes(text, span(word, strlen(word))); }

const JsonNode *member(const JsonNode *object, const char *name) {
    const JsonNode *node = object != NULL && object->type == JSON_OBJECT ? object->first : NULL;
    while (node != NULL && !is_text(node->name, name)) node = node->next;
    return node;
}

int is_string(const JsonNode *node, const char *word) {
    return node != NULL && node->type == JSON_STRING && is_text(node->text, word);
}

int json_uint(const JsonNode *node, uint64_t *number) {
    size_t index;
    *number = 0;
    if (node == NULL || node->type != JSON_NUMBER) return 0;
    for (index = 0; index < node->text.length; index++) {
        uint8_t digit = node->text.at[index];
        if (digit < '0' || digit > '9' || *number > (UINT64_MAX - (digit - '0')) / 10) return 0;
        *number = *number * 10 + (digit - '0');
    }
    return node->text.length > 0;
}
