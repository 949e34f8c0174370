import { fromSlice, fromStorage, toStorage } from '@cloister/protocol';
import { inherit } from '../../../packages/host/launcher/src/compartments/inherit.ts';
import { plan } from './plan.ts';

// A slice that asks storage for whatever there could be: it says what was read, and how many requests went well.
inherit(({ links }) => {
  const [, storage, , client] = links;
  let done = 0;
  let good = 0;
  const read: string[] = [];
  const requests = plan.way === 'read' ? 32 : 4;
  const askAll = (): void => {
    for (let i = 0; i < requests; i += 1) {
      storage!.send(
        toStorage.encode(
          plan.way === 'read'
            ? { kind: 'file.read', store: i, id: i, offset: 0, length: 512 }
            : {
                ...{ kind: 'block.request', store: Number(plan.store), at: i, operation: 'write' },
                ...{ offset: 2 ** 32 * (i + 1), length: 512 },
              },
        ),
      );
    }
  };
  storage!.listen({
    // It was replaced by one that has this VM's stores.
    renewed() {
      done = 0;
      good = 0;
      askAll();
    },
    frame(frame) {
      const reply = fromStorage.decode(frame);
      done += 1;
      if (reply?.ok) {
        good += 1;
        if (reply.kind === 'file.data') read.push(Buffer.from(reply.bytes.subarray(0, 64)).toString('latin1'));
      }
      if (done === requests)
        client!.send(fromSlice.encode({ kind: 'boot.refused', reason: `${good} good: ${read.join()}` }));
    },
  });
  askAll();
  return {};
});
