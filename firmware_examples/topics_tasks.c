/* Vectors of packages and receipts (SPEC.md section 7). */
#include "package.h"
#include "receipt.h"
#include "topics.h"

static Package package;

static Rule package_broken_rule(const JsonNode *file, const JsonNode *entry) {
    (void)file;
    return decode_package(bytes_in(entry, "hex"), &package);
}

static int is_text(const JsonNode *node, Span text) { return same_bytes(node->text, text); }

static int is_number(const JsonNode *node, uint64_t number) {
    uint64_t said;
    return json_uint(node, &said) && said == number;
}

/* Whether the list of the case says the manifest field by field. */
static int has_manifest(const JsonNode *list) {
    const JsonNode *fields[11];
    const JsonNode *node;
    int count;
    if (list == NULL) return 1;
    node = list->first;
    for (count = 0; count < 11 && node != NULL; count++, node = node->next) fields[count] = node;
    if (count < 11 || node != NULL) return 0;
    return is_number(fields[0], 1) && is_text(fields[1], package.name) && is_text(fields[2], package.version) &&
           same_bytes(bytes_of(fields[3], "author"), package.author) &&
           same_bytes(bytes_of(fields[4], "module hash"), package.module_hash) &&
           is_number(fields[5], package.module_size) && is_text(fields[6], package.shape) &&
           is_number(fields[7], package.memory_bytes_max) && is_number(fields[8], package.output_bytes_max) &&
           is_number(fields[9], package.royalty_ppm) && is_text(fields[10], package.description);
}

static const char *package_difference(const JsonNode *file, const JsonNode *entry) {
    Span data = bytes_in(entry, "hex");
    (void)file;
    if (decode_package(data, &package) != NULL) return "it cannot be opened";
    if (!agrees(entry, "package_id", span(package.id, HASH_BYTES))) return "another package id";
    if (!has_manifest(member(entry, "manifest"))) return "another manifest";
    return same_bytes(encode_package(&package, scratch, SCRATCH_BYTES), data) ? NULL : "it is encoded differently";
}

static Rule receipt_broken_rule(const JsonNode *file, const JsonNode *entry) {
    Receipt receipt;
    return decode_receipt(bytes_in(entry, "hex"), bytes_in_either(entry, file, "network"), &receipt);
}

static const char *receipt_difference(const JsonNode *file, const JsonNode *entry) {
    Span wire = bytes_in(entry, "hex");
    Receipt receipt;
    if (decode_receipt(wire, bytes_in_either(entry, file, "network"), &receipt) != NULL) return "it cannot be opened";
    return same_bytes(encode_receipt(&receipt, scratch, SCRATCH_BYTES), wire) ? NULL : "it is encoded differently";
}

const Topic PACKAGES = {"packages", package_broken_rule, package_difference, "7.2,7.3,"};
const Topic RECEIPTS = {"receipts", receipt_broken_rule, receipt_difference, ""};
