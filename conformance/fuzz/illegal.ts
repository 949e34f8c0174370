/** Words that are no instruction of either machine: reserved encodings, and extensions that neither has here. */
export const ILLEGAL_WORDS: readonly number[] = [
  0x0000_0000,
  0xffff_ffff,
  // c.lwsp and c.ldsp to x0, c.jr x0, c.addi16sp 0, c.addiw to x0, c.lui 0, reserved arithmetic (C, RV64 quadrants).
  ...[0x4002, 0x6002, 0x8002, 0x6101, 0x2001, 0x6081, 0x9c41, 0x9c61, 0x8000],
  // funct7 that OP, OP-32 and the shifts do not have.
  ...[0x8000_0033, 0x0600_003b, 0x4000_1033, 0x4000_1013, 0x0200_101b, 0x0000_201b],
  // Widths that loads, stores and atomics do not have.
  ...[0x0000_7003, 0x0000_4023, 0x0000_002f, 0x0000_402f, 0xffff_202f, 0x1010_202f],
  // Half and quad precision, a branch with funct3 2, jalr with funct3 1, SYSTEM with funct3 4.
  ...[0x0400_0053, 0x0600_0053, 0x0000_1007, 0x0000_4007, 0x0000_2063, 0x0000_1067, 0x0000_4073],
  // uret, mnret, dret, hfence.vvma, a vector instruction, HLV.B.
  ...[0x0020_0073, 0x7020_0073, 0x7b20_0073, 0x2200_0073, 0x0000_0057, 0x6000_4073],
];
