// What runs in the guest for bench/protection.ts: `disk-load MODE DEVICE DEPTH UNIT AMOUNT` prints the microseconds that it took.
#define _GNU_SOURCE
#include <fcntl.h>
#include <pthread.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

enum { DEPTH_MAX = 32 };

static int device;
static off_t device_bytes;
static long left;
static size_t unit;

static void *aligned(size_t length) {
  void *at;
  if (posix_memalign(&at, 4096, length) != 0) exit(2);
  memset(at, 0xa5, length);
  return at;
}

static int writes;
static off_t next, end;

static void *in_order(void *unused) {
  (void)unused;
  char *part = aligned(unit);
  for (off_t at; (at = __atomic_fetch_add(&next, (off_t)unit, __ATOMIC_RELAXED)) < end;) {
    off_t place = at % device_bytes;
    ssize_t done = writes ? pwrite(device, part, unit, place) : pread(device, part, unit, place);
    if (done != (ssize_t)unit) exit(3);
  }
  return 0;
}

static void *random_reads(void *seed) {
  char *part = aligned(unit);
  uint64_t state = (uintptr_t)seed * 6364136223846793005u + 1;
  while (__atomic_fetch_sub(&left, 1, __ATOMIC_RELAXED) > 0) {
    state = state * 6364136223846793005u + 1442695040888963407u;
    off_t at = (off_t)((state >> 20) % ((uint64_t)device_bytes / unit)) * (off_t)unit;
    if (pread(device, part, unit, at) != (ssize_t)unit) exit(3);
  }
  return 0;
}

static void at_depth(int depth, void *(*requests)(void *)) {
  pthread_t threads[DEPTH_MAX];
  for (intptr_t i = 0; i < depth; i++) pthread_create(&threads[i], 0, requests, (void *)(i + 1));
  for (int i = 0; i < depth; i++) pthread_join(threads[i], 0);
}

static void compute(long amount) {
  uint32_t state = 1, sum = 0;
  for (long i = 0; i < amount; i++) {
    state ^= state << 13, state ^= state >> 17, state ^= state << 5;
    sum += state % 1000003;
  }
  if (sum == 42) puts("");
}

static double microseconds(void) {
  struct timespec now;
  clock_gettime(CLOCK_MONOTONIC, &now);
  return now.tv_sec * 1e6 + now.tv_nsec / 1e3;
}

int main(int count, char **words) {
  if (count != 6) return 1;
  const char *mode = words[1];
  int depth = atoi(words[3]);
  long amount = atol(words[5]);
  unit = atol(words[4]);
  writes = strcmp(mode, "write") == 0;
  if (strcmp(mode, "compute") != 0) {
    device = open(words[2], O_DIRECT | (writes ? O_WRONLY : O_RDONLY));
    if (device < 0) return 2;
    device_bytes = lseek(device, 0, SEEK_END);
  }
  end = left = amount;
  double from = microseconds();
  if (strcmp(mode, "compute") == 0) compute(amount);
  else at_depth(depth, strcmp(mode, "random") == 0 ? random_reads : in_order);
  if (writes && fsync(device) != 0) return 3;
  printf("%.0f\n", microseconds() - from);
  return 0;
}
