/* Hashes, signatures and signed objects (SPEC.md sections 2.2 and 2.3), by libsodium. */
#ifndef FOGBANK_SIGNING_H
#define FOGBANK_SIGNING_H

#include "span.h"

enum { NODE_ID_BYTES = 32, NETWORK_BYTES = 8, SIGNATURE_BYTES = 64, HASH_BYTES = 32 };

/* Up to eight pieces that are hashed or signed one after the other. */
enum { PIECES_MAX = 8, PREIMAGE_BYTES_MAX = 66000 };

/* blake2b with `size` bytes of digest over the pieces. */
void blake2b(uint8_t *digest, size_t size, const Span *pieces, int count);

/* Whether `signature` over the pieces, joined, was made with the key of `signer`. */
int is_signed(Span signature, const Span *pieces, int count, Span signer);

/* `domain` with its zero byte, `network` and `body`, as pieces of a preimage. */
void preimage(Span pieces[3], const char *domain, Span network, Span body);

/* The id of the signed object with this body. */
void object_id(uint8_t id[HASH_BYTES], const char *domain, Span network, Span body);

/* Takes body and signature out of [body, signature]; returns the broken rule, "2.3" or "2.1". */
Rule open_wire(Span wire, size_t body_bytes_max, Span *body, Span *signature);

#endif
