/* What is known of one sensor after any number of readings, in a fixed few bytes. */
#ifndef FOGBANK_STATISTICS_H
#define FOGBANK_STATISTICS_H

#include <stdint.h>

#include "quantiles.h"
#include "text.h"

enum { SENSOR_NAME_BYTES_MAX = 48, OUTLIER_READINGS_MIN = 30 };

typedef struct {
    char name[SENSOR_NAME_BYTES_MAX];
    uint32_t name_bytes;
    uint64_t count, missing, outliers, out_of_order;
    double least, most, mean, squares; /* `squares`: sum of squared distances to the mean (Welford) */
    double latest_s, longest_gap_s;    /* times of readings with a value */
    Quantiles quantiles;
} Sensor;

/* Makes `sensor` an empty record with `name`. */
void begin_sensor(Sensor *sensor, Text name);

/* Counts one reading of `value` at Unix time `time_s`. */
void take_reading(Sensor *sensor, double time_s, double value);

/* The standard deviation of the sample; 0 with less than two readings. */
double deviation(const Sensor *sensor);

#endif
