import type { Request, StoreRequest } from '../control.ts';

const STORES_MAX = 64;
const LABEL_MAX = 200;
const isObject = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value);
const isText = (value: unknown, most: number): value is string => typeof value === 'string' && value.length <= most;
const isPath = (value: unknown): value is string => isText(value, 4096) && !value.includes('\0');
const isBytes = (value: unknown): value is number => Number.isSafeInteger(value) && (value as number) >= 0;
const isShare = (value: unknown): value is number => typeof value === 'number' && value > 0 && value <= 1024;

/** A client's line as a request, or undefined. Whatever else it says is dropped here. */
export function decodeRequest(line: string): Request | undefined {
  let value: unknown;
  try {
    value = JSON.parse(line);
  } catch {
    return undefined;
  }
  if (!isObject(value)) return undefined;
  const { vm, token } = value;
  switch (value.do) {
    case 'run':
      return decodeRun(value);
    case 'start':
      if (!isShare(value.cpus) || !isShare(value.weight) || !isObject(value.machine)) return undefined;
      if (!isBytes(value.memoryBytes)) return undefined;
      return {
        do: 'start',
        machine: value.machine,
        memoryBytes: value.memoryBytes,
        cpus: value.cpus,
        weight: value.weight,
      };
    case 'list':
    case 'build':
      return { do: value.do };
  }
  if (!isText(vm, 64) || !isText(token, 128)) return undefined;
  switch (value.do) {
    case 'attach':
    case 'inspect':
    case 'stop':
    case 'kill':
    case 'debug':
      return { do: value.do, vm, token };
    case 'upgrade':
      if (value.slice !== undefined && !isPath(value.slice)) return undefined;
      return { do: 'upgrade', vm, token, ...(value.slice === undefined ? {} : { slice: value.slice }) };
    default:
      return undefined;
  }
}

function decodeRun(value: Record<string, unknown>): Request | undefined {
  const { vm, label, stores, builds } = value;
  if (!isText(vm, 8) || !/^[0-9a-f]{8}$/.test(vm)) return undefined;
  if (!isText(label, LABEL_MAX) || !Array.isArray(stores) || stores.length > STORES_MAX || !isObject(builds))
    return undefined;
  const decoded = stores.map(decodeStore);
  if (decoded.includes(undefined)) return undefined;
  const { slice, hart } = builds;
  if ((slice !== undefined && !isPath(slice)) || (hart !== undefined && !isPath(hart))) return undefined;
  return {
    do: 'run',
    vm,
    label,
    stores: decoded as StoreRequest[],
    builds: { ...(slice === undefined ? {} : { slice }), ...(hart === undefined ? {} : { hart }) },
  };
}

function decodeStore(value: unknown): StoreRequest | undefined {
  if (!isObject(value)) return undefined;
  const { path, access, durable, over } = value;
  if (!isPath(path) || typeof durable !== 'boolean') return undefined;
  if (access !== 'read' && access !== 'write' && access !== 'temporary') return undefined;
  if (access === 'temporary' && !(Number.isInteger(over) && (over as number) >= 0 && (over as number) < STORES_MAX))
    return undefined;
  return { path, access, durable, ...(access === 'temporary' ? { over: over as number } : {}) };
}
