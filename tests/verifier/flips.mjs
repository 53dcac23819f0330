// SPDX-License-Identifier: Apache-2.0
// Shows that the verifier notices a change: of each field of each vector, and of each field of a kept demo.
import { checkKept } from './demo.mjs';
import { itemsOf, list, placesOf, read } from './wire.mjs';
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
  if (vector.verdict && vector.verdict !== 'VALID') return ['verdict', 'bad', 'first_bad'].includes(key);
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
          if (noticed(() => checkVector({ ...vector, [key]: changed })) === null)
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
      yield [
        `leaf ${i} ${kind}: ${path.replace(/^signed_entry\./, '')}`,
        { ...kept, leaves, ledger: list(leaves) },
      ];
    }
    const leaves = kept.leaves.filter((_, k) => k !== i);
    yield [`leaf ${i} ${kind}: left out`, { ...kept, leaves, ledger: list(leaves) }];
  }
  const types = {
    genesis: 'signed',
    checkpoint: 'cosigned',
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
