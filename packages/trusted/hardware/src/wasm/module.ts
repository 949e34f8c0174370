import type { Code, FunctionReference, Label, Local, ResultType, ValueType } from './code.ts';

/**
 * A WebAssembly module under construction (core 2.0 §5.5): one imported memory, imported and own functions, one table
 * of functions, exports. Functions may call one another in any order; indexes are given when the module is encoded.
 */
export interface ModuleBuilder {
  importMemory(module: string, name: string, limits: { initial: number; maximum: number; shared: boolean }): void;
  importFunction<T extends ResultType>(
    module: string,
    name: string,
    parameters: readonly ValueType[],
    result: T,
  ): FunctionReference & { readonly result: T };
  /** Declares a function, so that others can call it before its body is known; `define` gives the body once. */
  declare<T extends ResultType>(
    name: string,
    parameters: readonly ValueType[],
    result: T,
  ): FunctionReference & { readonly result: T };
  define(target: FunctionReference, body: (scope: Scope) => readonly Code[]): void;
  export(name: string, target: FunctionReference): void;
  /** Puts a function into the module's table and returns its index there. */
  tableIndex(target: FunctionReference): number;
  encode(): Uint8Array;
}

/** Where a function's body finds its parameters and makes its locals. */
export interface Scope {
  parameter<T extends ValueType>(index: number, type: T): Local<T> & Code<T>;
  local<T extends ValueType>(type: T): Local<T> & Code<T>;
}

const TYPE_CODE: Record<ResultType, number> = { i32: 0x7f, i64: 0x7e, f32: 0x7d, f64: 0x7c, none: 0x40 };

interface Definition {
  readonly reference: FunctionReference;
  readonly locals: ValueType[];
  body: readonly Code[] | undefined;
}

export function createModule(): ModuleBuilder {
  const imports: { module: string; name: string; reference: FunctionReference }[] = [];
  const definitions: Definition[] = [];
  const exports: { name: string; reference: FunctionReference }[] = [];
  const table: FunctionReference[] = [];
  const types: string[] = [];
  let memory: { module: string; name: string; initial: number; maximum: number; shared: boolean } | undefined;

  const typeIndex = (parameters: readonly ValueType[], result: ResultType): number => {
    const key = `${parameters.join(',')}:${result}`;
    const known = types.indexOf(key);
    return known >= 0 ? known : types.push(key) - 1;
  };

  return {
    importMemory(module, name, limits) {
      memory = { module, name, ...limits };
    },
    importFunction(module, name, parameters, result) {
      const reference = { name, parameters, result };
      typeIndex(parameters, result);
      imports.push({ module, name, reference });
      return reference;
    },
    declare(name, parameters, result) {
      const reference = { name, parameters, result };
      typeIndex(parameters, result);
      definitions.push({ reference, locals: [], body: undefined });
      return reference;
    },
    define(target, build) {
      const definition = definitions.find((candidate) => candidate.reference === target);
      if (definition === undefined || definition.body !== undefined)
        throw new Error(`Function "${target.name}" is not declared here, or is defined twice`);
      definition.body = build({
        parameter: (index, type) => {
          if (target.parameters[index] !== type)
            throw new Error(`Function "${target.name}" has no parameter ${index} of type ${type}`);
          return { kind: 'local', type, index };
        },
        local: (type) => ({
          kind: 'local',
          type,
          index: target.parameters.length + definition.locals.push(type) - 1,
        }),
      });
    },
    export(name, target) {
      exports.push({ name, reference: target });
    },
    tableIndex(target) {
      const known = table.indexOf(target);
      return known >= 0 ? known : table.push(target) - 1;
    },
    encode() {
      const indexes = new Map<FunctionReference, number>();
      for (const { reference } of imports) indexes.set(reference, indexes.size);
      for (const { reference } of definitions) indexes.set(reference, indexes.size);
      const indexOf = (reference: FunctionReference): number => {
        const index = indexes.get(reference);
        if (index === undefined) throw new Error(`Function "${reference.name}" is not of this module`);
        return index;
      };
      const bodies = definitions.map((definition) => {
        if (definition.body === undefined) throw new Error(`Function "${definition.reference.name}" has no body`);
        const out: number[] = [];
        unsigned(out, definition.locals.length);
        for (const type of definition.locals) out.push(1, TYPE_CODE[type]);
        encodeAll(out, definition.body, [], { indexOf, typeIndex });
        out.push(0x0b);
        return out;
      });
      const typeSection = types.map((key) => {
        const [parameters = '', result = 'none'] = key.split(':');
        const list = parameters === '' ? [] : (parameters.split(',') as ValueType[]);
        const results = result === 'none' ? [] : [TYPE_CODE[result as ValueType]];
        return [0x60, list.length, ...list.map((type) => TYPE_CODE[type]), results.length, ...results];
      });
      const importSection = imports.map(({ module, name, reference }) => [
        ...text(module),
        ...text(name),
        0x00,
        ...unsigned([], typeIndex(reference.parameters, reference.result)),
      ]);
      if (memory !== undefined) {
        importSection.push([
          ...text(memory.module),
          ...text(memory.name),
          0x02,
          memory.shared ? 0x03 : 0x01,
          ...unsigned([], memory.initial),
          ...unsigned([], memory.maximum),
        ]);
      }
      const bytes = [0x00, 0x61, 0x73, 0x6d, 0x01, 0x00, 0x00, 0x00];
      section(bytes, 1, typeSection);
      section(bytes, 2, importSection);
      section(
        bytes,
        3,
        definitions.map(({ reference }) => unsigned([], typeIndex(reference.parameters, reference.result))),
      );
      if (table.length > 0)
        section(bytes, 4, [[0x70, 0x01, ...unsigned([], table.length), ...unsigned([], table.length)]]);
      section(
        bytes,
        7,
        exports.map(({ name, reference }) => [...text(name), 0x00, ...unsigned([], indexOf(reference))]),
      );
      if (table.length > 0) {
        const elements = table.flatMap((reference) => unsigned([], indexOf(reference)));
        section(bytes, 9, [[0x00, 0x41, 0x00, 0x0b, ...unsigned([], table.length), ...elements]]);
      }
      section(
        bytes,
        10,
        bodies.map((body) => [...unsigned([], body.length), ...body]),
      );
      return Uint8Array.from(bytes);
    },
  };
}

interface Encoder {
  indexOf(reference: FunctionReference): number;
  typeIndex(parameters: readonly ValueType[], result: ResultType): number;
}

function encodeAll(out: number[], body: readonly Code[], labels: readonly Label[], encoder: Encoder): void {
  for (const code of body) encode(out, code, labels, encoder);
}

function encode(out: number[], code: Code, labels: readonly Label[], encoder: Encoder): void {
  const depth = (target: Label): number => {
    const at = labels.lastIndexOf(target);
    if (at < 0) throw new Error(`Label "${target.name}" does not enclose its branch`);
    return labels.length - 1 - at;
  };
  switch (code.kind) {
    case 'op':
      encodeAll(out, code.args, labels, encoder);
      out.push(...code.opcode);
      return;
    case 'const':
      if (code.type === 'f64') {
        out.push(0x44, ...new Uint8Array(new Float64Array([Number(code.value)]).buffer));
      } else {
        out.push(code.type === 'i32' ? 0x41 : 0x42);
        signed(out, BigInt(code.value));
      }
      return;
    case 'local':
      out.push(0x20);
      unsigned(out, code.index);
      return;
    case 'set':
    case 'tee':
      encode(out, code.value, labels, encoder);
      out.push(code.kind === 'set' ? 0x21 : 0x22);
      unsigned(out, code.index);
      return;
    case 'memory':
      encodeAll(out, code.args, labels, encoder);
      out.push(...code.opcode, code.align);
      unsigned(out, code.offset);
      return;
    case 'call':
      encodeAll(out, code.args, labels, encoder);
      out.push(0x10);
      unsigned(out, encoder.indexOf(code.target));
      return;
    case 'call_indirect':
      encodeAll(out, code.args, labels, encoder);
      encode(out, code.index, labels, encoder);
      out.push(0x11);
      unsigned(out, encoder.typeIndex(code.parameters, code.type));
      out.push(0x00);
      return;
    case 'block':
    case 'loop':
      out.push(code.kind === 'block' ? 0x02 : 0x03, TYPE_CODE[code.type]);
      encodeAll(out, code.body, [...labels, code.label], encoder);
      out.push(0x0b);
      return;
    case 'if': {
      encode(out, code.condition, labels, encoder);
      out.push(0x04, TYPE_CODE[code.type]);
      const inner = [...labels, IF_LABEL];
      encodeAll(out, code.consequent, inner, encoder);
      if (code.alternate.length > 0) {
        out.push(0x05);
        encodeAll(out, code.alternate, inner, encoder);
      }
      out.push(0x0b);
      return;
    }
    case 'br':
      out.push(0x0c);
      unsigned(out, depth(code.label));
      return;
    case 'br_if':
      encode(out, code.condition, labels, encoder);
      out.push(0x0d);
      unsigned(out, depth(code.label));
      return;
    case 'br_table':
      encode(out, code.index, labels, encoder);
      out.push(0x0e);
      unsigned(out, code.labels.length);
      for (const target of code.labels) unsigned(out, depth(target));
      unsigned(out, depth(code.fallback));
      return;
    case 'return':
      if (code.value !== undefined) encode(out, code.value, labels, encoder);
      out.push(0x0f);
      return;
    case 'sequence':
      encodeAll(out, code.body, labels, encoder);
      return;
  }
}

/** An `if` opens a label that nothing names. */
const IF_LABEL: Label = { name: 'if' };

function section(out: number[], id: number, entries: readonly (readonly number[])[]): void {
  if (entries.length === 0) return;
  const body = unsigned([], entries.length);
  for (const entry of entries) for (const byte of entry) body.push(byte);
  out.push(id);
  unsigned(out, body.length);
  for (const byte of body) out.push(byte);
}

function text(value: string): number[] {
  const bytes = [...value].map((character) => character.charCodeAt(0));
  return [...unsigned([], bytes.length), ...bytes];
}

/** LEB128, unsigned (§5.2.2). */
function unsigned(out: number[], value: number): number[] {
  let rest = value >>> 0;
  do {
    const byte = rest & 0x7f;
    rest >>>= 7;
    out.push(rest === 0 ? byte : byte | 0x80);
  } while (rest !== 0);
  return out;
}

/** LEB128, signed (§5.2.2). */
function signed(out: number[], value: bigint): void {
  let rest = value;
  for (;;) {
    const byte = Number(rest & 0x7fn);
    rest >>= 7n;
    if ((rest === 0n && (byte & 0x40) === 0) || (rest === -1n && (byte & 0x40) !== 0)) {
      out.push(byte);
      return;
    }
    out.push(byte | 0x80);
  }
}
