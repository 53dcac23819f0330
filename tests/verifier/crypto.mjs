// SPDX-License-Identifier: Apache-2.0
// The cryptography of docs/protocol.md 1.1 to 1.9, on @noble's libraries and nothing of this project.
import { bls12_381 } from '@noble/curves/bls12-381.js';
import { ed25519, x25519 } from '@noble/curves/ed25519.js';
import { sha256, sha512 } from '@noble/hashes/sha2.js';
import { hmac } from '@noble/hashes/hmac.js';
import { extract, expand } from '@noble/hashes/hkdf.js';
import { blake2b } from '@noble/hashes/blake2.js';
import { xchacha20poly1305 } from '@noble/ciphers/chacha.js';
import { hsalsa, xsalsa20poly1305 } from '@noble/ciphers/salsa.js';
import { Refused, fromLe, hex, join, le, list, same, tr, u64, utf8 } from './wire.mjs';

// ---- 1.5, 1.6 ----

export const H = (bytes) => sha256(bytes);
export const HMAC = (key, message) => hmac(sha256, key, message);

export function KDF(label, ikm, info = new Uint8Array(), length = 32) {
  return expand(sha256, extract(sha256, ikm, utf8('BCEMR-V1')), tr(label, info, u64(length)), length);
}
export function kdfScalar(label, ikm, info = new Uint8Array()) {
  for (let n = 0; ; n++) {
    const bytes = KDF(label, ikm, n === 0 ? info : tr('ctr', info, u64(n)), 48);
    const x = fromLe(bytes) % q;
    if (x !== 0n) return x;
  }
}

export const leafHash = (bytes) => H(join([0], bytes));
export const nodeHash = (left, right) => H(join([1], left, right));
// The tree hash of RFC 6962 over leaf hashes.
export function rootOf(hashes) {
  if (hashes.length === 0) return H(new Uint8Array());
  if (hashes.length === 1) return hashes[0];
  let split = 1;
  while (split * 2 < hashes.length) split *= 2;
  return nodeHash(rootOf(hashes.slice(0, split)), rootOf(hashes.slice(split)));
}
export function pieces(bytes, size) {
  const out = [];
  for (let at = 0; at < bytes.length; at += size) out.push(bytes.subarray(at, at + size));
  return out;
}
export const Hdoc = (bytes) => rootOf(pieces(bytes, 65536).map(leafHash));

// RFC 6962 2.1.1 and 2.1.2, as RFC 9162 words their verification.
export function inclusionHolds(leaf, index, size, path, root) {
  if (index >= size) return false;
  let [fn, sn, r] = [index, size - 1n, leaf];
  for (const p of path) {
    if (sn === 0n) return false;
    if (fn & 1n || fn === sn) {
      r = nodeHash(p, r);
      while (!(fn & 1n) && fn !== 0n) [fn, sn] = [fn >> 1n, sn >> 1n];
    } else {
      r = nodeHash(r, p);
    }
    [fn, sn] = [fn >> 1n, sn >> 1n];
  }
  return sn === 0n && same(r, root);
}
export function consistencyHolds(first, second, firstRoot, secondRoot, path) {
  if (first < 1n || first > second) return false;
  if (first === second) return path.length === 0 && same(firstRoot, secondRoot);
  const rest = [...path];
  if ((first & (first - 1n)) === 0n) rest.unshift(firstRoot);
  if (rest.length === 0) return false;
  let [fn, sn] = [first - 1n, second - 1n];
  while (fn & 1n) [fn, sn] = [fn >> 1n, sn >> 1n];
  let [fr, sr] = [rest[0], rest[0]];
  for (const c of rest.slice(1)) {
    if (sn === 0n) return false;
    if (fn & 1n || fn === sn) {
      [fr, sr] = [nodeHash(c, fr), nodeHash(c, sr)];
      while (!(fn & 1n) && fn !== 0n) [fn, sn] = [fn >> 1n, sn >> 1n];
    } else {
      sr = nodeHash(sr, c);
    }
    [fn, sn] = [fn >> 1n, sn >> 1n];
  }
  return sn === 0n && same(fr, firstRoot) && same(sr, secondRoot);
}

// What was computed for the same input before: changed copies are checked many times over.
const known = new Map();
export function once(name, inputs, compute) {
  const key = [name, ...inputs.map((input) => (typeof input === 'string' ? input : hex(input)))].join(' ');
  if (!known.has(key)) known.set(key, compute());
  return known.get(key);
}

// ---- 1.1 to 1.3: groups, scalars, points ----

const { Fp, Fp2, Fp12, Fr } = bls12_381.fields;
const P1 = bls12_381.G1.Point ?? bls12_381.G1.ProjectivePoint;
const P2 = bls12_381.G2.Point ?? bls12_381.G2.ProjectivePoint;
export const q = Fr.ORDER;
const p = Fp.ORDER;
export const g1 = P1.BASE;
export const g2 = P2.BASE;

const be = (bytes) => BigInt(`0x${hex(bytes)}`);

function pointFrom(bytes, length, xOf, field, b, greater, make) {
  const refuse = (status) => {
    throw new Refused(status);
  };
  if (bytes.length !== length) refuse('E_POINT_ENCODING');
  const [compressed, infinity, sign] = [bytes[0] & 0x80, bytes[0] & 0x40, bytes[0] & 0x20];
  const rest = Uint8Array.from(bytes);
  rest[0] &= 0x1f;
  if (!compressed) refuse('E_POINT_ENCODING');
  if (infinity) refuse(!sign && rest.every((byte) => byte === 0) ? 'E_POINT_IDENTITY' : 'E_POINT_ENCODING');
  const x = xOf(rest);
  if (x === null) refuse('E_POINT_ENCODING');
  const y2 = field.add(field.mul(field.sqr(x), x), b);
  let y;
  try {
    y = field.sqrt(y2);
  } catch {
    refuse('E_POINT_NOT_ON_CURVE');
  }
  if (!field.eql(field.sqr(y), y2)) refuse('E_POINT_NOT_ON_CURVE');
  if (greater(y) !== !!sign) y = field.neg(y);
  const point = make({ x, y });
  if (!point.isTorsionFree()) refuse('E_POINT_NOT_IN_GROUP');
  return point;
}

const half = (p - 1n) / 2n;
export const G1 = (bytes) => once('G1', [bytes], () => g1From(bytes));
export const G2 = (bytes) => once('G2', [bytes], () => g2From(bytes));
const g1From = (bytes) =>
  pointFrom(
    bytes,
    48,
    (rest) => (be(rest) < p ? be(rest) : null),
    Fp,
    4n,
    (y) => y > half,
    (at) => P1.fromAffine(at),
  );
const g2From = (bytes) =>
  pointFrom(
    bytes,
    96,
    (rest) => {
      const [c1, c0] = [be(rest.subarray(0, 48)), be(rest.subarray(48))];
      return c0 < p && c1 < p ? Fp2.fromBigTuple([c0, c1]) : null;
    },
    Fp2,
    Fp2.fromBigTuple([4n, 4n]),
    (y) => (y.c1 === 0n ? y.c0 > half : y.c1 > half),
    (at) => P2.fromAffine(at),
  );
export const encode = (point) => (point.toBytes ? point.toBytes(true) : point.toRawBytes(true));
export function scalar(bytes) {
  const x = fromLe(bytes);
  if (bytes.length !== 32 || x >= q) throw new Refused('E_SCALAR_RANGE');
  if (x === 0n) throw new Refused('E_SCALAR_ZERO');
  return x;
}
export const fromScalar = (x) => le(x, 32);
export const inverse = (x) => Fr.inv(x);
export const sum = (points) => points.reduce((a, b) => a.add(b));

const suites = { CAPSULE: [bls12_381.G2, 'BLS12381G2_XMD:SHA-256_SSWU_RO_'] };
export function hashTo(purpose, message) {
  const [group, suite] = suites[purpose] ?? [bls12_381.G1, 'BLS12381G1_XMD:SHA-256_SSWU_RO_'];
  return group.hashToCurve(message, { DST: `BCEMR-V1-${purpose}_${suite}` });
}

// ---- 1.7: GT ----

function encodeGT(f) {
  const out = [];
  for (const i of [0, 1, 2])
    for (const j of [0, 1]) {
      const c = [f.c0, f.c1][j];
      const { c0, c1 } = [c.c0, c.c1, c.c2][i];
      out.push(le(c0, 48).reverse(), le(c1, 48).reverse());
    }
  return join(...out);
}
// Whatever the library's convention is, its Z to this power is the protocol's (1.7, 16).
const Z_HASH = '4bb3f049849e856bd6879346f3978c28b031a407701c01ebb19d74a35c645520';
const zOfLibrary = bls12_381.pairing(g1, g2);
const three = Fr.inv(3n);
export const power = [1n, q - 1n, 3n, q - 3n, three, q - three].find(
  (k) => hex(H(encodeGT(Fp12.pow(zOfLibrary, k)))) === Z_HASH,
);
if (power === undefined) throw new Error("no power of the library's pairing is the protocol's");
const Z = Fp12.pow(zOfLibrary, power);
export const gtPower = (r) => encodeGT(Fp12.pow(Z, r));
// e(point, g2) as 576 bytes
export const pairWithG2 = (point) => encodeGT(Fp12.pow(bls12_381.pairing(point, g2), power));

// The product of e(P, Q) over all pairs is one.
export function pairsToOne(pairs) {
  const product = bls12_381.pairingBatch(pairs.map(([a, b]) => ({ g1: a, g2: b })));
  return Fp12.eql(product, Fp12.ONE);
}

// ---- 1.8: signatures ----

const orRefused = (check) => {
  try {
    return check();
  } catch (error) {
    if (error instanceof Refused) return false;
    throw error;
  }
};

export const sign = (x, purpose, message) => encode(hashTo(purpose, message).multiply(x));
export const blsHolds = (key, purpose, message, signature) =>
  once('bls', [key, purpose, message, signature], () =>
    orRefused(() =>
      pairsToOne([
        [G1(signature), g2.negate()],
        [hashTo(purpose, message), G2(key)],
      ]),
    ),
  );

export const bitmapBit = (bitmap, place) => ((bitmap[place >> 3] >> (place & 7)) & 1) === 1;
export function bitmapPlaces(bitmap, n) {
  if (bitmap.length !== Math.ceil(n / 8)) throw new Refused('E_BITMAP');
  for (let i = n; i < bitmap.length * 8; i++) if (bitmapBit(bitmap, i)) throw new Refused('E_BITMAP');
  return [...Array(n).keys()].filter((i) => bitmapBit(bitmap, i));
}
export const weightHash = (key, members) => H(tr('weight', key, list(members)));
export const weight = (key, members) => fromLe(weightHash(key, members).subarray(0, 16));
export function jointHolds(keys, bitmap, message, signature) {
  return once('joint', [bitmap, message, signature, ...keys], () =>
    orRefused(() => {
      const members = bitmapPlaces(bitmap, keys.length).map((i) => keys[i]);
      if (members.length === 0) return false;
      const key = sum(members.map((x) => G2(x).multiply(weight(x, members))));
      return pairsToOne([
        [G1(signature), g2.negate()],
        [hashTo('SIG', message), key],
      ]);
    }),
  );
}

// ---- Ed25519 (1.3, 1.8) ----

const Ed = ed25519.Point ?? ed25519.ExtendedPoint;
const L = 2n ** 252n + 27742317777372353535851937790883648493n;
const p25519 = 2n ** 255n - 19n;
const edBytes = (point) => (point.toBytes ? point.toBytes() : point.toRawBytes());
export function edPoint(bytes) {
  const y = fromLe(bytes) & ((1n << 255n) - 1n);
  if (y >= p25519) throw new Refused('E_ED25519_ENCODING');
  try {
    return Ed.fromHex(Uint8Array.from(bytes), true);
  } catch {
    throw new Refused('E_ED25519_ENCODING');
  }
}
export function edKey(bytes) {
  const point = edPoint(bytes);
  if (point.isSmallOrder() || !point.isTorsionFree()) throw new Refused('E_ED25519_SMALL_ORDER');
  return point;
}
export const edPublic = (seed) => ed25519.getPublicKey(seed);
export const edSign = (seed, message) => ed25519.sign(message, seed);
export const edHolds = (key, message, signature) =>
  once('ed', [key, message, signature], () => checkEd(key, message, signature));
const checkEd = (key, message, signature) =>
  orRefused(() => {
    const [r, s] = [signature.subarray(0, 32), fromLe(signature.subarray(32))];
    if (signature.length !== 64 || s >= L) return false;
    const [A, R] = [edPoint(key), edPoint(r)];
    if (A.isSmallOrder() || R.isSmallOrder()) return false;
    const k = fromLe(sha512(join(r, key, message))) % L;
    const left = s === 0n ? Ed.ZERO : Ed.BASE.multiply(s);
    const right = k === 0n ? Ed.ZERO : A.multiply(k);
    return same(edBytes(left.subtract(right)), r);
  });

// ---- X25519 and boxes (1.9) ----

const smallOrder = [
  0n,
  1n,
  325606250916557431795983626356110631294008115727848805560023387167927233504n,
  39382357235489614581723060781553021112529911719440698176882885853963445705823n,
  p25519 - 1n,
];
export function xKey(bytes) {
  const u = fromLe(bytes);
  if (u >= p25519) throw new Refused('E_X25519_ENCODING');
  if (smallOrder.includes(u)) throw new Refused('E_X25519_SMALL_ORDER');
  return bytes;
}
export const xPublic = (secret) => x25519.getPublicKey(secret);
export const DH = (secret, key) => x25519.getSharedSecret(secret, key);

export const aeadSeal = (key, nonce, message, ad) => xchacha20poly1305(key, nonce, ad).encrypt(message);
export function aeadOpen(key, nonce, box, ad) {
  try {
    return xchacha20poly1305(key, nonce, ad).decrypt(box);
  } catch {
    return null;
  }
}

const words = (bytes) => new Uint32Array(Uint8Array.from(bytes).buffer);
// libsodium's crypto_box_seal
export function sealedBoxOpen(secret, box) {
  const [once, key] = [box.subarray(0, 32), xPublic(secret)];
  const shared = new Uint32Array(8);
  const sigma = words(utf8('expand 32-byte k'));
  hsalsa(sigma, words(DH(secret, once)), new Uint32Array(4), shared);
  const nonce = blake2b(join(once, key), { dkLen: 24 });
  try {
    return xsalsa20poly1305(new Uint8Array(shared.buffer), nonce).decrypt(box.subarray(32));
  } catch {
    return null;
  }
}
export const boxSecretFromSeed = (seed) => sha512(seed).subarray(0, 32);

// ---- chunks (5.5) ----

export const chunkNonce = (number, last) => join(u64(number), new Uint8Array(15), [last ? 1 : 0]);
export function sealChunks(key, bytes, ad) {
  const parts = pieces(bytes, 65536);
  return parts.map((part, c) => aeadSeal(key, chunkNonce(c, c === parts.length - 1), part, ad));
}
