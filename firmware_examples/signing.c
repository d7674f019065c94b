#include "signing.h"

#include <sodium.h>
#include <stdlib.h>

#include "msgpack.h"

/* libsodium documents 16 to 64 bytes of digest; it makes the shorter ones of section 2.2 and 8.2 as
 * well, and if it ever did not, nothing here would have the right name. */
static void require(int result) {
    if (result != 0) abort();
}

void blake2b(uint8_t *digest, size_t size, const Span *pieces, int count) {
    crypto_generichash_state state;
    int index;
    require(crypto_generichash_init(&state, NULL, 0, size));
    for (index = 0; index < count; index++) {
        if (pieces[index].length == 0) continue;
        require(crypto_generichash_update(&state, pieces[index].at, pieces[index].length));
    }
    require(crypto_generichash_final(&state, digest, size));
}

int is_signed(Span signature, const Span *pieces, int count, Span signer) {
    static uint8_t message[PREIMAGE_BYTES_MAX];
    size_t length = 0;
    int index;
    if (signature.length != SIGNATURE_BYTES || signer.length != NODE_ID_BYTES) return 0;
    for (index = 0; index < count; index++) {
        if (pieces[index].length > sizeof message - length) return 0;
        if (pieces[index].length > 0) memcpy(message + length, pieces[index].at, pieces[index].length);
        length += pieces[index].length;
    }
    return crypto_sign_verify_detached(signature.at, message, length, signer.at) == 0;
}

void preimage(Span pieces[3], const char *domain, Span network, Span body) {
    pieces[0] = span(domain, strlen(domain) + 1);
    pieces[1] = network;
    pieces[2] = body;
}

void object_id(uint8_t id[HASH_BYTES], const char *domain, Span network, Span body) {
    Span pieces[3];
    preimage(pieces, domain, network, body);
    blake2b(id, HASH_BYTES, pieces, 3);
}

Rule open_wire(Span wire, size_t body_bytes_max, Span *body, Span *signature) {
    Reader reader = reader_of(wire);
    if (!is_canonical(wire)) return "2.1";
    if (!read_array(&reader, 2) || !read_bytes(&reader, 0, body_bytes_max, body)) return "2.3";
    return read_bytes(&reader, SIGNATURE_BYTES, SIGNATURE_BYTES, signature) ? NULL : "2.3";
}
