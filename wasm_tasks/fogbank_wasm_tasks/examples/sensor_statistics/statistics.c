#include "statistics.h"

void begin_sensor(Sensor *sensor, Text name) {
    for (uint32_t index = 0; index < name.length; index++) sensor->name[index] = name.at[index];
    sensor->name_bytes = name.length;
    sensor->count = sensor->missing = sensor->outliers = sensor->out_of_order = 0;
    sensor->least = sensor->most = sensor->mean = sensor->squares = 0.0;
    sensor->latest_s = sensor->longest_gap_s = 0.0;
    begin_quantiles(&sensor->quantiles);
}

double deviation(const Sensor *sensor) {
    if (sensor->count < 2) return 0.0;
    return __builtin_sqrt(sensor->squares / (double)(sensor->count - 1));
}

/* Beyond three standard deviations of the readings before it: one pass cannot know those after. */
static int is_outlier(const Sensor *sensor, double value) {
    if (sensor->count < OUTLIER_READINGS_MIN) return 0;
    double apart = value - sensor->mean;
    if (apart < 0.0) apart = -apart;
    return apart > 3.0 * deviation(sensor);
}

static void take_time(Sensor *sensor, double time_s) {
    if (sensor->count == 0) {
        sensor->latest_s = time_s;
    } else if (time_s < sensor->latest_s) {
        sensor->out_of_order++;
    } else {
        double gap = time_s - sensor->latest_s;
        if (gap > sensor->longest_gap_s) sensor->longest_gap_s = gap;
        sensor->latest_s = time_s;
    }
}

void take_reading(Sensor *sensor, double time_s, double value) {
    take_time(sensor, time_s);
    if (is_outlier(sensor, value)) sensor->outliers++;
    if (sensor->count == 0 || value < sensor->least) sensor->least = value;
    if (sensor->count == 0 || value > sensor->most) sensor->most = value;
    sensor->count++;
    double apart = value - sensor->mean;
    sensor->mean += apart / (double)sensor->count;
    sensor->squares += apart * (value - sensor->mean);
    take_value(&sensor->quantiles, value);
}
