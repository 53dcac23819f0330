// SPDX-License-Identifier: Apache-2.0
// The genesis, supernode sets and enrolments (docs/protocol.md 2.2 to 2.4; rows of docs/ledger.md).
import * as c from './crypto.mjs';
import { eq, must } from './checks.mjs';
import { Refused, encodingOf, hex, same, tr, utf8, write } from './wire.mjs';

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

export function row(signers, index, role, who, verdict = 'BAD_ENTRY_SIGNATURE') {
  const signer = signers[index];
  must(signer && signer.role === role, `row ${index} is no ${role}`, verdict);
  must(who === null || same(signer.who, who), `row ${index} is of another`, verdict);
  return signer;
}
const message = (role, entry) => tr('entry', utf8(role), encodingOf(entry));
export function edRow(signers, index, role, who, key, entry) {
  const { signature } = row(signers, index, role, utf8(who));
  must(c.edHolds(key, message(role, entry), signature), `the signature as ${role}`, 'BAD_ENTRY_SIGNATURE');
}
export function authorityRow(signers, index, P, entry) {
  const { signature } = row(signers, index, 'authority', none);
  must(
    c.blsHolds(P, 'SIG', message('authority', entry), signature),
    'the signature as authority',
    'BAD_ENTRY_SIGNATURE',
  );
}
// More than two thirds of the set; without: the place of a member that has no vote, two votes at least then.
export function setRow(signers, index, set, entry, without = -1) {
  const { who, signature } = row(signers, index, 'set', null, 'NOT_ENOUGH_SIGNERS');
  const places = c.bitmapPlaces(who, set.members.length);
  const voters = set.members.length - (without < 0 ? 0 : 1);
  must(!places.includes(without), 'a vote of who has none', 'NOT_ENOUGH_SIGNERS');
  const enough = places.length * 3 > voters * 2 && (without < 0 || places.length >= 2);
  must(enough, 'not enough votes', 'NOT_ENOUGH_SIGNERS');
  must(
    c.jointHolds(
      set.members.map((m) => m.x),
      who,
      message('set', entry),
      signature,
    ),
    'the votes',
    'BAD_JOINT_SIGNATURE',
  );
}

// ---- keys ----

function memberDecodes(m, verdict) {
  must(m.role === 1n || m.role === 2n, 'role', verdict);
  must(
    (m.role === 1n) === (m.e.length === 32) && (m.role === 1n) === (m.box.length === 32),
    'keys of the role',
    verdict,
  );
  try {
    c.G2(m.x);
    c.edKey(m.a);
    if (m.role === 1n) [m.e, m.box].forEach(c.xKey);
  } catch (error) {
    if (!(error instanceof Refused)) throw error;
    must(false, `a key of ${m.id}: ${error.message}`, verdict);
  }
}
const keysOf = (m) => [m.x, m.a, m.e, m.box].filter((key) => key.length > 0).map(hex);
const differ = (values, verdict) =>
  must(new Set(values).size === values.length, 'a name or key twice', verdict);

export const thresholdsHold = ({ t, n, shares }) =>
  t <= n && shares.length === (n === 1n ? 0 : Number(n));

// ---- genesis ----

export function checkGenesis({ entry, signers }) {
  must(entry._ === 'genesis', 'no genesis', 'BAD_GENESIS');
  const ledger = c.H(encodingOf(entry));
  const { authority, members, thresholds } = entry;
  c.G2(authority);
  must(thresholdsHold(thresholds), 'thresholds', 'BAD_GENESIS');
  must(signers.length === members.length + 1, 'rows', 'BAD_GENESIS');
  members.forEach((m) => memberDecodes(m, 'BAD_GENESIS'));
  differ(
    members.map((m) => m.id),
    'BAD_GENESIS',
  );
  differ([hex(authority), ...members.flatMap(keysOf)], 'BAD_GENESIS');
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
  must(
    popHolds(first, row(signers, 0, 'pop', none, 'BAD_GENESIS').signature),
    "the authority's proof of possession",
    'BAD_POP',
  );
  members.forEach((m, i) => {
    const { signature } = row(signers, i + 1, 'pop', utf8(m.id), 'BAD_GENESIS');
    must(popHolds(popOfMember(ledger, m), signature), `the proof of possession of ${m.id}`, 'BAD_POP');
  });
  return { ledger, set: setBytes(0n, members) };
}

// ---- one step ----

const sameMember = (a, b) => same(write('member', a), write('member', b));
const steps = {
  e_join(members, entry) {
    must(members.length < 64, 'no room', 'BAD_SET');
    must(!members.some((m) => m.id === entry.member.id), 'a name twice', 'BAD_SET');
    return [[...members, entry.member], -1];
  },
  e_leave(members, entry) {
    const place = members.findIndex((m) => sameMember(m, entry.member));
    must(place >= 0, 'no such member', 'BAD_SET');
    return [members.filter((_, i) => i !== place), place];
  },
  e_rekey(members, entry) {
    const place = Number(entry.place);
    const old = members[place];
    const stays = old && old.id === entry.member.id && old.role === entry.member.role;
    must(stays, 'another member', 'BAD_SET');
    return [members.map((m, i) => (i === place ? entry.member : m)), place];
  },
};
const rowsOf = (entry) => (entry._ === 'e_leave' ? 2 : entry._ === 'e_join' ? 3 : 4 - Number(entry.lost));

// The encoding of the set that a signed Join, Leave or Rekey makes of the one before.
export function followSet(P, ledger, before, { entry, signers }) {
  must(Object.hasOwn(steps, entry._), 'no change of a set', 'BAD_SET');
  eq(entry.ledger, ledger, 'ledger', 'WRONG_LEDGER');
  must(entry.number === before.number + 1n, 'number', 'BAD_SET');
  eq(entry.before, c.H(encodingOf(before) ?? write('set', before)), 'the set before', 'BAD_SET');
  const [members, place] = steps[entry._](before.members, entry);
  must(signers.length === rowsOf(entry), 'rows', 'BAD_SET');
  authorityRow(signers, 0, P, entry);
  setRow(signers, 1, before, entry, place);
  if (entry._ !== 'e_leave') {
    memberDecodes(entry.member, 'BAD_SET');
    differ(members.flatMap(keysOf), 'BAD_SET');
    const { signature } = row(signers, 2, 'pop', utf8(entry.member.id), 'BAD_POP');
    must(popHolds(popOfMember(ledger, entry.member), signature), 'the proof of possession', 'BAD_POP');
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

const enrolFields = (e) => [e.hospital, e.x, e.e, e.credential];

// An Enrol by itself: its fields, then credential and proofs. Its rows are the caller's.
export function checkEnrolmentFields(e) {
  must(e._ === 'e_enrol', 'no Enrol', 'BAD_ENROLMENT');
  must(e.not_before < e.not_after, 'validity', 'BAD_ENROLMENT');
  const wanted = e.kind === 1n;
  const [hospital, ...rest] = enrolFields(e).map((field) => field.length > 0 === wanted);
  must(hospital, 'the hospital of an Enrol', 'BAD_ENROLMENT');
  must(rest.every(Boolean), 'fields of its kind', 'E_ABSENT');
  try {
    [e.box, ...(wanted ? [e.e] : [])].forEach(c.xKey);
  } catch (error) {
    if (!(error instanceof Refused)) throw error;
    must(false, error.message, 'BAD_ENROLMENT');
  }
}
export function checkEnrolmentProofs(P, e) {
  if (e.kind === 2n) {
    const proof = write('pop_reader', { ledger: e.ledger, id: e.doctor, a: e.a, box: e.box });
    const holds = e.pops.length === 64 && c.edHolds(e.a, proof, e.pops);
    must(holds, "the reader's proof of possession", 'BAD_POP');
    return;
  }
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
  must(c.blsHolds(P, 'CRED', credOf(e), e.credential), 'the credential', 'BAD_CREDENTIAL');
  must(popHolds(pop, e.pops), "the doctor's proof of possession", 'BAD_POP');
}
export function checkEnrolment(P, e) {
  checkEnrolmentFields(e);
  checkEnrolmentProofs(P, e);
}
