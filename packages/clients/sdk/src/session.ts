import {
  guestMessages,
  nextMessage,
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
  /** The guest has its orders: from now on output is the command's. */
  readonly onStart?: (() => void) | undefined;
}

/** A command in a guest. */
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

/** The guest's side of the session protocol, in a machine that was started with `SESSION_PORTS`. */
export interface Guest {
  /**
   * Runs one command; with `terminal` set its input and output are the machine's console (hvc0). A second one only after
   * the first has ended and was run with `again`.
   * @throws RangeError for a command that cannot be written as a script
   */
  run(options: SessionOptions, input: Input | undefined, output: SessionOutput): Session;
}

const SERVED = 1;

interface Running {
  readonly output: SessionOutput;
  readonly again: boolean;
  received: { stdout: number; stderr: number };
  exit: { readonly status: number; readonly stdoutBytes: number; readonly stderrBytes: number } | undefined;
  resolve(end: SessionEnd): void;
}

/** Listens to a machine's ports; at most once for each machine. */
export function attachGuest(machine: VirtualMachine): Guest {
  const port = (name: SessionPort): Port => machine.ports.get(name)!;
  const control = port('cloister.control');
  const messages = guestMessages();
  const ready = deferred<void>();
  let running: Running | undefined;

  const finishIfDrained = (): void => {
    if (running?.exit === undefined) return;
    const { exit, received, again, resolve } = running;
    if (received.stdout < exit.stdoutBytes || received.stderr < exit.stderrBytes) return;
    running = undefined;
    if (again) {
      port('cloister.stdin').reopen();
      void control.write(nextMessage());
    }
    resolve({ kind: 'exited', status: exit.status });
  };
  const receive = (stream: 'stdout' | 'stderr') => (bytes: Uint8Array) => {
    if (running === undefined) return;
    running.received[stream] += bytes.length;
    (stream === 'stdout' ? running.output.onStdout : running.output.onStderr)?.(bytes);
    finishIfDrained();
  };
  port('cloister.stdout').onData = receive('stdout');
  port('cloister.stderr').onData = receive('stderr');
  control.onData = (bytes) => {
    for (const message of messages(bytes)) {
      if (message.kind === 'ready' && message.version === SERVED) ready.resolve();
      else if (message.kind === 'exit' && running !== undefined) {
        running.exit = message;
        finishIfDrained();
      }
    }
  };
  // What the guest sent before it stopped has been delivered when `ended` resolves.
  void machine.ended.then((end) => running?.resolve({ kind: 'lost', end }));

  return {
    run(options, input, output) {
      if (running !== undefined) throw new RangeError('A command is running already');
      const script = sessionScript(options);
      const terminal = options.terminal !== undefined;
      const { promise: ended, resolve } = deferred<SessionEnd>();
      const own: Running = {
        output,
        again: options.again === true,
        received: { stdout: 0, stderr: 0 },
        exit: undefined,
        resolve,
      };
      running = own;
      void machine.ended.then((end) => resolve({ kind: 'lost', end }));
      let started = false;
      if (terminal)
        machine.console.onData = (bytes) => {
          if (started) output.onStdout?.(bytes);
        };
      void ready.promise.then(() => {
        if (running !== own) return;
        started = true;
        output.onStart?.();
        void control.write(runMessage(script));
        void feed(input, terminal ? machine.console : port('cloister.stdin'), terminal, () => running !== own);
      });
      return {
        ended,
        signal: (name) => void control.write(signalMessage(name)),
        resize(rows, columns) {
          machine.resize(columns, rows);
          void control.write(windowSizeMessage(rows, columns));
        },
      };
    },
  };
}

/** What a terminal's line discipline takes for the end of the input (VEOF, Ctrl-D). */
const END_OF_TERMINAL_INPUT = Uint8Array.of(4);

async function feed(input: Input | undefined, port: Port, terminal: boolean, over: () => boolean): Promise<void> {
  if (input !== undefined) for await (const chunk of input) await port.write(chunk);
  if (!terminal) port.end();
  else if (input !== undefined) await endTerminalInput(port, over);
}

/** Again and again: a terminal forgets an end of input that came before its program opened it, as a closed file does not. */
async function endTerminalInput(port: Port, over: () => boolean): Promise<void> {
  while (!over()) {
    await port.write(END_OF_TERMINAL_INPUT);
    await new Promise((resolve) => setTimeout(resolve, 1000).unref());
  }
}

/** Node 20 has no Promise.withResolvers. */
function deferred<T>(): { promise: Promise<T>; resolve: (value: T) => void } {
  let resolve: (value: T) => void = () => undefined;
  const promise = new Promise<T>((settle) => {
    resolve = settle;
  });
  return { promise, resolve };
}

export { SESSION_PORTS };
