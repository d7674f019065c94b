/* Vertices of the ledger (SPEC.md sections 8.2, 8.3 and 8.10): their form, ids and signatures. */
#ifndef FOGBANK_VERTEX_H
#define FOGBANK_VERTEX_H

#include "signing.h"

enum {
    VERTEX_ID_BYTES = 32,
    TAG_BYTES = 8,
    POSITION_BYTES = 12, /* tag and seq, with which an id begins */
    CERT_ENTRY_BYTES = 12,
    PROOF_BYTES = 224,
    WIRE_BYTES_MAX = 8262,
    ORDINARY_BODY_BYTES_MAX = 1024,
    VALIDATOR_BODY_BYTES_MAX = 8192,
    ORDINARY_PARENTS_MAX = 8,
    VALIDATOR_PARENTS_MAX = 32,
    CLAIMS_MAX = 16,
    OPS_MAX = 16
};

typedef enum { ORDINARY = 1, VALIDATOR = 2 } VertexKind;

/* A claim's source and total, or a payment's recipient and amount. */
typedef struct {
    Span whom;
    uint64_t amount;
} Amount;

/* The spans lie in the bytes that were decoded.  The counts may exceed the room: rules 8.3.6, 8.3.8
 * and 8.3.9, which bound them, come after the rule that all elements are of the right type. */
typedef struct {
    Span wire, body, signature, network, issuer, prev, cert, home;
    uint64_t kind, seq, epoch, beat, unix_time_s, pow;
    uint64_t parent_count, claim_count, op_count;
    Span parents[VALIDATOR_PARENTS_MAX];
    Amount claims[CLAIMS_MAX], ops[OPS_MAX];
    uint8_t id[VERTEX_ID_BYTES];
    int has_other_ops; /* than pays: then nothing else of it is checked */
} Vertex;

/* Takes a vertex apart and checks rules 8.3.1 to 8.3.12; returns the first that is broken. */
Rule decode_vertex(Span wire, Span network, Vertex *vertex);

/* Writes the tag of `issuer`. */
void tag_of(Span issuer, uint8_t tag[TAG_BYTES]);

/* Writes the wire form of `vertex` from its fields alone; empty when `buffer` is too small. */
Span encode_vertex(const Vertex *vertex, void *buffer, size_t size);

/* Whether the 224 bytes prove that their issuer forked; NULL, or "8.10". */
Rule check_proof(Span proof, Span network);

#endif
