import {
  guestMessages,
  runMessage,
  SESSION_PORTS,
  type SessionOptions,
  type SessionPort,
  sessionScript,
  signalMessage,
  windowSizeMessage,
} from '@cloister/images';
import type { MachineEnd, Port, VirtualMachine } from '@cloister/launcher';

/** Input to a command: chunks as they come; the end of the iteration is end-of-file. */
export type Input = AsyncIterable<Uint8Array>;

export interface SessionOutput {
  readonly onStdout?: ((bytes: Uint8Array) => void) | undefined;
  readonly onStderr?: ((bytes: Uint8Array) => void) | undefined;
  /** The guest has read its orders: from now on output is the command's. */
  readonly onStart?: (() => void) | undefined;
}

/** A command in a machine that was started with `SESSION_PORTS`. */
export interface Session {
  /** Resolves once with the command's status, or with how the machine ended without one. Never rejects. */
  readonly ended: Promise<SessionEnd>;
  /** Sends a signal (`INT`, `TERM`, …) to the command's process group. */
  signal(name: string): void;
  /** Tells the guest the size of its terminal. */
  resize(rows: number, columns: number): void;
}

export type SessionEnd =
  | { readonly kind: 'exited'; readonly status: number }
  | { readonly kind: 'lost'; readonly end: MachineEnd };

const SERVED = 1;

/** Starts one command; with `terminal` set its input and output are the machine's console (hvc0). */
export function startSession(
  machine: VirtualMachine,
  options: SessionOptions,
  input: Input | undefined,
  output: SessionOutput,
): Session {
  const script = sessionScript(options);
  const port = (name: SessionPort): Port => machine.ports.get(name)!;
  const control = port('cloister.control');
  const messages = guestMessages();
  const terminal = options.terminal !== undefined;
  let received = { stdout: 0, stderr: 0 };
  let exit: { status: number; stdoutBytes: number; stderrBytes: number } | undefined;
  let started = false;
  const { promise: ended, resolve } = deferred<SessionEnd>();
  const finishIfDrained = (): void => {
    if (exit !== undefined && received.stdout >= exit.stdoutBytes && received.stderr >= exit.stderrBytes)
      resolve({ kind: 'exited', status: exit.status });
  };
  port('cloister.stdout').onData = (bytes) => {
    received = { ...received, stdout: received.stdout + bytes.length };
    output.onStdout?.(bytes);
    finishIfDrained();
  };
  port('cloister.stderr').onData = (bytes) => {
    received = { ...received, stderr: received.stderr + bytes.length };
    output.onStderr?.(bytes);
    finishIfDrained();
  };
  if (terminal)
    machine.console.onData = (bytes) => {
      if (started) output.onStdout?.(bytes);
    };
  control.onData = (bytes) => {
    for (const message of messages(bytes)) {
      if (message.kind === 'ready' && message.version === SERVED && !started) {
        started = true;
        output.onStart?.();
        void control.write(runMessage(script));
        void feed(input, terminal ? machine.console : port('cloister.stdin'), terminal);
      } else if (message.kind === 'exit') {
        exit = message;
        finishIfDrained();
      }
    }
  };
  // What the guest sent before it stopped has been delivered when `ended` resolves.
  void machine.ended.then((end) => resolve({ kind: 'lost', end }));
  return {
    ended,
    signal: (name) => void control.write(signalMessage(name)),
    resize(rows, columns) {
      machine.resize(columns, rows);
      void control.write(windowSizeMessage(rows, columns));
    },
  };
}

async function feed(input: Input | undefined, port: Port, terminal: boolean): Promise<void> {
  if (input !== undefined) for await (const chunk of input) await port.write(chunk);
  // A terminal has no end of file of its own; the guest's line discipline makes one from Ctrl-D.
  if (!terminal) port.end();
}

/** Node 20 has no Promise.withResolvers. */
export function deferred<T>(): { promise: Promise<T>; resolve: (value: T) => void } {
  let resolve: (value: T) => void = () => undefined;
  const promise = new Promise<T>((settle) => {
    resolve = settle;
  });
  return { promise, resolve };
}

export { SESSION_PORTS };
