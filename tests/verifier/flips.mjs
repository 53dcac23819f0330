// SPDX-License-Identifier: Apache-2.0
// Shows that the verifier notices a change: of each field of each vector, and of each field of a kept demo.
import { checkKept } from './demo.mjs';
import { itemsOf, join, list, placesOf, read } from './wire.mjs';
import { checkCaseFile, readGenesis } from './case.mjs';
import { checkVector } from './vectors.mjs';

// ---- vectors ----

const isHex = (text) => /^([0-9a-f]{2})+$/.test(text);
function flipText(text) {
  if (text === '') return '00';
  const last = text.at(-1);
  const changed = isHex(text)
    ? (parseInt(last, 16) ^ 1).toString(16)
    : String.fromCharCode(last.charCodeAt(0) ^ 1);
  return text.slice(0, -1) + changed;
}

// Every way of changing one value inside: [path, copy with the change].
function* changes(value, path) {
  if (typeof value === 'string') {
    yield [path, flipText(value)];
  } else if (typeof value === 'number') {
    yield [path, value + 1];
  } else if (Array.isArray(value)) {
    if (value.length === 0) yield [path, ['00']];
    // The first and the last stand for all.
    for (const i of value.length ? new Set([0, value.length - 1]) : [])
      for (const [at, item] of changes(value[i], path)) yield [at, Object.assign([...value], { [i]: item })];
  } else {
    for (const key of Object.keys(value))
      for (const [at, changed] of changes(value[key], `${path}.${key}`))
        yield [at, { ...value, [key]: changed }];
  }
}

// Fields whose change a vector cannot show: the neighbours of what is refused may be refused too, and random
// tags are like any others.
function shows(vector, key) {
  if (key === 'op' || key === 'name') return false;
  if (vector.op === 'decode' || vector.op === 'read') return key === 'status';
  if (vector.verdict && vector.verdict !== 'VALID') return ['step', 'verdict', 'bad', 'first_bad'].includes(key);
  return !(vector.op === 'tags' && key === 'tags');
}
const noticed = (check) => {
  try {
    check();
    return null;
  } catch (error) {
    // A fault of the verifier itself notices nothing.
    if (error instanceof TypeError || error instanceof ReferenceError)
      throw new Error('the verifier fell over', { cause: error });
    return error.message;
  }
};

export function flipVectors(files) {
  const table = new Map();
  const missed = [];
  for (const { vectors } of files)
    for (const vector of vectors) {
      const row = table.get(vector.op) ?? new Map();
      table.set(vector.op, row);
      for (const key of Object.keys(vector).filter((name) => shows(vector, name)))
        for (const [path, changed] of changes(vector[key], key)) {
          row.set(key, (row.get(key) ?? 0) + 1);
          if (noticed(() => checkVector({ ...vector, [key]: changed }, vectors)) === null)
            missed.push(`${vector.op} (${vector.name}): ${path}`);
        }
    }
  for (const [op, row] of table)
    console.log(`${op.padEnd(16)}${[...row].map(([key, n]) => `${key} ${n}`).join(', ')}`);
  return missed;
}

// ---- a kept demo ----

const flipped = (bytes, at) => {
  const copy = Uint8Array.from(bytes);
  copy[at] ^= 1;
  return copy;
};
// One field of a file changed in its first byte, and in its last.
function* changedFields(type, bytes) {
  for (const { path, at, length } of placesOf(type, bytes))
    for (const offset of new Set([at, at + length - 1])) yield [path, flipped(bytes, offset)];
}
function* changedKept(kept) {
  for (const [i, leaf] of kept.leaves.entries()) {
    const kind = read('leaf', leaf).signed_entry.entry._.replace(/^e_/, '');
    for (const [path, changed] of changedFields('leaf', leaf)) {
      const leaves = kept.leaves.map((other, k) => (k === i ? changed : other));
      yield [`leaf ${i} ${kind}: ${path.replace(/^signed_entry\./, '')}`, { ...kept, leaves }];
    }
    const leaves = kept.leaves.filter((_, k) => k !== i);
    yield [`leaf ${i} ${kind}: left out`, { ...kept, leaves }];
  }
  const types = {
    genesis: 'signed',
    head: 'ledger_export',
    'record.header': 'header',
    'grant.terms': 'grant',
    'grant.consent': 'consent',
  };
  for (const [name, type] of Object.entries(types))
    for (const [path, changed] of changedFields(type, kept[name]))
      yield [`${name}: ${path}`, { ...kept, [name]: changed }];
  const payload = kept['record.payload'];
  for (const at of [0, 65535, 65536, 65551, 65552, payload.length - 17, payload.length - 1])
    yield [`record.payload: byte ${at}`, { ...kept, 'record.payload': flipped(payload, at) }];
  yield ['record.payload: its last byte left out', { ...kept, 'record.payload': payload.subarray(0, -1) }];
  const signatures = itemsOf(kept['grant.signatures']);
  yield [
    'grant.signatures',
    { ...kept, 'grant.signatures': list([flipped(signatures[0], 63), ...signatures.slice(1)]) },
  ];
  const [first, ...rest] = kept.opened;
  yield ['opened: a byte', { ...kept, opened: [{ ...first, bytes: flipped(first.bytes, 0) }, ...rest] }];
  yield ['opened: a document left out', { ...kept, opened: rest }];
}

export function flipKept(kept) {
  const missed = [];
  let last = '';
  for (const [what, changed] of changedKept(kept)) {
    let why = noticed(() => checkKept(changed));
    if (why === null) missed.push(what);
    why = (why ?? 'NOT NOTICED').replace(/: [0-9a-f]*, not .*/, '').split('\n')[0];
    const line = `${what.padEnd(64)} ${why}`;
    if (line !== last) console.log(line);
    last = line;
  }
  return missed;
}

// ---- case files ----

// Bytes of a case file changed, and the file cut and made longer: each change must have a step and a name. In the
// file without documents every 13th byte, in the other one places over head and documents alike.
function* changedCaseFiles(kept) {
  const sample = (bytes, step) => Array.from({ length: Math.ceil(bytes.length / step) }, (_, n) => n * step);
  for (const [name, step] of [
    ['case.bcemr', 13],
    ['case-opened.bcemr', Math.ceil(kept['case-opened.bcemr'].length / 40)],
  ]) {
    const bytes = kept[name];
    for (const at of [...sample(bytes, step), bytes.length - 1])
      for (const by of new Set([1, 1 + ((at * 41) % 255)])) {
        const copy = Uint8Array.from(bytes);
        copy[at] ^= by;
        yield [`${name}: byte ${at} by ${by}`, copy];
      }
    for (const length of [0, 7, 8, 9, bytes.length >> 1, bytes.length - 1])
      yield [`${name}: cut to ${length}`, bytes.subarray(0, length)];
    yield [`${name}: a byte more`, join(bytes, [0])];
  }
}

export function flipCaseFiles(kept) {
  const genesis = readGenesis(kept.genesis);
  const missed = [];
  const names = new Map();
  for (const [what, changed] of changedCaseFiles(kept)) {
    const { step, verdict } = checkCaseFile(genesis, changed);
    const name = `${step} ${verdict}`;
    names.set(name, (names.get(name) ?? 0) + 1);
    if (verdict === 'VALID') missed.push(what);
  }
  console.log(`changed case files: ${[...names].map(([name, n]) => `${name} ${n}`).join(', ')}`);
  return missed;
}
