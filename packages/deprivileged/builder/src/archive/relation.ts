import { compareVersions } from './version.ts';

/** One alternative of a dependency: `name [(op version)]`. */
export interface Alternative {
  readonly name: string;
  readonly operator: '<<' | '<=' | '=' | '>=' | '>>' | undefined;
  readonly version: string | undefined;
}

/** Alternatives of which one must hold. */
export type Relation = readonly Alternative[];

/**
 * The relations of a Depends, Pre-Depends or Provides field (Debian Policy 7.1). Architecture qualifiers (`:any`) are
 * dropped: there is one architecture here. A malformed alternative is left out: it can never be satisfied.
 */
export function relationsOf(field: string): Relation[] {
  const out: Relation[] = [];
  for (const part of field.split(',')) {
    if (part.trim() === '') continue;
    const alternatives: Alternative[] = [];
    for (const text of part.split('|')) {
      const match = /^\s*([a-z0-9][a-z0-9+.-]*)(?::[a-z0-9-]+)?\s*(?:\(\s*(<<|<=|=|>=|>>|<|>)\s*([^\s)]+)\s*\))?/.exec(
        text,
      );
      if (match === null) continue;
      // The single forms are old spellings of <= and >= (Policy 7.1).
      const operator = match[2] === '<' ? '<=' : match[2] === '>' ? '>=' : match[2];
      alternatives.push({ name: match[1]!, operator: operator as Alternative['operator'], version: match[3] });
    }
    out.push(alternatives);
  }
  return out;
}

/** Whether `version` satisfies the alternative's version clause. */
export function versionSatisfies(version: string, alternative: Alternative): boolean {
  if (alternative.operator === undefined || alternative.version === undefined) return true;
  const order = compareVersions(version, alternative.version);
  switch (alternative.operator) {
    case '<<':
      return order < 0;
    case '<=':
      return order <= 0;
    case '=':
      return order === 0;
    case '>=':
      return order >= 0;
    case '>>':
      return order > 0;
  }
}
