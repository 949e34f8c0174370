import type { Completion } from '@cloister/hardware';
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

export interface SbiCall {
  readonly extension: bigint;
  readonly function: bigint;
  readonly arguments: readonly bigint[];
}

/** What the monitor answers, or undefined: the call is the slice's. */
export function answerSbi(machine: Machine, call: SbiCall): Completion | undefined {
  switch (call.extension) {
    case EXTENSION.hartState:
      return answerHartState(machine, call);
    case EXTENSION.debugConsole:
      return answerDebugConsole(machine, call);
    case EXTENSION.systemReset:
      // It has one function (SBI 2.0 §10), whose arguments are the exit's mask.
      return call.function === 0n ? undefined : failure(ERROR.notSupported);
    default:
      return failure(ERROR.notSupported);
  }
}

/** An SBI error as the 64-bit pattern of a0. */
const failure = (error: bigint): Completion => ({ error: BigInt.asUintN(64, error), value: 0n });
const success = (value: bigint): Completion => ({ error: 0n, value });

/** HSM (SBI 2.0 §9). Every hart of the machine runs, so one that stops itself could never be started again. */
function answerHartState(machine: Machine, call: SbiCall): Completion {
  const exists = call.arguments[0]! < BigInt(machine.harts.length);
  switch (call.function) {
    case 0n:
      return failure(exists ? ERROR.alreadyAvailable : ERROR.invalidParameter);
    case 1n:
      return failure(ERROR.failed);
    case 2n:
      return exists ? success(0n) : failure(ERROR.invalidParameter);
    default:
      return failure(ERROR.notSupported);
  }
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
    const bytes = fetchBytes(gate.memory, call, 0, address, new Uint8Array(Math.min(limit, serial.room)));
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
