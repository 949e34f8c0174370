// Runs single instructions on a RISC-V processor, real or emulated, each in a state of its own. Reads `struct in`
// records, writes `struct out` ones. Code lies at CODE, surrounded by `c.jalr t2`, which wherever the instruction goes
// brings it back with ra two bytes behind that place. It may use x0, x2, x10..x13, f10..f13; x1 is not kept.
#define _GNU_SOURCE
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>

#define CODE 0x40000000UL
#define CODE_BYTES 0x10000UL
#define MIDDLE (CODE + CODE_BYTES / 2)
#define MEMORY 0x50000000UL
#define WINDOW (MEMORY + 0x1000 - 128)

struct in {
  uint64_t word, sp, x[4], f[4], fcsr;
  uint8_t memory[256];
};
struct out {
  uint64_t pc, sp, x[4], f[4], fcsr;
  uint8_t memory[256];
};

void run(const struct in *in, struct out *out, void *scratch);

__asm__(".globl run\n"
        "run:\n"
        "addi sp, sp, -48\n"
        "sd ra, 0(sp)\n sd s2, 8(sp)\n sd s3, 16(sp)\n sd s4, 24(sp)\n"
        "mv s2, a0\n mv s3, a1\n mv s4, sp\n"
        // Without a reservation, whatever came before.
        "sc.w t0, zero, (a2)\n"
        "ld t0, 80(s2)\n fscsr t0\n"
        "fld fa0, 48(s2)\n fld fa1, 56(s2)\n fld fa2, 64(s2)\n fld fa3, 72(s2)\n"
        "la t2, 1f\n li t1, 0x40008000\n"
        "ld sp, 8(s2)\n ld a0, 16(s2)\n ld a1, 24(s2)\n ld a2, 32(s2)\n ld a3, 40(s2)\n"
        "fence.i\n"
        "jr t1\n"
        "1: addi ra, ra, -2\n sd ra, 0(s3)\n"
        "sd sp, 8(s3)\n sd a0, 16(s3)\n sd a1, 24(s3)\n sd a2, 32(s3)\n sd a3, 40(s3)\n"
        "fsd fa0, 48(s3)\n fsd fa1, 56(s3)\n fsd fa2, 64(s3)\n fsd fa3, 72(s3)\n"
        "frcsr t0\n sd t0, 80(s3)\n"
        "mv sp, s4\n"
        "ld ra, 0(sp)\n ld s2, 8(sp)\n ld s3, 16(sp)\n ld s4, 24(sp)\n"
        "addi sp, sp, 48\n"
        "ret\n");

static void *map(unsigned long address, unsigned long bytes) {
  return mmap((void *)address, bytes, PROT_READ | PROT_WRITE | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1,
              0);
}

int main(void) {
  if (map(CODE, CODE_BYTES) == MAP_FAILED || map(MEMORY, 0x2000) == MAP_FAILED) return 1;
  for (unsigned long at = CODE; at < CODE + CODE_BYTES; at += 2) *(uint16_t *)at = 0x9382;
  struct in in;
  struct out out;
  while (fread(&in, sizeof in, 1, stdin) == 1) {
    *(uint16_t *)MIDDLE = (uint16_t)in.word;
    *(uint16_t *)(MIDDLE + 2) = (in.word & 3) == 3 ? (uint16_t)(in.word >> 16) : 0x9382;
    memcpy((void *)WINDOW, in.memory, sizeof in.memory);
    run(&in, &out, (void *)MEMORY);
    memcpy(out.memory, (void *)WINDOW, sizeof out.memory);
    fwrite(&out, sizeof out, 1, stdout);
  }
  return 0;
}
