/* Vectors of genesis, vertices and equivocation proofs (SPEC.md section 8). */
#include "genesis.h"
#include "msgpack.h"
#include "topics.h"
#include "vertex.h"

static Genesis genesis;

static Rule genesis_broken_rule(const JsonNode *file, const JsonNode *entry) {
    (void)file;
    return decode_genesis(bytes_in(entry, "hex"), &genesis);
}

static const char *genesis_difference(const JsonNode *file, const JsonNode *entry) {
    Span body = bytes_in(entry, "hex");
    (void)file;
    if (decode_genesis(body, &genesis) != NULL) return "it cannot be opened";
    if (!agrees(entry, "network", span(genesis.network, NETWORK_BYTES))) return "another network id";
    if (!agrees_on_number(entry, "weight", genesis.weight)) return "another weight";
    if (!agrees_on_number(entry, "quorum", genesis.quorum)) return "another quorum";
    if (!agrees_on_number(entry, "supply", genesis.supply)) return "another supply";
    return same_bytes(encode_genesis(&genesis, scratch, SCRATCH_BYTES), body) ? NULL : "it is encoded differently";
}

static Rule vertex_broken_rule(const JsonNode *file, const JsonNode *entry) {
    Vertex vertex;
    return decode_vertex(bytes_in(entry, "hex"), bytes_in_either(entry, file, "network"), &vertex);
}

/* The edges: parents, prev, and the sources of claims, each once. */
static uint64_t edges_of(const Vertex *vertex, Span *edges) {
    uint64_t count = 0, index, before;
    for (index = 0; index < vertex->parent_count; index++) edges[count++] = vertex->parents[index];
    if (vertex->prev.length > 0) edges[count++] = vertex->prev;
    for (index = 0; index < vertex->claim_count; index++) {
        for (before = 0; before < count; before++) {
            if (same_bytes(edges[before], vertex->claims[index].whom)) break;
        }
        if (before == count) edges[count++] = vertex->claims[index].whom;
    }
    return count;
}

/* Whether the list of the case has the same edges, in whatever order. */
static int has_edges(const Vertex *vertex, const JsonNode *list) {
    Span edges[VALIDATOR_PARENTS_MAX + 1 + CLAIMS_MAX];
    uint64_t count = edges_of(vertex, edges), listed = 0, index;
    const JsonNode *node;
    if (list == NULL) return 1;
    for (node = list->first; node != NULL; node = node->next) {
        Span edge = bytes_of(node, "edges");
        for (index = 0; index < count && !same_bytes(edges[index], edge); index++) continue;
        if (index == count) return 0;
        listed++;
    }
    return listed == count;
}

static int says(const JsonNode *entry, const char *name, int holds) {
    const JsonNode *node = member(entry, name);
    return node == NULL || (node->type == JSON_TRUE) == (holds != 0);
}

static const char *vertex_difference(const JsonNode *file, const JsonNode *entry) {
    Span wire = bytes_in(entry, "hex"), network = bytes_in_either(entry, file, "network"), pieces[3];
    Vertex vertex;
    if (decode_vertex(wire, network, &vertex) != NULL) return "it cannot be opened";
    if (!agrees(entry, "id", span(vertex.id, VERTEX_ID_BYTES))) return "another id";
    preimage(pieces, "fog-vtx-1", network, span(vertex.id, VERTEX_ID_BYTES));
    if (!agrees(entry, "preimage", joined(pieces, 3))) return "another preimage";
    if (!agrees(entry, "issuer", vertex.issuer)) return "another issuer";
    if (!agrees_on_number(entry, "seq", vertex.seq)) return "another seq";
    if (!has_edges(&vertex, member(entry, "edges"))) return "other edges";
    if (!says(entry, "carries", vertex.claim_count + vertex.op_count > 0)) return "it carries something, or nothing";
    return same_bytes(encode_vertex(&vertex, scratch, SCRATCH_BYTES), wire) ? NULL : "it is encoded differently";
}

static Rule proof_broken_rule(const JsonNode *file, const JsonNode *entry) {
    return check_proof(bytes_in(entry, "hex"), bytes_in_either(entry, file, "network"));
}

static const char *proof_difference(const JsonNode *file, const JsonNode *entry) {
    Span proof = bytes_in(entry, "hex");
    (void)file;
    return agrees(entry, "issuer", span(proof.at, NODE_ID_BYTES)) ? NULL : "another issuer";
}

const Topic GENESIS = {"genesis", genesis_broken_rule, genesis_difference, ""};
const Topic VERTICES = {"vertices", vertex_broken_rule, vertex_difference, "8.3.7,"};
const Topic EQUIVOCATION = {"equivocation", proof_broken_rule, proof_difference, ""};
