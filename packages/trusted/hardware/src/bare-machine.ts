import { type Board, boardOf } from './board.ts';
import { createBus } from './device/bus.ts';
import { createHart, type Hart } from './hart/hart.ts';
import { type Interpreter, instantiateInterpreter, runHart } from './hart/run.ts';
import { setWide, setWord } from './hart/state.ts';
import { HART, memoryPages, RAM_OFFSET } from './layout.ts';
import { MEMORY_MAP } from './memory-map.ts';
import { countingOutside } from './outside.ts';

/** A machine without monitor or worker: one hart on the caller's thread, for conformance suites and benchmarks. */
export interface BareMachine {
  readonly hart: Hart;
  readonly interpreter: Interpreter;
  readonly board: Board;
  /** Copies a segment into RAM and zeroes what lies behind its bytes. Addresses are guest physical. */
  load(address: number, bytes: Uint8Array, memoryBytes?: number): void;
  read(address: number, length: number): Uint8Array;
  /** Calls back for each store of the doubleword at `address`; the run ends when it returns true. */
  watch(address: number, onStore: (value: bigint) => boolean): void;
  /** Sets pc and M-mode's reset state. */
  start(pc: number): void;
  /** Runs until the watched store ends it or `limit` instructions in all are retired; returns how many are. */
  run(limit: number): number;
}

/** @param ramBytes guest RAM in bytes */
export function createBareMachine(ramBytes: number): BareMachine {
  const pages = memoryPages(ramBytes);
  const memory = new WebAssembly.Memory({ initial: pages, maximum: pages, shared: true });
  const board = boardOf(memory.buffer);
  let hart: Hart | undefined;
  const outside = countingOutside(() => hart?.retired ?? 0);
  hart = createHart({
    memory: memory.buffer,
    index: 0,
    ramBytes,
    board,
    bus: createBus(board, outside, 0),
    outside,
    metered: false,
  });
  const machine = hart;
  const interpreter = instantiateInterpreter(machine, memory);
  const bytes = new Uint8Array(memory.buffer);
  const host = (address: number, length: number): number => {
    const offset = address - MEMORY_MAP.ram.base;
    if (offset < 0 || offset + length > ramBytes)
      throw new Error(`Address 0x${address.toString(16)} with ${length} bytes is not in RAM`);
    return RAM_OFFSET + offset;
  };
  return {
    hart: machine,
    interpreter,
    board,
    load(address, content, memoryBytes = content.length) {
      const at = host(address, memoryBytes);
      bytes.set(content, at);
      bytes.fill(0, at + content.length, at + memoryBytes);
    },
    read: (address, length) => bytes.slice(host(address, length), host(address, length) + length),
    watch(address, onStore) {
      machine.watchAt = address;
      machine.watch = (value) => {
        if (!onStore(value)) return;
        machine.ended = true;
        setWord(machine.state, HART.leave, 1);
      };
    },
    start(pc) {
      setWide(machine.state, HART.pc, pc | 0, Math.floor(pc / 2 ** 32));
    },
    run(limit) {
      runHart(machine, interpreter, limit);
      return machine.retired;
    },
  };
}
