import { boardOf, memoryPages } from '@cloister/hardware';
import {
  type Channel,
  type ChannelListener,
  type FromMachine,
  fromMachine,
  type LaunchEnd,
  PAYLOAD_AREA_BYTES,
  type ToMachine,
  toMachine,
} from '@cloister/protocol';
import { createMonitor, type MonitorConfig } from '../monitor.ts';
import { payloadsIn } from './memory-storage.ts';

/** Where guest RAM begins in the shared memory. */
const RAM_AT = 0x4000_0000;

export function sharedMemory(ramBytes: number): SharedArrayBuffer {
  const pages = memoryPages(ramBytes);
  return new WebAssembly.Memory({ initial: pages, maximum: pages, shared: true }).buffer;
}

/** One for all: a fuzzer makes thousands of benches. */
const area = new Uint8Array(PAYLOAD_AREA_BYTES);

/** A monitor whose slice, harts and clock are in the caller's hand. */
export function monitorBench(memory: SharedArrayBuffer, more: Partial<MonitorConfig> = {}) {
  const heard: FromMachine[] = [];
  const logged: string[] = [];
  const started: LaunchEnd[] = [];
  const time = { now: 0 };
  const state: { closed: string | undefined; queuedBytes: number } = { closed: undefined, queuedBytes: 0 };
  let listener: ChannelListener | undefined;
  const channel: Channel = {
    send: (frame) => void heard.push(fromMachine.decode(frame.slice())!),
    get queuedBytes() {
      return state.queuedBytes;
    },
    get closed() {
      return state.closed;
    },
    listen(next) {
      listener = next;
    },
    close(reason) {
      state.closed = reason;
    },
  };
  const monitor = createMonitor({
    memory,
    harts: 1,
    devices: [],
    channel,
    payloads: payloadsIn(area),
    random: (length) => new Uint8Array(length).fill(0xa5),
    now: () => time.now,
    start: (end) => void started.push(end),
    log: (line) => void logged.push(line),
    pause: (milliseconds) => new Promise((resolve) => setTimeout(resolve, milliseconds)),
    ...more,
  });
  return {
    monitor,
    memory,
    area,
    board: boardOf(memory),
    ram: new Uint8Array(memory, RAM_AT),
    heard,
    logged,
    started,
    time,
    state,
    say: (message: ToMachine) => listener!.frame(toMachine.encode(message)),
    sayBytes: (frame: Uint8Array) => listener!.frame(frame),
    renew: () => listener!.renewed!(),
    /** What was heard since the last call. */
    take: () => heard.splice(0),
  };
}
export type MonitorBench = ReturnType<typeof monitorBench>;
