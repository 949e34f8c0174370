import { EXIT_MASK, HYPELET_ANSWERS, HYPELET_CALLS, VIRTUAL_CSRS } from '@cloister/protocol';
import { markdownTable } from './markdown-table.ts';

/** docs/hypelet-calls.md, made from the tables that monitor and slice are made from. */
export function hypeletPage(): string {
  const calls = Object.entries(HYPELET_CALLS).map(([name, call]) => [
    `## \`${name}\` (${call.paper}, code 0x${call.code.toString(16).padStart(2, '0')})`,
    '',
    `${call.does}`,
    '',
    `Sent by the ${call.from === 'slice' ? 'slice to its machine' : 'machine to its slice'}.${
      call.answer === undefined ? '' : ` Answered by \`${call.answer}\`.`
    }`,
    '',
    ...fieldsOf(call.fields),
    `Checked by the monitor: ${lowered(call.checks)}`,
    '',
  ]);
  const answers = Object.entries(HYPELET_ANSWERS).map(([name, { code, fields }]) => [
    `### \`${name}\` (code 0x${code.toString(16).padStart(2, '0')})`,
    '',
    ...fieldsOf(fields),
  ]);
  const masks = Object.entries(EXIT_MASK).map(([reason, { exposes, mayChange }]) => [
    reason,
    names(exposes),
    names(mayChange),
  ]);
  const csrs = Object.entries(VIRTUAL_CSRS).map(([name, { read, write }]) => [
    name,
    read ? 'yes' : '',
    write ? 'yes' : '',
  ]);
  return [
    '# The ten HypeLet calls',
    '',
    'Made from `packages/protocol/src/hypelet-calls.ts`, `exit-mask.ts` and `virtual-csr.ts` by',
    '`npx vitest run tools/hypelet-page.test.ts -u`. A slice has no other way to its VM. What is no message, or has a',
    'field outside its range, closes the channel; a call that its check refuses is answered by `call.refused` and changes nothing.',
    '',
    ...calls.flat(),
    '## Answers',
    '',
    ...answers.flat(),
    '## What an exit exposes, and what may be changed',
    '',
    ...markdownTable(['reason', 'exposes', 'may be changed'], masks),
    '## Virtual CSRs',
    '',
    ...markdownTable(['CSR', 'csr.read', 'csr.write'], csrs),
  ].join('\n');
}

const lowered = (text: string): string => (/^[A-Z][a-z]/.test(text) ? text[0]!.toLowerCase() + text.slice(1) : text);
const names = (registers: readonly string[]): string => registers.map((name) => `\`${name}\``).join(' ') || 'nothing';

function fieldsOf(fields: Readonly<Record<string, unknown>>): string[] {
  const rows = Object.entries(fields).map(([name, field]) => [`\`${name}\``, valuesOf(field as object | string)]);
  return rows.length === 0 ? [] : markdownTable(['argument', 'values'], rows);
}

function valuesOf(field: object | string): string {
  if (typeof field === 'string') return `any ${field}`;
  if ('oneOf' in field) return (field.oneOf as readonly string[]).map((choice) => `\`${choice}\``).join(' ');
  if ('listOf' in field) return `at most ${(field as { upTo?: number }).upTo} of any ${field.listOf}`;
  const { scalar, from, to } = field as { scalar: string; from: number; to: number };
  return scalar === 'bytes' ? `${from} to ${to} bytes` : `${from} to ${to} (${scalar})`;
}
