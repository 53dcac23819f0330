// SPDX-License-Identifier: Apache-2.0
// A case file with the genesis and nothing else (docs/case-file.md). Sections named here are that document's.
import * as c from './crypto.mjs';
import { checkAcceptance, eq, multisignatureHolds, must, presenceHolds } from './checks.mjs';
import { checkCheckpoint } from './log.mjs';
import {
  authorityRow,
  checkEnrolmentFields,
  checkEnrolmentProofs,
  checkGenesis,
  credOf,
  edRow,
  followSet,
  roleName,
  setRow,
  thresholdsHold,
} from './sets.mjs';
import { Refused, encodingOf, fromLe, list, read, same, utf8, write } from './wire.mjs';

const text = (bytes) => Buffer.from(bytes).toString();
const HEAD_AT_MOST = 1n << 25n;
const ENTRY_AT_MOST = 65536;

const entryOf = (inclusion) => inclusion.leaf.signed_entry.entry;
const rowsOf = (inclusion) => inclusion.leaf.signed_entry.signers;
const of = (members, id, role) => members.find((m) => m.id === id && roleName(m) === role);
const apart = (a, b) => (a > b ? a - b : b - a);
const ascend = (values) => values.every((value, i) => i === 0 || values[i - 1] < value);

// ---- what the file and the steps before say of a leaf or block ----

class Case {
  constructor(genesis, bytes) {
    this.genesis = genesis;
    this.ledger = genesis.ledger;
    this.authority = genesis.entry.authority;
    this.bytes = bytes;
  }
  setAt(index) {
    return this.walked.findLast((step) => step.index <= index).set;
  }
  memberAt(index, id, role) {
    return of(this.setAt(index).members, id, role);
  }
  parametersAt(height) {
    const upgrade = this.file.upgrades.map(entryOf).findLast((entry) => entry.height <= height);
    return upgrade ?? this.genesis.entry;
  }
}

// ---- 3.1 ----

function readFile(k) {
  const { bytes } = k;
  must(bytes.length >= 8, 'no length of the head', 'BAD_CASE_FILE');
  const length = fromLe(bytes.subarray(0, 8));
  must(length >= 1n && length <= HEAD_AT_MOST, 'the length of the head', 'BAD_CASE_FILE');
  must(length <= BigInt(bytes.length - 8), 'the file ends before the head', 'BAD_CASE_FILE');
  k.file = read('case_file', bytes.subarray(8, 8 + Number(length)));
  k.documents = bytes.subarray(8 + Number(length));
  const { sets, upgrades, enrolments, header, body } = k.file;
  for (const inclusion of [...sets, ...upgrades, ...enrolments, header, ...body])
    if (encodingOf(entryOf(inclusion)).length > ENTRY_AT_MOST) throw new Refused('E_TOO_LONG', 'entry');
  for (const part of [sets, upgrades, body])
    must(ascend(part.map((inclusion) => inclusion.index)), 'indexes do not ascend', 'BAD_CASE_FILE');
  const last = body.at(-1).index;
  must(entryOf(header)._ === 'case_header', 'no case header', 'BAD_CASE_FILE');
  must(header.index === last + 1n, 'the index of the case header', 'BAD_CASE_FILE');
  must(
    upgrades.every((upgrade) => upgrade.index < last),
    'an Upgrade after the Seal',
    'BAD_CASE_FILE',
  );
}

// ---- 3.2 ----

function included(k) {
  const { checkpoint, sets, upgrades, enrolments, header, body } = k.file;
  const { size, root } = checkpoint.checkpoint;
  for (const inclusion of [...sets, ...upgrades, ...enrolments, header, ...body]) {
    must(inclusion.size === size && inclusion.index < size, 'another tree', 'BAD_INCLUSION');
    const leaf = c.leafHash(encodingOf(inclusion.leaf));
    must(c.inclusionHolds(leaf, inclusion.index, size, inclusion.path, root), 'the path', 'BAD_INCLUSION');
  }
}

// ---- 3.3, 3.4 ----

function walkSets(k) {
  k.walked = [{ index: -1n, set: read('set', k.genesis.set) }];
  for (const { leaf, index } of k.file.sets) {
    const set = followSet(k.authority, k.ledger, k.walked.at(-1).set, leaf.signed_entry);
    k.walked.push({ index, set: read('set', set) });
  }
}

// ---- 3.5 ----

function upgradesHold(k) {
  let [rules, height] = [k.genesis.entry.rules, 0n];
  for (const { leaf, index } of k.file.upgrades) {
    const { entry, signers } = leaf.signed_entry;
    const set = k.setAt(index);
    must(entry._ === 'e_upgrade', 'no Upgrade', 'BAD_UPGRADE');
    eq(entry.ledger, k.ledger, 'the ledger of an Upgrade', 'WRONG_LEDGER');
    must(entry.number === set.number, 'the set of an Upgrade', 'BAD_SET');
    eq(entry.set, c.H(encodingOf(set)), 'the set of an Upgrade', 'BAD_SET');
    must(thresholdsHold(entry.thresholds), 'thresholds', 'BAD_UPGRADE');
    must(entry.rules === rules + 1n, 'the rule version', 'BAD_UPGRADE');
    must(entry.height > leaf.height && entry.height > height, 'not ahead', 'BAD_UPGRADE');
    must(signers.length === 2, 'rows', 'BAD_ENTRY_SIGNATURE');
    authorityRow(signers, 0, k.authority, entry);
    setRow(signers, 1, set, entry);
    [rules, height] = [entry.rules, entry.height];
  }
}

// ---- 3.6 ----

const teamAscends = (team) => ascend(team.map((doctor) => doctor.deadline));
const noneTwice = (team) => new Set(team.map((doctor) => doctor.doctor)).size === team.length;

// What the body makes of the visit, entry by entry.
class Visit {
  constructor(k, admit) {
    const { visit } = admit;
    this.v = visit;
    this.admit = admit;
    this.vid = c.H(encodingOf(visit));
    eq(visit.ledger, admit.ledger, 'the ledger of V', 'WRONG_LEDGER');
    must(new Set(visit.clouds).size === visit.clouds.length, 'a cloud twice', 'BAD_TICKET');
    must(visit.u <= BigInt(visit.clouds.length), 'u', 'BAD_TICKET');
    must(noneTwice(visit.team) && teamAscends(visit.team), 'the team', 'BAD_TEAM');
    must(visit.team[0].deadline > visit.issued, 'the first deadline', 'BAD_TICKET');
    c.G1(visit.pkv);
    c.edKey(visit.av);
    visit.team.forEach((doctor) => [c.G2(doctor.x), c.xKey(doctor.e)]);
    eq(this.vid, entryOf(k.file.header).vid, 'vid of the case header', 'NOT_ADMITTED');
    this.order = this.vid;
    this.amends = [];
    this.named = visit.team.map(() => k.file.body[0].index); // the index of the entry that named each place
    this.team = [...visit.team];
    this.signed = []; // of each place the version that counts
    this.versions = new Map(); // every Sign by its index in the log
    this.pending = false;
    this.seal = null;
  }

  e_amend({ amend, signature }, { leaf, index }) {
    const { signed } = this;
    must(amend.number === BigInt(this.amends.length + 1), 'its number', 'BAD_AMENDMENT_CHAIN');
    eq(amend.previous, this.order, 'the order before', 'BAD_AMENDMENT_CHAIN');
    must(amend.signed_count === BigInt(signed.length), 'who has signed', 'BAD_AMENDMENT_CHAIN');
    const kept = this.team.slice(0, signed.length);
    this.team = [...kept, ...amend.tail];
    this.named = [...this.named.slice(0, signed.length), ...amend.tail.map(() => index)];
    must(this.team.length <= 64 && noneTwice(this.team), 'the order', 'BAD_TEAM');
    const first = amend.tail[0].deadline;
    must(teamAscends(amend.tail) && first > amend.issued && first > leaf.tau, 'deadlines', 'BAD_TEAM');
    this.order = c.H(encodingOf(amend));
    this.amends.push({ bytes: encodingOf(amend), signature, index });
  }

  e_sign(entry, { leaf, index }) {
    const [at, count] = [Number(entry.i) - 1, this.signed.length];
    must(entry.a === BigInt(this.amends.length), 'another order', 'NOT_IN_ORDER');
    const again = at === count - 1 && this.pending && entry.k === this.signed[at].k + 1n;
    must(again || (at === count && at < this.team.length && entry.k === 0n), 'whose turn', 'NOT_IN_ORDER');
    const last = at === this.team.length - 1;
    must(entry.svk.length > 0 === last, 'svk', 'WRONG_SEAL_KEY');
    const { doctor, x, deadline } = this.team[at];
    must(entry.time <= deadline, 'past the deadline', 'PAST_DEADLINE');
    const context = write('sign', {
      order: this.order,
      i: entry.i,
      k: entry.k,
      doctor,
      x,
      time: entry.time,
      previous: at === 0 ? this.vid : this.signed[at - 1].hash,
      commitment: entry.commitment,
      svk: entry.svk,
    });
    const sign = { ...entry, at, doctor: this.team[at], context, hash: c.H(context), height: leaf.height };
    sign.named = this.named[at];
    sign.before = this.signed[at - 1];
    this.signed[at] = sign;
    this.versions.set(index, sign);
    this.pending = false;
  }

  e_reissue(entry, { leaf, index }) {
    const at = Number(entry.i) - 1;
    const last = this.signed.at(-1);
    must(last && at === last.at && !this.pending, 'whose, or when', 'BAD_CASE_BLOCK');
    must(entry.k === last.k, 'the version', 'BAD_CASE_BLOCK');
    must(entry.k < this.v.reissues, 'too often', 'REISSUE_LIMIT');
    must(leaf.tau <= last.doctor.deadline, 'too late', 'PAST_DEADLINE');
    this.versions.set(index, { asked: last, asker: this.team[at + 1], named: this.named[at + 1] });
    this.pending = true;
  }

  e_seal(entry) {
    const { record_case: record } = entry;
    must(this.signed.length === this.team.length && !this.pending, 'not all signed', 'BAD_CASE_BLOCK');
    const last = this.signed.at(-1);
    eq(record.vid, this.vid, 'vid of the case', 'BAD_CASE_BLOCK');
    eq(record.order, this.order, 'the order of the case', 'BAD_CASE_BLOCK');
    eq(record.last_context, last.hash, 'the last context of the case', 'BAD_CASE_BLOCK');
    eq(record.svk, last.svk, 'svk of the case', 'BAD_CASE_BLOCK');
    this.seal = entry;
  }
}
const inBody = ['e_amend', 'e_sign', 'e_reissue', 'e_seal'];

function replay(k) {
  const [first, ...rest] = k.file.body;
  const admit = entryOf(first);
  must(admit._ === 'e_admit', 'the first entry is no Admit', 'NOT_ADMITTED');
  const visit = new Visit(k, admit);
  for (const inclusion of rest) {
    const entry = entryOf(inclusion);
    must(inBody.includes(entry._) && !visit.seal, 'an entry in a wrong place', 'BAD_CASE_BLOCK');
    visit[entry._](entry, inclusion);
  }
  must(visit.seal, 'no Seal', 'BAD_CASE_BLOCK');
  eq(admit.ledger, k.ledger, 'the ledger of the Admit', 'WRONG_LEDGER');
  k.visit = visit;
}

// ---- 3.7 ----

const vidOf = { e_amend: (entry) => entry.amend.vid, e_seal: (entry) => entry.record_case.vid };

function blockHolds(k) {
  const { body, header } = k.file;
  const [entry, { vid, seal }] = [entryOf(header), k.visit];
  eq(entry.vid, vid, 'vid of the case header', 'BAD_CASE_BLOCK');
  eq(entry.body, c.H(list(body.map(({ leaf }) => encodingOf(leaf)))), 'H(body)', 'BAD_CASE_BLOCK');
  body.forEach((inclusion, i) => {
    const of = entryOf(inclusion);
    eq(of.ledger, k.ledger, 'the ledger of an entry', 'BAD_CASE_BLOCK');
    if (i > 0) eq((vidOf[of._] ?? ((e) => e.vid))(of), vid, 'vid of an entry', 'BAD_CASE_BLOCK');
    const before = body[i - 1]?.leaf;
    const falls = before && (inclusion.leaf.height < before.height || inclusion.leaf.tau < before.tau);
    must(!falls, 'height or time falls', 'BAD_CASE_BLOCK');
  });
  must(body.at(-1).leaf.tau === entry.tau, 'the time of the case header', 'BAD_CASE_BLOCK');
  eq(entry.record_case, c.H(encodingOf(seal.record_case)), 'H(case)', 'BAD_CASE_BLOCK');
}

function confirmationsHold(k) {
  const { v, seal } = k.visit;
  const at = k.file.body.at(-1).index;
  const members = [k.memberAt(at, v.hospital, 'hospital'), ...v.clouds.map((id) => k.memberAt(at, id, 'cloud'))];
  const present = members.slice(1).filter(Boolean).length;
  const places = c.bitmapPlaces(seal.confirmers, members.length);
  const due = Math.max(1, Math.min(Number(v.u), present));
  must(places[0] === 0 && places.length - 1 >= due, 'too few confirmed', 'NOT_ENOUGH_SIGNERS');
  must(
    places.every((place) => members[place]),
    'one who confirmed is not in the set',
    'BAD_JOINT_SIGNATURE',
  );
  const keys = members.map((member) => member?.x ?? new Uint8Array());
  const holds = c.jointHolds(keys, seal.confirmers, encodingOf(seal.record_case), seal.signature);
  must(holds, 'the joint signature over the case', 'BAD_JOINT_SIGNATURE');
}

function caseHolds(k) {
  blockHolds(k);
  confirmationsHold(k);
  const { v, admit, amends, signed } = k.visit;
  const hospitalAt = (index, message, signature) => {
    const hospital = k.memberAt(index, v.hospital, 'hospital');
    return hospital && c.edHolds(hospital.a, message, signature);
  };
  const ticket = hospitalAt(k.file.body[0].index, encodingOf(v), admit.signature);
  must(ticket, 'sigma_V', 'BAD_TICKET_SIGNATURE');
  for (const { bytes, signature, index } of amends)
    must(hospitalAt(index, bytes, signature), 'an amendment', 'BAD_AMENDMENT_SIGNATURE');
  checkAcceptance(v, admit.acceptance);
  must(ascend(signed.map((sign) => sign.time)), 'times do not ascend', 'TIME_ORDER');
  signed.forEach(deltaHolds);
}
function deltaHolds({ doctor, context, delta }) {
  must(c.blsHolds(doctor.x, 'SIG', context, delta), `delta of ${doctor.doctor}`, 'BAD_DIAGNOSIS_SIGNATURE');
}

// ---- 3.8 ----

function enrolmentHolds(k, { leaf, index }) {
  const { entry, signers } = leaf.signed_entry;
  const { members } = k.setAt(index);
  must(entry._ === 'e_enrol' && entry.kind === 1n, 'no Enrol of a doctor', 'BAD_ENROLMENT');
  eq(entry.ledger, k.ledger, 'the ledger of an Enrol', 'WRONG_LEDGER');
  checkEnrolmentFields(entry);
  must(!members.some((m) => m.id === entry.doctor), "a supernode's ID", 'BAD_ENROLMENT');
  const hospital = of(members, text(entry.hospital), 'hospital');
  must(hospital, 'its hospital is not in the set', 'BAD_ENROLMENT');
  must(signers.length === 1 || signers.length === 2, 'rows of an Enrol', 'BAD_ENTRY_SIGNATURE');
  edRow(signers, 0, 'hospital', hospital.id, hospital.a, entry);
  const second = signers[1];
  if (second?.role === 'doctor') {
    const own = same(second.who, utf8(entry.doctor)) && second.signature.length === 64;
    must(own, 'the row of the key before', 'BAD_ENTRY_SIGNATURE');
  } else if (second) {
    const other = of(members, text(second.who), second.role);
    must(other && other.id !== hospital.id, 'the second supernode', 'BAD_ENTRY_SIGNATURE');
    edRow(signers, 1, second.role, other.id, other.a, entry);
  }
  checkEnrolmentProofs(k.authority, entry);
}
function enrolmentsHold(k) {
  must(k.file.enrolments.length >= k.visit.team.length, 'enrolments are missing', 'NOT_ENROLLED');
  k.file.enrolments.forEach((inclusion) => enrolmentHolds(k, inclusion));
}

// ---- 3.9 ----

function fits(enrolment, doctor, named) {
  const entry = enrolment && entryOf(enrolment);
  const right = entry && entry.doctor === doctor.doctor && same(entry.x, doctor.x) && same(entry.e, doctor.e);
  must(right && enrolment.index < named, `the enrolment of ${doctor.doctor}`, 'NOT_ENROLLED');
  return entry;
}

function admitFits(k, { leaf, index }) {
  const { v } = k.visit;
  must(v.reissues === k.parametersAt(leaf.height).reissues, 'N', 'BAD_TICKET');
  must(v.team[0].deadline > leaf.tau, 'admitted after the deadline', 'BAD_TICKET');
  must(
    v.clouds.every((id) => k.memberAt(index, id, 'cloud')),
    'a cloud outside the set',
    'BAD_TICKET',
  );
}
function signFits(k, { leaf, index }) {
  const sign = k.visit.versions.get(index);
  const entry = fits(k.file.enrolments[sign.at], sign.doctor, sign.named);
  must(!sign.before || sign.time > sign.before.time, 'the time before', 'TIME_ORDER');
  const difference = k.parametersAt(leaf.height).clock_difference;
  must(apart(leaf.tau, sign.time) <= difference, 'the clock difference', 'CLOCK_DIFFERENCE');
  must(entry.not_before <= leaf.tau && leaf.tau <= entry.not_after, 'validity', 'NOT_ENROLLED');
}
function reissueFits(k, inclusion, used) {
  const { asked, asker, named } = k.visit.versions.get(inclusion.index);
  const [entry, signers] = [entryOf(inclusion), rowsOf(inclusion)];
  deltaHolds(asked);
  must(signers.length === 1, 'rows of a Reissue', 'BAD_ENTRY_SIGNATURE');
  if (!asker) {
    const hospital = k.memberAt(inclusion.index, k.visit.v.hospital, 'hospital');
    must(hospital, 'the hospital is not in the set', 'BAD_ENTRY_SIGNATURE');
    edRow(signers, 0, 'hospital', hospital.id, hospital.a, entry);
    return;
  }
  const { enrolments } = k.file;
  let at = enrolments.slice(0, used.count).findIndex((known) => same(entryOf(known).x, asker.x));
  if (at < 0) at = used.count++;
  const enrolment = fits(enrolments[at], asker, named);
  edRow(signers, 0, 'doctor', asker.doctor, enrolment.a, entry);
}

function entriesHold(k) {
  const { header, body, enrolments } = k.file;
  const [entry, seal] = [entryOf(header), body.at(-1).leaf];
  must(rowsOf(header).length === 0, 'rows of the case header', 'BAD_CASE_BLOCK');
  const together = header.leaf.height === seal.height && header.leaf.tau === seal.tau;
  must(together, 'the block of the case header', 'BAD_CASE_BLOCK');
  must((entry.height === 0n) === same(entry.previous, k.ledger), 'the case before', 'BAD_CASE_BLOCK');
  const used = { count: k.visit.team.length };
  for (const inclusion of body) {
    const kind = entryOf(inclusion)._;
    if (kind === 'e_reissue') reissueFits(k, inclusion, used);
    else must(rowsOf(inclusion).length === 0, 'rows where there are none', 'BAD_ENTRY_SIGNATURE');
    if (kind === 'e_admit') admitFits(k, inclusion);
    if (kind === 'e_sign') signFits(k, inclusion);
  }
  must(used.count === enrolments.length, 'an enrolment that nobody needs', 'BAD_CASE_FILE');
}

// ---- 3.10 ----

function sumHolds(k) {
  const { signed, seal } = k.visit;
  const creds = signed.map((_, i) => credOf(entryOf(k.file.enrolments[i])));
  const contexts = signed.map((sign) => sign.context);
  let holds = false;
  try {
    holds = multisignatureHolds(k.authority, creds, contexts, seal.record_case.sigma);
  } catch (error) {
    if (!(error instanceof Refused)) throw error; // a sigma that is no point
  }
  must(holds, 'sigma', 'BAD_MULTISIGNATURE');
}

// ---- 3.11, 3.12 ----

function openedHold(k) {
  const { v, vid, signed } = k.visit;
  const { opened } = k.file;
  must(ascend(opened.map(({ i }) => i)), 'what is opened does not ascend', 'BAD_CASE_FILE');
  for (const { i, manifest, salt, presence } of opened) {
    const sign = signed[Number(i) - 1];
    must(sign, 'opened, but not signed', 'BAD_CASE_FILE');
    must(presenceHolds(v, sign.doctor.doctor, presence), 'presence', 'BAD_PRESENCE');
    if (presence._ === 'presence') {
      const difference = k.parametersAt(sign.height).clock_difference;
      const { time } = presence;
      const within = time + difference >= v.issued && time <= sign.time + difference;
      must(within, 'the time of the presence', 'PRESENCE_TIME');
    }
    const diagnosis = write('diagnosis', {
      vid,
      i,
      salt,
      manifest: c.H(encodingOf(manifest)),
      presence: c.H(encodingOf(presence)),
    });
    eq(c.H(diagnosis), sign.commitment, 'c_i', 'BAD_COMMITMENT');
  }
}

function documentsHold(k) {
  k.shown = [];
  let rest = k.documents;
  for (const { i, manifest } of k.file.opened)
    for (const { name, length, hash } of manifest.documents) {
      must(length <= BigInt(rest.length), `${name} is cut`, 'BAD_DOCUMENT');
      const bytes = rest.subarray(0, Number(length));
      eq(c.Hdoc(bytes), hash, name, 'BAD_DOCUMENT');
      k.shown.push({ place: i, name, bytes });
      rest = rest.subarray(Number(length));
    }
  must(rest.length === 0, 'bytes follow', 'BAD_CASE_FILE');
}

// ---- all of it ----

const steps = {
  READ: readFile,
  INCLUDED: included,
  SETS: walkSets,
  CHECKPOINT: (k) => checkCheckpoint(k.ledger, k.walked.at(-1).set, k.file.checkpoint),
  UPGRADES: upgradesHold,
  VISIT: replay,
  CASE: caseHolds,
  ENROLMENTS: enrolmentsHold,
  ENTRIES: entriesHold,
  SUM: sumHolds,
  OPENED: openedHold,
  DOCUMENTS: documentsHold,
};

// The genesis by itself; throws where it does not hold.
export function readGenesis(bytes) {
  return c.once('genesis', [bytes], () => {
    const signed = read('signed', bytes);
    return { entry: signed.entry, ...checkGenesis(signed) };
  });
}

// The step and the name of what does not hold, or HOLDS and VALID with what was opened.
export function checkCaseFile(genesis, bytes) {
  const k = new Case(genesis, bytes);
  for (const [step, check] of Object.entries(steps)) {
    try {
      check(k);
    } catch (error) {
      const verdict = error instanceof Refused ? error.status : error.verdict;
      if (!verdict) throw error;
      return { step, verdict, what: error.message };
    }
  }
  const doctors = k.visit.signed.map((sign) => sign.doctor.doctor);
  return { step: 'HOLDS', verdict: 'VALID', what: doctors.join(', '), vid: k.visit.vid, documents: k.shown };
}
