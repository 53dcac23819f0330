// SPDX-License-Identifier: Apache-2.0
// A whole kept demo (docs/vectors.md, "A kept demo"): everything in it that can be seen without a secret.
import { readFileSync, readdirSync } from 'node:fs';
import { join as path } from 'node:path';
import * as c from './crypto.mjs';
import { capsuleHash, capsuleHolds, caseOf, eq, must, sealedOf } from './checks.mjs';
import { checkCaseFile, readGenesis } from './case.mjs';
import { Ledger, checkCheckpoint } from './log.mjs';
import { encodingOf, hex, itemsOf, partsOf, read, readTerms, same, write } from './wire.mjs';

const names = [
  'genesis',
  'ledger.export',
  'record.header',
  'record.payload',
  'grant.terms',
  'grant.consent',
  'grant.signatures',
  'case.bcemr',
  'case-opened.bcemr',
];

// The head and the leaves of an export (docs/ledger.md, "On the command line").
export function readExport(bytes) {
  const [head, ...leaves] = partsOf(bytes);
  return { head, leaves };
}

function documentsOf(folder) {
  const files = readdirSync(folder).sort();
  return files.map((name) => ({ name, bytes: new Uint8Array(readFileSync(path(folder, name))) }));
}
export function readKept(folder) {
  const kept = Object.fromEntries(
    names.map((name) => [name, new Uint8Array(readFileSync(path(folder, name)))]),
  );
  Object.assign(kept, readExport(kept['ledger.export']));
  kept.input = documentsOf(path(folder, 'input'));
  kept.opened = documentsOf(path(folder, 'opened'));
  return kept;
}

// Sealed chunks of 65,536 bytes and a tag each.
function payloadHolds(payload, header) {
  const chunks = Math.ceil(Number(header.length) / 65536);
  must(payload.length === Number(header.length) + 16 * chunks, 'the length of the payload');
  eq(c.rootOf(c.pieces(payload, 65552).map(c.leafHash)), header.root, 'the root over the payload');
}

function recordHolds(kept, visit) {
  const header = read('header', kept['record.header']);
  const { last_context: lastContext, order, sigma } = visit.case;
  eq(header.svk, visit.last.svk, 'svk of the header');
  must(c.edHolds(header.svk, sealedOf(visit.vid, lastContext, header), header.osig), 'osig');
  eq(caseOf(visit.vid, order, lastContext, sigma, header), encodingOf(visit.case), 'the case of the header');
  const h = capsuleHash(visit.vid, header.svk);
  must(capsuleHolds(h, c.G1(header.b), c.G1(visit.v.pkv), c.G2(header.c)), 'e(B, h) = e(pkv, C)');
  must(
    header.tags.every((tag, i) => i === 0 || hex(header.tags[i - 1]) < hex(tag)),
    'tags do not ascend',
  );
  must([8, 16, 32, 64].includes(header.tags.length), 'the number of tags');
  payloadHolds(kept['record.payload'], header);
}

function grantHolds(kept, state, visit) {
  const terms = readTerms(kept['grant.terms']);
  eq(terms.ledger, state.id, 'the ledger of the terms');
  const reader = state.active(terms.doctor);
  must(reader, 'the reader is not enrolled');
  eq(terms.enrolment, reader.hash, 'the enrolment of the terms');
  must(terms.visits.length === 1 && same(terms.visits[0].vid, visit.vid), 'the visit of the terms');
  c.G1(terms.visits[0].y);
  must(terms.issued < terms.expiry && terms.t === 1n, 'the times of the terms');
  const consents = state.consents.filter((consent) => same(consent.revoker, terms.revoker));
  must(
    consents.length > 0 && consents.every((consent) => terms.clouds.includes(consent.cloud)),
    'no Consent for these terms',
  );
  const opening = read('consent', kept['grant.consent']);
  eq(encodingOf(opening.terms), kept['grant.terms'], 'the terms of the opening');
  consents.forEach((consent) => eq(c.H(kept['grant.consent']), consent.cm, 'cm'));
  const signatures = itemsOf(kept['grant.signatures']);
  const signed = write('terms', { ledger: state.id, terms: c.H(kept['grant.terms']) });
  must(
    signatures.length === 1 && c.edHolds(visit.v.av, signed, signatures[0]),
    "the visit's signature under the terms",
  );
  must(
    state.accesses.length > 0 && state.accesses.every((access) => terms.clouds.includes(access.cloud)),
    'no Access',
  );
}

function documentsHold({ input, opened }) {
  must(input.length > 0 && input.length === opened.length, 'documents are missing');
  input.forEach(({ name, bytes }, i) => {
    must(opened[i].name === name, `${name} was not opened`);
    eq(c.H(opened[i].bytes), c.H(bytes), name);
  });
}

// The entries one after the other.
export function walk(kept) {
  const state = new Ledger();
  kept.leaves.forEach((leaf, i) => {
    try {
      state.add(leaf);
    } catch (error) {
      error.message = `leaf ${i}: ${error.message}`;
      throw error;
    }
  });
  state.end();
  return state;
}

// The head of the export against the log, and the checkpoint in it.
function headHolds(kept, state) {
  const head = read('ledger_export', kept.head);
  eq(head.ledger, state.id, 'the ledger of the export');
  must(head.size === BigInt(state.leafHashes.length), 'the size of the export');
  eq(head.root, c.rootOf(state.leafHashes), 'the root of the export');
  must(head.cosigned.length === 1, 'no cosigned checkpoint');
  const { checkpoint } = head.cosigned[0];
  checkCheckpoint(state.id, state.set, head.cosigned[0]);
  must(checkpoint.size === BigInt(state.leafHashes.length), 'the size of the checkpoint');
  eq(checkpoint.stops, state.heads.stops, 'the head of stops');
  eq(checkpoint.finds, state.heads.finds, 'the head of finds');
  must(checkpoint.tau === state.tau, 'the time of the checkpoint');
  eq(checkpoint.root, head.root, 'the root of the checkpoint');
}

const hashesOf = (documents) =>
  documents
    .map(({ bytes }) => hex(c.H(bytes)))
    .sort()
    .join();

// Both case files, with the genesis alone; what one of them opens is what went in.
function caseFilesHold(kept, visit) {
  const genesis = readGenesis(kept.genesis);
  for (const name of ['case.bcemr', 'case-opened.bcemr']) {
    const { step, verdict, what, vid, documents } = checkCaseFile(genesis, kept[name]);
    must(verdict === 'VALID', `${name}: ${step}, ${verdict}: ${what}`);
    eq(vid, visit.vid, `the visit of ${name}`);
    const wanted = name === 'case.bcemr' ? [] : kept.input;
    must(hashesOf(documents) === hashesOf(wanted), `the documents of ${name}`);
  }
}

export function checkKept(kept) {
  const state = walk(kept);
  const first = read('leaf', kept.leaves[0]).signed_entry;
  eq(kept.genesis, encodingOf(first), 'the genesis beside the ledger');
  headHolds(kept, state);
  const visits = [...state.visits.values()].filter((visit) => visit.case);
  must(visits.length === 1, 'one visit with a case');
  recordHolds(kept, visits[0]);
  grantHolds(kept, state, visits[0]);
  documentsHold(kept);
  caseFilesHold(kept, visits[0]);
  return state;
}
