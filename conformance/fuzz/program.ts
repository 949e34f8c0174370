import { disassemble } from '../../packages/trusted/hardware/src/isa/disassemble.ts';
import { createAddressSpace } from './address-space.ts';
import { createBody, type Slot } from './body.ts';
import { type Choice, createChoice } from './choice.ts';
import { type CsrName, INITIAL_CSRS } from './csrs.ts';
import { initialCsrs, initialF, initialStatus, initialX, type Protection, probes } from './initial-state.ts';
import { ARENA_BYTES, ARENA_PAGE, arenaOf, CODE_PAGES, CONTROL, DATA_PAGES, PAGE, RUNTIME } from './layout.ts';
import { SUPERVISOR_RUNTIME } from './runtime.ts';
import { anyFloat, anyInteger } from './values.ts';

/** A random program in its arena. The same seed and number give the same one at the same place, always. */
export interface Program {
  readonly number: number;
  readonly arena: Uint8Array;
  /** What runs, one line for each instruction: offset, word, text. */
  readonly listing: readonly string[];
  readonly instructions: number;
  readonly items: number;
  readonly description: string;
}

interface Laid {
  readonly code: Uint8Array;
  readonly resume: Uint8Array;
  readonly words: readonly (readonly [offset: number, word: number])[];
  readonly end: number;
  readonly items: number;
}

function layOut(items: readonly (readonly Slot[])[]): Laid {
  const places: number[] = [];
  let offset = 0;
  for (const item of items) {
    places.push(offset);
    for (const slot of item) offset += slot.length;
  }
  const end = offset;
  const placeOf = (item: number): number => places[item] ?? end;
  const code = new Uint8Array(end + 4);
  const resume = new Uint8Array(PAGE);
  const view = new DataView(code.buffer);
  const table = new DataView(resume.buffer);
  const words: (readonly [number, number])[] = [];
  offset = 0;
  for (const slot of items.flat()) {
    const word = slot.word(offset, placeOf);
    if (slot.length === 2) view.setUint16(offset, word, true);
    else view.setUint32(offset, word, true);
    words.push([offset, word]);
    table.setUint16(offset, offset + slot.length, true);
    offset += slot.length;
  }
  // The end: a call that every mode can make, and whose address the handlers know.
  view.setUint32(end, 0x0000_0073, true);
  table.setUint16(end, end, true);
  return { code, resume, words, end, items: items.length };
}

const BODY_BYTES_MAX = PAGE - 8;

function bodyOf(choice: Choice, policy: Parameters<typeof createBody>[1], limit: number | undefined): Laid {
  let items = createBody(choice, policy, 100 + choice.below(201));
  if (limit !== undefined) items = items.slice(0, limit);
  for (;;) {
    const laid = layOut(items);
    if (laid.end <= BODY_BYTES_MAX) return laid;
    items = items.slice(0, -8);
  }
}

/** @param index the arena to build it in; @param limit items of the body, for shrinking */
export function createProgram(seed: number, number: number, index: number, limit?: number): Program {
  const choice = createChoice(seed, number);
  const at = arenaOf(index);
  const privilege = choice.pick([0, 0, 1, 1, 1, 3] as const);
  const modified = privilege === 3 && choice.once(2);
  const space = createAddressSpace(choice, at, privilege, modified);
  const status = initialStatus(choice, space);
  const wfi = space.privilege === 0 || (space.privilege === 1 && ((status >> 21n) & 1n) === 1n);
  const kind: Protection = choice.pick(['open', 'open', 'open', 'page', 'writes']);
  const aligned = kind === 'page' || modified;
  const x = initialX(choice, space, at, aligned);
  const f = initialF(choice);
  const csrs = initialCsrs(choice, space, at, status, kind);
  const probed = probes(choice);
  const data = Array.from({ length: (DATA_PAGES * PAGE) / 8 }, (_, n) =>
    n % 2 === 0 ? anyInteger(choice) : anyFloat(choice),
  );
  // Anywhere in the first page, its end included, so that bodies cross into the second.
  const start = choice.once(2) ? 2 * choice.below(PAGE / 2) : PAGE - 2 * (1 + choice.below(200));
  const { code, resume, words, end, items } = bodyOf(
    choice,
    { space, modified, wfi, aligned, conditional: kind !== 'writes' },
    limit,
  );

  const arena = new Uint8Array(ARENA_BYTES);
  const view = new DataView(arena.buffer);
  const put = (offset: number, value: bigint): void => view.setBigUint64(offset, value, true);
  const base = space.code + BigInt(start);
  x[1] = base + BigInt(end);
  for (const page of [ARENA_PAGE.control, ARENA_PAGE.supervisor]) {
    put(page * PAGE + CONTROL.end, base + BigInt(end));
    put(page * PAGE + CONTROL.base, base);
    put(page * PAGE + CONTROL.length, BigInt(end));
  }
  put(ARENA_PAGE.supervisor * PAGE + CONTROL.resume, space.resume);
  put(CONTROL.resume, BigInt(at + ARENA_PAGE.resume * PAGE));
  put(
    CONTROL.supervisorEnd,
    space.supervisorHandler + BigInt(SUPERVISOR_RUNTIME.labels.get('call')! - RUNTIME.supervisor),
  );
  x.forEach((value, n) => {
    put(CONTROL.x + 8 * n, value);
  });
  f.forEach((value, n) => {
    put(CONTROL.f + 8 * n, value);
  });
  INITIAL_CSRS.forEach((name: CsrName, n) => {
    put(CONTROL.csr + 8 * n, name === 'mepc' ? base : (csrs[name] ?? 0n));
  });
  probed.forEach((value, n) => {
    put(CONTROL.probe + 8 * n, value);
  });
  arena.set(resume, ARENA_PAGE.resume * PAGE);
  arena.set(code, ARENA_PAGE.code * PAGE + start);
  data.forEach((value, n) => {
    put(ARENA_PAGE.data * PAGE + 8 * n, value);
  });
  arena.set(space.tables, ARENA_PAGE.tables * PAGE);
  if (start + code.length > CODE_PAGES * PAGE) throw new Error('The body is longer than its pages');
  return {
    number,
    arena,
    instructions: words.length,
    items,
    listing: words.map(
      ([offset, word]) =>
        `${(base + BigInt(offset)).toString(16)}: ${word.toString(16).padStart(8, '0')} ${disassemble(word)}`,
    ),
    description: `privilege ${space.privilege}, satp ${space.satp.toString(16)}, code ${base.toString(16)}, safe ${space.safe.toString(16)}, mstatus ${status.toString(16)}, PMP ${kind}`,
  };
}
