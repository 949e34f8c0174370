import { ImageError } from '@cloister/images';
import { AuditError, CloisterError } from '@cloister/sdk';

/** Exit status of Cloister's own failures, as Docker's. */
export const EXIT_CLOISTER = 125;
export const EXIT_TIMEOUT = 124;
/** The user left the guest, by the escape or by a third Ctrl-C; as a shell reports SIGINT. */
export const EXIT_LEFT = 130;

/** Prints an error as one line (above it the guest's last console lines, if they explain it); returns the status. */
export function report(error: unknown, json: boolean, verbose: boolean): number {
  const known = error instanceof CloisterError || error instanceof ImageError || error instanceof AuditError;
  const code = known ? error.code : 'internal';
  const message = error instanceof Error ? error.message : String(error);
  const hint = known ? error.hint : 'This is a bug in Cloister: please report it, with the output of -v';
  if (json) process.stdout.write(`${JSON.stringify({ schema: 1, error: { code, message, hint } })}\n`);
  if (error instanceof CloisterError && error.console !== undefined && error.console !== '')
    process.stderr.write(`${error.console}\n`);
  process.stderr.write(`cloister: ${oneLine(message)}. ${hint}\n`);
  if (verbose && error instanceof Error) {
    process.stderr.write(`${error.stack ?? ''}\n`);
    if (error.cause instanceof Error) process.stderr.write(`caused by: ${error.cause.stack ?? error.cause.message}\n`);
  }
  return EXIT_CLOISTER;
}

function oneLine(text: string): string {
  return text.replace(/\s*\n\s*/g, ' ').replace(/\.$/, '');
}
