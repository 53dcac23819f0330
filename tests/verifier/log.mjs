// SPDX-License-Identifier: Apache-2.0
// A whole ledger: what docs/ledger.md says of each entry, as far as the log alone can show it.
import * as c from './crypto.mjs';
import { checkAcceptance, eq, multisignatureHolds, must } from './checks.mjs';
import {
  authorityRow,
  checkEnrolment,
  checkGenesis,
  credOf,
  edRow,
  followSet,
  roleName,
  setRow,
} from './sets.mjs';
import { encodingOf, hex, list, read, same, tr, tuple, utf8, write } from './wire.mjs';

const none = new Uint8Array();
const text = (bytes) => Buffer.from(bytes).toString();

// ---- checkpoints (8.2) ----

export function checkCheckpoint(ledger, set, { checkpoint, signers, signature }) {
  eq(checkpoint.ledger, ledger, 'the ledger of the checkpoint', 'WRONG_LEDGER');
  must(checkpoint.set_number === set.number, 'the set of the checkpoint', 'BAD_SET');
  eq(checkpoint.set, c.H(encodingOf(set)), 'the set of the checkpoint', 'BAD_SET');
  const signed = c.bitmapPlaces(signers, set.members.length).length;
  must(signed * 3 > set.members.length * 2, 'too few signed the checkpoint', 'NOT_ENOUGH_SIGNERS');
  const keys = set.members.map((m) => m.x);
  const holds = c.jointHolds(keys, signers, encodingOf(checkpoint), signature);
  must(holds, 'the signature of the checkpoint', 'BAD_CHECKPOINT');
}

// ---- visits (3, 4, 6) ----

class Visit {
  constructor(admit, leaf) {
    this.v = admit.visit;
    this.vid = c.H(encodingOf(admit.visit));
    this.order = this.vid;
    this.amendments = 0n;
    this.team = [...admit.visit.team];
    this.signed = [];
    this.pending = false;
    this.body = [encodingOf(leaf)];
    this.case = null;
    this.ended = false;
  }
  get last() {
    return this.signed.at(-1);
  }
  checkTeam() {
    const names = this.team.map((d) => d.doctor);
    must(new Set(names).size === names.length && names.length <= 64, 'a doctor twice');
    must(
      this.team.every((d, i) => i === 0 || this.team[i - 1].deadline < d.deadline),
      'deadlines',
    );
  }
}

function admitHolds(admit, hospitalA) {
  const { visit } = admit;
  c.G1(visit.pkv);
  c.edKey(visit.av);
  must(c.edHolds(hospitalA, encodingOf(visit), admit.signature), 'sigma_V');
  checkAcceptance(visit, admit.acceptance);
  must(
    new Set(visit.clouds).size === visit.clouds.length && visit.u <= BigInt(visit.clouds.length),
    'clouds',
  );
  must(visit.team[0].deadline > visit.issued, 'the first deadline');
  visit.team.forEach((d) => c.xKey(d.e));
}

// The context of a Sign, which the entry itself does not hold (4.2).
function contextOf(visit, entry) {
  const at = Number(entry.i) - 1;
  const again = at === visit.signed.length - 1;
  must(again || at === visit.signed.length, 'not the next place');
  must(entry.k === (again ? visit.last.k + 1n : 0n) && (!again || visit.pending), 'version');
  must(entry.a === visit.amendments, 'the amendment in force');
  must((entry.svk.length === 32) === (at === visit.team.length - 1), 'svk');
  const before = visit.signed[at - 1];
  const { doctor, x, deadline } = visit.team[at];
  must(entry.time <= deadline && (!before || entry.time > before.time), 'time');
  const context = write('sign', {
    order: visit.order,
    i: entry.i,
    k: entry.k,
    doctor,
    x,
    time: entry.time,
    previous: before ? before.hash : visit.vid,
    commitment: entry.commitment,
    svk: entry.svk,
  });
  return { at, x, context };
}
function signVisit(visit, entry, cred, credential) {
  const { at, x, context } = contextOf(visit, entry);
  if (entry.svk.length) c.edKey(entry.svk);
  must(c.blsHolds(x, 'SIG', context, entry.delta), 'delta');
  visit.signed.length = at;
  visit.signed.push({
    context,
    hash: c.H(context),
    k: entry.k,
    time: entry.time,
    delta: entry.delta,
    svk: entry.svk,
    cred,
    credential,
  });
  visit.pending = false;
}

// The case against the visit, and the joint signature over it (6.1, 6.3).
function sealHolds(visit, entry, keys, present) {
  const { record_case: record, confirmers, signature } = entry;
  must(visit.signed.length === visit.team.length && !visit.pending, 'not all have signed');
  eq(record.order, visit.order, 'the order of the case');
  eq(record.last_context, visit.last.hash, 'the last context of the case');
  eq(record.svk, visit.last.svk, 'svk of the case');
  const places = c.bitmapPlaces(confirmers, keys.length);
  const due = Math.max(1, Math.min(Number(visit.v.u), present));
  must(places[0] === 0 && places.length - 1 >= due, 'not enough confirmations');
  must(c.jointHolds(keys, confirmers, encodingOf(record), signature), 'the joint signature');
}
function sigmaHolds(visit, record, P) {
  const contexts = visit.signed.map((s) => s.context);
  must(
    multisignatureHolds(
      P,
      visit.signed.map((s) => s.cred),
      contexts,
      record.sigma,
    ),
    'the multisignature',
  );
}
function caseHeaderHolds(header, height, previous, tau, visit) {
  must(header.height === height && header.tau === tau, 'height or time of the case header');
  eq(header.previous, previous, 'the header before');
  eq(header.vid, visit.vid, 'vid of the case header');
  eq(header.record_case, c.H(encodingOf(visit.case)), 'H(case)');
  eq(header.body, c.H(list(visit.body)), 'H(body)');
}

// A case block by itself: a visit from Admit to Seal, and its header.
export function checkCaseBlock({ ledger, hospitalA, authority, creds, confirmers, body, header }) {
  let visit = null;
  let tau = 0n;
  for (const leaf of body) {
    const { entry } = leaf.signed_entry;
    must(same(entry.ledger, ledger) && leaf.tau >= tau, 'ledger or time');
    tau = leaf.tau;
    if (entry._ === 'e_admit') {
      admitHolds(entry, hospitalA);
      visit = new Visit(entry, leaf);
      continue;
    }
    visit.body.push(encodingOf(leaf));
    if (entry._ === 'e_sign') signVisit(visit, entry, creds[visit.signed.length], none);
    else if (entry._ === 'e_seal') visit.case = entry.record_case;
    else throw new Error('an entry of no visit');
    if (entry._ === 'e_seal') sealHolds(visit, entry, confirmers, confirmers.length - 1);
  }
  sigmaHolds(visit, visit.case, authority);
  caseHeaderHolds(header, 0n, ledger, tau, visit);
}

// ---- the ledger ----

export class Ledger {
  constructor() {
    this.leafHashes = [];
    this.height = -1n;
    this.tau = -1n;
    this.enrolments = new Map();
    this.visits = new Map();
    this.used = new Set();
    this.consents = [];
    this.accesses = [];
    this.revoked = new Set();
    this.heads = {};
    this.block = { stops: [], finds: [] };
    this.cases = 0n;
    this.sealed = null; // a Seal whose case header must come now
  }
  once(kind, ...values) {
    const key = [kind, ...values.map((value) => (typeof value === 'string' ? value : hex(value)))].join(' ');
    must(!this.used.has(key), `${kind} was used before`);
    this.used.add(key);
  }
  member(id, role) {
    const member = this.set.members.find((m) => m.id === id && roleName(m) === role);
    must(member, `no ${role} of the set`);
    return member;
  }
  visit(vid, open = true) {
    const visit = this.visits.get(hex(vid));
    must(visit && (!open || (!visit.case && !visit.ended)), 'no such visit, or it is over');
    return visit;
  }
  active(id) {
    return (this.enrolments.get(id) ?? []).find((e) => e.active);
  }
  index(name, kind, key) {
    this.block[name].push({ leaf: BigInt(this.leafHashes.length), kind, key });
  }
  endBlock() {
    for (const [name, rows] of Object.entries(this.block))
      if (rows.length)
        this.heads[name] = c.H(write('index', { name, before: this.heads[name], height: this.height, rows }));
    this.block = { stops: [], finds: [] };
  }

  add(bytes) {
    const leaf = read('leaf', bytes);
    const { entry, signers } = leaf.signed_entry;
    if (leaf.height !== this.height) {
      must(leaf.height > this.height && leaf.tau > this.tau, 'height or time');
      this.endBlock();
    }
    must(leaf.height === this.height || leaf.tau > this.tau, 'height or time');
    must(leaf.height !== this.height || leaf.tau === this.tau, 'the time within a block');
    [this.height, this.tau] = [leaf.height, leaf.tau];
    must(encodingOf(entry).length <= 65536, 'an entry over its limit');
    must(this.leafHashes.length > 0 || entry._ === 'genesis', 'leaf 0 is no genesis');
    must((entry._ === 'case_header') === (this.sealed !== null), 'a case header follows a Seal');
    if (entry._ !== 'genesis' && entry._ !== 'case_header')
      eq(entry.ledger, this.id, 'the ledger of an entry');
    must(Object.hasOwn(rules, entry._), `no rule for ${entry._}`);
    rules[entry._](this, entry, signers, leaf);
    this.leafHashes.push(c.leafHash(bytes));
  }
  end() {
    this.endBlock();
    must(this.sealed === null, 'a case header is missing');
  }
}

const noRows = (signers) => must(signers.length === 0, 'rows where there are none');
const oneRow = (signers) => must(signers.length === 1, 'rows');
const setKeys = (member) => [member.x, member.a, member.e, member.box].filter((key) => key.length);

function teamEnrolled(state, team, tau) {
  for (const doctor of team) {
    const active = state.active(doctor.doctor);
    must(
      active && same(active.entry.x, doctor.x) && same(active.entry.e, doctor.e),
      'keys of no active enrolment',
    );
    must(doctor.deadline > tau, 'a deadline that has passed');
  }
}
function changeSet(state, entry, signers) {
  for (const key of entry._ === 'e_leave' ? [] : setKeys(entry.member)) {
    const kept =
      entry._ === 'e_rekey' && setKeys(state.set.members[Number(entry.place)]).some((old) => same(old, key));
    if (!kept) state.once('key', key);
  }
  state.set = read('set', followSet(state.authority, state.id, state.set, { entry, signers }));
}
function enrolRows(state, entry, signers) {
  const known = state.enrolments.get(entry.doctor) ?? [];
  const active = state.active(entry.doctor);
  const doctor = entry.kind === 1n;
  if (doctor)
    edRow(
      signers,
      0,
      'hospital',
      text(entry.hospital),
      state.member(text(entry.hospital), 'hospital').a,
      entry,
    );
  else authorityRow(signers, 0, state.authority, entry);
  if (active) {
    edRow(signers, 1, doctor ? 'doctor' : 'reader', entry.doctor, active.entry.a, entry);
  } else if (doctor && known.length) {
    const { role, who } = signers[1];
    const last = text(known.at(-1).entry.hospital);
    must(last === text(entry.hospital) ? text(who) !== last : text(who) === last, 'the second supernode');
    edRow(signers, 1, role, text(who), state.member(text(who), role).a, entry);
  }
  must(signers.length === (known.length && (active || doctor) ? 2 : 1), 'rows');
  return active;
}

const rules = {
  genesis(state, entry, signers, leaf) {
    must(state.leafHashes.length === 0 && leaf.height === 0n && leaf.tau === 0n, 'the genesis is leaf 0');
    const { ledger, set } = checkGenesis({ entry, signers });
    Object.assign(state, {
      id: ledger,
      authority: entry.authority,
      parameters: entry,
      set: read('set', set),
    });
    state.heads = { stops: ledger, finds: ledger };
    state.lastHeader = ledger;
    state.once('key', entry.authority);
    entry.members.flatMap(setKeys).forEach((key) => state.once('key', key));
  },
  e_join: changeSet,
  e_leave: changeSet,
  e_rekey: changeSet,
  e_upgrade(state, entry, signers) {
    must(entry.number === state.set.number, 'number');
    eq(entry.set, c.H(write('set', state.set)), 'set');
    must(signers.length === 2, 'rows');
    authorityRow(signers, 0, state.authority, entry);
    setRow(signers, 1, state.set, entry);
  },
  e_enrol(state, entry, signers) {
    checkEnrolment(state.authority, entry);
    must(!state.set.members.some((m) => m.id === entry.doctor), "a supernode's name");
    [entry.x, entry.a, entry.e, entry.box]
      .filter((key) => key.length)
      .forEach((key) => state.once('key', key));
    const active = enrolRows(state, entry, signers);
    if (active) active.active = false;
    const known = state.enrolments.get(entry.doctor) ?? [];
    state.enrolments.set(entry.doctor, [...known, { entry, hash: c.H(encodingOf(entry)), active: true }]);
    state.index('finds', 'Enrol', entry.kind === 1n ? entry.x : entry.a);
  },
  e_retire(state, entry, signers) {
    const active = state.active(entry.doctor);
    must(
      active && same(entry.key, active.entry.kind === 1n ? active.entry.x : active.entry.a),
      'no active enrolment',
    );
    oneRow(signers);
    authorityRow(signers, 0, state.authority, entry);
    active.active = false;
    state.index('stops', 'Retire', entry.key);
  },
  e_admit(state, entry, signers, leaf) {
    noRows(signers);
    const { visit } = entry;
    eq(visit.ledger, state.id, 'the ledger of V');
    visit.clouds.forEach((id) => state.member(id, 'cloud'));
    admitHolds(entry, state.member(visit.hospital, 'hospital').a);
    must(visit.reissues === state.parameters.reissues, 'N');
    teamEnrolled(state, visit.team, leaf.tau);
    state.once('pkv', visit.pkv);
    state.once('Av', visit.av);
    const made = new Visit(entry, leaf);
    made.checkTeam();
    state.once('vid', made.vid);
    state.visits.set(hex(made.vid), made);
    state.index('finds', 'Admit', visit.pkv);
  },
  e_amend(state, entry, signers, leaf) {
    noRows(signers);
    const { amend } = entry;
    const visit = state.visit(amend.vid);
    must(
      amend.number === visit.amendments + 1n && Number(amend.signed_count) === visit.signed.length,
      'number or count',
    );
    eq(amend.previous, visit.order, 'the order before');
    must(
      c.edHolds(state.member(visit.v.hospital, 'hospital').a, encodingOf(amend), entry.signature),
      'the amendment',
    );
    teamEnrolled(state, amend.tail, leaf.tau);
    visit.team = [...visit.team.slice(0, visit.signed.length), ...amend.tail];
    must(
      new Set(visit.team.map((d) => d.doctor)).size === visit.team.length && visit.team.length <= 64,
      'a doctor twice',
    );
    visit.order = c.H(encodingOf(amend));
    visit.amendments = amend.number;
    visit.body.push(encodingOf(leaf));
  },
  e_sign(state, entry, signers, leaf) {
    noRows(signers);
    const visit = state.visit(entry.vid);
    const doctor = visit.team[Number(entry.i) - 1];
    must(doctor, 'no such place');
    const active = state.active(doctor.doctor);
    must(active && same(active.entry.x, doctor.x), 'no active enrolment');
    must(
      leaf.tau >= active.entry.not_before && leaf.tau <= active.entry.not_after,
      'the validity of the enrolment',
    );
    const apart = leaf.tau > entry.time ? leaf.tau - entry.time : entry.time - leaf.tau;
    must(apart <= state.parameters.clock_difference, 'the clock difference');
    signVisit(visit, entry, credOf(active.entry), active.entry.credential);
    visit.body.push(encodingOf(leaf));
  },
  e_reissue(state, entry, signers, leaf) {
    const visit = state.visit(entry.vid);
    const next = visit.team[visit.signed.length];
    must(
      Number(entry.i) === visit.signed.length && entry.k === visit.last.k && !visit.pending,
      'whose or which',
    );
    must(
      entry.k < visit.v.reissues && leaf.tau <= visit.team[visit.signed.length - 1].deadline,
      'too late, or too often',
    );
    oneRow(signers);
    if (next) edRow(signers, 0, 'doctor', next.doctor, state.active(next.doctor).entry.a, entry);
    else edRow(signers, 0, 'hospital', visit.v.hospital, state.member(visit.v.hospital, 'hospital').a, entry);
    visit.pending = true;
    visit.body.push(encodingOf(leaf));
  },
  e_abort(state, entry, signers, leaf) {
    const visit = state.visit(entry.vid);
    oneRow(signers);
    edRow(signers, 0, 'hospital', visit.v.hospital, state.member(visit.v.hospital, 'hospital').a, entry);
    visit.ended = true;
    visit.body.push(encodingOf(leaf));
  },
  e_seal(state, entry, signers, leaf) {
    noRows(signers);
    const { record_case: record } = entry;
    const visit = state.visit(record.vid);
    const ids = [visit.v.hospital, ...visit.v.clouds];
    const members = ids.map((id) => state.set.members.find((m) => m.id === id));
    must(members.every(Boolean), 'a confirmer that left: not followed here');
    sealHolds(
      visit,
      entry,
      members.map((m) => m.x),
      members.length - 1,
    );
    const sum = c.sum(visit.signed.flatMap((s) => [c.G1(s.delta), c.G1(s.credential)]));
    eq(c.encode(sum), record.sigma, 'sigma of the case');
    sigmaHolds(visit, record, state.authority);
    visit.case = record;
    visit.body.push(encodingOf(leaf));
    state.sealed = visit;
    state.index('finds', 'Seal', visit.vid);
  },
  case_header(state, entry, signers, leaf) {
    noRows(signers);
    caseHeaderHolds(entry, state.cases, state.lastHeader, leaf.tau, state.sealed);
    state.cases += 1n;
    state.lastHeader = c.H(encodingOf(entry));
    state.sealed = null;
  },
  e_confirm(state, entry, signers) {
    noRows(signers);
    const visit = state.visit(entry.vid, false);
    must(visit.case, 'not sealed');
    if (!visit.v.clouds.includes(entry.cloud)) {
      const message = write('host', { ledger: state.id, vid: entry.vid, cloud: entry.cloud });
      const key = entry.host_by === 1n ? visit.v.av : state.member(visit.v.hospital, 'hospital').a;
      must(entry.host_by !== 0n && c.edHolds(key, message, entry.host), 'the host signature');
    }
    must(
      c.blsHolds(state.member(entry.cloud, 'cloud').x, 'SIG', encodingOf(visit.case), entry.signature),
      'the confirmation',
    );
  },
  e_consent(state, entry, signers, leaf) {
    const { cloud, cm, latest, revoker } = entry;
    must(leaf.tau <= latest && !state.revoked.has(hex(revoker)), 'too late, or revoked');
    state.once('consent', cloud, revoker);
    state.once('cm', cloud, cm);
    oneRow(signers);
    edRow(signers, 0, 'cloud', cloud, state.member(cloud, 'cloud').a, entry);
    const post = write('consent_post', { ledger: state.id, cloud, cm, latest });
    must(c.edHolds(revoker, post, entry.signature), "the signature of the grant's key");
    state.consents.push(entry);
    state.index('finds', 'Consent', revoker);
  },
  e_revoke(state, entry, signers) {
    noRows(signers);
    must(!state.revoked.has(hex(entry.revoker)), 'revoked before');
    must(c.edHolds(entry.revoker, tr('revoke', state.id, entry.revoker), entry.signature), 'the revocation');
    state.revoked.add(hex(entry.revoker));
    state.index('stops', 'Revoke', entry.revoker);
  },
  e_access(state, entry, signers) {
    state.once('handle', entry.cloud, entry.handle);
    must([1040, 3088].includes(entry.box.length), 'the length of the box');
    oneRow(signers);
    edRow(signers, 0, 'cloud', entry.cloud, state.member(entry.cloud, 'cloud').a, entry);
    state.accesses.push(entry);
    state.index('finds', 'Access', tuple(utf8(entry.cloud), entry.handle));
  },
  e_erase(state, entry, signers) {
    const visit = state.visit(entry.vid, false);
    must(visit.case && entry.by !== 0n, 'not sealed, or asked by nobody');
    state.once('erase', entry.cloud, entry.vid);
    oneRow(signers);
    edRow(signers, 0, 'cloud', entry.cloud, state.member(entry.cloud, 'cloud').a, entry);
    const key = entry.by === 1n ? visit.v.av : state.member(visit.v.hospital, 'hospital').a;
    must(c.edHolds(key, tr('erase', state.id, entry.vid), entry.signature), 'who asked for it');
    state.index('stops', 'Erase', entry.vid);
  },
};
