#include "receipt.h"

enum { OUTPUT_SIZE_MAX = 67108864 };

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
static int read_outcome(Reader *reader, Result *result) {
    uint64_t count;
    if (!read_array_up_to(reader, 3, &count) || count < 1) return 0;
    if (!read_uint(reader, OUTCOME_OK, OUTCOME_HOST_FAULT, &result->outcome)) return 0;
    switch (result->outcome) {
        case OUTCOME_OK:
            return count == 3 && read_bytes(reader, HASH_BYTES, HASH_BYTES, &result->output) &&
                   read_uint(reader, 0, OUTPUT_SIZE_MAX, &result->detail);
        case OUTCOME_OUT_OF_FUEL: return count == 1;
        case OUTCOME_EXIT: return count == 2 && read_uint(reader, 0, UINT32_MAX, &result->detail);
        default: return count == 2 && read_kind(reader, &result->kind);
    }
}

static int read_trace(Reader *reader, Result *result) {
    Reader ahead = *reader;
    Value head;
    if (read_value(&ahead, &head) && head.kind == KIND_NIL) {
        *reader = ahead;
        return 1;
    }
    return result->outcome != OUTCOME_HOST_FAULT && read_array(reader, 2) &&
           read_uint(reader, 0, STATES_MAX, &result->states) &&
           read_bytes(reader, HASH_BYTES, HASH_BYTES, &result->trace_root);
}

Rule next_result(Reader *reader, Result *result) {
    uint64_t most;
    memset(result, 0, sizeof *result);
    if (!read_array(reader, 4) || !read_bytes(reader, HASH_BYTES, HASH_BYTES, &result->input)) return "7.7";
    if (!read_outcome(reader, result)) return "7.6";
    most = result->outcome == OUTCOME_HOST_FAULT ? 0 : FUEL_MAX;
    return read_uint(reader, 0, most, &result->fuel) && read_trace(reader, result) ? NULL : "7.7";
}

static int read_names(Reader *reader, Receipt *receipt) {
    uint64_t version;
    return read_array(reader, 6) && read_uint(reader, 1, 1, &version) &&
           read_bytes(reader, HASH_BYTES, HASH_BYTES, &receipt->agreement) &&
           read_bytes(reader, NODE_ID_BYTES, NODE_ID_BYTES, &receipt->provider) &&
           read_bytes(reader, HASH_BYTES, HASH_BYTES, &receipt->package) &&
           read_bytes(reader, HASH_BYTES, HASH_BYTES, &receipt->terms) &&
           read_array_up_to(reader, RESULTS_MAX, &receipt->count) && receipt->count >= 1;
}

static Rule read_receipt(Reader *reader, Receipt *receipt) {
    Result result;
    uint64_t index;
    if (!read_names(reader, receipt)) return "7.7";
    receipt->results = *reader;
    for (index = 0; index < receipt->count; index++) {
        Rule broken = next_result(reader, &result);
        if (broken != NULL) return broken;
    }
    return at_end(reader) ? NULL : "7.7";
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

static void write_outcome(Writer *writer, const Result *result) {
    static const uint64_t counts[] = {3, 1, 2, 2, 2};
    write_array(writer, counts[result->outcome]);
    write_uint(writer, result->outcome);
    if (result->outcome == OUTCOME_OK) write_bytes(writer, result->output);
    if (result->outcome == OUTCOME_OK || result->outcome == OUTCOME_EXIT) write_uint(writer, result->detail);
    if (result->outcome == OUTCOME_TRAP || result->outcome == OUTCOME_HOST_FAULT) write_text(writer, result->kind);
}

static void write_result(Writer *writer, const Result *result) {
    static const Value nil = {KIND_NIL, 0, {NULL, 0}};
    write_array(writer, 4);
    write_bytes(writer, result->input);
    write_outcome(writer, result);
    write_uint(writer, result->fuel);
    if (result->trace_root.length == 0) {
        write_value(writer, &nil);
        return;
    }
    write_array(writer, 2);
    write_uint(writer, result->states);
    write_bytes(writer, result->trace_root);
}

static void write_body(Writer *writer, const Receipt *receipt) {
    Reader reader = receipt->results;
    Result result;
    uint64_t index;
    write_array(writer, 6);
    write_uint(writer, 1);
    write_bytes(writer, receipt->agreement);
    write_bytes(writer, receipt->provider);
    write_bytes(writer, receipt->package);
    write_bytes(writer, receipt->terms);
    write_array(writer, receipt->count);
    for (index = 0; index < receipt->count; index++)
        if (next_result(&reader, &result) == NULL) write_result(writer, &result);
}

Span encode_receipt(const Receipt *receipt, void *buffer, size_t size) {
    static uint8_t body[RECEIPT_BYTES_MAX];
    Writer inner = writer_to(body, sizeof body), writer = writer_to(buffer, size);
    write_body(&inner, receipt);
    write_array(&writer, 2);
    write_bytes(&writer, span(body, (size_t)(inner.at - body)));
    write_bytes(&writer, receipt->signature);
    if (inner.failed || writer.failed) return span(NULL, 0);
    return span(buffer, (size_t)(writer.at - (uint8_t *)buffer));
}
