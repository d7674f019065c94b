#include "text.h"

enum { DIGITS_MAX = 15, POWER_MAX = 22 };

static const double VALUE_MAX = 1e11;
static const double POWERS[POWER_MAX + 1] = {1e0,  1e1,  1e2,  1e3,  1e4,  1e5,  1e6,  1e7,
                                             1e8,  1e9,  1e10, 1e11, 1e12, 1e13, 1e14, 1e15,
                                             1e16, 1e17, 1e18, 1e19, 1e20, 1e21, 1e22};

int same_text(Text one, Text other) {
    if (one.length != other.length) return 0;
    for (uint32_t index = 0; index < one.length; index++) {
        if (one.at[index] != other.at[index]) return 0;
    }
    return 1;
}

int is_word(Text text, const char *word) {
    for (uint32_t index = 0; index < text.length; index++) {
        char letter = text.at[index];
        if (letter >= 'A' && letter <= 'Z') letter = (char)(letter + 'a' - 'A');
        if (word[index] == 0 || letter != word[index]) return 0;
    }
    return word[text.length] == 0;
}

static int is_space(char letter) { return letter == ' ' || letter == '\t' || letter == '\r'; }

Text trimmed(Text text) {
    while (text.length > 0 && is_space(text.at[0])) text.at++, text.length--;
    while (text.length > 0 && is_space(text.at[text.length - 1])) text.length--;
    if (text.length >= 2 && text.at[0] == '"' && text.at[text.length - 1] == '"') {
        text.at++;
        text.length -= 2;
    }
    return text;
}

/* The bytes of `line` before its first `separator` outside quotes: all when there is none. */
static uint32_t field_bytes(Text line, char separator) {
    uint32_t length = 0;
    for (int quoted = 0; length < line.length; length++) {
        if (line.at[length] == '"') quoted = !quoted;
        if (!quoted && line.at[length] == separator) break;
    }
    return length;
}

char separator_of(Text line) { return field_bytes(line, ';') < line.length ? ';' : ','; }

Text next_field(Text *line, char separator) {
    Text field = {line->at, field_bytes(*line, separator)};
    uint32_t used = field.length < line->length ? field.length + 1 : field.length;
    line->at += used;
    line->length -= used;
    return trimmed(field);
}

static int is_digit(char letter) { return letter >= '0' && letter <= '9'; }

static int take(Text *text, char letter) {
    if (text->length == 0 || text->at[0] != letter) return 0;
    text->at++;
    text->length--;
    return 1;
}

static int take_sign(Text *text) {
    if (take(text, '-')) return -1;
    take(text, '+');
    return 1;
}

/* Takes every digit there is: joins them to `whole`, counts them in `taken`, and the significant
 * ones in `significant`. */
static void take_digits(Text *text, uint64_t *whole, int *taken, int *significant) {
    while (text->length > 0 && is_digit(text->at[0])) {
        if (*whole > 0 || text->at[0] != '0') ++*significant;
        if (*significant <= DIGITS_MAX) *whole = *whole * 10 + (uint64_t)(text->at[0] - '0');
        ++*taken;
        text->at++;
        text->length--;
    }
}

static int take_exponent(Text *text, int *exponent) {
    if (!take(text, 'e') && !take(text, 'E')) return 1;
    int sign = take_sign(text);
    uint64_t size = 0;
    int taken = 0, significant = 0;
    take_digits(text, &size, &taken, &significant);
    if (taken == 0 || size > POWER_MAX) return 0;
    *exponent += sign * (int)size;
    return 1;
}

int read_number(Text text, double *number) {
    int sign = take_sign(&text);
    uint64_t digits = 0;
    int before = 0, after = 0, significant = 0, exponent = 0;
    take_digits(&text, &digits, &before, &significant);
    if (take(&text, '.')) take_digits(&text, &digits, &after, &significant);
    if (before + after == 0 || before > POWER_MAX || after > POWER_MAX || significant > DIGITS_MAX) return 0;
    exponent = -after;
    if (!take_exponent(&text, &exponent) || text.length > 0) return 0;
    if (exponent < -POWER_MAX || exponent > POWER_MAX) return 0;
    /* Both operands are exact, so the one rounding gives the nearest double (Clinger 1990). */
    double size = (double)digits;
    size = exponent < 0 ? size / POWERS[-exponent] : size * POWERS[exponent];
    if (size >= VALUE_MAX) return 0;
    *number = sign < 0 ? -size : size;
    return 1;
}

/* Takes exactly `count` digits as a number in low ... high. */
static int take_count(Text *text, int count, int low, int high, int *number) {
    int value = 0;
    for (int index = 0; index < count; index++) {
        if (text->length == 0 || !is_digit(text->at[0])) return 0;
        value = value * 10 + (text->at[0] - '0');
        text->at++;
        text->length--;
    }
    *number = value;
    return value >= low && value <= high;
}

/* Days from 1970-01-01 in the proleptic Gregorian calendar: years begin in March, so that the leap
 * day comes last. */
static int64_t days_since_1970(int year, int month, int day) {
    year -= month <= 2;
    int64_t era = year / 400, of_era = year % 400;
    int64_t of_year = (153 * (month > 2 ? month - 3 : month + 9) + 2) / 5 + day - 1;
    return era * 146097 + of_era * 365 + of_era / 4 - of_era / 100 + of_year - 719468;
}

static int days_in_month(int year, int month) {
    static const int days[12] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
    int leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
    return month == 2 && leap ? 29 : days[month - 1];
}

static int take_date(Text *text, int64_t *days) {
    int year, month, day;
    if (!take_count(text, 4, 1, 9999, &year) || !take(text, '-')) return 0;
    if (!take_count(text, 2, 1, 12, &month) || !take(text, '-')) return 0;
    if (!take_count(text, 2, 1, days_in_month(year, month), &day)) return 0;
    *days = days_since_1970(year, month, day);
    return 1;
}

static int take_clock(Text *text, double *seconds) {
    int hour, minute, second = 0;
    double fraction = 0.0;
    if (!take_count(text, 2, 0, 23, &hour) || !take(text, ':')) return 0;
    if (!take_count(text, 2, 0, 59, &minute)) return 0;
    if (take(text, ':')) {
        if (!take_count(text, 2, 0, 60, &second)) return 0;
        if (take(text, '.')) {
            uint64_t digits = 0;
            int taken = 0, significant = 0;
            take_digits(text, &digits, &taken, &significant);
            if (taken == 0 || taken > DIGITS_MAX) return 0;
            fraction = (double)digits / POWERS[taken];
        }
    }
    *seconds = (double)(hour * 3600 + minute * 60 + second) + fraction;
    return 1;
}

static int take_offset(Text *text, int *seconds) {
    *seconds = 0;
    if (text->length == 0 || take(text, 'Z')) return 1;
    int sign = text->at[0] == '-' ? -1 : 1, hours, minutes = 0;
    if (!take(text, '-') && !take(text, '+')) return 0;
    if (!take_count(text, 2, 0, 23, &hours)) return 0;
    take(text, ':');
    if (text->length > 0 && !take_count(text, 2, 0, 59, &minutes)) return 0;
    *seconds = sign * (hours * 3600 + minutes * 60);
    return 1;
}

int read_time(Text text, double *seconds) {
    int64_t days;
    double clock;
    int offset;
    Text date = text;
    if (!take_date(&date, &days)) return read_number(text, seconds) && *seconds >= 0.0;
    if (!take(&date, 'T') && !take(&date, ' ')) return 0;
    if (!take_clock(&date, &clock) || !take_offset(&date, &offset) || date.length > 0) return 0;
    *seconds = (double)(days * 86400 - offset) + clock;
    return 1;
}
