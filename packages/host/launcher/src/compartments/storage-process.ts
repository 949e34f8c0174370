import { type Store, start } from '@cloister/storage';
import { inherit } from './inherit.ts';

// For each VM's link its stores; their descriptors follow one another.
inherit<{ readonly stores: readonly (readonly Omit<Store, 'descriptor'>[])[] }>(({ settings, links, firstFile }) => {
  let descriptor = firstFile;
  links.forEach((link, vm) => {
    start(
      link,
      settings.stores[vm]!.map((store) => ({ ...store, descriptor: descriptor++ })),
    );
  });
  return {};
});
