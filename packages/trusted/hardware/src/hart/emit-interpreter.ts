import { declareFloat } from '../float/emit.ts';
import { DECODE, HART, memoryPages } from '../layout.ts';
import { RAM_BYTES_MAX } from '../memory-map.ts';
import * as w from '../wasm/code.ts';
import { createModule, type ModuleBuilder, type Scope } from '../wasm/module.ts';
import { type Calls, handlerTarget, markFloatDirty, type Place, prologue, tlbEntry } from './emit-handler.ts';
import { declareProducts } from './emit-products.ts';
import { FIRST_OUTLINED, type Handler, INLINE_HANDLERS, OPERATION, OUTLINED_HANDLERS, traitsOf } from './handlers.ts';
import { lowerAll } from './lower.ts';
import { RECORD } from './record.ts';
import { RESULT } from './slow-path.ts';

const { i32, i64 } = w;
const PAGE_MASK = -4096n;
const LAST_RECORD = 2047 * DECODE.recordBytes;

interface OwnCalls extends Calls {
  readonly decode: w.FunctionReference & { readonly result: 'none' };
  readonly straddle: w.FunctionReference & { readonly result: 'i32' };
  readonly fetchMiss: w.FunctionReference & { readonly result: 'i32' };
}

/**
 * The interpreter of one hart as a WebAssembly module, made from the instruction table: a switch over predecoded
 * records. Exports `run`, which looks at HART.remaining where control flow is taken and so may go past it by less than
 * two pages of straight-line code, and `runExact`, which stops at it. Both start at HART.pc and return with HART.pc and
 * HART.remaining true.
 * Any machine's memory fits the imported "machine"."memory".
 */
export function emitInterpreter(hart: number): Uint8Array {
  const module = createModule();
  module.importMemory('machine', 'memory', {
    initial: memoryPages(0),
    maximum: memoryPages(RAM_BYTES_MAX),
    shared: true,
  });
  const state = HART.base + hart * HART.stride;
  const imported = (name: string, parameters: number) =>
    module.importFunction('hart', name, Array<'i32'>(parameters).fill('i32'), 'i32');
  const calls: OwnCalls = {
    decode: module.importFunction('hart', 'decode', [], 'none'),
    straddle: imported('straddle', 0),
    fetchMiss: imported('fetchMiss', 0),
    loadSlow: imported('loadSlow', 3),
    storeSlow: imported('storeSlow', 3),
    atomicSlow: imported('atomicSlow', 4),
    illegal: imported('illegal', 0),
    csr: imported('csr', 2),
    system: imported('system', 1),
    products: declareProducts(module),
    floats: declareFloat(module, { flagsAddress: state + HART.fflags }),
  };
  for (const handler of OUTLINED_HANDLERS) module.tableIndex(outlined(module, handler, state, calls));
  for (const exact of [false, true]) {
    const name = exact ? 'runExact' : 'run';
    const run = module.declare(name, [], 'none');
    module.define(run, (scope) => mainLoop(scope, state, calls, exact));
    module.export(name, run);
  }
  return module.encode();
}

/** Locals of one type are shared by all handlers of the main switch, which never run together. */
function pool(scope: Scope) {
  const locals = { i32: [] as w.Local[], i64: [] as w.Local[] };
  return () => {
    const used = { i32: 0, i64: 0 };
    return <T extends 'i32' | 'i64'>(type: T): w.Local<T> & w.Code<T> => {
      const index = used[type]++;
      locals[type][index] ??= scope.local(type);
      return locals[type][index] as w.Local<T> & w.Code<T>;
    };
  };
}

function body(handler: Handler, state: number, calls: Calls, place: Place): w.Code[] {
  const [checks, rounding] = prologue(handler, state, calls, place);
  const target = handlerTarget(handler, state, calls, place, rounding);
  const codes = [...checks, ...lowerAll(handler.instruction.semantics, target)];
  if (traitsOf(handler.instruction).changesFloat) codes.push(markFloatDirty(state));
  return codes;
}

/** An instruction as a function (ip) -> result: bytes of records to advance, or a RESULT. */
function outlined(module: ModuleBuilder, handler: Handler, state: number, calls: Calls): w.FunctionReference {
  const reference = module.declare(`${handler.instruction.name}/${handler.length}`, ['i32'], 'i32');
  module.define(reference, (scope) => {
    const ip = scope.parameter(0, 'i32');
    const zero = i32.const(0);
    const place: Place = {
      local: scope.local,
      ip,
      readTlb: i32.load(zero, state + HART.readTlb),
      writeTlb: i32.load(zero, state + HART.writeTlb),
      save: () => [],
      pc: () =>
        i64.add(
          i64.load(zero, state + HART.pageAddress),
          i64.extend_i32_u(i32.shr_u(i32.sub(ip, i32.load(zero, state + HART.pageRecords)), i32.const(2))),
        ),
      reload: () => w.ret(i32.const(RESULT.reload)),
      retry: () => w.ret(i32.const(RESULT.retry)),
      goTo: unsupported,
      goNear: unsupported,
    };
    return [...body(handler, state, calls, place), i32.const(handler.length * 4)];
  });
  return reference;
}

function unsupported(): never {
  throw new Error('Jumps belong into the main switch');
}

function mainLoop(scope: Scope, state: number, calls: OwnCalls, exact: boolean): w.Code[] {
  const [ip, remaining, pageRecords, entry, code] = [
    scope.local('i32'),
    scope.local('i32'),
    scope.local('i32'),
    scope.local('i32'),
    scope.local('i32'),
  ];
  const [readTlb, writeTlb, fetchTlb] = [scope.local('i32'), scope.local('i32'), scope.local('i32')];
  const [pc, pageAddress] = [scope.local('i64'), scope.local('i64')];
  const [reload, halt, fetch, next] = [w.label('reload'), w.label('halt'), w.label('fetch'), w.label('next')];
  const zero = i32.const(0);
  const freshLocals = pool(scope);

  const pcHere = (): w.I64 => i64.add(pageAddress, i64.extend_i32_u(i32.shr_u(i32.sub(ip, pageRecords), i32.const(2))));
  const save = (): w.Code[] => [
    i32.store(zero, ip, state + HART.ip),
    i32.store(zero, remaining, state + HART.remaining),
  ];
  const retire = (): w.Code => w.set(remaining, i32.sub(remaining, i32.const(1)));
  const advance = (bytes: w.I32): w.Code[] => [w.set(ip, i32.add(ip, bytes)), retire(), w.br(next)];
  const exhausted = (): w.I32 => i32.le_s(remaining, zero);
  const haltHere = (): w.Code => w.when(exhausted(), [w.set(pc, pcHere()), w.br(halt)]);

  const place = (): Place => ({
    local: freshLocals(),
    ip,
    readTlb,
    writeTlb,
    save,
    pc: pcHere,
    reload: () => w.br(reload),
    retry: () => w.br(next),
    goTo: (target) => [w.set(pc, i64.and(target, i64.const(-2))), retire(), w.br(fetch)],
    goNear: () => [w.set(ip, i32.add(ip, i32.load(ip, RECORD.immediate))), retire(), haltHere(), w.br(next)],
  });

  /** Codes of the switch in the order of operation numbers. */
  const cases: w.Code[][] = [];
  cases[OPERATION.decode] = [...save(), w.call(calls.decode), w.br(next)];
  cases[OPERATION.pageEnd] = [w.set(pc, pcHere()), w.br(fetch)];
  cases[OPERATION.straddle] = [
    ...save(),
    w.br_if(reload, i32.eqz(w.call(calls.straddle))),
    w.set(ip, i32.const(state + HART.straddle)),
    w.set(pageRecords, i32.const(state + HART.straddle - LAST_RECORD)),
    i32.store(zero, pageRecords, state + HART.pageRecords),
    w.br(next),
  ];
  cases[OPERATION.illegal] = [...save(), w.drop(w.call(calls.illegal)), w.br(reload)];
  cases[OPERATION.nop4] = advance(i32.const(16));
  cases[OPERATION.nop2] = advance(i32.const(8));
  for (const handler of INLINE_HANDLERS)
    cases[handler.operation] = [...body(handler, state, calls, place()), ...advance(i32.const(handler.length * 4))];
  const fallback = [
    ...save(),
    w.set(
      code,
      w.callIndirect(['i32'], 'i32', i32.sub(i32.load16_u(ip, RECORD.operation), i32.const(FIRST_OUTLINED)), ip),
    ),
    w.br_if(reload, i32.eqz(code)),
    w.br_if(next, i32.eq(code, i32.const(RESULT.retry))),
    ...advance(code),
  ];

  return [
    w.loop(
      reload,
      w.block(
        halt,
        w.when(i32.load(zero, state + HART.leave), [w.ret()]),
        w.set(pc, i64.load(zero, state + HART.pc)),
        w.set(remaining, i32.load(zero, state + HART.remaining)),
        w.set(readTlb, i32.load(zero, state + HART.readTlb)),
        w.set(writeTlb, i32.load(zero, state + HART.writeTlb)),
        w.set(fetchTlb, i32.load(zero, state + HART.fetchTlb)),
        w.loop(
          fetch,
          w.br_if(halt, exhausted()),
          w.set(entry, tlbEntry(fetchTlb, pc)),
          w.when(i64.ne(i64.load(entry), i64.and(pc, i64.const(PAGE_MASK))), [
            i64.store(zero, pc, state + HART.pc),
            i32.store(zero, remaining, state + HART.remaining),
            w.br_if(reload, i32.eqz(w.call(calls.fetchMiss))),
            w.br(fetch),
          ]),
          w.set(pageAddress, i64.and(pc, i64.const(PAGE_MASK))),
          i64.store(zero, pageAddress, state + HART.pageAddress),
          w.set(pageRecords, i32.load(entry, 8)),
          i32.store(zero, pageRecords, state + HART.pageRecords),
          w.set(ip, i32.add(pageRecords, i32.shl(i32.and(i32.wrap_i64(pc), i32.const(0xffe)), i32.const(2)))),
          w.loop(next, ...(exact ? [haltHere()] : []), switchOver(cases, fallback, ip)),
        ),
      ),
      i64.store(zero, pc, state + HART.pc),
      i32.store(zero, remaining, state + HART.remaining),
    ),
  ];
}

/** Nested blocks, innermost first: falling out of block n runs case n. */
function switchOver(cases: readonly w.Code[][], fallback: readonly w.Code[], ip: w.I32): w.Code {
  const labels = cases.map((_, index) => w.label(`operation ${index}`));
  const otherwise = w.label('outlined');
  let inner: w.Code[] = [w.br_table(i32.load16_u(ip, RECORD.operation), labels, otherwise)];
  cases.forEach((codes, index) => {
    inner = [w.block(labels[index]!, ...inner), ...codes];
  });
  return w.sequence(w.block(otherwise, ...inner), ...fallback);
}
