import type { FromSlice, ToSlice } from '../control-channel.ts';
import type { BlockReply, BlockRequest, FromMachine, ToMachine } from '../machine-channel.ts';

type OneOfEach<M extends { readonly kind: string }> = { readonly [K in M['kind']]: Extract<M, { readonly kind: K }> };

const bytes = Uint8Array.of(1, 2, 3, 4, 5, 6, 7, 8);
const request: BlockRequest = {
  kind: 'block.request',
  store: 0,
  id: 7,
  operation: 'write',
  offset: 1536,
  length: 512,
  bytes: new Uint8Array(512).fill(9),
};
const reply: BlockReply = { kind: 'block.reply', store: 0, id: 7, ok: true, bytes: new Uint8Array(512) };
const ports = {
  'port.data': { kind: 'port.data', port: 1, position: 0, bytes },
  'port.taken': { kind: 'port.taken', port: 0xffff, position: 0 },
  'port.open': { kind: 'port.open', port: 1, position: 0, open: true },
} as const;
const resize = { 'port.resize': { kind: 'port.resize', columns: 80, rows: 24 } } as const;
const RAM = 0x8000_0000;

/** One message of each kind, by channel: what fuzzers mutate. A kind that is missing is a type error. */
export const TO_MACHINE_SAMPLES: OneOfEach<ToMachine> = {
  'hart.init': { kind: 'hart.init', hart: 0 },
  'hart.run': { kind: 'hart.run', hart: 0, budget: 0n },
  'state.write': { kind: 'state.write', hart: 0, error: 2n ** 64n - 2n, value: 0n },
  'block.reply': reply,
  'block.resend': { kind: 'block.resend' },
  ...ports,
  ...resize,
  'launch.update': { kind: 'launch.update', address: RAM, bytes },
  'launch.finish': { kind: 'launch.finish', pc: RAM, deviceTree: RAM + 4096, rngSeed: RAM + 8192, firmwareInfo: 0 },
};

export const FROM_MACHINE_SAMPLES: OneOfEach<FromMachine> = {
  platform: {
    kind: 'platform',
    harts: 1,
    ramBase: RAM,
    ramBytes: 64 << 20,
    timebase: 10_000_000,
    cacheBlockBytes: 64,
    interruptSources: 31,
    plicBase: 0x0c00_0000,
    plicBytes: 0x60_0000,
    clintBase: 0x0200_0000,
    clintBytes: 0x1_0000,
    sysconBase: 0x0010_0000,
    sysconBytes: 0x1000,
    rtcBase: 0x0010_1000,
    rtcBytes: 0x1000,
    rtcInterrupt: 11,
    uartBase: 0x1000_0000,
    uartBytes: 0x100,
    uartInterrupt: 10,
    pciConfigBase: 0x3000_0000,
    pciConfigBytes: 0x10_0000,
    pciMemoryBase: 0x4000_0000,
    pciMemoryBytes: 0x4000_0000,
    pciInterruptFirst: 16,
    pciDevices: 16,
  },
  'launch.finished': { kind: 'launch.finished' },
  'launch.refused': { kind: 'launch.refused', reason: 'An update lies outside RAM' },
  'hart.exit': { kind: 'hart.exit', hart: 0, reason: 'sbi', values: [0x53525354n, 5n, 0n, 0n, 0n, 0n, 0n, 0n] },
  'block.request': request,
  'block.resending': { kind: 'block.resending' },
  ...ports,
};

export const TO_SLICE_SAMPLES: OneOfEach<ToSlice> = {
  'boot.start': { kind: 'boot.start', commandLine: 'a=1', kernelBytes: 4096, initrdBytes: 9, firmwareBytes: 0 },
  'boot.data': { kind: 'boot.data', blob: 'kernel', offset: 0, bytes: new Uint8Array(4096) },
  ...ports,
  ...resize,
};

export const FROM_SLICE_SAMPLES: OneOfEach<FromSlice> = {
  'boot.read': { kind: 'boot.read', blob: 'initrd', offset: 0, length: 9 },
  'boot.done': { kind: 'boot.done' },
  'boot.refused': { kind: 'boot.refused', reason: 'The kernel is no RISC-V Image' },
  'run.end': { kind: 'run.end', end: 'power-off', reason: '' },
  ...ports,
};

export const TO_STORAGE_SAMPLES: OneOfEach<BlockRequest> = { 'block.request': request };
export const FROM_STORAGE_SAMPLES: OneOfEach<BlockReply> = { 'block.reply': reply };
