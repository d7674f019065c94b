/* Statistics of sensor logs as a Fogbank task: a command (SPEC.md section 7.3).
 *
 * Standard input: lines of timestamp,sensor,value (or with semicolons).  Standard output: a report per sensor, as CSV, or
 * as JSON with the argument --json.  One pass, and the same memory for any length of log.
 *
 * Exit codes: 2 an argument is unknown, 3 too many sensors, 4 reading or writing failed. */
#include "report.h"
#include "statistics.h"
#include "text.h"
#include "wasi.h"

enum {
    LINE_BYTES_MAX = 512,
    READ_BYTES = 16384,
    SENSORS_MAX = 128,
    ARGUMENTS_MAX = 16,
    ARGUMENT_BYTES_MAX = 1024,
};

static Sensor sensors[SENSORS_MAX]; /* in the order of their first line */
static Sensor *ordered[SENSORS_MAX];
static uint32_t sensor_count;
static Totals totals;

/* The line being gathered: one longer than the buffer is counted as bad. */
static char line[LINE_BYTES_MAX];
static uint32_t line_bytes;

static Text sensor_name(const Sensor *sensor) {
    Text name = {sensor->name, sensor->name_bytes};
    return name;
}

static Sensor *sensor_named(Text name) {
    static uint32_t last; /* logs often name the same sensor again */
    if (last < sensor_count && same_text(sensor_name(&sensors[last]), name)) return &sensors[last];
    for (uint32_t index = 0; index < sensor_count; index++) {
        if (!same_text(sensor_name(&sensors[index]), name)) continue;
        last = index;
        return &sensors[index];
    }
    if (sensor_count == SENSORS_MAX) give_up("the log names more than 128 sensors\n", 3);
    last = sensor_count++;
    begin_sensor(&sensors[last], name);
    return &sensors[last];
}

/* What loggers write for "no value". */
static int is_missing(Text value) {
    return value.length == 0 || is_word(value, "nan") || is_word(value, "na") || is_word(value, "n/a") ||
           is_word(value, "null") || is_word(value, "none") || is_word(value, "-") ||
           is_word(value, "unknown") || is_word(value, "unavailable");
}

/* Control characters would break the report. */
static int is_name(Text name) {
    for (uint32_t index = 0; index < name.length; index++) {
        if ((unsigned char)name.at[index] < ' ') return 0;
    }
    return name.length >= 1 && name.length <= SENSOR_NAME_BYTES_MAX;
}

/* Returns whether the line is a reading, present or missing. */
static int take_fields(Text fields) {
    double time_s, value;
    char separator = separator_of(fields);
    Text time = next_field(&fields, separator), name = next_field(&fields, separator);
    Text reading = next_field(&fields, separator);
    if (!read_time(time, &time_s) || !is_name(name)) return 0;
    int missing = is_missing(reading);
    if (!missing && !read_number(reading, &value)) return 0;
    Sensor *sensor = sensor_named(name);
    if (missing) {
        sensor->missing++;
        totals.missing++;
    } else {
        take_reading(sensor, time_s, value);
        totals.readings++;
    }
    return 1;
}

static int is_header(Text fields) {
    Text first = next_field(&fields, separator_of(fields));
    return is_word(first, "timestamp") || is_word(first, "time") || is_word(first, "date") ||
           is_word(first, "datetime") || is_word(first, "last_changed");
}

static void take_line(void) {
    Text whole = {line, line_bytes};
    int too_long = line_bytes == LINE_BYTES_MAX;
    line_bytes = 0;
    Text content = trimmed(whole);
    if (content.length == 0) return;
    totals.lines++;
    if (content.at[0] == '#' || is_header(content)) return;
    if (too_long || !take_fields(whole)) totals.bad++;
}

static void take_bytes(const char *bytes, uint32_t length) {
    for (uint32_t index = 0; index < length; index++) {
        if (bytes[index] == '\n') {
            take_line();
        } else if (line_bytes < LINE_BYTES_MAX) {
            line[line_bytes++] = bytes[index];
        }
    }
}

/* Some editors begin a file with these three bytes. */
static uint32_t byte_order_mark(const char *bytes, uint32_t length) {
    return length >= 3 && bytes[0] == '\xef' && bytes[1] == '\xbb' && bytes[2] == '\xbf' ? 3 : 0;
}

static void read_log(void) {
    static char chunk[READ_BYTES];
    for (int first = 1;; first = 0) {
        Span span = {chunk, READ_BYTES};
        uint32_t length = 0;
        if (wasi_fd_read(STANDARD_INPUT, &span, 1, &length) != 0) give_up("the log cannot be read\n", 4);
        if (length == 0) break;
        uint32_t mark = first ? byte_order_mark(chunk, length) : 0;
        take_bytes(chunk + mark, length - mark);
    }
    take_line();
}

static int comes_before(const Sensor *one, const Sensor *other) {
    uint32_t shorter = one->name_bytes < other->name_bytes ? one->name_bytes : other->name_bytes;
    for (uint32_t index = 0; index < shorter; index++) {
        unsigned char mine = (unsigned char)one->name[index], yours = (unsigned char)other->name[index];
        if (mine != yours) return mine < yours;
    }
    return one->name_bytes < other->name_bytes;
}

static void order_sensors(void) {
    for (uint32_t index = 0; index < sensor_count; index++) {
        uint32_t at = index;
        for (; at > 0 && comes_before(&sensors[index], ordered[at - 1]); at--) ordered[at] = ordered[at - 1];
        ordered[at] = &sensors[index];
    }
}

static Format format_asked(void) {
    static char *arguments[ARGUMENTS_MAX];
    static char bytes[ARGUMENT_BYTES_MAX];
    uint32_t count = 0, size = 0;
    if (wasi_args_sizes_get(&count, &size) != 0) give_up("the arguments cannot be read\n", 4);
    if (count > ARGUMENTS_MAX || size > ARGUMENT_BYTES_MAX) give_up("too many arguments\n", 2);
    if (wasi_args_get(arguments, bytes) != 0) give_up("the arguments cannot be read\n", 4);
    Format format = CSV;
    for (uint32_t index = 1; index < count; index++) {
        Text argument = {arguments[index], 0};
        while (argument.at[argument.length]) argument.length++;
        if (is_word(argument, "--json")) format = JSON;
        else if (is_word(argument, "--csv")) format = CSV;
        else give_up("the arguments are --csv or --json\n", 2);
    }
    return format;
}

__attribute__((export_name("_start"))) void start(void) {
    Format format = format_asked();
    read_log();
    order_sensors();
    write_report(format, ordered, sensor_count, &totals);
}
