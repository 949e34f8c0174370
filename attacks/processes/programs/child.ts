import { tinyKernel } from '../../../packages/host/launcher/src/testing/tiny-kernel.ts';
import { startVirtualMachine } from '../client.ts';

// A user's program with one VM that is attacked from within and one that only runs: it says what becomes of both.
const { form, hart, kernel } = JSON.parse(process.argv[2] ?? '{}') as {
  form: 'compartments' | 'monolithic';
  hart?: string;
  kernel?: string;
};
const say = (what: object): void => void process.stdout.write(`${JSON.stringify(what)}\n`);
const config = { memoryBytes: 64 << 20, kernel: tinyKernel('sleep'), commandLine: '' };
try {
  const bystander = await startVirtualMachine(config, { form });
  void bystander.ended.then((end) => say({ bystander: end }));
  const attacked = await startVirtualMachine(
    { ...config, ...(kernel === undefined ? {} : { kernel: Buffer.from(kernel, 'base64') }) },
    { form, ...(hart === undefined ? {} : { builds: { hart } }) },
  );
  void attacked.ended.then((end) => say({ attacked: end }));
  say({ started: true });
} catch (error) {
  say({ failed: (error as Error).message });
}
