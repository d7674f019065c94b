#include "genesis.h"

#include "msgpack.h"

/* Reads `[[node id, number], ...]`, ascending, and adds up the numbers. */
static int read_amounts(Reader *reader, Amount *amounts, uint64_t count_max, uint64_t number_max, uint64_t *count,
                        uint64_t *sum) {
    uint64_t index;
    *sum = 0;
    if (!read_array_up_to(reader, count_max, count) || *count == 0) return 0;
    for (index = 0; index < *count; index++) {
        Amount *amount = &amounts[index];
        if (!read_array(reader, 2)) return 0;
        if (!read_bytes(reader, NODE_ID_BYTES, NODE_ID_BYTES, &amount->whom)) return 0;
        if (!read_uint(reader, 1, number_max, &amount->amount)) return 0;
        if (index > 0 && compare_bytes(amounts[index - 1].whom, amount->whom) >= 0) return 0;
        /* The first number for which the sum reaches 2^63 ends it, so it cannot wrap. */
        *sum += amount->amount;
        if (*sum >= (uint64_t)1 << 63) return 0;
    }
    return 1;
}

static int read_genesis(Reader *reader, Genesis *genesis) {
    uint64_t version;
    return read_array(reader, 6) && read_uint(reader, 1, 1, &version) &&
           read_text(reader, 1, NAME_BYTES_MAX, &genesis->name) &&
           read_amounts(reader, genesis->seats, SEATS_MAX, (uint64_t)1 << 31, &genesis->seat_count,
                        &genesis->weight) &&
           read_uint(reader, 0, genesis->weight, &genesis->quorum) && genesis->weight < 2 * genesis->quorum &&
           read_amounts(reader, genesis->balances, BALANCES_MAX, (uint64_t)1 << 62, &genesis->balance_count,
                        &genesis->supply) &&
           read_bytes(reader, SALT_BYTES, SALT_BYTES, &genesis->salt) && at_end(reader);
}

Rule decode_genesis(Span body, Genesis *genesis) {
    static const char domain[] = "fog-net-1";
    Reader reader = reader_of(body);
    Span pieces[2];
    memset(genesis, 0, sizeof *genesis);
    genesis->body = body;
    if (body.length > GENESIS_BYTES_MAX || !is_canonical(body)) return "2.1";
    if (!read_genesis(&reader, genesis)) return "8.1";
    pieces[0] = span(domain, sizeof domain);
    pieces[1] = body;
    blake2b(genesis->network, HASH_BYTES, pieces, 2);
    return NULL;
}

static void write_amounts(Writer *writer, const Amount *amounts, uint64_t count) {
    uint64_t index;
    write_array(writer, count);
    for (index = 0; index < count; index++) {
        write_array(writer, 2);
        write_bytes(writer, amounts[index].whom);
        write_uint(writer, amounts[index].amount);
    }
}

Span encode_genesis(const Genesis *genesis, void *buffer, size_t size) {
    Writer writer = writer_to(buffer, size);
    write_array(&writer, 6);
    write_uint(&writer, 1);
    write_text(&writer, genesis->name);
    write_amounts(&writer, genesis->seats, genesis->seat_count);
    write_uint(&writer, genesis->quorum);
    write_amounts(&writer, genesis->balances, genesis->balance_count);
    write_bytes(&writer, genesis->salt);
    return writer.failed ? span(NULL, 0) : span(buffer, (size_t)(writer.at - (uint8_t *)buffer));
}
