// Asks for everything that a host may give a program, and says what it got, a line each.
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

int main(int count, char **arguments) {
  printf("arguments");
  for (int at = 0; at < count; at++) printf(" [%s]", arguments[at]);
  printf("\nenvironment [%s] [%s]\n", getenv("PLACE"), getenv("EMPTY"));
  long sum = 0;
  int bytes = 0;
  for (int each; (each = getchar()) != EOF; bytes++) sum += each;
  printf("input %d %ld\n", bytes, sum);
  struct timespec now, later;
  clock_gettime(CLOCK_REALTIME, &now);
  struct tm date;
  time_t seconds = now.tv_sec;
  gmtime_r(&seconds, &date);
  printf("year %d\n", date.tm_year + 1900);
  clock_gettime(CLOCK_MONOTONIC, &now);
  struct timespec pause = {.tv_sec = 2};
  nanosleep(&pause, NULL);
  clock_gettime(CLOCK_MONOTONIC, &later);
  printf("slept %ld\n", (long)(later.tv_sec - now.tv_sec));
  unsigned char random[8];
  if (getentropy(random, sizeof random) != 0) return 1;
  printf("random ");
  for (int at = 0; at < 8; at++) printf("%02x", random[at]);
  printf("\n");
  FILE *file = fopen("/etc/passwd", "r");
  printf("file %s\n", file == NULL ? "refused" : "opened");
  printf("terminal %s\n", isatty(1) ? "yes" : "no");
  fprintf(stderr, "told on the side\n");
  fflush(stdout);
  exit(bytes == 0 ? 3 : 0);
}
