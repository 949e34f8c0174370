import { STATUS_BYTES } from '@cloister/protocol';
import { inherit } from '../compartments/inherit.ts';

// A compartment that sends back what it gets, with its process number before it; 0xff makes it hang, 0xfe crash.
inherit<{ readonly first: number }>(({ settings, links }) => {
  const [link] = links;
  link!.listen({
    frame(frame) {
      if (frame[0] === 0xff) for (;;) Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0);
      if (frame[0] === 0xfe) process.exit(3);
      const out = new Uint8Array(4 + frame.length);
      new DataView(out.buffer).setUint32(0, process.pid);
      out.set(frame, 4);
      link!.send(out);
    },
  });
  link!.send(Uint8Array.of(settings.first));
  return { status: () => new Uint8Array(STATUS_BYTES).fill(settings.first) };
});
