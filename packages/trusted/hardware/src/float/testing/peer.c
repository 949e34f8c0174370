// Runs F and D instructions on a RISC-V processor, real or emulated. Reads records of five 64-bit words (operation,
// rounding mode, three operands), writes two for each: result and exception flags. Operations are numbered in the order
// of OPERATIONS in operations.ts, f32 from 0, f64 from 20, then f32.from_f64 and f64.from_f32.
#include <stdint.h>
#include <stdio.h>

typedef uint64_t u64;

#define FLOAT3(name, f, in, out)                                                                                       \
  case name: {                                                                                                         \
    double x, y, z, r;                                                                                                 \
    __asm__ volatile("fmv." in ".x %0, %1" : "=f"(x) : "r"(a));                                                        \
    __asm__ volatile("fmv." in ".x %0, %1" : "=f"(y) : "r"(b));                                                        \
    __asm__ volatile("fmv." in ".x %0, %1" : "=f"(z) : "r"(c));                                                        \
    __asm__ volatile("fsrm %0\n fsflags zero" ::"r"(rm));                                                              \
    __asm__ volatile(f : "=f"(r) : "f"(x), "f"(y), "f"(z));                                                            \
    __asm__ volatile("fmv.x." out " %0, %1" : "=r"(value) : "f"(r));                                                   \
    break;                                                                                                             \
  }
#define TO_INTEGER(name, f, in)                                                                                        \
  case name: {                                                                                                         \
    double x, y;                                                                                                       \
    __asm__ volatile("fmv." in ".x %0, %1" : "=f"(x) : "r"(a));                                                        \
    __asm__ volatile("fmv." in ".x %0, %1" : "=f"(y) : "r"(b));                                                        \
    __asm__ volatile("fsrm %0\n fsflags zero" ::"r"(rm));                                                              \
    __asm__ volatile(f : "=r"(value) : "f"(x), "f"(y));                                                                \
    break;                                                                                                             \
  }
#define FROM_INTEGER(name, f, out)                                                                                     \
  case name: {                                                                                                         \
    double r;                                                                                                          \
    __asm__ volatile("fsrm %0\n fsflags zero" ::"r"(rm));                                                              \
    __asm__ volatile(f : "=f"(r) : "r"(a));                                                                            \
    __asm__ volatile("fmv.x." out " %0, %1" : "=r"(value) : "f"(r));                                                   \
    break;                                                                                                             \
  }
#define FORMAT(base, s, m)                                                                                             \
  FLOAT3(base + 0, "fadd." s " %0, %1, %2", m, m)                                                                      \
  FLOAT3(base + 1, "fsub." s " %0, %1, %2", m, m)                                                                      \
  FLOAT3(base + 2, "fmul." s " %0, %1, %2", m, m)                                                                      \
  FLOAT3(base + 3, "fdiv." s " %0, %1, %2", m, m)                                                                      \
  FLOAT3(base + 4, "fsqrt." s " %0, %1", m, m)                                                                         \
  FLOAT3(base + 5, "fmadd." s " %0, %1, %2, %3", m, m)                                                                 \
  FLOAT3(base + 6, "fmin." s " %0, %1, %2", m, m)                                                                      \
  FLOAT3(base + 7, "fmax." s " %0, %1, %2", m, m)                                                                      \
  TO_INTEGER(base + 8, "feq." s " %0, %1, %2", m)                                                                      \
  TO_INTEGER(base + 9, "flt." s " %0, %1, %2", m)                                                                      \
  TO_INTEGER(base + 10, "fle." s " %0, %1, %2", m)                                                                     \
  TO_INTEGER(base + 11, "fclass." s " %0, %1", m)                                                                      \
  TO_INTEGER(base + 12, "fcvt.w." s " %0, %1, dyn", m)                                                                 \
  TO_INTEGER(base + 13, "fcvt.wu." s " %0, %1, dyn", m)                                                                \
  TO_INTEGER(base + 14, "fcvt.l." s " %0, %1, dyn", m)                                                                 \
  TO_INTEGER(base + 15, "fcvt.lu." s " %0, %1, dyn", m)                                                                \
  FROM_INTEGER(base + 16, "fcvt." s ".w %0, %1", m)                                                                    \
  FROM_INTEGER(base + 17, "fcvt." s ".wu %0, %1", m)                                                                   \
  FROM_INTEGER(base + 18, "fcvt." s ".l %0, %1", m)                                                                    \
  FROM_INTEGER(base + 19, "fcvt." s ".lu %0, %1", m)

int main(void) {
  u64 record[5];
  while (fread(record, sizeof record, 1, stdin) == 1) {
    u64 rm = record[1], a = record[2], b = record[3], c = record[4], value = 0, flags;
    switch (record[0]) {
      FORMAT(0, "s", "w")
      FORMAT(20, "d", "d")
      FLOAT3(40, "fcvt.s.d %0, %1", "d", "w")
      FLOAT3(41, "fcvt.d.s %0, %1", "w", "d")
    default:
      return 1;
    }
    __asm__ volatile("frflags %0" : "=r"(flags));
    u64 outcome[2] = {value, flags};
    fwrite(outcome, sizeof outcome, 1, stdout);
  }
  return 0;
}
