import { expect, test } from 'vitest';
import { lackingExtensions } from './isa-string.ts';

test('an ISA string is read, and what the machine lacks is named', () => {
  expect(lackingExtensions('rv64gc')).toEqual([]);
  expect(lackingExtensions('RV64IMAFDC_Zicsr_Zba_Zbb_Zbs')).toEqual([]);
  expect(lackingExtensions('rv64gcv_zfh_zba')).toEqual(['v', 'zfh']);
  expect(() => lackingExtensions('rv32gc')).toThrow('no RV64 ISA string');
});
