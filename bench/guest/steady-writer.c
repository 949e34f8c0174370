// What runs in the guest under kills: it writes, syncs and verifies files, and counts a stream of bytes in and out.
// stdout: a line for each thing that is certain now ("synced N BYTES CHECKSUM", "verified N", "wrong …"), at last
// "end SYNCED VERIFIED INPUT OUTPUT". stderr: byte k of the stream is pattern(k). stdin: the same stream, until its end.
#include <dirent.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { FILES = 96, RECORD_BYTES_MAX = 48 * 1024, HEAD = 32 };

static const char MAGIC[8] = "CLSTRKIL";
static volatile int stopping;
static volatile uint64_t input, output;
static volatile int input_wrong;

static unsigned char pattern(uint64_t k) { return (uint32_t)((uint32_t)k * 2654435761u) >> 24; }

static uint32_t next(uint32_t *state) {
  uint32_t x = *state;
  x ^= x << 13, x ^= x >> 17, x ^= x << 5;
  return *state = x;
}

static uint32_t checksum(const unsigned char *bytes, size_t length) {
  uint32_t sum = 2166136261u;
  for (size_t i = 0; i < length; i++) sum = (sum ^ bytes[i]) * 16777619u;
  return sum;
}

// Record n: MAGIC, n, length, checksum of the rest; the rest follows from n.
static size_t make_record(uint64_t n, unsigned char *record) {
  uint32_t state = (uint32_t)n * 747796405u + 1;
  uint32_t length = HEAD + next(&state) % (RECORD_BYTES_MAX - HEAD);
  for (size_t i = HEAD; i < length; i++) record[i] = next(&state) >> 24;
  uint32_t sum = checksum(record + HEAD, length - HEAD);
  memset(record, 0, HEAD);
  memcpy(record, MAGIC, 8), memcpy(record + 8, &n, 8), memcpy(record + 16, &length, 4), memcpy(record + 20, &sum, 4);
  return length;
}

static void say(const char *format, uint64_t a, uint64_t b, uint64_t c) {
  printf(format, (unsigned long long)a, (unsigned long long)b, (unsigned long long)c);
  fflush(stdout);
}

static void fail(const char *what) {
  printf("wrong %s\n", what), fflush(stdout);
  _exit(1);
}

static void write_record(int dir, uint64_t n) {
  static unsigned char record[RECORD_BYTES_MAX];
  size_t length = make_record(n, record);
  char name[16];
  snprintf(name, sizeof name, "%03d", (int)(n % FILES));
  int file = openat(dir, "new", O_CREAT | O_TRUNC | O_WRONLY, 0600);
  if (file < 0 || write(file, record, length) != (ssize_t)length) fail("write");
  if (fsync(file) != 0 || close(file) != 0 || renameat(dir, "new", dir, name) != 0 || fsync(dir) != 0) fail("sync");
  uint32_t sum;
  memcpy(&sum, record + 20, 4);
  say("synced %llu %llu %llu\n", n, length, sum);
}

// Reads what was synced as record n back from the disk, not from the page cache.
static void verify_record(int dir, uint64_t n) {
  static unsigned char expected[RECORD_BYTES_MAX], found[RECORD_BYTES_MAX + 1];
  size_t length = make_record(n, expected);
  char name[16];
  snprintf(name, sizeof name, "%03d", (int)(n % FILES));
  int file = openat(dir, name, O_RDONLY);
  if (file < 0) fail("file is gone");
  posix_fadvise(file, 0, 0, POSIX_FADV_DONTNEED);
  size_t at = 0;
  for (ssize_t count; (count = read(file, found + at, sizeof found - at)) != 0; at += count)
    if (count < 0) fail("read");
  close(file);
  if (at != length || memcmp(found, expected, length) != 0) fail("contents");
  say("verified %llu\n", n, 0, 0);
}

static void *write_stream(void *unused) {
  unsigned char part[1024];
  while (!stopping) {
    for (size_t i = 0; i < sizeof part; i++) part[i] = pattern(output + i);
    for (size_t at = 0; at < sizeof part;) {
      ssize_t count = write(2, part + at, sizeof part - at);
      if (count <= 0) fail("output");
      at += count;
    }
    output += sizeof part;
    usleep(10000);
  }
  return unused;
}

static void *read_stream(void *unused) {
  unsigned char part[4096];
  for (ssize_t count; (count = read(0, part, sizeof part)) != 0; input += count) {
    if (count < 0) fail("input");
    for (ssize_t i = 0; i < count; i++) input_wrong |= part[i] != pattern(input + i);
  }
  stopping = 1;
  return unused;
}

int main(int count, char **words) {
  int dir = open(count > 1 ? words[1] : ".", O_RDONLY | O_DIRECTORY);
  if (dir < 0) fail("directory");
  pthread_t writer, reader;
  pthread_create(&writer, 0, write_stream, 0), pthread_create(&reader, 0, read_stream, 0);
  uint64_t n = 0, verified = 0;
  uint32_t state = 1;
  while (!stopping) {
    write_record(dir, ++n);
    if (n % 4 == 0) verify_record(dir, n - next(&state) % (n < FILES ? n : FILES)), verified++;
  }
  pthread_join(writer, 0), pthread_join(reader, 0);
  for (uint64_t i = n < FILES ? 1 : n - FILES + 1; i <= n; i++) verify_record(dir, i), verified++;
  if (input_wrong) fail("input bytes");
  printf("end %llu %llu %llu %llu\n", (unsigned long long)n, (unsigned long long)verified, (unsigned long long)input,
         (unsigned long long)output);
  return 0;
}
