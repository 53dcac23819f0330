// SPDX-License-Identifier: Apache-2.0
// node verify.mjs [--flips] WIRE_JSON VECTORS_FOLDER [KEPT_FOLDER]
// node verify.mjs --case WIRE_JSON GENESIS CASE_FILE...
// Checks every vector and a kept demo; with --flips, that a change of any field is noticed. Or case files with the
// genesis: a line for each. See docs/vectors.md.
import { readFileSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { loadTable } from './wire.mjs';
import { checkKept, readKept } from './demo.mjs';
import { flipCaseFiles, flipKept, flipVectors } from './flips.mjs';
import { checkVector } from './vectors.mjs';
import { checkCaseFile, readGenesis } from './case.mjs';

function caseFiles(table, genesis, ...files) {
  loadTable(table);
  const bytes = (path) => new Uint8Array(readFileSync(path));
  const known = readGenesis(bytes(genesis));
  const results = files.map((file) => checkCaseFile(known, bytes(file)));
  results.forEach(({ step, verdict, what }) => console.log(`${step} ${verdict}: ${what}`));
  process.exit(results.every(({ verdict }) => verdict === 'VALID') ? 0 : 1);
}

const args = process.argv.slice(2);
if (args[0] === '--case' && args.length >= 4) caseFiles(...args.slice(1));
const flips = args[0] === '--flips' && args.shift();
const [table, vectors, kept] = args;
if (!vectors) {
  console.error('usage: node verify.mjs [--flips] WIRE_JSON VECTORS_FOLDER [KEPT_FOLDER]');
  console.error('       node verify.mjs --case WIRE_JSON GENESIS CASE_FILE...');
  process.exit(2);
}
let failed = 0;
const fault = (text) => {
  console.error(text);
  failed = 1;
};

loadTable(table);
const files = readdirSync(vectors)
  .filter((name) => name.endsWith('.json'))
  .sort()
  .map((name) => ({ name, ...JSON.parse(readFileSync(join(vectors, name), 'utf8')) }));
if (files.length === 0) fault(`no vectors in ${vectors}`);
for (const { name, vectors: all } of files) {
  if (!all?.length) {
    fault(`${name}: no vectors`);
    continue;
  }
  const bad = all.flatMap((vector, i) => {
    try {
      checkVector(vector, all);
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
  if (demo) missed.push(...flipCaseFiles(demo), ...flipKept(demo));
  missed.forEach((what) => fault(`a change was not noticed: ${what}`));
  if (!failed) console.log('every change was noticed');
}
process.exit(failed);
