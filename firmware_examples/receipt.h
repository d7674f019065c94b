/* Receipts (SPEC.md sections 7.6 and 7.7).  They may tell of 256 runs, so results are taken from the
 * receipt one by one: nothing is kept of them. */
#ifndef FOGBANK_RECEIPT_H
#define FOGBANK_RECEIPT_H

#include "msgpack.h"
#include "signing.h"

enum { RECEIPT_BYTES_MAX = 65536, RESULTS_MAX = 256 };

#define FUEL_MAX (((uint64_t)1 << 42) - 1)
#define STATES_MAX ((((uint64_t)1 << 40) - 1) * 65536)

enum { OUTCOME_OK, OUTCOME_OUT_OF_FUEL, OUTCOME_TRAP, OUTCOME_EXIT, OUTCOME_HOST_FAULT };

typedef struct {
    Span input, output;
    uint64_t outcome, detail, fuel; /* `detail`: output size, or exit code */
    Span kind;                      /* of a trap or host fault */
    Span trace_root;                /* empty without a trace */
    uint64_t states;
} Result;

typedef struct {
    Span body, signature, agreement, provider, package, terms;
    uint64_t count;
    Reader results; /* stands before the first of `count` */
    uint8_t id[HASH_BYTES];
} Receipt;

/* Takes a signed receipt apart; returns the broken rule: "2.1", "2.3", "7.6" or "7.7". */
Rule decode_receipt(Span wire, Span network, Receipt *receipt);

/* Takes the next result from `reader`, which begins as `receipt->results`; returns the broken rule. */
Rule next_result(Reader *reader, Result *result);

/* Writes the wire form from the fields alone; empty when `buffer` is too small. */
Span encode_receipt(const Receipt *receipt, void *buffer, size_t size);

#endif
