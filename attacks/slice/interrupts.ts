import { type MachineBench, openMachine } from '../bench/machine.ts';
import { benchAttacks } from '../bench/on-bench.ts';
import { monitor } from '../bench/sources.ts';

const DECODE = monitor('hypelet-calls/decode.ts');
const BOARD_AT = 0x0050_0000 - 0x1_0000;

const COMMON = { from: 'slice', target: "its guest's interrupts", source: 'isolation.md S1 (Heckler, WeSee)' };

const inject = (machine: MachineBench, value: bigint, csr: 'hgeip' | 'instret' | 'budget' = 'hgeip'): void =>
  void machine.tell({ kind: 'csr.write', hart: 0, csr, value });

/** How many bytes of the board changed: lines, pending interrupts, budgets are all there. */
function boardChanges(machine: MachineBench, attack: () => void): number {
  const before = machine.inner().subarray(BOARD_AT);
  attack();
  return machine
    .inner()
    .subarray(BOARD_AT)
    .filter((byte, i) => byte !== before[i]).length;
}

/** Lines that are not the VM's own devices', devices that nobody drives, and storms. */
export const INTERRUPTS = benchAttacks(COMMON, [
  {
    attack: 'S1 interrupts of foreign lines: UART, clock, none, beyond the controller',
    check: 'the line is of a device of this VM',
    edits: [
      [
        DECODE,
        'const device = gate.devices[number];\n  if',
        'const device = gate.devices[number] ?? gate.devices[0]!;\n  if',
      ],
    ],
    act(kit) {
      const machine = openMachine(kit, { devices: [{ kind: 'rng' }] });
      kit.driver.startDevice(machine.guest, 0, 0n, 8);
      const changed = boardChanges(machine, () => {
        for (const line of [0n, 1n, 10n, 11n, 15n, 17n, 31n, 32n, 1n << 31n, (1n << 64n) - 1n]) inject(machine, line);
      });
      return { effect: changed > 0, how: `${changed} bytes of the board changed` };
    },
  },
  {
    attack: 'S1 an interrupt of a device that no driver drives',
    check: 'the device is driven',
    edits: [[DECODE, 'if (!isLive(device))', 'if (false)']],
    act(kit) {
      const machine = openMachine(kit, { devices: [{ kind: 'rng' }] });
      const changed = boardChanges(machine, () => inject(machine, 16n));
      return { effect: changed > 0, how: `${changed} bytes of the board changed` };
    },
  },
  {
    attack: 'S1 an interrupt storm, until the guest turns the line off',
    check: 'injections are 125 ms apart',
    edits: [[DECODE, '< INJECTION_INTERVAL_MS', '< 0']],
    act(kit) {
      const machine = openMachine(kit, { devices: [{ kind: 'rng' }] });
      kit.driver.startDevice(machine.guest, 0, 0n, 8);
      let raised = 0;
      for (let i = 0; i < 1000; i += 1) {
        machine.time.now += 1;
        inject(machine, 16n);
        if (kit.hardware.readIsr(machine.board, 0) !== 0) raised += 1;
      }
      return { effect: raised > 9, how: `${raised} interrupts in a second` };
    },
  },
  {
    attack: 'S1 virtual CSRs that may be read alone are written',
    check: 'the allow-list of CSRs',
    edits: [[DECODE, 'if (!VIRTUAL_CSRS[call.csr].write)', 'if (false)']],
    act(kit) {
      const machine = openMachine(kit, { devices: [{ kind: 'rng' }] });
      kit.driver.startDevice(machine.guest, 0, 0n, 8);
      const changed = boardChanges(machine, () => {
        for (const csr of ['instret', 'budget'] as const)
          for (const value of [16n, 0xffff_ffffn]) inject(machine, value, csr);
      });
      return { effect: changed > 0, how: `${changed} bytes of the board changed` };
    },
  },
]);
