import type { Attack } from '../attack.ts';
import { type BenchAttack, type Kit, onBench } from '../bench/on-bench.ts';
import { hardware } from '../bench/sources.ts';

const ACCESS = hardware('hart/memory-access.ts');
const RAM = 0x8000_0000;
const RAM_BYTES = 64 << 20;
/** Where guest RAM begins in the machine's memory, and what lies below: the board's ring of serial output. */
const RAM_AT = 0x4000_0000;
const SECRET_AT = 0x0050_2100;
const SECRET = 0x5ec0_ffee_5ec0_ffeen;
const EVIL = 0xbad0_bad0_bad0_bad0n;
/** Guest physical addresses that lead there where 32 bits of an offset wrap, and others around RAM. */
const ADDRESSES: readonly bigint[] = [
  BigInt(RAM) + 0x1_0000_0000n - BigInt(RAM_AT) + BigInt(SECRET_AT),
  BigInt(RAM + RAM_BYTES),
  BigInt(RAM + RAM_BYTES) + 0x1_0000_0000n,
  (1n << 56n) + BigInt(RAM),
  (1n << 64n) - 8n,
  BigInt(SECRET_AT),
  0n,
];

const OPERANDS = {
  ld: { rd: 8, rs1: 6, immediate: 0 },
  'amoadd.d': { rd: 8, rs1: 6, rs2: 7 },
  sd: { rs1: 6, rs2: 7, immediate: 0 },
} as const;

const hart = (variant: Pick<BenchAttack, 'attack' | 'check' | 'edits' | 'act'> & { source?: string }): Attack =>
  onBench({ from: 'guest', target: 'the machine', source: 'isolation.md G3 (XSA-148, XSA-182, XSA-212)', ...variant });

/** A hart in M-mode, with a trap handler that goes on for ever, and a secret beside its RAM. */
function withSecret(kit: Kit, lines: Parameters<Kit['assembledMachine']>[0]) {
  const assembled = kit.assembledMachine([...lines, ['jal', { rd: 0, immediate: 0 }]]);
  const { state } = assembled.machine.hart;
  const view = new DataView(state.bytes.buffer);
  view.setBigUint64(SECRET_AT, SECRET, true);
  assembled.setSlot('mtvec', BigInt(RAM + 4 * lines.length));
  return { ...assembled, secret: () => view.getBigUint64(SECRET_AT, true), view };
}

/** Loads, stores and page tables that lead out of guest RAM; words that are no instructions. */
export const HART: readonly Attack[] = [
  ...(['ld', 'amoadd.d', 'sd'] as const).map((name) =>
    hart({
      attack: `G3 ${name} outside RAM, also where 32 bits of an offset wrap`,
      check: 'a page is one of RAM’s',
      edits: [
        [ACCESS, 'if (!(frame >= 0 && frame < hart.ramBytes / 4096)) return -1;', 'if (!(frame >= 0)) return -1;'],
      ],
      act(kit) {
        const reached: string[] = [];
        for (const address of ADDRESSES) {
          const machine = withSecret(kit, [[name, OPERANDS[name]]]);
          machine.setX(6, address);
          machine.setX(7, EVIL);
          let died = false;
          try {
            machine.step(3);
          } catch {
            died = true;
          }
          if (died || machine.x(8) === SECRET || machine.secret() !== SECRET) reached.push(`0x${address.toString(16)}`);
        }
        return {
          effect: reached.length > 0,
          how: `${ADDRESSES.length} addresses, the machine's own memory reached, or its thread ended, by: ${reached.join(', ') || 'none'}`,
        };
      },
    }),
  ),
  hart({
    attack: 'G3 a page that a page table maps outside RAM',
    check: 'a page is one of RAM’s',
    edits: [[ACCESS, 'if (!(frame >= 0 && frame < hart.ramBytes / 4096)) return -1;', 'if (!(frame >= 0)) return -1;']],
    act(kit) {
      const machine = withSecret(kit, [['ld', { rd: 8, rs1: 6, immediate: 0 }]]);
      // Sv39, one leaf of 1 GiB for code and one for the place where offsets wrap, both for loads by MPRV as S.
      const table = RAM_AT + 0x10_0000;
      const page = (ADDRESSES[0]! >> 12n) & ~0x3ffffn;
      machine.view.setBigUint64(table + 8 * 5, (page << 10n) | 0xcfn, true);
      machine.setSlot('satp', (8n << 60n) | BigInt((RAM + 0x10_0000) / 4096));
      machine.setSlot('mstatus', machine.slot('mstatus') | (1n << 17n) | (1n << 11n));
      machine.setSlot('pmpaddr0', 0x003f_ffff_ffff_ffffn);
      machine.setSlot('pmpcfg0', 0x1fn);
      machine.setX(6, 5n * 0x4000_0000n + (ADDRESSES[0]! & 0x3fff_ffffn));
      machine.step(3);
      return {
        effect: machine.x(8) === SECRET,
        how: `loaded 0x${machine.x(8).toString(16)}, cause ${machine.slot('mcause')}`,
      };
    },
  }),
  hart({
    attack: 'G3 a page table that lies outside RAM',
    check: 'a page table lies in RAM',
    edits: [
      [
        hardware('mmu/walk.ts'),
        'const inRam = tableHigh === 0 && frame >= 0 && frame < ramBytes / 4096;',
        'const inRam = true;',
      ],
    ],
    act(kit) {
      const machine = withSecret(kit, [['ld', { rd: 8, rs1: 6, immediate: 0 }]]);
      // The guest writes entries to its serial port: they lie in the board's ring, below RAM.
      const leaf = ((BigInt(RAM) >> 12n) << 10n) | 0xcfn;
      for (let i = 0; i < 512; i += 1) machine.view.setBigUint64(0x0050_3000 + 8 * i, leaf, true);
      machine.view.setBigUint64(RAM_AT + 0x100, 0x1234n, true);
      machine.setSlot('satp', (8n << 60n) | BigInt((RAM - RAM_AT + 0x0050_3000) / 4096));
      machine.setSlot('mstatus', machine.slot('mstatus') | (1n << 17n) | (1n << 11n));
      machine.setSlot('pmpaddr0', 0x003f_ffff_ffff_ffffn);
      machine.setSlot('pmpcfg0', 0x1fn);
      machine.setX(6, 5n * 0x4000_0000n + 0x100n);
      machine.step(3);
      return {
        effect: machine.x(8) === 0x1234n,
        how: `loaded 0x${machine.x(8).toString(16)}, cause ${machine.slot('mcause')}`,
      };
    },
  }),
  hart({
    attack: 'G3 a frame that the VM lost is read through an old translation',
    source: 'isolation.md G3; XSA-155',
    check: 'a frame that leaves is dropped from every translation',
    edits: [[hardware('mmu/tlb.ts'), 'flushAll(hartState(memory, hart));', '']],
    act(kit) {
      const machine = withSecret(kit, [
        ['ld', { rd: 8, rs1: 6, immediate: 0 }],
        ['jal', { rd: 0, immediate: -4 }],
      ]);
      const frame = 64;
      const at = RAM_AT + frame * 4096;
      machine.view.setBigUint64(at, 1n, true);
      machine.setX(6, BigInt(RAM + frame * 4096));
      machine.step(4);
      const memory = machine.machine.hart.state.bytes.buffer as SharedArrayBuffer;
      kit.hardware.frameFlags(memory)[frame] = kit.hardware.FRAME.absent;
      kit.hardware.flushHart(memory, 0);
      // The frame is another's now.
      machine.view.setBigUint64(at, SECRET, true);
      kit.runInstructions(machine.machine.hart, machine.machine.interpreter, 4, true);
      return { effect: machine.x(8) === SECRET, how: `loaded 0x${machine.x(8).toString(16)}` };
    },
  }),
  hart({
    attack: 'G4 a user program changes the kernel’s CSRs',
    source: 'isolation.md G4',
    check: 'a CSR’s privilege',
    edits: [[hardware('hart/csr.ts'), 'if (level < ((number >>> 8) & 3)) return false;', '']],
    act(kit) {
      const machine = withSecret(kit, [['csrrw', { rd: 8, rs1: 7, immediate: 0x180 }]]);
      machine.setSlot('pmpaddr0', 0x003f_ffff_ffff_ffffn);
      machine.setSlot('pmpcfg0', 0x1fn);
      machine.enter(0);
      machine.setX(7, 8n << 60n);
      const before = machine.slot('satp');
      machine.step(2);
      const effect = machine.slot('satp') !== before;
      return { effect, how: `satp ${effect ? 'changed' : 'is as it was'}, cause ${machine.slot('mcause')}` };
    },
  }),
  hart({
    attack: 'G4 random words as code, to break the machine that decodes them',
    source: 'isolation.md G4',
    check: 'what is no instruction is illegal',
    edits: [[hardware('hart/record.ts'), 'if (decoded === undefined) return [OPERATION.illegal, 0];', '']],
    act(kit) {
      let state = 20261125;
      const next = (): number => {
        state ^= state << 13;
        state ^= state >>> 17;
        state ^= state << 5;
        return state >>> 0;
      };
      let died = '';
      const machine = withSecret(kit, [['addi', { rd: 0, rs1: 0, immediate: 0 }]]);
      // User mode reaches RAM alone: behind the devices' windows nobody would answer here.
      machine.setSlot('pmpaddr0', 0x2fff_ffffn);
      machine.setSlot('pmpcfg0', 0x1fn);
      for (let i = 0; i < 20_000 && died === ''; i += 1) {
        machine.view.setUint32(RAM_AT + 0x1000 + 4 * (i % 1024), next(), true);
        if (i % 1024 !== 1023) continue;
        try {
          for (let j = 0; j < 1024; j += 1) {
            machine.machine.hart.ended = false;
            machine.enter(0);
            machine.machine.start(RAM + 0x1000 + 4 * j);
            machine.step(1);
          }
        } catch (error) {
          died = (error as Error).message;
        }
      }
      const effect = died !== '' || machine.secret() !== SECRET;
      return { effect, how: died || `20000 words, the machine is whole (seed 20261125)` };
    },
  }),
];
