import { tinyKernel } from '../../packages/host/launcher/src/testing/tiny-kernel.ts';
import type { Attack } from '../attack.ts';
import { monitor } from '../bench/sources.ts';
import { hostileSlice, inProcesses } from '../processes/in-processes.ts';
import { program } from '../processes/world.ts';

const boot = (attack: string, plan: object): Attack =>
  inProcesses({
    attack,
    from: 'slice',
    target: 'what its guest starts with',
    source: 'issue 5 §5; isolation.md B1',
    check: 'the launch has the digest that the owner expects',
    edits: [[monitor('launch/decode.ts'), 'if (!isExpected(launch, digest))', 'if (false)']],
    async act(world) {
      let retired = 0;
      const said = await hostileSlice(
        world,
        await program('changed-boot', plan),
        {},
        {
          retired: (count) => {
            retired = count;
          },
        },
      );
      return { effect: retired > 0, how: `${retired} instructions retired; ${said}` };
    },
  });

/** A slice process that boots something else than its VM's owner wants. */
export const PROCESS_BOOT: readonly Attack[] = [
  boot('S1 a slice process boots another kernel', { kernel: Buffer.from(tinyKernel('powerOff')).toString('base64') }),
  boot('S1 a slice process changes the command line', { commandLine: 'init=/bin/sh' }),
];
