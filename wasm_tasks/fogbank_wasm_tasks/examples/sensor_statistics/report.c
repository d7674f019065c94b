#include "report.h"

#include "wasi.h"

enum { BUFFER_BYTES = 4096, DECIMALS = 4, SCALE = 10000 };

static char buffer[BUFFER_BYTES];
static uint32_t buffered;

static void write_all(uint32_t fd, const char *bytes, uint32_t length) {
    while (length > 0) {
        Span span = {bytes, length};
        uint32_t written = 0;
        if (wasi_fd_write(fd, &span, 1, &written) != 0 || written == 0) wasi_proc_exit(4);
        bytes += written;
        length -= written;
    }
}

static void flush(void) {
    write_all(STANDARD_OUTPUT, buffer, buffered);
    buffered = 0;
}

static void put(char letter) {
    if (buffered == BUFFER_BYTES) flush();
    buffer[buffered++] = letter;
}

static void put_text(const char *text) {
    while (*text) put(*text++);
}

static void put_count(uint64_t count) {
    char digits[20];
    int length = 0;
    do digits[length++] = (char)('0' + count % 10);
    while (count /= 10);
    while (length > 0) put(digits[--length]);
}

/* With four decimals, halves away from zero; every number here is below 10^12 in size. */
static void put_number(double number) {
    double size = number < 0.0 ? -number : number;
    uint64_t scaled = (uint64_t)(size * (double)SCALE + 0.5);
    if (number < 0.0 && scaled > 0) put('-');
    put_count(scaled / SCALE);
    put('.');
    for (uint64_t unit = SCALE / 10; unit > 0; unit /= 10) put((char)('0' + scaled / unit % 10));
}

/* In double quotes where the format needs them, with its own way of writing a quote. */
static void put_name(Format format, const Sensor *sensor) {
    int quoted = format == JSON;
    for (uint32_t index = 0; index < sensor->name_bytes; index++) {
        char letter = sensor->name[index];
        if (letter == ',' || letter == ';' || letter == '"') quoted = 1;
    }
    if (quoted) put('"');
    for (uint32_t index = 0; index < sensor->name_bytes; index++) {
        char letter = sensor->name[index];
        if (letter == '"') put(format == JSON ? '\\' : '"');
        if (letter == '\\' && format == JSON) put('\\');
        put(letter);
    }
    if (quoted) put('"');
}

static void put_key(Format format, const char *key) {
    if (format == CSV) {
        put(',');
    } else {
        put_text(", \"");
        put_text(key);
        put_text("\": ");
    }
}

static void put_counted(Format format, const char *key, uint64_t count) {
    put_key(format, key);
    put_count(count);
}

/* Without a reading there is nothing to say: an empty field, or null. */
static void put_measured(Format format, const char *key, const Sensor *sensor, double number) {
    put_key(format, key);
    if (sensor->count > 0) {
        put_number(number);
    } else if (format == JSON) {
        put_text("null");
    }
}

static void put_sensor(Format format, Sensor *sensor) {
    Quantiles *quantiles = &sensor->quantiles;
    if (format == JSON) put_text("{\"sensor\": ");
    put_name(format, sensor);
    put_counted(format, "count", sensor->count);
    put_counted(format, "missing", sensor->missing);
    put_measured(format, "min", sensor, sensor->least);
    put_measured(format, "max", sensor, sensor->most);
    put_measured(format, "mean", sensor, sensor->mean);
    put_measured(format, "stddev", sensor, deviation(sensor));
    put_measured(format, "p05", sensor, quantile(quantiles, 0.05));
    put_measured(format, "median", sensor, quantile(quantiles, 0.5));
    put_measured(format, "p95", sensor, quantile(quantiles, 0.95));
    put_measured(format, "longest_gap_s", sensor, sensor->longest_gap_s);
    put_counted(format, "outliers", sensor->outliers);
    put_counted(format, "out_of_order", sensor->out_of_order);
    if (format == JSON) put('}');
}

static void put_csv(Sensor *const *sensors, uint32_t count, const Totals *totals) {
    put_text("sensor,count,missing,min,max,mean,stddev,p05,median,p95,longest_gap_s,outliers,out_of_order\n");
    for (uint32_t index = 0; index < count; index++) {
        put_sensor(CSV, sensors[index]);
        put('\n');
    }
    put_text("# lines ");
    put_count(totals->lines);
    put_text(", readings ");
    put_count(totals->readings);
    put_text(", missing ");
    put_count(totals->missing);
    put_text(", bad ");
    put_count(totals->bad);
    put('\n');
}

static void put_json(Sensor *const *sensors, uint32_t count, const Totals *totals) {
    put_text("{\"sensors\": [");
    for (uint32_t index = 0; index < count; index++) {
        put_text(index ? ",\n " : "\n ");
        put_sensor(JSON, sensors[index]);
    }
    put_text("\n], \"lines\": ");
    put_count(totals->lines);
    put_counted(JSON, "readings", totals->readings);
    put_counted(JSON, "missing", totals->missing);
    put_counted(JSON, "bad", totals->bad);
    put_text("}\n");
}

void write_report(Format format, Sensor *const *sensors, uint32_t count, const Totals *totals) {
    if (format == JSON) {
        put_json(sensors, count, totals);
    } else {
        put_csv(sensors, count, totals);
    }
    flush();
}

_Noreturn void give_up(const char *sentence, uint32_t code) {
    uint32_t length = 0;
    while (sentence[length]) length++;
    write_all(STANDARD_ERROR, sentence, length);
    wasi_proc_exit(code);
}
