/* What is checked of each file of vectors. */
#ifndef FOGBANK_TOPICS_H
#define FOGBANK_TOPICS_H

#include "json.h"

typedef struct {
    const char *name; /* of the file, without ".json" */

    /* The rule that the case breaks, NULL when it is accepted.  `file` is the whole file. */
    Rule (*broken_rule)(const JsonNode *file, const JsonNode *entry);

    /* What an accepted case says that was not found so, or NULL. */
    const char *(*difference)(const JsonNode *file, const JsonNode *entry);

    /* Rules that only a part this program does not have can see broken; comma after each. */
    const char *unchecked_rules;
} Topic;

extern const Topic ENCODING, IDENTITY, SIGNED, GENESIS, VERTICES, EQUIVOCATION,
    PACKAGES, RECEIPTS;

/* The bytes that member `name` holds as hexadecimal digits; valid until `forget_bytes`.  The program
 * ends when there is no such member: vectors are files of this repository, not hostile. */
Span bytes_in(const JsonNode *object, const char *name);

/* The same of a node that is at hand; `name` is for the sentence. */
Span bytes_of(const JsonNode *node, const char *name);
void forget_bytes(void);

/* Ends the program with a sentence about the vectors. */
void give_up(const char *what, const char *name);

/* The member `name`, or of the whole file when the case has none of its own. */
Span bytes_in_either(const JsonNode *entry, const JsonNode *file, const char *name);

/* Whether a member is absent, or holds exactly these bytes. */
int agrees(const JsonNode *object, const char *name, Span bytes);

/* Whether a member is absent, or is exactly this number, written as a number or as a string. */
int agrees_on_number(const JsonNode *object, const char *name, uint64_t number);

/* The pieces one after the other, in `scratch`. */
Span joined(const Span *pieces, int count);

/* Room for encoding again. */
enum { SCRATCH_BYTES = 4 * 1024 * 1024 + 65536 };
extern uint8_t scratch[SCRATCH_BYTES];

#endif
