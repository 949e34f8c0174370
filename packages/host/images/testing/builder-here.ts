import { serve } from '../../../deprivileged/builder/src/index.ts';
import { memoryChannel } from '../../launcher/src/channels/memory-channel.ts';
import type { StartLone } from '../../launcher/src/client/start-lone.ts';

/** A builder in this process: the same code over a channel of copied bytes, without a sandbox around it. */
export const builderHere: StartLone = async () => {
  const [near, far] = memoryChannel();
  const ended = serve(far).then(
    () => 'it ended',
    (error: unknown) => String(error),
  );
  return { channel: near, ended, end: () => near.close('It was ended') };
};
