/* Vectors of values, signatures and signed objects (SPEC.md section 2). */
#include <sodium.h>

#include "msgpack.h"
#include "signing.h"
#include "topics.h"

static uint64_t number_of(const JsonNode *text) {
    JsonNode number = *text;
    uint64_t value = 0;
    number.type = JSON_NUMBER;
    if (!json_uint(&number, &value)) give_up("not a number:", "int");
    return value;
}

/* Writes the value that the vectors spell as null, true, false, {"int"}, {"bin"}, {"text"}, {"array"}. */
static void write_spelled(Writer *writer, const JsonNode *node) {
    const JsonNode *item;
    Value value = {KIND_NIL, 0, {NULL, 0}};
    if (node->type == JSON_TRUE || node->type == JSON_FALSE) {
        value.kind = KIND_BOOLEAN;
        value.number = node->type == JSON_TRUE;
        write_value(writer, &value);
    } else if (node->type == JSON_NULL) {
        write_value(writer, &value);
    } else if (member(node, "int") != NULL) {
        write_uint(writer, number_of(member(node, "int")));
    } else if (member(node, "bin") != NULL) {
        write_bytes(writer, bytes_in(node, "bin"));
    } else if (member(node, "text") != NULL) {
        write_text(writer, member(node, "text")->text);
    } else if (member(node, "array") != NULL) {
        uint64_t count = 0;
        for (item = member(node, "array")->first; item != NULL; item = item->next) count++;
        write_array(writer, count);
        for (item = member(node, "array")->first; item != NULL; item = item->next) write_spelled(writer, item);
    } else {
        give_up("a value is spelled in no known way", "");
    }
}

/* Whether the spelled value, written, is `encoded`. */
static int spells(const JsonNode *node, Span encoded) {
    Writer writer = writer_to(scratch, SCRATCH_BYTES);
    write_spelled(&writer, node);
    return !writer.failed && same_bytes(span(scratch, (size_t)(writer.at - scratch)), encoded);
}

static Rule encoding_broken_rule(const JsonNode *file, const JsonNode *entry) {
    (void)file;
    return is_canonical(bytes_in(entry, "hex")) ? NULL : "2.1";
}

static const char *encoding_difference(const JsonNode *file, const JsonNode *entry) {
    Span encoded = bytes_in(entry, "hex");
    (void)file;
    if (member(entry, "value") != NULL && !spells(member(entry, "value"), encoded)) return "the value is encoded differently";
    if (!same_bytes(encoded_again(encoded, scratch, SCRATCH_BYTES), encoded)) return "decoding and encoding changes it";
    return NULL;
}

static Rule identity_broken_rule(const JsonNode *file, const JsonNode *entry) {
    Span message = bytes_in(entry, "message");
    (void)file;
    return is_signed(bytes_in(entry, "signature"), &message, 1, bytes_in(entry, "node_id")) ? NULL : "2.2";
}

static void short_form(Span node_id, char form[10]) {
    uint8_t hash[5];
    uint64_t bits = 0;
    int index;
    blake2b(hash, sizeof hash, &node_id, 1);
    for (index = 0; index < 5; index++) bits = bits << 8 | hash[index];
    for (index = 0; index < 8; index++) {
        form[index + (index > 3)] = "abcdefghijklmnopqrstuvwxyz234567"[bits >> (35 - 5 * index) & 31];
    }
    form[4] = '-';
    form[9] = 0;
}

static const char *identity_difference(const JsonNode *file, const JsonNode *entry) {
    Span node_id = bytes_in(entry, "node_id"), message = bytes_in(entry, "message");
    uint8_t public_key[crypto_sign_PUBLICKEYBYTES], secret_key[crypto_sign_SECRETKEYBYTES];
    uint8_t signature[crypto_sign_BYTES];
    char form[10];
    (void)file;
    short_form(node_id, form);
    if (member(entry, "short_form") != NULL && !is_string(member(entry, "short_form"), form)) return "another short form";
    if (member(entry, "seed") == NULL) return NULL;
    crypto_sign_seed_keypair(public_key, secret_key, bytes_in(entry, "seed").at);
    crypto_sign_detached(signature, NULL, message.at, message.length, secret_key);
    if (!same_bytes(span(public_key, sizeof public_key), node_id)) return "another node id";
    return agrees(entry, "signature", span(signature, sizeof signature)) ? NULL : "another signature";
}

static const char *domain_of(const JsonNode *file) {
    static char domain[64];
    const JsonNode *node = member(file, "domain");
    if (node == NULL || node->text.length >= sizeof domain) give_up("no domain of a sensible length:", "domain");
    memcpy(domain, node->text.at, node->text.length);
    domain[node->text.length] = 0;
    return domain;
}

static Rule signed_broken_rule(const JsonNode *file, const JsonNode *entry) {
    Span body, signature, pieces[3];
    uint64_t body_bytes_max = 0;
    Rule broken;
    json_uint(member(file, "body_bytes_max"), &body_bytes_max);
    broken = open_wire(bytes_in(entry, "hex"), (size_t)body_bytes_max, &body, &signature);
    if (broken != NULL) return broken;
    preimage(pieces, domain_of(file), bytes_in_either(entry, file, "network"), body);
    if (!is_signed(signature, pieces, 3, bytes_in(file, "signer"))) return "2.3";
    return is_canonical(body) ? NULL : "2.1";
}

static const char *signed_difference(const JsonNode *file, const JsonNode *entry) {
    Span wire = bytes_in(entry, "hex"), network = bytes_in_either(entry, file, "network");
    Span body, signature, pieces[3];
    uint8_t id[HASH_BYTES];
    if (open_wire(wire, SIZE_MAX, &body, &signature) != NULL) return "it cannot be opened";
    if (!spells(member(entry, "fields"), body)) return "the fields are encoded differently";
    preimage(pieces, domain_of(file), network, body);
    if (!agrees(entry, "preimage", joined(pieces, 3))) return "another preimage";
    object_id(id, domain_of(file), network, body);
    if (!agrees(entry, "object_id", span(id, sizeof id))) return "another object id";
    return same_bytes(encoded_again(wire, scratch, SCRATCH_BYTES), wire) ? NULL : "decoding and encoding changes it";
}

const Topic ENCODING = {"encoding", encoding_broken_rule, encoding_difference, ""};
const Topic IDENTITY = {"identity", identity_broken_rule, identity_difference, ""};
const Topic SIGNED = {"signed", signed_broken_rule, signed_difference, ""};
