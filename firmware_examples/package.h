/* Packages (SPEC.md section 7.1).  What a module itself holds (7.2, 7.3) is
 * not looked at: a device that only passes packages on does not need to. */
#ifndef FOGBANK_PACKAGE_H
#define FOGBANK_PACKAGE_H

#include "signing.h"

enum {
    PACKAGE_BYTES_MAX = 4259840,
    MODULE_BYTES_MAX = 4194304,
    MEMORY_BYTES_MAX = 268435456,
    OUTPUT_BYTES_MAX = 67108864,
    ROYALTY_PPM_MAX = 1000000,
    CHUNK_BYTES = 65536,
    MANIFEST_BYTES_MAX = 4096
};

typedef struct {
    Span body, signature, module;
    Span name, version, author, module_hash, shape, description;
    uint64_t module_size, memory_bytes_max, output_bytes_max, royalty_ppm;
    uint8_t id[HASH_BYTES];
} Package;

/* The id of the blob `data` (section 6.1). */
void blob_id(uint8_t id[HASH_BYTES], Span data);

/* Takes a package file apart; returns the broken rule: "2.1", "7.1" or "2.3". */
Rule decode_package(Span file, Package *package);

/* Writes the file from the fields alone; empty when `buffer` is too small. */
Span encode_package(const Package *package, void *buffer, size_t size);

#endif
