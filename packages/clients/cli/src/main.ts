import { recordStatus } from './detached.ts';
import { main } from './program.ts';

// A reader that went away (`cloister run … | head`) is no error.
for (const stream of [process.stdout, process.stderr])
  stream.on('error', (error: NodeJS.ErrnoException) => {
    if (error.code === 'EPIPE') process.exit(0);
    throw error;
  });

const status = await main(process.argv.slice(2));
recordStatus(status);
// Standard input may still be open, and machines' threads are gone: what was written is flushed, then the process ends.
process.stdout.write('', () => process.stderr.write('', () => process.exit(status)));
