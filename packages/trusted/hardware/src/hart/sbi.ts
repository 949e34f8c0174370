import { leaveGuest } from '../device/bus.ts';
import { flushTranslated } from '../mmu/tlb.ts';
import { finish } from './csr.ts';
import { SLOT } from './csr-slots.ts';
import { fenceInstructions } from './fetch.ts';
import type { Hart } from './hart.ts';
import { leaveAtInstruction } from './memory-access.ts';
import { setWideBig, setWord, setX, word, x } from './state.ts';

/** Extension ids (SBI 2.0): ASCII of their names, but BASE and the legacy ones. */
const EXTENSION = { base: 0x10, time: 0x5449_4d45, ipi: 0x73_5049, rfence: 0x5246_4e43 } as const;
/** Extensions that the monitor or the slice answers. */
const FORWARDED = { hsm: 0x48_534d, systemReset: 0x5352_5354, debugConsole: 0x4442_434e } as const;
const ERROR = { none: 0n, notSupported: -2n, invalidParameter: -3n } as const;
const SPECIFICATION_VERSION = 0x0200_0000n;
/** "Cloister" has no assigned implementation id; the specification leaves unassigned ones to the implementer. */
const IMPLEMENTATION_ID = 0xc1n;
const IMPLEMENTATION_VERSION = 1n;

/** An environment call from S-mode, answered by the machine itself or by the monitor (SBI 2.0 §3: a0 error, a1 value). */
export function supervisorCall(hart: Hart): number {
  const { state } = hart;
  const extension = Number(BigInt.asIntN(64, x(state, 17)));
  const call = Number(BigInt.asIntN(64, x(state, 16)));
  const answer = answerHere(hart, extension, call);
  if (answer === 'forward') {
    const reply = leaveGuest(hart.bus, {
      reason: 'sbi',
      extension: x(state, 17),
      function: x(state, 16),
      arguments: [10, 11, 12, 13, 14, 15].map((register) => x(state, register)),
    });
    if (reply === undefined) return leaveAtInstruction(hart, true);
    setX(state, 10, reply.error);
    setX(state, 11, reply.value);
    return finish(hart);
  }
  setX(state, 10, answer[0]);
  setX(state, 11, answer[1]);
  return finish(hart);
}

function answerHere(hart: Hart, extension: number, call: number): 'forward' | readonly [error: bigint, value: bigint] {
  const { state } = hart;
  switch (extension) {
    case EXTENSION.base:
      return base(hart, call);
    case EXTENSION.time:
      if (call !== 0) return [ERROR.notSupported, 0n];
      setWideBig(state, SLOT.stimecmp, x(state, 10));
      return [ERROR.none, 0n];
    case EXTENSION.ipi:
      if (call !== 0) return [ERROR.notSupported, 0n];
      if (!selected(hart)) return [ERROR.invalidParameter, 0n];
      setWord(state, SLOT.mip, word(state, SLOT.mip) | 2);
      return [ERROR.none, 0n];
    case EXTENSION.rfence:
      if (call < 0 || call > 2) return [ERROR.notSupported, 0n];
      if (!selected(hart)) return [ERROR.invalidParameter, 0n];
      if (call === 0) fenceInstructions(hart);
      else flushTranslated(state);
      return [ERROR.none, 0n];
    case FORWARDED.hsm:
    case FORWARDED.systemReset:
    case FORWARDED.debugConsole:
      return 'forward';
    default:
      return [ERROR.notSupported, 0n];
  }
}

/** Hart mask in a0 and its base in a1 name this machine's only hart, or base -1 names all (SBI §3.1). */
function selected(hart: Hart): boolean {
  const mask = x(hart.state, 10);
  const from = x(hart.state, 11);
  if (from === 0xffff_ffff_ffff_ffffn) return true;
  return from === 0n && (mask & ~1n) === 0n;
}

function base(hart: Hart, call: number): readonly [bigint, bigint] {
  switch (call) {
    case 0:
      return [ERROR.none, SPECIFICATION_VERSION];
    case 1:
      return [ERROR.none, IMPLEMENTATION_ID];
    case 2:
      return [ERROR.none, IMPLEMENTATION_VERSION];
    case 3: {
      const known = [...Object.values(EXTENSION), ...Object.values(FORWARDED)].map(BigInt);
      return [ERROR.none, known.includes(x(hart.state, 10)) ? 1n : 0n];
    }
    case 4:
    case 5:
    case 6:
      // mvendorid, marchid, mimpid.
      return [ERROR.none, 0n];
    default:
      return [ERROR.notSupported, 0n];
  }
}
