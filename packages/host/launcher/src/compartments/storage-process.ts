import { type Store, start } from '@cloister/storage';
import { inherit } from './inherit.ts';

// For each VM's link its stores; their descriptors follow one another, the payload area's after them.
inherit<{ readonly stores: readonly (readonly Omit<Store, 'descriptor'>[])[] }>(({ settings, links, firstFile }) => {
  let descriptor = firstFile;
  links.forEach((link, vm) => {
    const stores = settings.stores[vm]!.map((store) => ({ ...store, descriptor: descriptor++ }));
    start(link, { stores, area: descriptor++ });
  });
  return {};
});
