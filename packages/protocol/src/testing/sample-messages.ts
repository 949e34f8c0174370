import type { FromSlice, ToSlice } from '../control-channel.ts';
import type { FromEnclave, ToEnclave } from '../enclave-channel.ts';
import type { KeyEnvelope, KeyOffer } from '../formats/hand-over.ts';
import { GRANT_MAC_BYTES } from '../grant.ts';
import { SEALED_FRAME_BYTES } from '../hypelet-calls.ts';
import type { BlockReply, BlockRequest, FromMachine, ToMachine } from '../machine-channel.ts';
import { describePlatform } from '../platform.ts';
import type { FromStorage, ToStorage } from '../storage-channel.ts';

type OneOfEach<M extends { readonly kind: string }> = { readonly [K in M['kind']]: Extract<M, { readonly kind: K }> };

const bytes = Uint8Array.of(1, 2, 3, 4, 5, 6, 7, 8);
const request: BlockRequest = {
  kind: 'block.request',
  store: 0,
  at: 7,
  operation: 'write',
  offset: 1536,
  length: 512,
};
const reply: BlockReply = { kind: 'block.reply', store: 0, at: 7, ok: true };
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
  'hart.run': {
    ...{ kind: 'hart.run', hart: 0, exit: 0, registers: [] },
    ...{ microseconds: 1000, sequence: 1n, mac: new Uint8Array(GRANT_MAC_BYTES) },
  },
  'state.read': { kind: 'state.read', hart: 0, exit: 1, register: 'a0' },
  'state.write': { kind: 'state.write', hart: 0, exit: 1, register: 'a0', value: 2n ** 64n - 2n },
  'csr.read': { kind: 'csr.read', hart: 0, csr: 'instret' },
  'csr.write': { kind: 'csr.write', hart: 0, csr: 'hgeip', value: 18n },
  'fence.vma': { kind: 'fence.vma', hart: 0 },
  'fence.gvma': { kind: 'fence.gvma' },
  'frame.map': { kind: 'frame.map', operation: 'zero', frame: 0, count: 256, sealed: new Uint8Array(0) },
  'block.reply': reply,
  'block.resend': { kind: 'block.resend', round: 7 },
  ...ports,
  ...resize,
  'launch.start': { kind: 'launch.start' },
  'launch.measure': { kind: 'launch.measure' },
  'launch.update': { kind: 'launch.update', address: RAM, bytes },
  'launch.finish': { kind: 'launch.finish', pc: RAM, deviceTree: RAM + 4096, rngSeed: RAM + 8192, firmwareInfo: 0 },
};

export const FROM_MACHINE_SAMPLES: OneOfEach<FromMachine> = {
  platform: { kind: 'platform', phase: 'launching', ...describePlatform(1, 64 << 20) },
  'launch.finished': { kind: 'launch.finished' },
  'launch.refused': { kind: 'launch.refused', reason: 'An update lies outside RAM' },
  'launch.measured': { kind: 'launch.measured', digest: new Uint8Array(32), finished: false },
  'hart.exit': { kind: 'hart.exit', hart: 0, exit: 1, reason: 'sbi', registers: [0x53525354n, 0n, 5n, 0n] },
  'state.value': { kind: 'state.value', hart: 0, exit: 1, register: 'a0', value: 5n },
  'csr.value': { kind: 'csr.value', hart: 0, csr: 'budget', value: 1000n },
  'frame.mapped': { kind: 'frame.mapped', operation: 'take', frame: 3, sealed: new Uint8Array(SEALED_FRAME_BYTES) },
  'call.refused': { kind: 'call.refused', call: 'hart.run', reason: 'Hart 0 runs' },
  'block.request': request,
  'block.resending': { kind: 'block.resending', round: 7 },
  ...ports,
};

export const TO_SLICE_SAMPLES: OneOfEach<ToSlice> = {
  'boot.start': {
    ...{ kind: 'boot.start', commandLine: 'a=1', kernel: 0, kernelBytes: 4096, initrd: 1, initrdBytes: 9 },
    ...{ firmware: 2, firmwareBytes: 0 },
  },
  ...ports,
  ...resize,
};

export const FROM_SLICE_SAMPLES: OneOfEach<FromSlice> = {
  'boot.done': { kind: 'boot.done' },
  'boot.refused': { kind: 'boot.refused', reason: 'The kernel is no RISC-V Image' },
  'run.end': { kind: 'run.end', end: 'power-off', reason: '' },
  ...ports,
};

export const TO_STORAGE_SAMPLES: OneOfEach<ToStorage> = {
  'block.request': request,
  'file.read': { kind: 'file.read', store: 0, id: 7, offset: 1536, length: 512 },
};
export const FROM_STORAGE_SAMPLES: OneOfEach<FromStorage> = {
  'block.reply': reply,
  'file.data': { kind: 'file.data', id: 7, ok: true, bytes: new Uint8Array(512) },
};

const hash = new Uint8Array(32).fill(7);
const extent = { path: 'a/b', offset: 0, length: 5, objectBytes: 5, pin: '1', pack: '0011223344556677' };

export const TO_ENCLAVE_SAMPLES: OneOfEach<ToEnclave> = {
  measured: {
    ...{ kind: 'measured', bundle: hash, filter: hash, node: hash, libraries: hash },
    ...{ command: '[]', level: 'none' },
  },
  create: {
    ...{ kind: 'create', key: hash, root: 'software', store: '/store', prover: '', counterAt: '' },
    ...{ scheme: 'mac-pdp', blockBytes: 4096, period: 86_400_000 },
  },
  offer: { kind: 'offer', key: hash, root: 'software', counterAt: '', nonce: hash },
  'hand-over': { kind: 'hand-over', recipient: hash, evidence: hash, secret: hash, store: '/store' },
  'take-over': {
    ...{ kind: 'take-over', key: hash, counter: 0, mark: new Uint8Array(0) },
    ...{ offer: bytes, envelope: bytes, head: bytes },
  },
  open: { kind: 'open', key: hash, counter: 1, counterAt: '', mark: hash, head: bytes },
  tag: { kind: 'tag', ...extent, baseline: 'store', tagsAt: 0, replace: false },
  data: { kind: 'data', bytes: bytes.subarray(0, 5) },
  'data.end': { kind: 'data.end', complete: true },
  forget: { kind: 'forget', path: 'a/b' },
  commit: { kind: 'commit' },
  kept: { kind: 'kept' },
  page: { kind: 'page', bytes },
  'page.lost': { kind: 'page.lost' },
  list: { kind: 'list' },
  absent: { kind: 'absent', path: 'a/b' },
  unlisted: { kind: 'unlisted', loss: 'unreachable' },
  leaf: { kind: 'leaf', bytes },
  batch: { kind: 'batch' },
  audit: { kind: 'audit', all: true, due: 10, sample: 460 },
  blocks: { kind: 'blocks', ask: 1, bytes: bytes.subarray(0, 5), tags: hash },
  lost: { kind: 'lost', ask: 1, loss: 'missing' },
  proof: { kind: 'proof', ask: 1, bytes: hash },
};

export const FROM_ENCLAVE_SAMPLES: OneOfEach<FromEnclave> = {
  state: {
    ...{
      kind: 'state',
      root: 'software',
      store: '/store',
      prover: '',
      counterAt: '',
      scheme: 'mac-pdp',
      blockBytes: 4096,
      tagBytes: 32,
      objects: 1,
      extents: 1,
    },
    ...{ sourceObjects: 1, contentHashObjects: 0 },
    ...{ bytes: 5, blocks: 1, created: 1, period: 2, periodStart: 3, periodBlocks: 1, periodDone: 0 },
    ...{ audits: 0, lastAudit: 0, lastFindings: 0, publicKey: hash, counter: 1, id: hash },
  },
  tags: { kind: 'tags', bytes },
  page: { kind: 'page', id: hash, bytes },
  head: { kind: 'head', bytes },
  mark: { kind: 'mark', counter: 1, bytes },
  'page.want': { kind: 'page.want', id: hash },
  'page.live': { kind: 'page.live', id: hash },
  extent: { kind: 'extent', ...extent, baseline: 'store' },
  read: {
    ...{ kind: 'read', ask: 1, path: 'a/b', pin: '1', offset: 0, length: 5 },
    ...{ pack: extent.pack, tagsAt: 0, tagsLength: 32 },
  },
  offered: { kind: 'offered', evidence: bytes, sealed: bytes },
  handed: { kind: 'handed', head: bytes, envelope: bytes },
  public: { kind: 'public', bytes },
  challenge: { kind: 'challenge', ask: 1, body: bytes },
  proven: { kind: 'proven', bytes },
  finding: { kind: 'finding', path: 'a/b', finding: 'corrupt', offset: 0, length: 5, blocks: 1 },
  progress: { kind: 'progress', blocks: 1, of: 2, bytes: 5 },
  receipt: { kind: 'receipt', number: 1, bytes },
  batched: { kind: 'batched', bytes },
  audited: {
    ...{ kind: 'audited', number: 1, time: 5, blocks: 1, bytes: 5, sampled: 1, due: 0, ofBlocks: 1, findings: 0 },
  },
  done: { kind: 'done' },
  failed: { kind: 'failed', failure: 'key', text: 'No' },
};

export const HAND_OVER_SAMPLES: OneOfEach<KeyOffer | KeyEnvelope> = {
  offer: { kind: 'offer', evidence: bytes, quote: bytes },
  envelope: {
    ...{ kind: 'envelope', evidence: hash, state: hash, scheme: 'mac-pdp', head: hash, enc: hash },
    sealed: new Uint8Array(80).fill(6),
  },
};
