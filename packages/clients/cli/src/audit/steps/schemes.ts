import { schemeFacts } from '@cloister/sdk';
import { print } from '../opened.ts';

/** Every scheme: a table of what fits into one, then what each is and is not. */
export function listSchemes({ json }: { readonly json?: boolean }): number {
  const all = schemeFacts();
  if (json === true) {
    print({ schemes: all });
    return 0;
  }
  const line = (text: string): void => void process.stdout.write(`${text.trimEnd()}\n`);
  const wide = Math.max(...all.map(({ name }) => name.length));
  line(`${'scheme'.padEnd(wide)}  verified by  data     year  asks by`);
  for (const { name, verification, data, year, selections, broken } of all)
    line(
      `${name.padEnd(wide)}  ${(verification === 'public' ? 'anybody' : 'key holder').padEnd(11)}  ${data.padEnd(7)}  ${year}  ${selections.join(', ')}${broken === undefined ? '' : '  (broken)'}`,
    );
  for (const { name, assumption, source, limits, patents, broken } of all) {
    line('');
    line(name);
    line(`  rests on   ${assumption}`);
    line(`  source     ${source}`);
    line(`  limits     ${limits}`);
    if (patents !== undefined) line(`  patents    ${patents}`);
    if (broken !== undefined) line(`  BROKEN     ${broken}`);
  }
  return 0;
}
