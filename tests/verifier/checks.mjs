// SPDX-License-Identifier: Apache-2.0
// Checks of docs/protocol.md that vectors and ledgers share.
import * as c from './crypto.mjs';
import { Refused, encodingOf, hex, list, read, same, tr, write } from './wire.mjs';

// What does not hold, and its name in the documents where the check has one.
export class Failure extends Error {
  constructor(what, verdict) {
    super(what);
    this.verdict = verdict;
  }
}
export function must(condition, what, verdict) {
  if (!condition) throw new Failure(what, verdict);
}
export const eq = (got, wanted, what, verdict) =>
  must(same(got, wanted), `${what}: ${hex(got).slice(0, 32)}, not ${hex(wanted).slice(0, 32)}`, verdict);

export const capsuleHash = (vid, svk) => c.hashTo('CAPSULE', write('capsule', { vid, svk }));

export function chainVerdict(vid, contexts, deltas) {
  let previous = vid;
  let firstBad = contexts.length;
  contexts.forEach((context, i) => {
    const sign = read('sign', context);
    must(same(sign.previous, previous) && sign.i === BigInt(i + 1), 'contexts do not chain');
    previous = c.H(context);
    if (firstBad === contexts.length && !c.blsHolds(sign.x, 'SIG', context, deltas[i])) firstBad = i;
  });
  return [firstBad === contexts.length ? 'VALID' : 'BAD_DIAGNOSIS_SIGNATURE', firstBad];
}

export const schnorrHolds = (pkv, message, proof) =>
  c.once('schnorr', [pkv, message, proof], () => checkSchnorr(pkv, message, proof));
function checkSchnorr(pkv, message, proof) {
  try {
    const Rk = c.G1(proof.subarray(0, 48));
    const challenge = c.kdfScalar('pok', tr('pok', pkv, proof.subarray(0, 48), message));
    return c.g1.multiply(c.scalar(proof.subarray(48))).equals(Rk.add(c.G1(pkv).multiply(challenge)));
  } catch (error) {
    if (error instanceof Refused) return false;
    throw error;
  }
}
export function checkAcceptance(visit, acceptance) {
  const message = tr('accept', c.H(encodingOf(visit)));
  must(c.edHolds(visit.av, message, acceptance.signature), 'the acceptance', 'BAD_ACCEPTANCE');
  must(schnorrHolds(visit.pkv, message, acceptance.proof), 'z g1 = Rk + c pkv', 'BAD_ACCEPTANCE_PROOF');
}
export function presenceHolds(visit, doctor, presence) {
  if (presence._ === 'waived') return true;
  const present = { vid: c.H(encodingOf(visit)), doctor, nonce: presence.nonce, time: presence.time };
  return c.edHolds(visit.av, write('present', present), presence.signature);
}
export const multisignatureHolds = (P, creds, contexts, sigma) =>
  c.once('multisignature', [P, sigma, ...creds, '/', ...contexts], () =>
    checkMultisignature(P, creds, contexts, sigma),
  );
function checkMultisignature(P, creds, contexts, sigma) {
  const Q = c.sum(creds.map((cred) => c.hashTo('CRED', cred)));
  return c.pairsToOne([
    [c.G1(sigma), c.g2.negate()],
    [Q, c.G2(P)],
    ...contexts.map((context) => [c.hashTo('SIG', context), c.G2(read('sign', context).x)]),
  ]);
}
export const capsuleHolds = (h, left, right, C) =>
  c.once('capsule', [h, left, right, C].map(c.encode), () =>
    c.pairsToOne([
      [left, h],
      [right.negate(), C],
    ]),
  );
export const tagOf = (kt, word) => c.HMAC(kt, write('keyword', { word })).subarray(0, 16);
export const sealedOf = (vid, lastContext, header) =>
  write('sealed', {
    vid,
    svk: header.svk,
    b: header.b,
    c: header.c,
    tags: header.tags,
    kc: header.kc,
    root: header.root,
    length: header.length,
    last_context: lastContext,
  });
export const caseOf = (vid, order, lastContext, sigma, header) =>
  write('case', {
    vid,
    order,
    last_context: lastContext,
    sigma,
    svk: header.svk,
    capsule: c.H(tr('capsule-hash', header.b, header.c)),
    tags: c.H(tr('tags', list(header.tags))),
    kc: header.kc,
    root: header.root,
    length: header.length,
    osig: c.H(header.osig),
  });
