import { CloisterError, SAMPLE, type Selection } from '@cloister/sdk';

export interface SelectionFlags {
  readonly count?: string;
  readonly indices?: string;
  readonly range?: string;
  readonly token?: string;
}

const HINT = 'Give one of --count 460, --indices 0,7,12, --range 0-99 and --token 0';

/** The blocks that flags ask for: 460 random ones unless told. */
export function selectionOf({ count, indices, range, token }: SelectionFlags): Selection {
  const given = [count, indices, range, token].filter((flag) => flag !== undefined).length;
  if (given > 1) throw new CloisterError('bad-selection', 'Blocks are asked for in one way', { hint: HINT });
  if (indices !== undefined) {
    const list = [...new Set(indices.split(',').map((index) => whole(index, indices)))];
    return { kind: 'list', indices: list.sort((one, other) => one - other) };
  }
  if (range !== undefined) {
    const [first, last, ...rest] = range.split('-').map((index) => whole(index, range));
    if (first === undefined || last === undefined || rest.length > 0 || last < first) return none(range);
    return { kind: 'range', first, count: last - first + 1 };
  }
  if (token !== undefined) return { kind: 'token', token: whole(token, token) };
  return { kind: 'sample', count: count === undefined ? SAMPLE : whole(count, count) };
}

function whole(text: string, all: string): number {
  const value = /^\d{1,16}$/.test(text) ? Number(text) : Number.NaN;
  return Number.isSafeInteger(value) ? value : none(all);
}

const none = (text: string): never => {
  throw new CloisterError('bad-selection', `"${text}" names no blocks`, { hint: HINT });
};
