/* A command: the input is standard input, the output is what goes to standard output. */
#include <ctype.h>
#include <stdio.h>

int main(void) {
    unsigned long lines = 0, words = 0, bytes = 0;
    int inside = 0;
    for (int byte; (byte = getchar()) != EOF; bytes++) {
        lines += byte == '\n';
        words += !inside && !isspace(byte);
        inside = !isspace(byte);
    }
    printf("%lu %lu %lu\n", lines, words, bytes);
    return 0;
}
