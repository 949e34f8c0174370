import { writeFileSync } from 'node:fs';
import { plan } from './plan.ts';

// A program that leaves a file behind where it has the right to.
writeFileSync(plan.path!, 'made');
