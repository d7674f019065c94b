/* Pieces of a line, and reading numbers and times from them. */
#ifndef FOGBANK_TEXT_H
#define FOGBANK_TEXT_H

#include <stdint.h>

typedef struct {
    const char *at;
    uint32_t length;
} Text;

/* Whether two texts are the same bytes. */
int same_text(Text one, Text other);

/* Whether `text` is `word`, whatever the case of its letters; `word` is lower case. */
int is_word(Text text, const char *word);

/* `text` without spaces at its ends, and without one pair of double quotes around it. */
Text trimmed(Text text);

/* What separates the fields of `line`: a semicolon where it has one outside quotes, else a comma. */
char separator_of(Text line);

/* Cuts `line` at its first separator outside quotes: returns the field, leaves the rest in `line`. */
Text next_field(Text *line, char separator);

/* Reads a decimal number of at most 15 digits below 10^11, so that the result is the nearest double:
 * "21.5", "-3", "+.5", "1.2e3".  Returns whether `text` is one. */
int read_number(Text text, double *number);

/* Reads "2026-05-03T12:30:00Z" (also with a space for T, without seconds, with a fraction, with an
 * offset such as +02:00; without any, UTC) or Unix seconds into Unix seconds. */
int read_time(Text text, double *seconds);

#endif
