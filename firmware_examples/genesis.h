/* What a network begins with (SPEC.md section 8.1). */
#ifndef FOGBANK_GENESIS_H
#define FOGBANK_GENESIS_H

#include "vertex.h"

enum { GENESIS_BYTES_MAX = 65536, SEATS_MAX = 32, BALANCES_MAX = 1024, SALT_BYTES = 16, NAME_BYTES_MAX = 64 };

typedef struct {
    Span body, name, salt;
    uint64_t quorum, weight, supply, seat_count, balance_count;
    Amount seats[SEATS_MAX], balances[BALANCES_MAX];
    uint8_t network[HASH_BYTES]; /* its first NETWORK_BYTES are the network id */
} Genesis;

/* Takes a genesis apart; returns the broken rule, "2.1" or "8.1". */
Rule decode_genesis(Span body, Genesis *genesis);

/* Writes the body of `genesis` from its fields; empty when `buffer` is too small. */
Span encode_genesis(const Genesis *genesis, void *buffer, size_t size);

#endif
