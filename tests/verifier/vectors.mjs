// SPDX-License-Identifier: Apache-2.0
// One check for each "op" of docs/vectors.md. A check throws where a vector does not hold.
import { createHash } from 'node:crypto';
import { checkCaseFile, readGenesis } from './case.mjs';
import * as c from './crypto.mjs';
import {
  capsuleHash,
  capsuleHolds,
  caseOf,
  chainVerdict,
  checkAcceptance,
  eq,
  multisignatureHolds,
  must,
  presenceHolds,
  schnorrHolds,
  sealedOf,
  tagOf,
} from './checks.mjs';
import { checkCaseBlock, checkCheckpoint } from './log.mjs';
import { checkEnrolment, checkGenesis, followSet } from './sets.mjs';
import {
  Refused,
  encodingOf,
  hex,
  join,
  list,
  read,
  readEntry,
  readPresence,
  same,
  tr,
  tuple,
  u64,
  unhex,
  utf8,
  write,
} from './wire.mjs';

// A vector that notes which fields were looked at.
class Vector {
  constructor(fields, file) {
    this.fields = fields;
    this.file = file;
    this.seen = new Set(['op', 'name']);
  }
  get(key) {
    must(key in this.fields, `no field ${key}`);
    this.seen.add(key);
    return this.fields[key];
  }
  has(key) {
    return key in this.fields;
  }
  bytes(key) {
    return unhex(this.get(key));
  }
  array(key) {
    return this.get(key).map(unhex);
  }
  number(key) {
    const value = this.get(key);
    must(Number.isSafeInteger(value) || /^\d+$/.test(value), `${key} is no integer`);
    return BigInt(value);
  }
  text(key) {
    must(typeof this.get(key) === 'string', `${key} is no text`);
    return this.get(key);
  }
  scalar(key) {
    return c.scalar(this.bytes(key));
  }
  is(key, bytes) {
    eq(bytes, this.bytes(key), key);
  }
  are(key, arrays) {
    const wanted = this.array(key);
    must(wanted.length === arrays.length, `${key}: ${arrays.length} items, not ${wanted.length}`);
    arrays.forEach((bytes, i) => eq(bytes, wanted[i], `${key}[${i}]`));
  }
  // The bytes of a type's fields, which must be that type's.
  value(key, type) {
    must(this.get(key) instanceof Object, `${key} is no object`);
    must(this.get(key)._ === type, `${key} is no ${type}`);
    return write(type, this.get(key));
  }
  type(key, type) {
    return read(type, this.bytes(key));
  }
}

const pattern = (length) => Uint8Array.from({ length }, (_, i) => i % 251);
const sha = (...parts) => {
  const hash = createHash('sha256');
  parts.forEach((part) => hash.update(part));
  return new Uint8Array(hash.digest());
};
const status = (f) => {
  try {
    f();
    return 'OK';
  } catch (error) {
    if (error instanceof Refused) return error.status;
    throw error;
  }
};
const decoders = { g1: c.G1, g2: c.G2, scalar: c.scalar, ed25519: c.edKey, x25519: c.xKey };
const edMatches = (v, seed, key) => v.is(key, c.edPublic(v.bytes(seed)));
const keysOfRecord = (k, vid, svk, C) => {
  const keys = c.KDF('record', k, tuple(vid, svk, C), 96);
  return [keys.subarray(0, 32), keys.subarray(32, 64), keys.subarray(64)];
};

function popHolds(v) {
  const [transcript, proof] = [v.bytes('transcript'), v.bytes('proof')];
  const parts = [];
  if (v.has('x')) {
    const pop = read('pop', transcript);
    eq(c.encode(c.g2.multiply(v.scalar('x'))), pop.x, 'X');
    parts.push(c.sign(v.scalar('x'), 'POP', transcript));
    must(c.blsHolds(pop.x, 'POP', transcript, proof.subarray(0, 48)), 'PoP');
  }
  if (v.has('a')) {
    const { a } = read(v.has('x') ? 'pop' : 'pop_reader', transcript);
    eq(c.edPublic(v.bytes('a')), a, 'A');
    parts.push(c.edSign(v.bytes('a'), transcript));
    must(c.edHolds(a, transcript, proof.subarray(proof.length - 64)), "Ed_A's proof");
  }
  eq(join(...parts), proof, 'proof');
}

const ops = {
  // ---- transcripts.json, refusals.json ----
  transcript(v) {
    const type = v.text('type');
    const fields = v.get('fields');
    must(fields._ === type, 'fields of another type');
    v.is('encoding', write(type, fields));
    eq(write(type, read(type, v.bytes('encoding'))), v.bytes('encoding'), 'what was read, written');
  },
  decode(v) {
    const got = status(() => decoders[v.text('kind')](v.bytes('bytes')));
    must(got === v.text('status'), `${got}, not ${v.text('status')}`);
  },
  read(v) {
    const got = status(() => read(v.text('type'), v.bytes('bytes')));
    must(got === v.text('status'), `${got}, not ${v.text('status')}`);
  },

  // ---- hashes.json ----
  fields(v) {
    v.is('encoding', tr(v.text('label'), ...v.array('fields')));
    v.is('hash', c.H(v.bytes('encoding')));
  },
  list(v) {
    v.is('encoding', list(v.array('items')));
    v.is('hash', c.H(v.bytes('encoding')));
  },
  hmac(v) {
    v.is('mac', c.HMAC(v.bytes('key'), v.bytes('message')));
  },
  tree(v) {
    v.are('leaf_hashes', v.array('leaves').map(c.leafHash));
    v.is('root', c.rootOf(v.array('leaf_hashes')));
  },
  hdoc(v) {
    v.is('hdoc', c.Hdoc(pattern(v.get('length'))));
  },

  // ---- kdf.json, curves.json ----
  kdf(v) {
    v.is('out', c.KDF(v.text('label'), v.bytes('ikm'), v.bytes('info'), Number(v.number('length'))));
  },
  kdf_scalar(v) {
    v.is('out', c.fromScalar(c.kdfScalar(v.text('label'), v.bytes('ikm'), v.bytes('info'))));
  },
  hash_to_g1(v) {
    must(['CRED', 'SIG', 'POP'].includes(v.text('purpose')), 'no purpose of G1');
    v.is('point', c.encode(c.hashTo(v.text('purpose'), v.bytes('message'))));
  },
  hash_to_g2(v) {
    must(v.text('purpose') === 'CAPSULE', 'no purpose of G2');
    v.is('point', c.encode(c.hashTo('CAPSULE', v.bytes('message'))));
  },
  power(v) {
    const r = v.scalar('r');
    v.is('g1', c.encode(c.g1.multiply(r)));
    v.is('g2', c.encode(c.g2.multiply(r)));
    v.is('gt', c.gtPower(r));
    eq(c.pairWithG2(c.g1.multiply(r)), v.bytes('gt'), 'e(r g1, g2)');
  },

  // ---- keys.json ----
  doctor_keys(v) {
    const seed = v.bytes('seed');
    const x = c.kdfScalar('x', seed);
    v.is('x', c.fromScalar(x));
    v.is('a', c.KDF('a', seed));
    v.is('e', c.KDF('e', seed));
    v.is('box', c.boxSecretFromSeed(c.KDF('b', seed)));
    v.is('X', c.encode(c.g2.multiply(x)));
    edMatches(v, 'a', 'A');
    v.is('E', c.xPublic(v.bytes('e')));
    v.is('Box', c.xPublic(v.bytes('box')));
  },
  visit_keys(v) {
    const seed = c.KDF('visit', v.bytes('seed'), tuple(v.bytes('ledger'), u64(v.number('j'))));
    v.is('xv', c.fromScalar(c.kdfScalar('xv', seed)));
    v.is('pkv', c.encode(c.g1.multiply(v.scalar('xv'))));
    v.is('Av_seed', c.KDF('Av', seed));
    edMatches(v, 'Av_seed', 'Av');
    v.is('r', c.KDF('r', seed));
  },
  bls(v) {
    v.is('X', c.encode(c.g2.multiply(v.scalar('x'))));
    v.is('signature', c.sign(v.scalar('x'), 'SIG', v.bytes('message')));
    must(c.blsHolds(v.bytes('X'), 'SIG', v.bytes('message'), v.bytes('signature')), 'the pairing equation');
  },
  ed25519(v) {
    edMatches(v, 'seed', 'A');
    v.is('signature', c.edSign(v.bytes('seed'), v.bytes('message')));
    must(c.edHolds(v.bytes('A'), v.bytes('message'), v.bytes('signature')), 'signature');
  },
  pop: popHolds,
  credential(v) {
    v.is('P', c.encode(c.g2.multiply(v.scalar('s'))));
    read('cred', v.bytes('cred'));
    v.is('credential', c.sign(v.scalar('s'), 'CRED', v.bytes('cred')));
    must(c.blsHolds(v.bytes('P'), 'CRED', v.bytes('cred'), v.bytes('credential')), 'credential');
  },
  joint(v) {
    const [keys, bitmap, message] = [v.array('places'), v.bytes('bitmap'), v.bytes('message')];
    const members = c.bitmapPlaces(bitmap, keys.length).map((i) => keys[i]);
    keys.forEach(c.G2);
    v.are('members', members);
    v.are(
      'weight_hashes',
      members.map((x) => c.weightHash(x, members)),
    );
    const signatures = v.array('signatures');
    members.forEach((x, i) => must(c.blsHolds(x, 'SIG', message, signatures[i]), `signature ${i}`));
    v.is('joint', c.encode(c.sum(signatures.map((s, i) => c.G1(s).multiply(c.weight(members[i], members))))));
    must(c.jointHolds(keys, bitmap, message, v.bytes('joint')), 'the joint signature');
  },
  schnorr(v) {
    const challenge = c.kdfScalar('pok', tr('pok', v.bytes('pkv'), v.bytes('Rk'), v.bytes('message')));
    v.is('challenge', c.fromScalar(challenge));
    must(
      schnorrHolds(v.bytes('pkv'), v.bytes('message'), join(v.bytes('Rk'), v.bytes('z'))),
      'z g1 = Rk + c pkv',
    );
  },
  sealed_box(v) {
    v.is('Box', c.xPublic(v.bytes('box_secret')));
    const got = c.sealedBoxOpen(v.bytes('box_secret'), v.bytes('box'));
    must(got, 'the box does not open');
    v.is('message', got);
  },

  // ---- visit.json ----
  pseudonym(v) {
    read('pid', v.bytes('pid'));
    v.is('PID', c.H(v.bytes('pid')));
  },
  ticket(v) {
    read('visit', v.bytes('V'));
    v.is('vid', c.H(v.bytes('V')));
    v.is('sigma_V', c.edSign(v.bytes('a'), v.bytes('V')));
  },
  acceptance(v) {
    const [visit, acceptance] = [v.type('V', 'visit'), v.type('acceptance', 'acceptance')];
    eq(c.edPublic(v.bytes('Av_seed')), visit.av, 'Av');
    eq(
      c.edSign(v.bytes('Av_seed'), write('accept', { vid: c.H(v.bytes('V')) })),
      acceptance.signature,
      'signature',
    );
    checkAcceptance(visit, acceptance);
  },
  order(v) {
    const [V, inForce] = [v.bytes('V'), [c.H(v.bytes('V'))]];
    let doctors = read('visit', V).team.map((d) => d.doctor);
    v.array('amendments').forEach((bytes, a) => {
      const amend = read('amend', bytes);
      eq(amend.vid, inForce[0], 'vid');
      eq(amend.previous, inForce[a], 'previous');
      must(amend.number === BigInt(a + 1), 'number');
      inForce.push(c.H(bytes));
      doctors = [...doctors.slice(0, Number(amend.signed_count)), ...amend.tail.map((d) => d.doctor)];
    });
    v.are(
      'signatures',
      v.array('amendments').map((bytes) => c.edSign(v.bytes('a'), bytes)),
    );
    v.are('in_force', inForce);
    v.are('doctors', doctors.map(utf8));
    must(new Set(doctors).size === doctors.length, 'a doctor twice');
  },
  presence(v) {
    const visit = v.type('V', 'visit');
    must(
      visit.team.some((d) => d.doctor === v.text('doctor')),
      'no doctor of the team',
    );
    eq(c.edPublic(v.bytes('Av_seed')), visit.av, 'Av');
    must(presenceHolds(visit, v.text('doctor'), read('presence', v.bytes('presence'))), 'presence');
  },

  // ---- group.json ----
  group_run(v) {
    const group = v.type('transcript', 'group');
    eq(c.xPublic(v.bytes('eh')), group.server, 'Eh');
    eq(c.xPublic(v.bytes('a')), group.server_once, 'A');
    eq(c.xPublic(v.bytes('ei')), group.doctor_key, 'E_i');
    eq(c.xPublic(v.bytes('b')), group.doctor_once, 'B_i');
    const ofServer = join(
      c.DH(v.bytes('a'), group.doctor_once),
      c.DH(v.bytes('eh'), group.doctor_once),
      c.DH(v.bytes('a'), group.doctor_key),
    );
    const ofDoctor = join(
      c.DH(v.bytes('b'), group.server_once),
      c.DH(v.bytes('b'), group.server),
      c.DH(v.bytes('ei'), group.server_once),
    );
    eq(ofServer, ofDoctor, 'both sides');
    const keys = c.KDF('group', ofServer, v.bytes('transcript'), 96);
    v.is('k_auth', keys.subarray(0, 32));
    v.is('k_wrap', keys.subarray(32, 64));
    v.is('k_pair', keys.subarray(64));
    v.is('mac_server', c.HMAC(v.bytes('k_auth'), tr('server')));
    v.is('mac_doctor', c.HMAC(v.bytes('k_auth'), tr('doctor')));
    v.type('gk', 'gk');
    const ad = tr('gk-ad', c.H(v.bytes('transcript')));
    v.is('box', c.aeadSeal(v.bytes('k_wrap'), new Uint8Array(24), v.bytes('gk'), ad));
  },
  message(v) {
    const sealed = v.bytes('sealed');
    v.type('msg', 'msg');
    const got = c.aeadOpen(v.bytes('GK'), sealed.subarray(0, 24), sealed.subarray(24), v.bytes('msg'));
    must(got, 'the box does not open');
    v.is('message', got);
  },
  long_message(v) {
    const [n, ad] = [v.bytes('n'), v.bytes('msg')];
    v.type('msg', 'msg');
    v.is('key', c.KDF('msg', v.bytes('GK'), tuple(ad, n)));
    v.is('chunk_ad', tr('msg-chunk', ad, n));
    const chunks = c.sealChunks(v.bytes('key'), pattern(v.get('length')), v.bytes('chunk_ad'));
    const sealed = join(n, ...chunks);
    must(sealed.length === v.get('sealed_length'), 'sealed length');
    v.is('sealed_hash', sha(sealed));
  },
  pair(v) {
    const box = v.type('pair_box', 'pair_box');
    const ad = write('pair', { vid: v.bytes('vid'), direction: box.direction, counter: box.counter });
    const got = c.aeadOpen(v.bytes('k_pair'), box.nonce, box.box, ad);
    must(got, 'the box does not open');
    v.is('message', got);
  },

  // ---- diagnosis.json ----
  commitment(v) {
    read('manifest', v.bytes('manifest'));
    readPresence(v.bytes('presence'));
    const fields = [
      v.bytes('vid'),
      u64(v.number('i')),
      v.bytes('salt'),
      c.H(v.bytes('manifest')),
      c.H(v.bytes('presence')),
    ];
    v.is('c', c.H(tr('diagnosis', ...fields)));
  },
  sign(v) {
    const context = v.value('context', 'sign');
    v.is('context_hash', c.H(context));
    eq(c.encode(c.g2.multiply(v.scalar('x'))), read('sign', context).x, 'X');
    v.is('delta', c.sign(v.scalar('x'), 'SIG', context));
  },
  multisignature(v) {
    const [creds, contexts] = [v.array('creds'), v.array('contexts')];
    const [deltas, credentials] = [v.array('deltas').map(c.G1), v.array('credentials').map(c.G1)];
    v.are(
      'sigmas',
      deltas.map((_, i) => c.encode(c.sum([...deltas.slice(0, i + 1), ...credentials.slice(0, i + 1)]))),
    );
    deltas.forEach((_, i) => {
      must(c.blsHolds(v.bytes('P'), 'CRED', creds[i], v.array('credentials')[i]), `credential ${i}`);
      must(c.blsHolds(read('sign', contexts[i]).x, 'SIG', contexts[i], v.array('deltas')[i]), `delta ${i}`);
    });
    must(
      multisignatureHolds(v.bytes('P'), creds, contexts, v.array('sigmas').at(-1)),
      'the pairing equation',
    );
  },
  prefix(v) {
    const [verdict, firstBad] = chainVerdict(v.bytes('vid'), v.array('contexts'), v.array('deltas'));
    must(
      verdict === v.text('verdict') && BigInt(firstBad) === v.number('first_bad'),
      `${verdict} at ${firstBad}`,
    );
  },
  batch(v) {
    const [keys, messages, signatures] = ['keys', 'messages', 'signatures'].map((key) => v.array(key));
    keys.forEach(c.G2);
    signatures.forEach(c.G1);
    const bad = keys.map((key, i) => (c.blsHolds(key, 'SIG', messages[i], signatures[i]) ? 0 : 1));
    v.is('bad', Uint8Array.from(bad));
    must((bad.includes(1) ? 'BAD_DIAGNOSIS_SIGNATURE' : 'VALID') === v.text('verdict'), 'verdict');
  },

  // ---- record.json ----
  capsule(v) {
    const [r, pkv] = [v.scalar('r'), c.G1(v.bytes('pkv'))];
    const h = capsuleHash(v.bytes('vid'), v.bytes('svk'));
    v.is('pkv', c.encode(c.g1.multiply(v.scalar('xv'))));
    v.is('h', c.encode(h));
    v.is('B', c.encode(pkv.multiply(r)));
    v.is('C', c.encode(h.multiply(r)));
    v.is('K', c.gtPower(r));
    eq(
      c.pairWithG2(c.G1(v.bytes('B')).multiply(c.inverse(v.scalar('xv')))),
      v.bytes('K'),
      "the patient's way",
    );
  },
  record_keys(v) {
    const [dek, kc, kt] = keysOfRecord(v.bytes('K'), v.bytes('vid'), v.bytes('svk'), v.bytes('C'));
    v.is('dek', dek);
    v.is('kc', kc);
    v.is('kt', kt);
  },
  capsule_check(v) {
    const h = capsuleHash(v.bytes('vid'), v.bytes('svk'));
    const points = [c.G1(v.bytes('B')), c.G1(v.bytes('pkv')), c.G2(v.bytes('C'))];
    const verdict = capsuleHolds(h, ...points) ? 'VALID' : 'BAD_CAPSULE';
    must(verdict === v.text('verdict'), verdict);
  },
  keyword_tag(v) {
    v.is('tag', tagOf(v.bytes('kt'), v.text('word')));
  },
  tags(v) {
    const tags = v.array('tags');
    const words = v.array('words').map((word) => hex(tagOf(v.bytes('kt'), Buffer.from(word).toString())));
    must(
      words.every((tag) => tags.map(hex).includes(tag)),
      'a tag is missing',
    );
    must([8, 16, 32, 64].find((n) => n >= words.length) === tags.length, 'the number of tags');
    must(
      tags.every((tag, i) => i === 0 || Buffer.compare(tags[i - 1], tag) < 0),
      'tags do not ascend',
    );
    must(
      tags.every((tag) => tag.length === 16),
      'a tag of another length',
    );
  },
  payload(v) {
    const chunks = c.sealChunks(
      v.bytes('dek'),
      v.bytes('content'),
      tr('chunk', v.bytes('vid'), v.bytes('svk')),
    );
    v.is('sealed', join(...chunks));
    v.is('root', c.rootOf(chunks.map(c.leafHash)));
  },
  long_payload(v) {
    const ad = tr('chunk', v.bytes('vid'), v.bytes('svk'));
    const chunks = c.sealChunks(v.bytes('dek'), pattern(v.get('length')), ad);
    v.is('sealed_hash', sha(...chunks));
    v.are('leaf_hashes', chunks.map(c.leafHash));
    v.is('root', c.rootOf(v.array('leaf_hashes')));
  },
  header(v) {
    const header = read('header', v.value('header', 'header'));
    const sealed = sealedOf(v.bytes('vid'), v.bytes('last_context'), header);
    eq(c.edPublic(v.bytes('ssk_seed')), header.svk, 'svk');
    eq(c.edSign(v.bytes('ssk_seed'), sealed), header.osig, 'osig');
    must(c.edHolds(header.svk, sealed, header.osig), 'osig');
    must(header.length >= 9n, 'length');
  },
  case(v) {
    const header = v.type('header', 'header');
    v.is('case', caseOf(v.bytes('vid'), v.bytes('order'), v.bytes('last_context'), v.bytes('sigma'), header));
  },

  // ---- grant.json ----
  grant_seed(v) {
    v.is('grant_seed', c.KDF('grant-root', v.bytes('seed'), tuple(v.bytes('ledger'), u64(v.number('j')))));
    v.is('R', c.edPublic(c.KDF('R', v.bytes('grant_seed'))));
  },
  grant_secrets(v) {
    const info = tuple(v.bytes('enrolment'), u64(v.number('issued')), c.H(list(v.array('vids'))));
    v.is('gs', c.KDF('gs', v.bytes('grant_seed'), info));
    v.is('gid', c.KDF('gid', v.bytes('gs')));
    v.is('salt', c.KDF('salt', v.bytes('gs')));
  },
  audit_key(v) {
    v.is('ka', c.KDF('audit', v.bytes('gs'), utf8(v.text('cloud'))));
  },
  grant_key(v) {
    const y = c.kdfScalar('grant', v.bytes('gs'), tuple(v.bytes('gid'), v.bytes('vid')));
    v.is('y', c.fromScalar(y));
    v.is('Y', c.encode(c.g1.multiply(y)));
    v.is('pkv', c.encode(c.g1.multiply(v.scalar('xv'))));
    v.is('rk', c.fromScalar((y * c.inverse(v.scalar('xv'))) % c.q));
    v.is('Y', c.encode(c.G1(v.bytes('pkv')).multiply(v.scalar('rk'))));
  },
  reencryption(v) {
    const B2 = c.G1(v.bytes('B')).multiply(v.scalar('rk'));
    v.is('B2', c.encode(B2));
    v.is('Y', c.encode(c.g1.multiply(v.scalar('y'))));
    v.is('K', c.pairWithG2(B2.multiply(c.inverse(v.scalar('y')))));
    const h = capsuleHash(v.bytes('vid'), v.bytes('svk'));
    must(capsuleHolds(h, B2, c.G1(v.bytes('Y')), c.G2(v.bytes('C'))), "e(B', h) = e(Y, C)");
  },
  terms(v) {
    const encoding = v.value('terms', 'grant');
    const terms = read('grant', encoding);
    v.is('Box', c.xPublic(v.bytes('box_secret')));
    const opened = c.sealedBoxOpen(v.bytes('box_secret'), v.bytes('wrapped'));
    must(opened, 'wrapped does not open');
    v.is('wrapped_plain', opened);
    eq(c.H(v.bytes('wrapped')), terms.wrapped, 'H(wrapped)');
    const wrapped = read('wrapped', opened);
    eq(c.KDF('gid', wrapped.gs), terms.gid, 'gid');
    must(wrapped.audit_keys.length === terms.clouds.length, 'audit keys');
    wrapped.audit_keys.forEach(({ cloud, ka }, i) => {
      must(cloud === terms.clouds[i], 'a cloud of the audit keys');
      eq(c.KDF('audit', wrapped.gs, utf8(cloud)), ka, 'ka');
    });
    v.is('signature', c.edSign(v.bytes('Av_seed'), tr('terms', terms.ledger, c.H(encoding))));
  },
  consent(v) {
    const [ledger, terms] = [v.bytes('ledger'), v.type('terms', 'grant')];
    eq(c.edPublic(v.bytes('R_seed')), terms.revoker, 'R');
    v.is('cm', c.H(tr('consent', v.bytes('terms'), v.bytes('salt'))));
    const post = { ledger, cloud: v.text('cloud'), cm: v.bytes('cm'), latest: v.number('latest') };
    v.is('consent_post', c.edSign(v.bytes('R_seed'), write('consent_post', post)));
    v.is('revoke', c.edSign(v.bytes('R_seed'), tr('revoke', ledger, terms.revoker)));
  },

  // ---- access.json ----
  access(v) {
    const [ka, j, entry] = [v.bytes('ka'), u64(v.number('j')), v.type('entry', 'e_access')];
    const body = v.type('body', 'access_body');
    must(body.j === v.number('j'), 'j');
    eq(c.edSign(v.bytes('reader_a'), encodingOf(body.request)), body.signature, "the reader's signature");
    must(same(body.request.ledger, entry.ledger) && body.request.cloud === entry.cloud, 'ledger and cloud');
    v.is('handle', c.HMAC(ka, tr('handle', j)).subarray(0, 16));
    v.is('salt', c.HMAC(ka, tr('salt', j)));
    v.is('box_key', c.HMAC(ka, tr('box', j)));
    eq(entry.handle, v.bytes('handle'), 'the handle of the entry');
    eq(c.H(tr('access-cm', v.bytes('body'), v.bytes('salt'))), entry.cm, 'cm');
    const padded = join(u64(v.bytes('body').length), v.bytes('body'));
    const size = padded.length <= 1024 ? 1024 : 3072;
    const plain = join(padded, new Uint8Array(size - padded.length));
    eq(
      c.aeadSeal(v.bytes('box_key'), entry.nonce, plain, tr('access-box', entry.handle, entry.cm)),
      entry.box,
      'box',
    );
  },

  // ---- ledger.json ----
  entry(v) {
    const entry = v.bytes('entry');
    readEntry(entry);
    v.is('message', tr('entry', utf8('hospital'), entry));
    must(c.edHolds(v.bytes('A'), v.bytes('message'), v.bytes('ed25519')), 'the hospital');
    must(
      c.blsHolds(v.bytes('P'), 'SIG', tr('entry', utf8('authority'), entry), v.bytes('bls')),
      'the authority',
    );
  },
  leaf(v) {
    const { entry, signers } = v.type('signed', 'signed');
    must(signers.length === 1 && signers[0].role === 'authority' && signers[0].who.length === 0, 'rows');
    const message = tr('entry', utf8('authority'), encodingOf(entry));
    must(c.blsHolds(v.bytes('P'), 'SIG', message, signers[0].signature), 'the authority');
    v.is('leaf', tr('leaf', v.bytes('signed'), u64(v.number('height')), u64(v.number('tau'))));
    v.is('entry_hash', c.H(encodingOf(entry)));
    v.is('leaf_hash', c.leafHash(v.bytes('leaf')));
  },
  inclusion(v) {
    const [index, size] = [v.number('index'), v.number('size')];
    must(index < size, 'no such leaf');
    const all = [...Array(Number(size)).keys()].map((i) => c.leafHash(Uint8Array.of(i)));
    v.is('leaf_hash', all[Number(index)]);
    v.is('root', c.rootOf(all));
    must(c.inclusionHolds(v.bytes('leaf_hash'), index, size, v.array('path'), v.bytes('root')), 'path');
  },
  consistency(v) {
    const [first, second] = [v.number('first'), v.number('second')];
    const all = [...Array(Number(second)).keys()].map((i) => c.leafHash(Uint8Array.of(i)));
    v.is('first_root', c.rootOf(all.slice(0, Number(first))));
    v.is('second_root', c.rootOf(all));
    const roots = [v.bytes('first_root'), v.bytes('second_root')];
    must(c.consistencyHolds(first, second, ...roots, v.array('path')), 'path');
  },
  checkpoint(v) {
    const set = v.type('set', 'set');
    checkCheckpoint(v.bytes('ledger'), set, v.type('cosigned', 'cosigned'));
  },
  index(v) {
    const block = v.value('block', 'index');
    v.is('head', c.H(block));
    const row = read('index', block).rows.find(({ kind }) => kind === 'Access');
    must(row, 'no Access among the rows');
    eq(row.key, tuple(utf8(v.text('cloud')), v.bytes('handle')), 'the key of an Access');
  },
  case_block(v) {
    checkCaseBlock({
      ledger: v.bytes('ledger'),
      hospitalA: v.bytes('A'),
      authority: v.bytes('P'),
      creds: v.array('creds'),
      confirmers: v.array('confirmers'),
      body: v.array('body').map((bytes) => read('leaf', bytes)),
      header: v.type('header', 'case_header'),
    });
  },

  // ---- case.json ----
  case_genesis(v) {
    v.is('ledger', readGenesis(v.bytes('genesis')).ledger);
  },
  case_file(v) {
    const { genesis } = v.file.find(({ op }) => op === 'case_genesis');
    const { step, verdict, what } = checkCaseFile(readGenesis(unhex(genesis)), v.bytes('file'));
    must(step === v.text('step') && verdict === v.text('verdict'), `${step}, ${verdict}: ${what}`);
  },

  // ---- sets.json ----
  genesis(v) {
    const { ledger, set } = checkGenesis(v.type('signed', 'signed'));
    v.is('ledger', ledger);
    v.is('set', set);
    v.is('set_hash', c.H(set));
  },
  set_step(v) {
    const before = v.type('before', 'set');
    const after = followSet(v.bytes('P'), v.bytes('ledger'), before, v.type('signed', 'signed'));
    v.is('after', after);
    v.is('after_hash', c.H(after));
  },
  enrolment(v) {
    const { entry, signers } = v.type('signed', 'signed');
    eq(entry.ledger, v.bytes('ledger'), 'ledger');
    checkEnrolment(v.bytes('P'), entry);
    const doctor = entry.kind === 1n;
    must(signers.length === 1 && signers[0].role === (doctor ? 'hospital' : 'authority'), 'rows');
    must(same(signers[0].who, doctor ? entry.hospital : []), 'who');
    const message = tr('entry', utf8(signers[0].role), encodingOf(entry));
    const { signature } = signers[0];
    must(
      doctor
        ? c.edHolds(v.bytes('A'), message, signature)
        : c.blsHolds(v.bytes('P'), 'SIG', message, signature),
      'row',
    );
  },
};

// file: all vectors of the file that this one is of.
export function checkVector(fields, file) {
  const v = new Vector(fields, file);
  must(Object.hasOwn(ops, fields.op), `no such op: ${fields.op}`);
  ops[fields.op](v);
  const unseen = Object.keys(fields).filter((key) => !v.seen.has(key));
  must(unseen.length === 0, `nobody looked at ${unseen}`);
}
