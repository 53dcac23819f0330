// SPDX-License-Identifier: Apache-2.0
// The genesis, supernode sets and enrolments (docs/protocol.md 2.2 to 2.4; rows of docs/ledger.md).
import * as c from './crypto.mjs';
import { eq, must } from './checks.mjs';
import { encodingOf, hex, same, tr, utf8, write } from './wire.mjs';

const none = new Uint8Array();
export const roleName = (member) => ({ 1: 'hospital', 2: 'cloud' })[member.role];
export const setBytes = (number, members) => write('set', { number, members });

// ---- proofs of possession ----

function popHolds(pop, proof) {
  const message = write('pop', pop);
  const ed = pop.a.length > 0;
  if (proof.length !== (ed ? 112 : 48)) return false;
  if (!c.blsHolds(pop.x, 'POP', message, proof.subarray(0, 48))) return false;
  return !ed || c.edHolds(pop.a, message, proof.subarray(48));
}
const popOfMember = (ledger, m) => ({
  ledger,
  role: roleName(m),
  id: utf8(m.id),
  x: m.x,
  a: m.a,
  e: m.e,
  box: m.box,
  tls: m.tls,
  consensus: m.consensus,
});

// ---- rows ----

export function row(signers, index, role, who) {
  const signer = signers[index];
  must(signer && signer.role === role, `row ${index} is no ${role}`);
  must(who === null || same(signer.who, who), `row ${index} is of another`);
  return signer;
}
const message = (role, entry) => tr('entry', utf8(role), encodingOf(entry));
export function edRow(signers, index, role, who, key, entry) {
  const { signature } = row(signers, index, role, utf8(who));
  must(c.edHolds(key, message(role, entry), signature), `the signature as ${role}`);
}
export function authorityRow(signers, index, P, entry) {
  const { signature } = row(signers, index, 'authority', none);
  must(c.blsHolds(P, 'SIG', message('authority', entry), signature), 'the signature as authority');
}
// More than two thirds of the set; without: the place of a member that has no vote, two votes at least then.
export function setRow(signers, index, set, entry, without = -1) {
  const { who, signature } = row(signers, index, 'set', null);
  const places = c.bitmapPlaces(who, set.members.length);
  const voters = set.members.length - (without < 0 ? 0 : 1);
  must(!places.includes(without), 'a vote of who has none');
  must(places.length * 3 > voters * 2 && (without < 0 || places.length >= 2), 'not enough votes');
  must(
    c.jointHolds(
      set.members.map((m) => m.x),
      who,
      message('set', entry),
      signature,
    ),
    'the votes',
  );
}

// ---- keys ----

function memberDecodes(m) {
  must(m.role === 1n || m.role === 2n, 'role');
  must(
    (m.role === 1n) === (m.e.length === 32) && (m.role === 1n) === (m.box.length === 32),
    'keys of the role',
  );
  c.G2(m.x);
  c.edKey(m.a);
  if (m.role === 1n) [m.e, m.box].forEach(c.xKey);
}
const keysOf = (m) => [m.x, m.a, m.e, m.box].filter((key) => key.length > 0).map(hex);
const differ = (values) => must(new Set(values).size === values.length, 'a name or key twice');

// ---- genesis ----

export function checkGenesis({ entry, signers }) {
  must(entry._ === 'genesis', 'no genesis');
  const ledger = c.H(encodingOf(entry));
  const { authority, members, thresholds } = entry;
  c.G2(authority);
  must(thresholds.t <= thresholds.n, 'thresholds');
  must(thresholds.shares.length === (thresholds.n === 1n ? 0 : Number(thresholds.n)), 'shares');
  must(signers.length === members.length + 1, 'rows');
  members.forEach(memberDecodes);
  differ(members.map((m) => m.id));
  differ([hex(authority), ...members.flatMap(keysOf)]);
  const first = {
    ledger,
    role: 'authority',
    id: none,
    x: authority,
    a: none,
    e: none,
    box: none,
    tls: none,
    consensus: none,
  };
  must(popHolds(first, row(signers, 0, 'pop', none).signature), "the authority's proof of possession");
  members.forEach((m, i) => {
    const { signature } = row(signers, i + 1, 'pop', utf8(m.id));
    must(popHolds(popOfMember(ledger, m), signature), `the proof of possession of ${m.id}`);
  });
  return { ledger, set: setBytes(0n, members) };
}

// ---- one step ----

const sameMember = (a, b) => same(write('member', a), write('member', b));
const steps = {
  e_join(members, entry) {
    must(members.length < 64, 'no room');
    must(!members.some((m) => m.id === entry.member.id), 'a name twice');
    return [[...members, entry.member], -1];
  },
  e_leave(members, entry) {
    const place = members.findIndex((m) => sameMember(m, entry.member));
    must(place >= 0, 'no such member');
    return [members.filter((_, i) => i !== place), place];
  },
  e_rekey(members, entry) {
    const place = Number(entry.place);
    const old = members[place];
    must(old && old.id === entry.member.id && old.role === entry.member.role, 'another member');
    return [members.map((m, i) => (i === place ? entry.member : m)), place];
  },
};
const rowsOf = (entry) => (entry._ === 'e_leave' ? 2 : entry._ === 'e_join' ? 3 : 4 - Number(entry.lost));

// The encoding of the set that a signed Join, Leave or Rekey makes of the one before.
export function followSet(P, ledger, before, { entry, signers }) {
  must(Object.hasOwn(steps, entry._), 'no change of a set');
  eq(entry.ledger, ledger, 'ledger');
  must(entry.number === before.number + 1n, 'number');
  eq(entry.before, c.H(encodingOf(before) ?? write('set', before)), 'the set before');
  const [members, place] = steps[entry._](before.members, entry);
  must(signers.length === rowsOf(entry), 'rows');
  authorityRow(signers, 0, P, entry);
  setRow(signers, 1, before, entry, place);
  if (entry._ !== 'e_leave') {
    memberDecodes(entry.member);
    differ(members.flatMap(keysOf));
    const { signature } = row(signers, 2, 'pop', utf8(entry.member.id));
    must(popHolds(popOfMember(ledger, entry.member), signature), 'the proof of possession');
  }
  if (entry._ === 'e_rekey' && entry.lost === 0n)
    edRow(signers, 3, roleName(entry.member), entry.member.id, before.members[place].a, entry);
  return setBytes(entry.number, members);
}

// ---- enrolments ----

export const credOf = (e) =>
  write('cred', {
    ledger: e.ledger,
    doctor: e.doctor,
    hospital: Buffer.from(e.hospital).toString(),
    x: e.x,
    a: e.a,
    e: e.e,
    box: e.box,
    not_before: e.not_before,
    not_after: e.not_after,
  });

// Credential and proofs of an Enrol; its rows are the caller's.
export function checkEnrolment(P, e) {
  must(e._ === 'e_enrol', 'no Enrol');
  must(e.not_before < e.not_after, 'validity');
  c.edKey(e.a);
  c.xKey(e.box);
  if (e.kind === 2n) {
    must(
      [e.hospital, e.x, e.e, e.credential].every((field) => field.length === 0),
      'fields of a doctor',
    );
    const proof = write('pop_reader', { ledger: e.ledger, id: e.doctor, a: e.a, box: e.box });
    must(e.pops.length === 64 && c.edHolds(e.a, proof, e.pops), "the reader's proof of possession");
    return;
  }
  must(
    [e.hospital, e.x, e.e, e.credential].every((field) => field.length > 0),
    'fields of a reader',
  );
  c.xKey(e.e);
  const pop = {
    ledger: e.ledger,
    role: 'doctor',
    id: utf8(e.doctor),
    x: e.x,
    a: e.a,
    e: e.e,
    box: e.box,
    tls: none,
    consensus: none,
  };
  must(popHolds(pop, e.pops), "the doctor's proof of possession");
  must(c.blsHolds(P, 'CRED', credOf(e), e.credential), 'the credential');
}
