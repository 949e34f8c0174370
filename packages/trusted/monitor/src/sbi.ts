import type { Completion, Exit } from '@cloister/hardware';
import { fetchBytes, inRam, storeBytes } from './io-gate/guest-memory.ts';
import type { Machine } from './machine.ts';
import { sendOutput, takeInput, tellTaken } from './port-end.ts';
import { takeSerialOutput } from './serial.ts';

/** Extension IDs (SBI 2.0 §9, §12, §10). */
const EXTENSION = { hartState: 0x48534dn, debugConsole: 0x4442434en, systemReset: 0x53525354n } as const;

/** Standard errors (SBI 2.0 §3). */
const ERROR = { failed: -1n, notSupported: -2n, invalidParameter: -3n, alreadyAvailable: -6n } as const;

/** Bytes of one debug console call; the guest asks again for more. */
const DEBUG_CONSOLE_BYTES_MAX = 4096;

type SbiCall = Extract<Exit, { reason: 'sbi' }>;

/** What the monitor answers, or undefined: the call is the slice's. */
export function answerSbi(machine: Machine, call: SbiCall): Completion | undefined {
  if (call.extension === EXTENSION.hartState) return answerHartState(machine, call);
  if (call.extension === EXTENSION.debugConsole) return answerDebugConsole(machine, call);
  // Its one function (SBI 2.0 §10), whose arguments are the exit's mask.
  if (call.extension === EXTENSION.systemReset && call.function === 0n) return undefined;
  return failure(ERROR.notSupported);
}

/** An SBI error as the 64-bit pattern of a0. */
const failure = (error: bigint): Completion => ({ error: BigInt.asUintN(64, error), value: 0n });
const success = (value: bigint): Completion => ({ error: 0n, value });

/** HSM (SBI 2.0 §9). Every hart of the machine runs, so one that stops itself could never be started again. */
function answerHartState({ harts }: Machine, call: SbiCall): Completion {
  const [start, stop, status] = [0n, 1n, 2n];
  if (call.function === stop) return failure(ERROR.failed);
  if (call.function !== start && call.function !== status) return failure(ERROR.notSupported);
  if (call.arguments[0]! >= BigInt(harts.length)) return failure(ERROR.invalidParameter);
  return call.function === start ? failure(ERROR.alreadyAvailable) : success(0n);
}

/**
 * DBCN (SBI 2.0 §12): the monitor copies between guest RAM and the serial port, since the slice has no guest RAM. A
 * write or read that does all, part or nothing is equally a success.
 */
function answerDebugConsole(machine: Machine, call: SbiCall): Completion {
  const { serial, board, gate } = machine;
  const { send } = machine.ports;
  takeSerialOutput(serial, board, send);
  if (call.function === 2n) {
    if (serial.room < 1) return failure(ERROR.failed);
    sendOutput(serial, Uint8Array.of(Number(call.arguments[0]! & 0xffn)), send);
    return success(0n);
  }
  if (call.function !== 0n && call.function !== 1n) return failure(ERROR.notSupported);
  const [asked, low, high] = call.arguments;
  // Beyond 2^53 the number is rounded, and still far outside RAM.
  const address = Number((high! << 64n) | low!);
  if (!inRam(gate.memory, address, Number(asked))) return failure(ERROR.invalidParameter);
  const limit = Math.min(Number(asked), DEBUG_CONSOLE_BYTES_MAX);
  if (call.function === 0n) {
    const bytes = new Uint8Array(Math.min(limit, serial.room));
    fetchBytes(gate.memory, call, 0, address, bytes);
    sendOutput(serial, bytes, send);
    return success(BigInt(bytes.length));
  }
  let read = 0;
  takeInput(serial, (piece) => {
    const bytes = piece.subarray(0, limit - read);
    storeBytes(gate.memory, address + read, bytes);
    read += bytes.length;
    return bytes.length;
  });
  tellTaken(serial, read, send);
  return success(BigInt(read));
}
