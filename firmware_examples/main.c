/* Replays Fogbank's test vectors on libsodium and SPEC.md alone: check_vectors FILE.json ...
 *
 * Exit codes: 0 every case came out as the files say, 1 some did not, 2 a file cannot be used. */
#include <sodium.h>
#include <stdio.h>

#include "topics.h"

enum { FILE_BYTES_MAX = 48 * 1024 * 1024 };

static const Topic *const topics[] = {&ENCODING, &IDENTITY,     &SIGNED,
                                      &GENESIS,  &VERTICES,     &EQUIVOCATION,
                                      &PACKAGES, &RECEIPTS};

static char file_text[FILE_BYTES_MAX];

typedef struct {
    int accepted, refused, unchecked, wrong;
} Tally;

static const char *name_of(const JsonNode *entry) {
    static char name[256];
    const JsonNode *node = member(entry, "name");
    size_t length = node == NULL ? 0 : node->text.length;
    if (length >= sizeof name) length = sizeof name - 1;
    if (length > 0) memcpy(name, node->text.at, length);
    name[length] = 0;
    return name;
}

static void report(Tally *tally, const Topic *topic, const JsonNode *entry, const char *what, Rule rule) {
    tally->wrong++;
    printf("%s: %s: %s %s\n", topic->name, name_of(entry), what, rule == NULL ? "" : rule);
}

/* Whether the case has a part that this program does not read. */
static int is_unread(Rule broken) {
    return broken != NULL && strcmp(broken, UNREAD) == 0;
}

static void check_accepted(Tally *tally, const Topic *topic, const JsonNode *file, const JsonNode *entry) {
    Rule broken = topic->broken_rule(file, entry);
    const char *difference;
    if (is_unread(broken)) {
        tally->unchecked++;
        return;
    }
    tally->accepted++;
    if (broken != NULL) {
        report(tally, topic, entry, "refused by rule", broken);
        return;
    }
    difference = topic->difference(file, entry);
    if (difference != NULL) report(tally, topic, entry, difference, NULL);
}

/* Whether `rule` stands in the topic's list of those it does not check. */
static int is_unchecked(const Topic *topic, const JsonNode *rule) {
    const char *at = topic->unchecked_rules;
    while (rule != NULL && *at != 0) {
        size_t length = strcspn(at, ",");
        if (same_bytes(rule->text, span(at, length))) return 1;
        at += length + 1;
    }
    return 0;
}

static void check_refused(Tally *tally, const Topic *topic, const JsonNode *file, const JsonNode *entry) {
    Rule broken;
    if (is_unchecked(topic, member(entry, "rule"))) {
        tally->unchecked++;
        return;
    }
    broken = topic->broken_rule(file, entry);
    if (is_unread(broken)) {
        tally->unchecked++;
        return;
    }
    tally->refused++;
    if (broken == NULL) {
        report(tally, topic, entry, "accepted, although it should be refused", NULL);
    } else if (!is_string(member(entry, "rule"), broken)) {
        report(tally, topic, entry, "refused by another rule:", broken);
    }
}

static const JsonNode *cases_in(const JsonNode *file, const char *name) {
    const JsonNode *cases = member(file, name);
    if (cases == NULL || cases->type != JSON_ARRAY) give_up("a file has no list", name);
    return cases->first;
}

static int check_topic(const Topic *topic, const JsonNode *file) {
    Tally tally = {0, 0, 0, 0};
    const JsonNode *entry;
    for (entry = cases_in(file, "accept"); entry != NULL; entry = entry->next) {
        forget_bytes();
        check_accepted(&tally, topic, file, entry);
    }
    for (entry = cases_in(file, "reject"); entry != NULL; entry = entry->next) {
        forget_bytes();
        check_refused(&tally, topic, file, entry);
    }
    printf("%s: %d accepted, %d refused, %d not checked here, %d wrong\n", topic->name, tally.accepted, tally.refused,
           tally.unchecked, tally.wrong);
    return tally.wrong == 0;
}

static const JsonNode *read_file(const char *path) {
    const JsonNode *file;
    FILE *stream = fopen(path, "rb");
    size_t length;
    if (stream == NULL) give_up("a file cannot be opened:", path);
    length = fread(file_text, 1, FILE_BYTES_MAX, stream);
    if (ferror(stream) || length == FILE_BYTES_MAX) give_up("a file cannot be read, or is too long:", path);
    fclose(stream);
    file = read_json(file_text, length);
    if (file == NULL) give_up("a file is not JSON, or has too many parts:", path);
    return file;
}

static const Topic *topic_of(const char *path) {
    const char *slash = strrchr(path, '/'), *name = slash == NULL ? path : slash + 1;
    size_t index;
    for (index = 0; index < sizeof topics / sizeof topics[0]; index++) {
        size_t length = strlen(topics[index]->name);
        if (strncmp(name, topics[index]->name, length) == 0 && strcmp(name + length, ".json") == 0) return topics[index];
    }
    return NULL;
}

int main(int count, char **arguments) {
    int index, all_right = 1;
    if (count < 2 || sodium_init() < 0) {
        fprintf(stderr, "usage: check_vectors FILE.json ...\n");
        return 2;
    }
    for (index = 1; index < count; index++) {
        const Topic *topic = topic_of(arguments[index]);
        if (topic == NULL) give_up("nothing here knows this file:", arguments[index]);
        all_right &= check_topic(topic, read_file(arguments[index]));
    }
    return all_right ? 0 : 1;
}
