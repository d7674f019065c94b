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
