import type { FloatKey } from '../float/operations.ts';
import type { AccessBytes, AmoName, SystemName } from '../isa/semantics.ts';
import { HART, TLB } from '../layout.ts';
import type { FunctionReference } from '../wasm/code.ts';
import * as w from '../wasm/code.ts';
import type { Handler } from './handlers.ts';
import type { Target } from './lower.ts';
import { RECORD, rs2Place } from './record.ts';
import { CSR_WRITES, RESULT, SYSTEM_OPERATIONS } from './slow-path.ts';

const { i32, i64 } = w;
const PAGE_MASK = -4096n;
/** mstatus.FS, bits 14:13 (privileged specification §3.1.6.6). */
const FS_DIRTY = 0x6000;

export type Function32 = FunctionReference & { readonly result: 'i32' };

/** The functions that handlers call. */
export interface Calls {
  readonly loadSlow: Function32;
  readonly storeSlow: Function32;
  readonly atomicSlow: Function32;
  readonly illegal: Function32;
  readonly csr: Function32;
  readonly system: Function32;
  readonly products: ReadonlyMap<string, FunctionReference & { readonly result: 'i64' }>;
  readonly floats: Readonly<Record<FloatKey, FunctionReference & { readonly result: 'i64' }>>;
}

/** Where a handler runs: in the main switch, or as a function of its own. */
export interface Place {
  local<T extends 'i32' | 'i64'>(type: T): w.Local<T> & w.Code<T>;
  readonly ip: w.Local<'i32'> & w.Code<'i32'>;
  readonly readTlb: w.I32;
  readonly writeTlb: w.I32;
  /** Stores ip and the remaining count for the slow path. */
  save(): w.Code[];
  pc(): w.I64;
  /** Leaves the handler: state changed, or the instruction must run again. */
  reload(): w.Code;
  retry(): w.Code;
  /** Ends the instruction at a target, or at a record of the same page. */
  goTo(target: w.I64): w.Code[];
  goNear(): w.Code[];
}

/** Index of an address's entry in a TLB table. */
export function tlbEntry(table: w.I32, address: w.I64): w.I32 {
  const slot = i32.and(i32.shr_u(i32.wrap_i64(address), i32.const(8)), i32.const((TLB.entries - 1) * TLB.entryBytes));
  return i32.add(slot, table);
}

const LOADS = {
  1: { true: i64.load8_s, false: i64.load8_u },
  2: { true: i64.load16_s, false: i64.load16_u },
  4: { true: i64.load32_s, false: i64.load32_u },
  8: { true: i64.load, false: i64.load },
} as const;
const STORES = { 1: i64.store8, 2: i64.store16, 4: i64.store32, 8: i64.store } as const;

/** The checks before an instruction's semantics: floating-point state on, rounding mode valid. */
export function prologue(handler: Handler, hart: number, calls: Calls, place: Place): [w.Code[], w.I32] {
  const codes: w.Code[] = [];
  const illegal = (): w.Code[] => [...place.save(), w.drop(w.call(calls.illegal)), place.reload()];
  if (handler.instruction.floating)
    codes.push(w.when(i32.eqz(i32.and(i32.load(i32.const(0), hart + HART.status), i32.const(FS_DIRTY))), illegal()));
  const rounding = place.local('i32');
  if (handler.instruction.operands.rounding === true)
    codes.push(
      w.set(rounding, i32.load8_u(place.ip, RECORD.rounding)),
      w.when(i32.eq(rounding, i32.const(7)), [w.set(rounding, i32.load(i32.const(0), hart + HART.frm))]),
      w.when(i32.gt_u(rounding, i32.const(4)), illegal()),
    );
  return [codes, rounding];
}

/** Marks floating-point state dirty; SD is derived when mstatus is read. */
export function markFloatDirty(hart: number): w.Code {
  const status = hart + HART.status;
  return i32.store(i32.const(0), i32.or(i32.load(i32.const(0), status), i32.const(FS_DIRTY)), status);
}

/** What the semantics mean in the interpreter. `hart` is the byte offset of the hart's record. */
export function handlerTarget(handler: Handler, hart: number, calls: Calls, place: Place, rounding: w.I32): Target {
  const { instruction } = handler;
  const at = { rd: RECORD.rd, rs1: RECORD.rs1, rs2: rs2Place(instruction), rs3: RECORD.rs3 } as const;
  const slot = (operand: keyof typeof at): w.I32 => i32.load8_u(place.ip, at[operand]);
  const zero = i32.const(0);
  const code = place.local('i32');

  /** Calls the slow path and leaves unless it finished the access. */
  const slow = (target: Function32, ...args: w.Code[]): w.Code[] => [
    ...place.save(),
    w.set(code, w.call(target, ...args)),
    w.when(i32.eq(code, i32.const(RESULT.retry)), [place.retry()]),
    w.when(i32.eqz(code), [place.reload()]),
  ];
  const halves = (address: w.I64): [w.I32, w.I32] => [
    i32.wrap_i64(address),
    i32.wrap_i64(i64.shr_u(address, i64.const(32))),
  ];
  const lastByte = (address: w.I64, bytes: AccessBytes): w.I64 =>
    bytes === 1 ? address : i64.add(address, i64.const(bytes - 1));
  const hostAddress = (address: w.I64, entry: w.I32): w.I32 => i32.add(i32.wrap_i64(address), i32.load(entry, 8));

  /** Host offset of an aligned atomic access, through the write TLB (LR: the read TLB). */
  const atomicHost = (bytes: 4 | 8, addressCode: w.I64, write: boolean): [w.Code[], w.I32] => {
    const [address, entry, host] = [place.local('i64'), place.local('i32'), place.local('i32')];
    // An address that is not aligned keeps a low bit and so never equals a tag.
    const tag = i64.and(address, i64.const(PAGE_MASK | BigInt(bytes - 1)));
    return [
      [
        w.set(address, addressCode),
        w.set(entry, tlbEntry(write ? place.writeTlb : place.readTlb, address)),
        w.when(
          i64.ne(i64.load(entry), tag),
          slow(calls.atomicSlow, ...halves(address), i32.const(bytes), i32.const(write ? 1 : 0)),
        ),
        w.set(host, hostAddress(address, entry)),
      ],
      host,
    ];
  };
  const widen = (bytes: 4 | 8, value: w.I64): w.I64 => (bytes === 4 ? i64.extend32_s(value) : value);
  const narrow = (bytes: 4 | 8, value: w.I64): w.I64 => (bytes === 4 ? i64.and(value, i64.const(0xffff_ffffn)) : value);

  return {
    local: place.local,
    x: (operand) => i64.load(slot(operand), hart + HART.x),
    f: (operand) => i64.load(slot(operand), hart + HART.f),
    setX: (value) => (handler.discard ? w.drop(value) : i64.store(slot('rd'), value, hart + HART.x)),
    setF: (value) => i64.store(slot('rd'), value, hart + HART.f),
    immediate: () => i64.load32_s(place.ip, RECORD.immediate),
    pc: place.pc,
    nextPc: () => i64.add(place.pc(), i64.const(handler.length)),
    load(bytes, signed, addressCode) {
      const [address, entry] = [place.local('i64'), place.local('i32')];
      const read = LOADS[bytes][`${signed}`];
      return w.sequenceOf(
        'i64',
        w.set(address, addressCode),
        w.set(entry, tlbEntry(place.readTlb, address)),
        w.choose(
          'i64',
          i64.eq(i64.load(entry), i64.and(lastByte(address, bytes), i64.const(PAGE_MASK))),
          [read(hostAddress(address, entry))],
          [...slow(calls.loadSlow, ...halves(address), i32.const(bytes)), read(zero, hart + HART.slowValue)],
        ),
      );
    },
    store(bytes, addressCode, valueCode) {
      const [address, entry, value] = [place.local('i64'), place.local('i32'), place.local('i64')];
      return w.sequence(
        w.set(address, addressCode),
        w.set(value, valueCode),
        w.set(entry, tlbEntry(place.writeTlb, address)),
        w.when(
          i64.eq(i64.load(entry), i64.and(lastByte(address, bytes), i64.const(PAGE_MASK))),
          [STORES[bytes](hostAddress(address, entry), value)],
          [
            i64.store(zero, value, hart + HART.slowValue),
            ...slow(calls.storeSlow, ...halves(address), i32.const(bytes)),
          ],
        ),
      );
    },
    amo(name, bytes, addressCode, valueCode) {
      const value = place.local('i64');
      const [translate, host] = atomicHost(bytes, addressCode, true);
      return w.sequenceOf('i64', w.set(value, valueCode), ...translate, amoCode(name, bytes, host, value, place));
    },
    loadReserved(bytes, addressCode) {
      const value = place.local('i64');
      const [translate, host] = atomicHost(bytes, addressCode, false);
      const read = bytes === 4 ? i64.atomic_load32_u(host) : i64.atomic_load(host);
      return w.sequenceOf(
        'i64',
        ...translate,
        w.set(value, read),
        i32.store(zero, host, hart + HART.reservedAt),
        i64.store(zero, value, hart + HART.reservedValue),
        widen(bytes, value),
      );
    },
    // Succeeds when the reserved place still holds what LR read: a store of the same value in between goes unseen,
    // which no lock-free algorithm written for LR/SC can notice, since it sees the same memory (also QEMU's form).
    storeConditional(bytes, addressCode, valueCode) {
      const [value, failed, expected] = [place.local('i64'), place.local('i64'), place.local('i64')];
      const [translate, host] = atomicHost(bytes, addressCode, true);
      const exchange = bytes === 4 ? i64.atomic_rmw32_cmpxchg_u : i64.atomic_rmw_cmpxchg;
      return w.sequenceOf(
        'i64',
        w.set(value, valueCode),
        ...translate,
        w.set(failed, i64.const(1)),
        w.set(expected, i64.load(zero, hart + HART.reservedValue)),
        // A doubleword that LR.D reserved never equals SC.W's word; the exchange itself would wrap it to its low half.
        w.when(
          i32.and(i32.eq(i32.load(zero, hart + HART.reservedAt), host), i64.eq(narrow(bytes, expected), expected)),
          [w.set(failed, i64.extend_i32_u(i64.ne(exchange(host, expected, narrow(bytes, value)), expected)))],
        ),
        i32.store(zero, i32.const(0), hart + HART.reservedAt),
        failed,
      );
    },
    product: (name, a, b) => w.call(calls.products.get(name)!, a, b),
    float(key, args) {
      const reference = calls.floats[key];
      return w.call(reference, ...args, ...(reference.parameters.length > args.length ? [rounding] : []));
    },
    jump: (target) => w.sequence(...(handler.near ? place.goNear() : place.goTo(target))),
    branch: (condition) =>
      w.when(
        condition,
        handler.near ? place.goNear() : place.goTo(i64.add(place.pc(), i64.load32_s(place.ip, RECORD.immediate))),
      ),
    csr() {
      const statement = instruction.semantics.find((candidate) => candidate.do === 'csr')!;
      return w.ret(
        w.call(
          calls.csr,
          i32.const(CSR_WRITES.indexOf(statement.write)),
          i32.const(statement.source === 'immediate' ? 1 : 0),
        ),
      );
    },
    system: (name) => w.ret(w.call(calls.system, i32.const(SYSTEM_OPERATIONS.indexOf(name as SystemName)))),
  };
}

/** The atomic itself; leaves the value read, sign-extended. */
function amoCode(name: AmoName, bytes: 4 | 8, host: w.I32, value: w.I64, place: Place): w.I64 {
  const widen = (code: w.I64): w.I64 => (bytes === 4 ? i64.extend32_s(code) : code);
  const operand = bytes === 4 ? i64.and(value, i64.const(0xffff_ffffn)) : value;
  const direct = {
    swap: [i64.atomic_rmw32_xchg_u, i64.atomic_rmw_xchg],
    add: [i64.atomic_rmw32_add_u, i64.atomic_rmw_add],
    xor: [i64.atomic_rmw32_xor_u, i64.atomic_rmw_xor],
    and: [i64.atomic_rmw32_and_u, i64.atomic_rmw_and],
    or: [i64.atomic_rmw32_or_u, i64.atomic_rmw_or],
  } as const;
  if (name in direct) {
    const [narrow, wide] = direct[name as keyof typeof direct];
    return widen((bytes === 4 ? narrow : wide)(host, operand));
  }
  // WebAssembly has no atomic minimum or maximum: compare and exchange until nothing came between.
  const [old, chosen] = [place.local('i64'), place.local('i64')];
  const again = w.label('again');
  const compare = { min: i64.lt_s, max: i64.gt_s, minu: i64.lt_u, maxu: i64.gt_u }[
    name as 'min' | 'max' | 'minu' | 'maxu'
  ];
  const exchange = bytes === 4 ? i64.atomic_rmw32_cmpxchg_u : i64.atomic_rmw_cmpxchg;
  return w.sequenceOf(
    'i64',
    w.loop(
      again,
      w.set(old, bytes === 4 ? i64.atomic_load32_u(host) : i64.atomic_load(host)),
      // Sign extension keeps the unsigned order of 32-bit values, too.
      w.set(chosen, w.select(compare(widen(old), widen(value)), widen(old), widen(value))),
      w.br_if(again, i64.ne(exchange(host, old, bytes === 4 ? i64.and(chosen, i64.const(0xffff_ffffn)) : chosen), old)),
    ),
    widen(old),
  );
}
