// SPDX-License-Identifier: Apache-2.0
// node verify.mjs [--flips] WIRE_JSON VECTORS_FOLDER [KEPT_FOLDER]
// Checks every vector and a kept demo; with --flips, that a change of any field is noticed. See docs/vectors.md.
import { readFileSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { loadTable } from './wire.mjs';
import { checkKept, readKept } from './demo.mjs';
import { flipKept, flipVectors } from './flips.mjs';
import { checkVector } from './vectors.mjs';

const args = process.argv.slice(2);
const flips = args[0] === '--flips' && args.shift();
const [table, vectors, kept] = args;
if (!vectors) {
  console.error('usage: node verify.mjs [--flips] WIRE_JSON VECTORS_FOLDER [KEPT_FOLDER]');
  process.exit(2);
}
let failed = 0;
const fault = (text) => {
  console.error(text);
  failed = 1;
};

// Files of vectors that this verifier cannot check yet; it says so each time.
const unknown = ['case.json'];
unknown.forEach((name) => console.log(`${name}: NOT CHECKED: this verifier does not know these vectors yet`));

loadTable(table);
const files = readdirSync(vectors)
  .filter((name) => name.endsWith('.json') && !unknown.includes(name))
  .sort()
  .map((name) => ({ name, ...JSON.parse(readFileSync(join(vectors, name), 'utf8')) }));
if (files.length === 0) fault(`no vectors in ${vectors}`);
for (const { name, vectors: all } of files) {
  const bad = all.flatMap((vector, i) => {
    try {
      checkVector(vector);
      return [];
    } catch (error) {
      return [`${name}, vector ${i}, ${vector.op} (${vector.name}): ${error.message}`];
    }
  });
  bad.forEach(fault);
  console.log(`${name}: ${all.length - bad.length} of ${all.length} hold`);
}
let demo = null;
if (kept) {
  try {
    demo = readKept(kept);
    const state = checkKept(demo);
    console.log(`the kept demo holds: ${state.leafHashes.length} leaves, ${demo.opened.length} documents`);
  } catch (error) {
    fault(`the kept demo does not hold: ${error.message}`);
  }
}
if (flips && !failed) {
  const missed = flipVectors(files);
  if (demo) missed.push(...flipKept(demo));
  missed.forEach((what) => fault(`a change was not noticed: ${what}`));
  if (!failed) console.log('every change was noticed');
}
process.exit(failed);
