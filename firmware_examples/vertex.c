#include "vertex.h"

#include "msgpack.h"

static int read_parents(Reader *reader, Vertex *vertex) {
    uint64_t index;
    if (!read_array_up_to(reader, UINT64_MAX, &vertex->parent_count)) return 0;
    for (index = 0; index < vertex->parent_count; index++) {
        Span parent;
        if (!read_bytes(reader, VERTEX_ID_BYTES, VERTEX_ID_BYTES, &parent)) return 0;
        if (index < VALIDATOR_PARENTS_MAX) vertex->parents[index] = parent;
    }
    return 1;
}

static int read_claims(Reader *reader, Vertex *vertex) {
    uint64_t index;
    if (!read_array_up_to(reader, UINT64_MAX, &vertex->claim_count)) return 0;
    for (index = 0; index < vertex->claim_count; index++) {
        Amount claim;
        if (!read_array(reader, 2)) return 0;
        if (!read_bytes(reader, VERTEX_ID_BYTES, VERTEX_ID_BYTES, &claim.whom)) return 0;
        if (!read_uint(reader, 0, UINT64_MAX, &claim.amount)) return 0;
        if (index < CLAIMS_MAX) vertex->claims[index] = claim;
    }
    return 1;
}

/* Operations on objects, accounts and committees (8.12 to 8.20) are passed over: a device that pays and
 * votes does not need them, and says of a vertex that has one only that it was not read. */
static int skip_operation(Reader *reader, uint64_t count, Vertex *vertex) {
    vertex->has_other_ops = 1;
    while (count-- > 0)
        if (!skip_value(reader)) return 0;
    return 1;
}

static int read_ops(Reader *reader, Vertex *vertex) {
    uint64_t index, operation, count;
    if (!read_array_up_to(reader, UINT64_MAX, &vertex->op_count)) return 0;
    for (index = 0; index < vertex->op_count; index++) {
        Amount payment;
        if (!read_array_up_to(reader, UINT64_MAX, &count) || count < 1) return 0;
        if (!read_uint(reader, 0, UINT64_MAX, &operation)) return 0;
        if (operation != 1) {
            if (!skip_operation(reader, count - 1, vertex)) return 0;
            continue;
        }
        if (count != 3 || !read_bytes(reader, NODE_ID_BYTES, NODE_ID_BYTES, &payment.whom)) return 0;
        if (!read_uint(reader, 0, UINT64_MAX, &payment.amount)) return 0;
        if (index < OPS_MAX) vertex->ops[index] = payment;
    }
    return 1;
}

static int read_home(Reader *reader, Vertex *vertex) {
    if (!read_bytes(reader, 0, VERTEX_ID_BYTES, &vertex->home)) return 0;
    return vertex->home.length == 0 || vertex->home.length == VERTEX_ID_BYTES;
}

static int read_body(Reader *reader, Vertex *vertex) {
    uint64_t version;
    return read_array(reader, 15) && read_uint(reader, 1, 1, &version) &&
           read_bytes(reader, NETWORK_BYTES, NETWORK_BYTES, &vertex->network) &&
           read_uint(reader, ORDINARY, VALIDATOR, &vertex->kind) &&
           read_bytes(reader, NODE_ID_BYTES, NODE_ID_BYTES, &vertex->issuer) &&
           read_uint(reader, 0, UINT32_MAX, &vertex->seq) &&
           read_bytes(reader, 0, SIZE_MAX, &vertex->prev) && read_parents(reader, vertex) &&
           read_uint(reader, 0, UINT64_MAX, &vertex->epoch) && read_claims(reader, vertex) &&
           read_ops(reader, vertex) && read_uint(reader, 0, UINT64_MAX, &vertex->beat) &&
           read_bytes(reader, 0, SIZE_MAX, &vertex->cert) &&
           read_uint(reader, 0, UINT64_MAX, &vertex->unix_time_s) &&
           read_uint(reader, 0, UINT64_MAX, &vertex->pow) && read_home(reader, vertex) && at_end(reader);
}

static int read_wire(Span wire, Vertex *vertex) {
    Reader outer = reader_of(wire), inner;
    if (!is_canonical(wire) || !read_array(&outer, 2)) return 0;
    if (!read_bytes(&outer, 0, SIZE_MAX, &vertex->body)) return 0;
    if (!read_bytes(&outer, SIGNATURE_BYTES, SIGNATURE_BYTES, &vertex->signature)) return 0;
    inner = reader_of(vertex->body);
    return is_canonical(vertex->body) && read_body(&inner, vertex);
}

void tag_of(Span issuer, uint8_t tag[TAG_BYTES]) { blake2b(tag, TAG_BYTES, &issuer, 1); }

static void put_seq(uint8_t to[4], uint64_t seq) {
    int index;
    for (index = 0; index < 4; index++) to[index] = (uint8_t)(seq >> (24 - 8 * index));
}

static void name_vertex(Vertex *vertex) {
    tag_of(vertex->issuer, vertex->id);
    put_seq(vertex->id + TAG_BYTES, vertex->seq);
    blake2b(vertex->id + POSITION_BYTES, VERTEX_ID_BYTES - POSITION_BYTES, &vertex->body, 1);
}

static int has_right_size(const Vertex *vertex) {
    size_t most = vertex->kind == ORDINARY ? ORDINARY_BODY_BYTES_MAX : VALIDATOR_BODY_BYTES_MAX;
    return vertex->body.length <= most;
}

static int has_right_prev(const Vertex *vertex) {
    uint8_t position[POSITION_BYTES];
    if (vertex->seq == 0) return vertex->prev.length == 0;
    if (vertex->prev.length != VERTEX_ID_BYTES) return 0;
    tag_of(vertex->issuer, position);
    put_seq(position + TAG_BYTES, vertex->seq - 1);
    return memcmp(vertex->prev.at, position, POSITION_BYTES) == 0;
}

static int has_right_parents(const Vertex *vertex) {
    uint64_t index, most = vertex->kind == ORDINARY ? ORDINARY_PARENTS_MAX : VALIDATOR_PARENTS_MAX;
    if (vertex->parent_count > most) return 0;
    for (index = 0; index < vertex->parent_count; index++) {
        if (same_bytes(vertex->parents[index], vertex->prev)) return 0;
        if (index > 0 && compare_bytes(vertex->parents[index - 1], vertex->parents[index]) >= 0) return 0;
    }
    return 1;
}

static int has_right_claims(const Vertex *vertex) {
    uint64_t index;
    if (vertex->claim_count > CLAIMS_MAX) return 0;
    for (index = 0; index < vertex->claim_count; index++) {
        if (vertex->claims[index].amount < 1) return 0;
        if (index > 0 && compare_bytes(vertex->claims[index - 1].whom, vertex->claims[index].whom) >= 0) return 0;
    }
    return 1;
}

static int has_right_ops(const Vertex *vertex) {
    uint64_t index, before;
    if (vertex->op_count > OPS_MAX) return 0;
    for (index = 0; index < vertex->op_count; index++) {
        if (vertex->ops[index].amount < 1 || same_bytes(vertex->ops[index].whom, vertex->issuer)) return 0;
        for (before = 0; before < index; before++) {
            if (same_bytes(vertex->ops[before].whom, vertex->ops[index].whom)) return 0;
        }
    }
    return 1;
}

static int has_right_cert(const Vertex *vertex) {
    size_t at;
    if (vertex->cert.length % CERT_ENTRY_BYTES != 0) return 0;
    if (vertex->seq == 0 && vertex->cert.length > 0) return 0;
    for (at = CERT_ENTRY_BYTES; at < vertex->cert.length; at += CERT_ENTRY_BYTES) {
        const uint8_t *entry = vertex->cert.at + at;
        if (memcmp(entry - CERT_ENTRY_BYTES, entry, TAG_BYTES) >= 0) return 0;
    }
    return 1;
}

/* The pieces that an issuer signs for the vertex or proof entry with this id. */
static int is_signed_id(Span id, Span signature, Span network, Span issuer) {
    Span pieces[3];
    preimage(pieces, "fog-vtx-1", network, id);
    return is_signed(signature, pieces, 3, issuer);
}

Rule decode_vertex(Span wire, Span network, Vertex *vertex) {
    memset(vertex, 0, sizeof *vertex);
    vertex->wire = wire;
    if (wire.length > WIRE_BYTES_MAX) return "8.3.2";
    if (!read_wire(wire, vertex)) return "8.3.1";
    if (vertex->has_other_ops) return UNREAD;
    if (!has_right_size(vertex)) return "8.3.2";
    if (!same_bytes(vertex->network, network)) return "8.3.3";
    if (vertex->kind == ORDINARY && (vertex->beat != 0 || vertex->cert.length != 0)) return "8.3.4";
    if (!has_right_prev(vertex)) return "8.3.5";
    if (!has_right_parents(vertex)) return "8.3.6";
    if (!has_right_claims(vertex)) return "8.3.8";
    if (!has_right_ops(vertex)) return "8.3.9";
    if (!has_right_cert(vertex)) return "8.3.10";
    if (vertex->kind != ORDINARY && vertex->pow != 0) return "8.3.11";
    name_vertex(vertex);
    if (!is_signed_id(span(vertex->id, VERTEX_ID_BYTES), vertex->signature, network, vertex->issuer)) return "8.3.12";
    return NULL;
}

static Span encode_body(const Vertex *vertex, uint8_t *buffer, size_t size) {
    Writer writer = writer_to(buffer, size);
    uint64_t index;
    write_array(&writer, 15);
    write_uint(&writer, 1);
    write_bytes(&writer, vertex->network);
    write_uint(&writer, vertex->kind);
    write_bytes(&writer, vertex->issuer);
    write_uint(&writer, vertex->seq);
    write_bytes(&writer, vertex->prev);
    write_array(&writer, vertex->parent_count);
    for (index = 0; index < vertex->parent_count; index++) write_bytes(&writer, vertex->parents[index]);
    write_uint(&writer, vertex->epoch);
    write_array(&writer, vertex->claim_count);
    for (index = 0; index < vertex->claim_count; index++) {
        write_array(&writer, 2);
        write_bytes(&writer, vertex->claims[index].whom);
        write_uint(&writer, vertex->claims[index].amount);
    }
    write_array(&writer, vertex->op_count);
    for (index = 0; index < vertex->op_count; index++) {
        write_array(&writer, 3);
        write_uint(&writer, 1);
        write_bytes(&writer, vertex->ops[index].whom);
        write_uint(&writer, vertex->ops[index].amount);
    }
    write_uint(&writer, vertex->beat);
    write_bytes(&writer, vertex->cert);
    write_uint(&writer, vertex->unix_time_s);
    write_uint(&writer, vertex->pow);
    write_bytes(&writer, vertex->home);
    return writer.failed ? span(NULL, 0) : span(buffer, (size_t)(writer.at - buffer));
}

Span encode_vertex(const Vertex *vertex, void *buffer, size_t size) {
    uint8_t body[VALIDATOR_BODY_BYTES_MAX];
    Writer writer = writer_to(buffer, size);
    write_array(&writer, 2);
    write_bytes(&writer, encode_body(vertex, body, sizeof body));
    write_bytes(&writer, vertex->signature);
    return writer.failed ? span(NULL, 0) : span(buffer, (size_t)(writer.at - (uint8_t *)buffer));
}

Rule check_proof(Span proof, Span network) {
    uint8_t tag[TAG_BYTES];
    Span issuer, one, other, signature_of_one, signature_of_other;
    if (proof.length != PROOF_BYTES) return "8.10";
    issuer = span(proof.at, 32);
    one = span(proof.at + 32, 32);
    signature_of_one = span(proof.at + 64, 64);
    other = span(proof.at + 128, 32);
    signature_of_other = span(proof.at + 160, 64);
    tag_of(issuer, tag);
    if (compare_bytes(one, other) >= 0) return "8.10";
    if (memcmp(one.at, tag, TAG_BYTES) != 0 || memcmp(one.at, other.at, POSITION_BYTES) != 0) return "8.10";
    if (!is_signed_id(one, signature_of_one, network, issuer)) return "8.10";
    return is_signed_id(other, signature_of_other, network, issuer) ? NULL : "8.10";
}
