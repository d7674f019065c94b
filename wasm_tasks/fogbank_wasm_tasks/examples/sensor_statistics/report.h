/* Writing the report to standard output. */
#ifndef FOGBANK_REPORT_H
#define FOGBANK_REPORT_H

#include <stdint.h>

#include "statistics.h"

typedef enum { CSV, JSON } Format;

typedef struct {
    uint64_t lines, readings, missing, bad;
} Totals;

/* Writes one record per sensor, in the order given, and the totals. */
void write_report(Format format, Sensor *const *sensors, uint32_t count, const Totals *totals);

/* Writes `sentence` to standard error and ends the run with `code`. */
_Noreturn void give_up(const char *sentence, uint32_t code);

#endif
