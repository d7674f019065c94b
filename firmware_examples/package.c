#include "package.h"

#include "msgpack.h"

void blob_id(uint8_t id[HASH_BYTES], Span data) {
    static uint8_t hashes[(PACKAGE_BYTES_MAX / CHUNK_BYTES + 1) * HASH_BYTES];
    static const char domain[] = "fog-blob-1";
    uint8_t size[8];
    size_t at, count = 0;
    Span pieces[3];
    for (at = 0; at < 8; at++) size[at] = (uint8_t)((uint64_t)data.length >> (56 - 8 * at));
    for (at = 0; at < data.length; at += CHUNK_BYTES) {
        Span chunk = span(data.at + at, data.length - at < CHUNK_BYTES ? data.length - at : CHUNK_BYTES);
        blake2b(hashes + HASH_BYTES * count++, HASH_BYTES, &chunk, 1);
    }
    pieces[0] = span(domain, sizeof domain);
    pieces[1] = span(size, sizeof size);
    pieces[2] = span(hashes, HASH_BYTES * count);
    blake2b(id, HASH_BYTES, pieces, 3);
}

static int is_one_of(uint8_t letter, const char *others) {
    return (letter >= '0' && letter <= '9') || (letter >= 'a' && letter <= 'z') ||
           (letter != 0 && strchr(others, letter) != NULL);
}

/* [a-z0-9][a-z0-9-]{0,63} */
static int is_name(Span name) {
    size_t index;
    if (name.length < 1 || name.length > 64 || name.at[0] == '-') return 0;
    for (index = 0; index < name.length; index++) {
        if (!is_one_of(name.at[index], "-")) return 0;
    }
    return 1;
}

/* [0-9A-Za-z.+-]{1,32} */
static int is_version(Span version) {
    size_t index;
    if (version.length < 1 || version.length > 32) return 0;
    for (index = 0; index < version.length; index++) {
        if (!is_one_of(version.at[index], ".+-ABCDEFGHIJKLMNOPQRSTUVWXYZ")) return 0;
    }
    return 1;
}

static int is_word(Span text, const char *word) { return same_bytes(text, span(word, strlen(word))); }

static int read_manifest(Reader *reader, Package *package) {
    uint64_t version;
    return read_array(reader, 11) && read_uint(reader, 1, 1, &version) &&
           read_text(reader, 1, 64, &package->name) && is_name(package->name) &&
           read_text(reader, 1, 32, &package->version) && is_version(package->version) &&
           read_bytes(reader, NODE_ID_BYTES, NODE_ID_BYTES, &package->author) &&
           read_bytes(reader, HASH_BYTES, HASH_BYTES, &package->module_hash) &&
           read_uint(reader, 0, UINT64_MAX, &package->module_size) && read_text(reader, 0, 16, &package->shape) &&
           (is_word(package->shape, "reactor") || is_word(package->shape, "command")) &&
           read_uint(reader, 0, MEMORY_BYTES_MAX, &package->memory_bytes_max) &&
           read_uint(reader, 0, OUTPUT_BYTES_MAX, &package->output_bytes_max) &&
           read_uint(reader, 0, ROYALTY_PPM_MAX, &package->royalty_ppm) &&
           read_text(reader, 0, 1024, &package->description) && at_end(reader);
}

static int has_its_module(const Package *package) {
    uint8_t hash[HASH_BYTES];
    blake2b(hash, HASH_BYTES, &package->module, 1);
    return package->module.length == package->module_size && memcmp(hash, package->module_hash.at, HASH_BYTES) == 0;
}

static int read_file(Reader *reader, Package *package) {
    Span magic;
    return read_array(reader, 4) && read_text(reader, 0, 16, &magic) && is_word(magic, "fogpkg") &&
           read_bytes(reader, 0, SIZE_MAX, &package->body) &&
           read_bytes(reader, 0, SIZE_MAX, &package->signature) &&
           read_bytes(reader, 0, SIZE_MAX, &package->module) && at_end(reader);
}

Rule decode_package(Span file, Package *package) {
    static const uint8_t no_network[NETWORK_BYTES] = {0};
    Reader outer = reader_of(file), inner;
    Span pieces[3];
    memset(package, 0, sizeof *package);
    if (file.length > PACKAGE_BYTES_MAX || !is_canonical(file)) return "2.1";
    if (!read_file(&outer, package)) return "7.1";
    inner = reader_of(package->body);
    if (package->signature.length != SIGNATURE_BYTES) return "2.3";
    if (package->body.length > MANIFEST_BYTES_MAX) return "2.3";
    if (!is_canonical(package->body)) return "2.1";
    if (!read_manifest(&inner, package)) return "7.1";
    preimage(pieces, "fog-pkg-1", span(no_network, NETWORK_BYTES), package->body);
    if (!is_signed(package->signature, pieces, 3, package->author)) return "2.3";
    if (!has_its_module(package)) return "7.1";
    blob_id(package->id, file);
    return NULL;
}

/* [a-z_]{1,64}; one that is not known today is taken all the same. */
static int read_kind(Reader *reader, Span *kind) {
    size_t index;
    if (!read_text(reader, 1, 64, kind)) return 0;
    for (index = 0; index < kind->length; index++) {
        uint8_t letter = kind->at[index];
        if (letter != '_' && (letter < 'a' || letter > 'z')) return 0;
    }
    return 1;
}

/* Section 7.6: `[0, output blob id, output size]`, `[1]`, `[2, kind]`, `[3, code]` or `[4, kind]`. */
static int read_outcome(Reader *reader, Receipt *receipt) {
    uint64_t count;
    if (!read_array_up_to(reader, 3, &count) || count < 1) return 0;
    if (!read_uint(reader, OUTCOME_OK, OUTCOME_HOST_FAULT, &receipt->outcome)) return 0;
    switch (receipt->outcome) {
        case OUTCOME_OK:
            return count == 3 && read_bytes(reader, HASH_BYTES, HASH_BYTES, &receipt->output) &&
                   read_uint(reader, 0, OUTPUT_BYTES_MAX, &receipt->detail);
        case OUTCOME_OUT_OF_FUEL: return count == 1;
        case OUTCOME_EXIT: return count == 2 && read_uint(reader, 0, UINT32_MAX, &receipt->detail);
        default: return count == 2 && read_kind(reader, &receipt->kind);
    }
}

static int read_names(Reader *reader, Receipt *receipt) {
    uint64_t version;
    return read_array(reader, 7) && read_uint(reader, 1, 1, &version) &&
           read_bytes(reader, HASH_BYTES, HASH_BYTES, &receipt->agreement) &&
           read_bytes(reader, NODE_ID_BYTES, NODE_ID_BYTES, &receipt->provider) &&
           read_bytes(reader, HASH_BYTES, HASH_BYTES, &receipt->package) &&
           read_bytes(reader, HASH_BYTES, HASH_BYTES, &receipt->input);
}

static int read_fuel(Reader *reader, Receipt *receipt) {
    uint64_t most = receipt->outcome == OUTCOME_HOST_FAULT ? 0 : FUEL_MAX;
    return read_uint(reader, 0, most, &receipt->fuel) && at_end(reader);
}

static Rule read_receipt(Reader *reader, Receipt *receipt) {
    if (!read_names(reader, receipt)) return "7.7";
    if (!read_outcome(reader, receipt)) return "7.6";
    return read_fuel(reader, receipt) ? NULL : "7.7";
}

Rule decode_receipt(Span wire, Span network, Receipt *receipt) {
    static const char domain[] = "fog-receipt-1";
    Reader reader;
    Span pieces[3];
    Rule broken;
    memset(receipt, 0, sizeof *receipt);
    broken = open_wire(wire, RECEIPT_BYTES_MAX, &receipt->body, &receipt->signature);
    if (broken != NULL) return broken;
    reader = reader_of(receipt->body);
    if (!is_canonical(receipt->body)) return "2.1";
    broken = read_receipt(&reader, receipt);
    if (broken != NULL) return broken;
    preimage(pieces, domain, network, receipt->body);
    if (!is_signed(receipt->signature, pieces, 3, receipt->provider)) return "2.3";
    object_id(receipt->id, domain, network, receipt->body);
    return NULL;
}

static void write_manifest(Writer *writer, const Package *package) {
    write_array(writer, 11);
    write_uint(writer, 1);
    write_text(writer, package->name);
    write_text(writer, package->version);
    write_bytes(writer, package->author);
    write_bytes(writer, package->module_hash);
    write_uint(writer, package->module_size);
    write_text(writer, package->shape);
    write_uint(writer, package->memory_bytes_max);
    write_uint(writer, package->output_bytes_max);
    write_uint(writer, package->royalty_ppm);
    write_text(writer, package->description);
}

Span encode_package(const Package *package, void *buffer, size_t size) {
    uint8_t body[MANIFEST_BYTES_MAX];
    Writer inner = writer_to(body, sizeof body), writer = writer_to(buffer, size);
    write_manifest(&inner, package);
    write_array(&writer, 4);
    write_text(&writer, span("fogpkg", 6));
    write_bytes(&writer, span(body, (size_t)(inner.at - body)));
    write_bytes(&writer, package->signature);
    write_bytes(&writer, package->module);
    if (inner.failed || writer.failed) return span(NULL, 0);
    return span(buffer, (size_t)(writer.at - (uint8_t *)buffer));
}

static void write_outcome(Writer *writer, const Receipt *receipt) {
    static const uint64_t counts[] = {3, 1, 2, 2, 2};
    write_array(writer, counts[receipt->outcome]);
    write_uint(writer, receipt->outcome);
    if (receipt->outcome == OUTCOME_OK) write_bytes(writer, receipt->output);
    if (receipt->outcome == OUTCOME_OK || receipt->outcome == OUTCOME_EXIT) write_uint(writer, receipt->detail);
    if (receipt->outcome == OUTCOME_TRAP || receipt->outcome == OUTCOME_HOST_FAULT) write_text(writer, receipt->kind);
}

Span encode_receipt(const Receipt *receipt, void *buffer, size_t size) {
    uint8_t body[RECEIPT_BYTES_MAX];
    Writer inner = writer_to(body, sizeof body), writer = writer_to(buffer, size);
    write_array(&inner, 7);
    write_uint(&inner, 1);
    write_bytes(&inner, receipt->agreement);
    write_bytes(&inner, receipt->provider);
    write_bytes(&inner, receipt->package);
    write_bytes(&inner, receipt->input);
    write_outcome(&inner, receipt);
    write_uint(&inner, receipt->fuel);
    write_array(&writer, 2);
    write_bytes(&writer, span(body, (size_t)(inner.at - body)));
    write_bytes(&writer, receipt->signature);
    if (inner.failed || writer.failed) return span(NULL, 0);
    return span(buffer, (size_t)(writer.at - (uint8_t *)buffer));
}
