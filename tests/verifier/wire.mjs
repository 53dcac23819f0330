// SPDX-License-Identifier: Apache-2.0
// Transcripts: one reader and one writer for every type of docs/wire.json (docs/protocol.md 1.4).
import { readFileSync } from 'node:fs';

export class Refused extends Error {
  constructor(status, where = '') {
    super(where ? `${status} at ${where}` : status);
    this.status = status;
  }
}

export const hex = (bytes) => Buffer.from(bytes).toString('hex');
export const unhex = (text) => {
  if (typeof text !== 'string' || !/^([0-9a-f]{2})*$/.test(text)) throw new Error(`not hexadecimal: ${text}`);
  return new Uint8Array(Buffer.from(text, 'hex'));
};
export const utf8 = (text) => new Uint8Array(Buffer.from(text, 'utf8'));
export const join = (...parts) => new Uint8Array(Buffer.concat(parts.map((part) => Uint8Array.from(part))));
export const same = (a, b) => Buffer.compare(Uint8Array.from(a), Uint8Array.from(b)) === 0;

export const le = (value, length) => {
  const out = new Uint8Array(length);
  let rest = BigInt(value);
  for (let i = 0; i < length; i++, rest >>= 8n) out[i] = Number(rest & 255n);
  if (rest !== 0n) throw new Error('an integer does not fit');
  return out;
};
export const fromLe = (bytes) => BigInt(`0x0${hex(Uint8Array.from(bytes).reverse())}`);
export const u64 = (value) => le(value, 8);

// ---- free-form transcripts ----

const part = (bytes) => join(u64(bytes.length), bytes);
export const tr = (label, ...fields) => join(part(utf8(label)), ...fields.map(part));
export const list = (items) => tr('list', u64(items.length), ...items);
export const tuple = (...fields) => tr('tuple', ...fields);

// ---- the table ----

const types = new Map();
const labels = new Map();
const tables = new Map();

const fixed = (row, length) => ({ row, min: BigInt(length), max: BigInt(length) });
const atoms = {
  id_item: { row: 'ID', min: 1n, max: 200n },
  keyword_item: { row: 'TEXT', min: 1n, max: 200n },
  hash_item: fixed('HASH', 32),
  g1_item: fixed('G1', 48),
  g2_item: fixed('G2', 96),
  scalar_item: fixed('SCALAR', 32),
  edsig_item: fixed('EDSIG', 64),
  bytes16_item: fixed('BYTES16', 16),
};
const presences = ['presence', 'waived'];
const anyTerms = ['grant', 'emergency'];
let entries = [];

export function loadTable(path) {
  // Bounds reach 2^63 - 1, more than a number of JavaScript holds.
  const text = readFileSync(path, 'utf8').replace(/("(?:min|max|number)": )(\d+)/g, '$1"$2"');
  const table = JSON.parse(text);
  for (const { table: name, values } of table.values)
    tables.set(name, new Map(values.map((v) => [BigInt(v.number), v.name])));
  for (const type of table.types) {
    for (const field of type.fields) {
      field.min = BigInt(field.min);
      field.max = BigInt(field.max);
    }
    types.set(type.name, type);
    if (type.label !== 'tuple') labels.set(type.label, type);
  }
  // Entries: the capitalised labels, the genesis and the case header (docs/ledger.md).
  entries = [
    'genesis',
    'case_header',
    ...table.types.filter((t) => t.name.startsWith('e_')).map((t) => t.name),
  ];
  return table;
}

function typeOf(name) {
  const type = types.get(name);
  if (!type) throw new Error(`no such type: ${name}`);
  return type;
}

// ---- reading ----

const raw = Symbol('encoding');
export const encodingOf = (value) => value[raw];

class Cursor {
  constructor(bytes, where) {
    this.bytes = bytes;
    this.at = 0;
    this.where = where;
  }
  part() {
    if (this.bytes.length - this.at < 8) throw new Refused('E_TRUNCATED', this.where);
    const length = fromLe(this.bytes.subarray(this.at, this.at + 8));
    this.at += 8;
    if (length > BigInt(this.bytes.length - this.at)) throw new Refused('E_TRUNCATED', this.where);
    this.at += Number(length);
    return this.bytes.subarray(this.at - Number(length), this.at);
  }
  label(expected) {
    const label = Buffer.from(this.part()).toString('latin1');
    if (label === expected) return;
    const later =
      label.startsWith(`${expected}/`) && /^([2-9]|[1-9]\d+)$/.test(label.slice(expected.length + 1));
    throw new Refused(later ? 'E_UNKNOWN_VERSION' : 'E_UNKNOWN_KIND', this.where);
  }
  end() {
    if (this.at !== this.bytes.length) throw new Refused('E_TRAILING', this.where);
  }
}

const decoder = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });
function readText(bytes, where) {
  let text;
  try {
    text = decoder.decode(bytes);
  } catch {
    throw new Refused('E_TEXT', where);
  }
  if (/[\u0000-\u001f\u007f-\u009f]/.test(text)) throw new Refused('E_TEXT', where);
  return text;
}

function bounds(bytes, field, where) {
  const length = BigInt(bytes.length);
  if (length === 0n && field.min > 0n) throw new Refused('E_ABSENT', where);
  if (length < field.min) throw new Refused('E_TOO_SHORT', where);
  if (length > field.max) throw new Refused('E_TOO_LONG', where);
}

function readInteger(bytes, field, where) {
  if (bytes.length === 0) throw new Refused('E_ABSENT', where);
  if (bytes.length !== 8) throw new Refused('E_FIELD_LENGTH', where);
  const value = fromLe(bytes);
  if (field.row === 'ENUM') {
    if (!tables.get(field.of).has(value)) throw new Refused('E_UNKNOWN_VALUE', where);
  } else if (field.row === 'TIME') {
    if (value >> 63n) throw new Refused('E_INTEGER_RANGE', where);
  } else if (value < field.min || value > field.max) {
    throw new Refused('E_INTEGER_RANGE', where);
  }
  return value;
}

const labelOf = (bytes) => Buffer.from(new Cursor(bytes, 'label').part()).toString('latin1');

function readChoice(bytes, choices, where, depth) {
  const type = labels.get(labelOf(bytes));
  if (!type || !choices.includes(type.name)) throw new Refused('E_UNKNOWN_KIND', where);
  return readType(type, bytes, where, depth);
}

function readItem(of, bytes, where, depth) {
  if (atoms[of]) return readField(atoms[of], bytes, where, depth);
  return readType(types.get(of), bytes, where, depth);
}

function readList(field, bytes, where, depth) {
  if (bytes.length === 0) throw new Refused('E_ABSENT', where);
  const cursor = new Cursor(bytes, where);
  cursor.label('list');
  const count = readInteger(cursor.part(), { row: 'UINT', min: 0n, max: (1n << 64n) - 1n }, where);
  if (count > field.max) throw new Refused('E_TOO_MANY', where);
  if (count < field.min) throw new Refused('E_TOO_FEW', where);
  const items = [];
  for (let i = 0n; i < count; i++) items.push(readItem(field.of, cursor.part(), `${where}[${i}]`, depth));
  cursor.end();
  return items;
}

function readField(field, bytes, where, depth) {
  switch (field.row) {
    case 'UINT':
    case 'TIME':
    case 'ENUM':
      return readInteger(bytes, field, where);
    case 'ID':
    case 'TEXT':
      bounds(bytes, field, where);
      return readText(bytes, where);
    case 'BYTES':
      bounds(bytes, field, where);
      return bytes;
    case 'OPT':
      if (bytes.length !== 0 && BigInt(bytes.length) !== field.max)
        throw new Refused('E_FIELD_LENGTH', where);
      return bytes;
    case 'LIST':
      return readList(field, bytes, where, depth + 1);
    case 'TR':
    case 'ENTRY':
    case 'PRESENCE':
    case 'ANY_TERMS':
      if (bytes.length === 0) throw new Refused('E_ABSENT', where);
      if (field.row === 'TR') return readType(types.get(field.of), bytes, where, depth + 1);
      return readChoice(
        bytes,
        { ENTRY: entries, PRESENCE: presences, ANY_TERMS: anyTerms }[field.row],
        where,
        depth + 1,
      );
    default:
      if (bytes.length === 0) throw new Refused('E_ABSENT', where);
      if (BigInt(bytes.length) !== field.max) throw new Refused('E_FIELD_LENGTH', where);
      return bytes;
  }
}

function readType(type, bytes, where, depth) {
  if (depth > 16) throw new Refused('E_TOO_MANY', where);
  const cursor = new Cursor(bytes, where || type.name);
  cursor.label(type.label);
  const value = { _: type.name, [raw]: bytes };
  for (const field of type.fields)
    value[field.name] = readField(field, cursor.part(), `${where}.${field.name}`, depth);
  cursor.end();
  return value;
}

// A value of this type: bytes as Uint8Array, integers as BigInt, texts as strings, lists as arrays.
export const read = (name, bytes) => readType(typeOf(name), bytes, name, 0);
export const readEntry = (bytes) => readChoice(bytes, entries, 'entry', 0);
export const readTerms = (bytes) => readChoice(bytes, anyTerms, 'terms', 0);
export const readPresence = (bytes) => readChoice(bytes, presences, 'presence', 0);

// The items of a list as bytes, whatever they are.
export function itemsOf(bytes) {
  const cursor = new Cursor(bytes, 'list');
  cursor.label('list');
  const count = fromLe(cursor.part());
  const items = [];
  for (let i = 0n; i < count; i++) items.push(cursor.part());
  cursor.end();
  return items;
}

// What stands one after the other, each with 8 bytes of length before it.
export function partsOf(bytes) {
  const cursor = new Cursor(bytes, 'file');
  const parts = [];
  while (cursor.at < bytes.length) parts.push(cursor.part());
  return parts;
}

// ---- writing ----

const toBytes = (value) => (typeof value === 'string' ? unhex(value) : value);

function writeField(field, value) {
  switch (field.row) {
    case 'UINT':
    case 'TIME':
    case 'ENUM':
      if (!/^\d+$/.test(String(value))) throw new Error(`${field.name} is no integer`);
      return u64(value);
    case 'ID':
    case 'TEXT':
      return utf8(value);
    case 'LIST':
      return list(
        value.map((item) => (atoms[field.of] ? writeField(atoms[field.of], item) : write(field.of, item))),
      );
    case 'TR':
      return value instanceof Uint8Array ? value : write(field.of, value);
    case 'ENTRY':
    case 'PRESENCE':
    case 'ANY_TERMS':
      return value instanceof Uint8Array ? value : write(value._, value);
    default:
      return toBytes(value);
  }
}

// The encoding of a value as read gives it, or with bytes in hexadecimal and integers as JSON has them. What
// was written is read again, so nothing is written that would not be read.
export function write(name, value) {
  const type = typeOf(name);
  if (value._ !== undefined && value._ !== name) throw new Error(`a ${value._} in place of a ${name}`);
  const extra = Object.keys(value).filter((key) => key !== '_' && !type.fields.some((f) => f.name === key));
  if (extra.length) throw new Error(`${name} has no field ${extra}`);
  const bytes = tr(type.label, ...type.fields.map((f) => writeField(f, value[f.name])));
  read(name, bytes);
  return bytes;
}

// ---- where fields stand ----

function* placesOfField(field, bytes, at, path) {
  const choice = { ENTRY: entries, PRESENCE: presences, ANY_TERMS: anyTerms }[field.row];
  if (field.row === 'TR' || choice) {
    const type = choice ? labels.get(labelOf(bytes)) : types.get(field.of);
    yield* placesOfType(type, bytes, at, `${path}.`);
  } else if (field.row === 'LIST') {
    const cursor = new Cursor(bytes, path);
    cursor.label('list');
    const count = Number(fromLe(cursor.part()));
    for (let i = 0; i < count; i++) {
      const item = cursor.part();
      const of = atoms[field.of] ?? { row: 'TR', of: field.of };
      yield* placesOfField(of, item, at + cursor.at - item.length, `${path}[${i}]`);
    }
  } else if (bytes.length) {
    yield { path, at, length: bytes.length };
  }
}
function* placesOfType(type, bytes, at, path) {
  const cursor = new Cursor(bytes, path);
  cursor.label(type.label);
  for (const field of type.fields) {
    const part = cursor.part();
    yield* placesOfField(field, part, at + cursor.at - part.length, path + field.name);
  }
}
// Every field of a transcript that is no transcript or list itself: its path, offset and length.
export const placesOf = (name, bytes) => [...placesOfType(types.get(name), bytes, 0, '')];
