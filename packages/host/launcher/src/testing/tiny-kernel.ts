/** Instruction words of a program, after the header's first, which jumps over it. */
const PROGRAMS = {
  /** Runs for ever: `j .` */
  loop: [0x0000006f],
  /** Sleeps for ever: `wfi; j .-4` */
  sleep: [0x10500073, 0xffdff06f],
  /** SBI system reset, shutdown: a7 = 0x53525354, a6 = 0, a0 = 0, a1 = 0, `ecall`. */
  powerOff: [0x535258b7, 0x35488893, 0x00000813, 0x00000513, 0x00000593, 0x00000073, 0x0000006f],
} as const;

/** A whole RISC-V `Image` of a few instructions: machines that start and end in no time, without a mirror. */
export function tinyKernel(program: keyof typeof PROGRAMS): Uint8Array {
  const view = new DataView(new ArrayBuffer(4096));
  // `j .+64`, then the boot image header's fields: text offset, image size, magic numbers.
  view.setUint32(0, 0x0400006f, true);
  view.setBigUint64(8, 0x20_0000n, true);
  view.setBigUint64(16, 4096n, true);
  view.setUint32(56, 0x05435352, true);
  PROGRAMS[program].forEach((word, i) => void view.setUint32(64 + 4 * i, word, true));
  return new Uint8Array(view.buffer);
}
