/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Every byte of every signed or sealed object is flipped: it must fail to decode or to verify.
 * docs/flips.md says by field what a flip gives; it must be what this run gives. To write it anew:
 * BCEMR_FLIPS_OUT=docs/flips.md build/tests/program/test_flips
 */
#define _XOPEN_SOURCE 700

#include "core/core_test.h"
#include "core/sample.h"

#include "bcemr/keyfile.h"
#include "bcemr/random.h"
#include "support/flips.h"
#include "support/ledger_world.h"
#include "wire/table.h"

#include <bcemr/diagnosis.h>
#include <bcemr/grant.h>
#include <bcemr/group_key.h>
#include <bcemr/proof.h>
#include <bcemr/record.h>

#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#define SMALL 700 /* bytes up to which every bit is flipped; less where a pairing is computed */
#define SMALL_PAIRING 150
#define SPAN(object) bcemr_span_of((object).b, sizeof(object).b)

static sample s;
static bcemr_error err;
static const bcemr_key key = {{7}};
static const bcemr_span doctor = {(const uint8_t *)"dr-abel", 7};

/* ---- answers ---- */

static const char *status_name(bcemr_status status)
{
    if (status == BCEMR_E_REFUSED)
        return bcemr_verdict_name(err.verdict);
    return status == BCEMR_OK ? NULL : bcemr_status_name(status);
}

static const char *verdict_name(bcemr_verdict verdict)
{
    if (verdict == BCEMR_UNDECIDED)
        return bcemr_status_name(err.status);
    return verdict == BCEMR_VALID ? NULL : bcemr_verdict_name(verdict);
}

static const char *unless(bool holds, bcemr_verdict verdict)
{
    return holds ? NULL : bcemr_verdict_name(verdict);
}

/* Bytes under a signature of the user's: decoded by their type, then the signature. */
typedef struct signed_bytes {
    const bcemr_type *type;
    const bcemr_ed_raw *key;
    bcemr_ed_signature signature;
    bcemr_verdict refusal;
} signed_bytes;

static const char *read_signed_bytes(void *user, bcemr_span bytes)
{
    const signed_bytes *u = user;
    bcemr_status status = bcemr_validate(u->type, bytes, &err);
    if (status != BCEMR_OK)
        return status_name(status);
    return unless(bcemr_ed_holds(u->key, bytes, &u->signature), u->refusal);
}

/* The signature over bytes that stand. */
typedef struct signature_over {
    const bcemr_ed_raw *key;
    bcemr_span message;
    bcemr_verdict refusal;
} signature_over;

static const char *read_signature(void *user, bcemr_span bytes)
{
    const signature_over *u = user;
    bcemr_ed_signature signature;
    memcpy(signature.b, bytes.p, sizeof signature.b);
    return unless(bcemr_ed_holds(u->key, u->message, &signature), u->refusal);
}

static void flip_signed(const char *object, const bcemr_type *type, bcemr_span bytes,
                        const bcemr_ed_secret *secret, bcemr_verdict refusal)
{
    char name[48];
    bcemr_ed_raw public_key;
    bcemr_ed_public_of(secret, &public_key);
    signed_bytes u = {type, &public_key, {{0}}, refusal};
    bcemr_ed_sign(secret, bytes, &u.signature);
    flips_run(object, type, bytes, SMALL, 1, read_signed_bytes, &u);
    signature_over over = {&public_key, bytes, refusal};
    (void)snprintf(name, sizeof name, "%s: signature", object);
    flips_run(name, NULL, bcemr_span_of(u.signature.b, 64), SMALL, 1, read_signature, &over);
}

static void flip_signed_value(const char *object, const bcemr_type *type, const void *value,
                              const bcemr_ed_secret *secret, bcemr_verdict refusal)
{
    bcemr_buf bytes = BCEMR_BUF_EMPTY;
    OK(bcemr_write(type, value, &bytes, NULL));
    flip_signed(object, type, bcemr_buf_span(&bytes), secret, refusal);
    bcemr_buf_free(&bytes);
}

/* ---- section 3 ---- */

static const char *read_ticket(void *user, bcemr_span bytes)
{
    const bcemr_ed_signature *signature = user;
    static bcemr_order order;
    const char *answer = verdict_name(bcemr_order_begin(bytes, &order, &err));
    return answer ? answer
                  : unless(bcemr_ed_holds(&s.hospital_publics.a, bytes, signature),
                           BCEMR_BAD_TICKET_SIGNATURE);
}

static const char *read_acceptance(void *user, bcemr_span bytes)
{
    bcemr_tr_acceptance acceptance;
    (void)user;
    bcemr_status status = bcemr_read_acceptance(bytes, &acceptance, &err);
    if (status != BCEMR_OK)
        return status_name(status);
    return verdict_name(bcemr_acceptance_check(&s.visit, &s.vid, &acceptance, &err));
}

static const char *read_amend(void *user, bcemr_span bytes)
{
    static bcemr_order order;
    const bcemr_ed_signature *signature = user;
    VALID(bcemr_order_begin(bcemr_buf_span(&s.encoded), &order, NULL));
    const char *answer = verdict_name(bcemr_order_amend(&order, bytes, &err));
    return answer ? answer
                  : unless(bcemr_ed_holds(&s.hospital_publics.a, bytes, signature),
                           BCEMR_BAD_AMENDMENT_SIGNATURE);
}

static void ticket_and_amendment(void **state)
{
    (void)state;
    bcemr_buf bytes = BCEMR_BUF_EMPTY;
    bcemr_ed_signature signature;
    bcemr_tr_acceptance acceptance;
    const bcemr_span v = bcemr_buf_span(&s.encoded);
    bcemr_ed_sign(&s.hospital.a, v, &signature);
    flips_run("ticket V", &bcemr_type_visit, v, SMALL_PAIRING, 1, read_ticket, &signature);
    signature_over over = {&s.hospital_publics.a, v, BCEMR_BAD_TICKET_SIGNATURE};
    flips_run("sigma_V", NULL, SPAN(signature), SMALL, 1, read_signature, &over);
    OK(bcemr_acceptance_make(&s.patient, &s.vid, &acceptance, NULL));
    OK(bcemr_write_acceptance(&acceptance, &bytes, NULL));
    flips_run("acceptance", &bcemr_type_acceptance, bcemr_buf_span(&bytes), SMALL, 1,
              read_acceptance, NULL);
    bcemr_buf_clear(&bytes);
    const bcemr_tr_amend amend = {.vid = s.vid,
                                  .number = 1,
                                  .previous = s.vid,
                                  .signed_count = 2,
                                  .tail = BCEMR_LIST_OF(&s.team[3], 1),
                                  .issued = SAMPLE_ISSUED + 10};
    OK(bcemr_write_amend(&amend, &bytes, NULL));
    bcemr_ed_sign(&s.hospital.a, bcemr_buf_span(&bytes), &signature);
    flips_run("amendment", &bcemr_type_amend, bcemr_buf_span(&bytes), SMALL, 1, read_amend,
              &signature);
    over = (signature_over){&s.hospital_publics.a, bcemr_buf_span(&bytes),
                            BCEMR_BAD_AMENDMENT_SIGNATURE};
    flips_run("amendment: signature", NULL, SPAN(signature), SMALL, 1, read_signature, &over);
    bcemr_buf_free(&bytes);
}

/* ---- the group key run ---- */

typedef struct group_run {
    bcemr_x25519_secret once;
    bcemr_tr_group transcript;
    bcemr_group_keys keys;
    bcemr_hash mac;
} group_run;

static const char *read_transcript(void *user, bcemr_span bytes)
{
    const group_run *r = user;
    bcemr_tr_group group;
    bcemr_group_keys keys;
    bcemr_status status = bcemr_read_group(bytes, &group, &err);
    if (status == BCEMR_OK)
        status = bcemr_group_keys_doctor(&r->once, &s.doctors[0].e, &group, &keys, &err);
    if (status != BCEMR_OK)
        return status_name(status);
    return verdict_name(bcemr_group_mac_check(&keys, &bcemr_type_mac_server, &r->mac, &err));
}

static const char *read_mac(void *user, bcemr_span bytes)
{
    const group_run *r = user;
    bcemr_hash mac;
    memcpy(mac.b, bytes.p, sizeof mac.b);
    return verdict_name(bcemr_group_mac_check(&r->keys, &bcemr_type_mac_server, &mac, &err));
}

static const char *read_wrapped_key(void *user, bcemr_span bytes)
{
    const group_run *r = user;
    bcemr_tr_gk gk;
    return status_name(bcemr_group_key_unwrap(&r->keys, &r->transcript, bytes, &gk, &err));
}

static void group_messages(void **state)
{
    (void)state;
    static group_run r;
    bcemr_buf bytes = BCEMR_BUF_EMPTY;
    const bcemr_tr_gk gk = {.key = {{1}}};
    bcemr_x25519_secret server_once;
    r.transcript = (bcemr_tr_group){.visit = bcemr_buf_span(&s.encoded),
                                    .order = s.vid,
                                    .server = s.hospital_publics.e,
                                    .doctor = doctor,
                                    .doctor_key = s.publics[0].e};
    OK(bcemr_x25519_once(&server_once, &r.transcript.server_once));
    OK(bcemr_x25519_once(&r.once, &r.transcript.doctor_once));
    OK(bcemr_group_keys_server(&server_once, &s.hospital.e, &r.transcript, &r.keys, NULL));
    OK(bcemr_group_mac(&r.keys, &bcemr_type_mac_server, &r.mac));
    OK(bcemr_write_group(&r.transcript, &bytes, NULL));
    flips_run("group key run: transcript", &bcemr_type_group, bcemr_buf_span(&bytes), SMALL, 1,
              read_transcript, &r);
    flips_run("group key run: MAC", NULL, SPAN(r.mac), SMALL, 1, read_mac, &r);
    bcemr_buf_clear(&bytes);
    OK(bcemr_group_key_wrap(&r.keys, &r.transcript, &gk, &bytes, NULL));
    flips_run("group key run: wrapped GK", NULL, bcemr_buf_span(&bytes), SMALL, 1, read_wrapped_key,
              &r);
    bcemr_buf_free(&bytes);
}

/* ---- messages ---- */

static const bcemr_tr_msg *place(void)
{
    static bcemr_tr_msg msg;
    msg = (bcemr_tr_msg){.vid = s.vid, .sender = doctor, .position = 1};
    return &msg;
}

static const char *read_message(void *user, bcemr_span bytes)
{
    bcemr_buf got = BCEMR_BUF_EMPTY;
    (void)user;
    bcemr_status status = bcemr_message_open(&key, place(), bytes, &got, &err);
    bcemr_buf_free(&got);
    return status_name(status);
}

static const char *read_place(void *user, bcemr_span bytes)
{
    const bcemr_buf *box = user;
    bcemr_tr_msg msg;
    bcemr_buf got = BCEMR_BUF_EMPTY;
    bcemr_status status = bcemr_read_msg(bytes, &msg, &err);
    if (status == BCEMR_OK)
        status = bcemr_message_open(&key, &msg, bcemr_buf_span(box), &got, &err);
    bcemr_buf_free(&got);
    return status_name(status);
}

static const char *read_pair(void *user, bcemr_span bytes)
{
    bcemr_buf got = BCEMR_BUF_EMPTY;
    (void)user;
    bcemr_status status =
        bcemr_pair_open(&key, &s.vid, BCEMR_direction_TO_SERVER, 7, bytes, &got, &err);
    bcemr_buf_free(&got);
    return status_name(status);
}

static const char *read_wrapped(void *user, bcemr_span bytes)
{
    bcemr_buf got = BCEMR_BUF_EMPTY;
    (void)user;
    bcemr_status status =
        bcemr_sealed_box_open(&s.doctors[0].box, bytes, BCEMR_BAD_WRAPPED, &got, &err);
    bcemr_buf_free(&got);
    return status_name(status);
}

static void messages(void **state)
{
    (void)state;
    bcemr_buf box = BCEMR_BUF_EMPTY, bytes = BCEMR_BUF_EMPTY;
    const bcemr_span plain = bcemr_text("what one doctor hands to the next");
    const bcemr_tr_audit_key ka = {bcemr_text("cloud-1"), {{2}}};
    const bcemr_tr_wrapped wrapped = {.gs = {{1}}, .audit_keys = BCEMR_LIST_OF(&ka, 1)};
    OK(bcemr_message_seal(&key, place(), plain, &box, NULL));
    OK(bcemr_write_msg(place(), &bytes, NULL));
    flips_run("message under GK", NULL, bcemr_buf_span(&box), SMALL, 1, read_message, NULL);
    flips_run("message under GK: its place", &bcemr_type_msg, bcemr_buf_span(&bytes), SMALL, 1,
              read_place, &box);
    bcemr_buf_clear(&box);
    OK(bcemr_pair_seal(&key, &s.vid, BCEMR_direction_TO_SERVER, 7, plain, &box, NULL));
    flips_run("pair box", &bcemr_type_pair_box, bcemr_buf_span(&box), SMALL, 1, read_pair, NULL);
    bcemr_buf_clear(&box);
    bcemr_buf_clear(&bytes);
    OK(bcemr_write_wrapped(&wrapped, &bytes, NULL));
    OK(bcemr_sealed_box(&s.publics[0].box, bcemr_buf_span(&bytes), &box, NULL));
    flips_run("wrapped (sealed box to Box)", NULL, bcemr_buf_span(&box), SMALL_PAIRING, 1,
              read_wrapped, NULL);
    bcemr_buf_free(&box);
    bcemr_buf_free(&bytes);
}

/* ---- section 4 ---- */

static const char *read_presence(void *user, bcemr_span bytes)
{
    uint64_t waiver;
    (void)user;
    const char *answer = verdict_name(
        bcemr_presence_check(&s.visit, &s.vid, doctor, SAMPLE_ISSUED, 1000, bytes, &waiver, &err));
    return answer ? answer : unless(waiver == 0, BCEMR_BAD_PRESENCE);
}

/* With its check switched off a presence is taken whatever it says: that must show. */
static void unnoticed_flips_are_seen(void **state)
{
    (void)state;
    bcemr_buf bytes = BCEMR_BUF_EMPTY;
    const bcemr_tr_present present = {
        .vid = s.vid, .doctor = doctor, .nonce = {{3}}, .time = SAMPLE_ISSUED};
    bcemr_tr_presence made;
    OK(bcemr_presence_make(&s.patient, &present, &made, NULL));
    OK(bcemr_write_presence(&made, &bytes, NULL));
    bcemr_switch_off(BCEMR_BAD_PRESENCE);
    flips_run("presence", &bcemr_type_presence, bcemr_buf_span(&bytes), SMALL, 1, read_presence,
              NULL);
    bcemr_switch_all_on();
    assert_true(flips_unnoticed() >= 8 * 64);
    flips_end();
    bcemr_buf_free(&bytes);
}

/* As c_j is checked: by its parts' hash. */
static const char *read_contribution(void *user, bcemr_span bytes)
{
    const bcemr_hash *due = user;
    bcemr_tr_contribution c;
    bcemr_hash got;
    bcemr_status status = bcemr_read_contribution(bytes, &c, &err);
    if (status == BCEMR_OK)
        status = bcemr_commitment(&c.vid, c.i, &c.salt, c.manifest, c.presence, &got, &err);
    if (status != BCEMR_OK)
        return status_name(status);
    /* k stands in ctx_i, where the reader compares it with the ledger's. */
    return unless(bcemr_hash_equal(&got, due) && c.k == 0, BCEMR_BAD_COMMITMENT);
}

typedef struct one_sign {
    bcemr_tr_sign sign;
    bcemr_g1_raw delta;
    bcemr_g2_lines lines;
} one_sign;

static const char *read_context(void *user, bcemr_span bytes)
{
    one_sign *u = user;
    bcemr_tr_sign sign;
    bcemr_status status = bcemr_read_sign(bytes, &sign, &err);
    if (status != BCEMR_OK)
        return status_name(status);
    return verdict_name(bcemr_diagnosis_check(context, &u->lines, &sign, &u->delta, &err));
}

static const char *read_delta(void *user, bcemr_span bytes)
{
    one_sign *u = user;
    bcemr_g1_raw delta;
    memcpy(delta.b, bytes.p, sizeof delta.b);
    return verdict_name(bcemr_diagnosis_check(context, &u->lines, &u->sign, &delta, &err));
}

static void make_contribution(bcemr_buf *out, bcemr_hash *commitment)
{
    bcemr_buf manifest = BCEMR_BUF_EMPTY, presence = BCEMR_BUF_EMPTY;
    const bcemr_tr_present present = {
        .vid = s.vid, .doctor = doctor, .nonce = {{3}}, .time = SAMPLE_ISSUED};
    const bcemr_tr_document document = {bcemr_text("x-ray.dcm"), bcemr_text("application/dicom"),
                                        12, s.vid};
    const bcemr_span word = bcemr_text("asthma");
    const bcemr_tr_reference reference = {s.vid, s.vid, BCEMR_relation_RELATED};
    const bcemr_tr_manifest m = {BCEMR_LIST_OF(&document, 1), BCEMR_LIST_OF(&word, 1),
                                 BCEMR_LIST_OF(&reference, 1)};
    bcemr_tr_presence made;
    OK(bcemr_presence_make(&s.patient, &present, &made, NULL));
    OK(bcemr_write_presence(&made, &presence, NULL));
    flips_run("presence", &bcemr_type_presence, bcemr_buf_span(&presence), SMALL, 1, read_presence,
              NULL);
    OK(bcemr_write_manifest(&m, &manifest, NULL));
    const bcemr_tr_contribution c = {.vid = s.vid,
                                     .i = 1,
                                     .manifest = bcemr_buf_span(&manifest),
                                     .salt = {{4}},
                                     .presence = bcemr_buf_span(&presence)};
    OK(bcemr_commitment(&s.vid, 1, &c.salt, c.manifest, c.presence, commitment, NULL));
    OK(bcemr_write_contribution(&c, out, NULL));
    bcemr_buf_free(&manifest);
    bcemr_buf_free(&presence);
}

static void diagnosis(void **state)
{
    (void)state;
    static one_sign u;
    bcemr_buf bytes = BCEMR_BUF_EMPTY;
    bcemr_hash commitment;
    bcemr_g2 x;
    make_contribution(&bytes, &commitment);
    flips_run("contribution (manifest, salt, presence)", &bcemr_type_contribution,
              bcemr_buf_span(&bytes), SMALL, 1, read_contribution, &commitment);
    u.sign = (bcemr_tr_sign){.order = s.vid,
                             .i = 1,
                             .doctor = doctor,
                             .x = s.publics[0].x,
                             .time = SAMPLE_ISSUED,
                             .previous = s.vid,
                             .commitment = commitment,
                             .svk = SPAN(s.publics[1].a)};
    OK(bcemr_diagnosis_sign(&s.doctors[0].x, &u.sign, &u.delta, NULL));
    OK(bcemr_g2_decode(&s.publics[0].x, &x));
    bcemr_g2_prepare(&x, &u.lines);
    bcemr_buf_clear(&bytes);
    OK(bcemr_write_sign(&u.sign, &bytes, NULL));
    flips_run("ctx_i", &bcemr_type_sign, bcemr_buf_span(&bytes), SMALL_PAIRING, 1, read_context,
              &u);
    flips_run("delta_i", NULL, SPAN(u.delta), SMALL, 1, read_delta, &u);
    const bcemr_tr_receipt receipt = {
        .ledger = s.vid, .vid = s.vid, .i = 1, .commitment = commitment, .time = SAMPLE_ISSUED};
    flip_signed_value("receipt", &bcemr_type_receipt, &receipt, &s.hospital.a,
                      BCEMR_BAD_ENTRY_SIGNATURE);
    bcemr_buf_free(&bytes);
}

/* ---- section 5 ---- */

static const char *read_header(void *user, bcemr_span bytes)
{
    bcemr_tr_header header;
    (void)user;
    bcemr_status status = bcemr_read_header(bytes, &header, &err);
    if (status != BCEMR_OK)
        return status_name(status);
    return verdict_name(bcemr_header_check(&s.vid, &s.vid, &header, &err));
}

static const char *read_header_of_case(void *user, bcemr_span bytes)
{
    bcemr_tr_header header;
    bcemr_status status = bcemr_read_header(bytes, &header, &err);
    if (status != BCEMR_OK)
        return status_name(status);
    return verdict_name(bcemr_header_is_case(&header, user, &err));
}

static const char *read_capsule(void *user, bcemr_span bytes)
{
    bcemr_g1_raw b;
    bcemr_g2_raw c;
    (void)user;
    memcpy(b.b, bytes.p, sizeof b.b);
    memcpy(c.b, bytes.p + sizeof b.b, sizeof c.b);
    return verdict_name(bcemr_capsule_check(context, &s.vid, &s.publics[0].a, &b, &s.visit.pkv, &c,
                                            BCEMR_BAD_CAPSULE, &err));
}

static const char *read_chunks(void *user, bcemr_span bytes)
{
    static uint8_t out[BCEMR_CHUNK + 200];
    return status_name(bcemr_stream_open(user, 0, bytes, NULL, BCEMR_BAD_CHUNK, out, NULL, &err));
}

/* As who holds no key sees it. */
static const char *read_payload_root(void *user, bcemr_span bytes)
{
    bcemr_hash leaves[2], root;
    bcemr_tree tree;
    bcemr_stream_leaves(bytes, NULL, leaves);
    bcemr_tree_begin(&tree);
    bcemr_tree_add(&tree, &leaves[0]);
    bcemr_tree_add(&tree, &leaves[1]);
    bcemr_tree_root(&tree, &root);
    if (!user)
        return "no root";
    bcemr_hash *due = user;
    if (due->b[0] == 0 && sodium_is_zero(due->b, 32))
        *due = root;
    return unless(bcemr_hash_equal(&root, due), BCEMR_BAD_ROOT);
}

static void payload(void)
{
    static uint8_t plain[BCEMR_CHUNK + 200], sealed[BCEMR_CHUNK + 200 + 32];
    static bcemr_stream stream;
    bcemr_hash leaves[2], root = {{0}};
    OK(bcemr_stream_payload(&key, &s.vid, &s.publics[0].a, sizeof plain, &stream, NULL));
    OK(bcemr_stream_seal(&stream, 0, bcemr_span_of(plain, sizeof plain), NULL, sealed, leaves,
                         NULL));
    flips_run("payload: two chunks, opened (each 31st byte)", NULL,
              bcemr_span_of(sealed, sizeof sealed), SMALL, 31, read_chunks, &stream);
    flips_run("payload: two chunks, at a cloud (each 31st byte)", NULL,
              bcemr_span_of(sealed, sizeof sealed), SMALL, 31, read_payload_root, &root);
    OK(bcemr_stream_payload(&key, &s.vid, &s.publics[0].a, 300, &stream, NULL));
    OK(bcemr_stream_seal(&stream, 0, bcemr_span_of(plain, 300), NULL, sealed, leaves, NULL));
    flips_run("payload: a short last chunk", NULL, bcemr_span_of(sealed, 316), SMALL, 1,
              read_chunks, &stream);
}

static void record(void **state)
{
    (void)state;
    uint8_t capsule[48 + 96];
    bcemr_buf bytes = BCEMR_BUF_EMPTY;
    bcemr_bytes16 tags[8];
    bcemr_secret_scalar r;
    bcemr_capsule_key k;
    bcemr_tr_case record_case;
    bcemr_tr_header header = {.svk = s.publics[0].a,
                              .tags = BCEMR_LIST_OF(tags, 8),
                              .kc = s.vid,
                              .root = s.vid,
                              .length = 300};
    for (unsigned i = 0; i < 8; i++)
        tags[i] = (bcemr_bytes16){{(uint8_t)(3 * i)}};
    OK(bcemr_capsule_seal(context, &s.visit.pkv, &s.vid, &s.publics[0].a, &r, &header.b, &header.c,
                          &k, NULL));
    memcpy(capsule, header.b.b, 48);
    memcpy(capsule + 48, header.c.b, 96);
    OK(bcemr_header_sign(&s.doctors[0].a, &s.vid, &s.vid, &header, NULL));
    OK(bcemr_case_make(&s.vid, &s.vid, &s.vid, &header.b, &header, &record_case, NULL));
    OK(bcemr_write_header(&header, &bytes, NULL));
    flips_run("record header: osig", &bcemr_type_header, bcemr_buf_span(&bytes), SMALL, 1,
              read_header, NULL);
    flips_run("record header: against the case", &bcemr_type_header, bcemr_buf_span(&bytes), SMALL,
              1, read_header_of_case, &record_case);
    flips_run("capsule: B and C", NULL, bcemr_span_of(capsule, sizeof capsule), SMALL_PAIRING, 1,
              read_capsule, NULL);
    payload();
    bcemr_buf_free(&bytes);
}

/* ---- section 7 ---- */

/* H(terms) under each visit's Av. */
static const char *read_grant(void *user, bcemr_span bytes)
{
    const bcemr_ed_signature *signature = user;
    bcemr_tr_terms terms = {.ledger = s.vid};
    bcemr_status status = bcemr_validate(&bcemr_type_grant, bytes, &err);
    if (status != BCEMR_OK)
        return status_name(status);
    bcemr_sha256(bytes, &terms.terms);
    return unless(bcemr_ed_holds_value(&s.visit.av, &bcemr_type_terms, &terms, signature),
                  BCEMR_BAD_GRANT_SIGNATURE);
}

static const char *read_consent(void *user, bcemr_span bytes)
{
    bcemr_hash cm;
    bcemr_status status = bcemr_validate(&bcemr_type_consent, bytes, &err);
    if (status != BCEMR_OK)
        return status_name(status);
    bcemr_sha256(bytes, &cm);
    return unless(bcemr_hash_equal(&cm, user), BCEMR_BAD_CONSENT);
}

static void grant(void **state)
{
    (void)state;
    bcemr_buf bytes = BCEMR_BUF_EMPTY, consent = BCEMR_BUF_EMPTY;
    const bcemr_span cloud = bcemr_text("cloud-1");
    const bcemr_tr_grant_visit visit = {.vid = s.vid, .y = SPAN(s.visit.pkv)};
    const bcemr_tr_grant made = {.ledger = s.vid,
                                 .clouds = BCEMR_LIST_OF(&cloud, 1),
                                 .t = 1,
                                 .gid = s.vid,
                                 .doctor = doctor,
                                 .enrolment = s.vid,
                                 .scope = BCEMR_scope_READ,
                                 .issued = SAMPLE_ISSUED,
                                 .expiry = SAMPLE_ISSUED + 1,
                                 .purpose = bcemr_text("second opinion"),
                                 .visits = BCEMR_LIST_OF(&visit, 1),
                                 .revoker = s.publics[1].a,
                                 .wrapped = s.vid};
    OK(bcemr_write_grant(&made, &bytes, NULL));
    bcemr_tr_terms terms = {.ledger = s.vid};
    bcemr_ed_signature signature;
    bcemr_hash cm;
    bcemr_sha256(bcemr_buf_span(&bytes), &terms.terms);
    OK(bcemr_ed_sign_value(&s.patient.av, &bcemr_type_terms, &terms, &signature, NULL));
    flips_run("terms of a grant", &bcemr_type_grant, bcemr_buf_span(&bytes), SMALL, 1, read_grant,
              &signature);
    flip_signed_value("terms as Av signs them", &bcemr_type_terms, &terms, &s.patient.av,
                      BCEMR_BAD_GRANT_SIGNATURE);
    const bcemr_tr_consent c = {bcemr_buf_span(&bytes), {{5}}};
    OK(bcemr_write_consent(&c, &consent, NULL));
    bcemr_sha256(bcemr_buf_span(&consent), &cm);
    flips_run("consent's opening (terms, salt)", &bcemr_type_consent, bcemr_buf_span(&consent),
              SMALL, 1, read_consent, &cm);
    const bcemr_tr_consent_post post = {s.vid, cloud, cm, SAMPLE_ISSUED};
    flip_signed_value("consent-post", &bcemr_type_consent_post, &post, &s.doctors[1].a,
                      BCEMR_BAD_CONSENT_POST);
    bcemr_buf_free(&bytes);
    bcemr_buf_free(&consent);
}

static const char *read_access(void *user, bcemr_span bytes)
{
    bcemr_tr_e_access entry;
    bcemr_buf body = BCEMR_BUF_EMPTY;
    (void)user;
    bcemr_status status = bcemr_read_e_access(bytes, &entry, &err);
    /* Which ledger and cloud it is of, its reader knows: it is found there. */
    if (status == BCEMR_OK && !(bcemr_hash_equal(&entry.ledger, &s.vid) &&
                                bcemr_span_equal(entry.cloud, bcemr_text("cloud-1"))))
        return bcemr_verdict_name(BCEMR_BAD_ACCESS);
    if (status == BCEMR_OK)
        status = bcemr_access_open(&key, 4, &entry, &body, &err);
    bcemr_buf_free(&body);
    return status_name(status);
}

static void access_entry(void **state)
{
    (void)state;
    const bcemr_tr_access_req req = {.ledger = s.vid,
                                     .cloud = bcemr_text("cloud-1"),
                                     .visits = bcemr_span_of("\1", 1),
                                     .kind = BCEMR_access_kind_READ,
                                     .reason = BCEMR_access_reason_TREATMENT,
                                     .time = SAMPLE_ISSUED};
    bcemr_buf request = BCEMR_BUF_EMPTY, body = BCEMR_BUF_EMPTY, entry = BCEMR_BUF_EMPTY;
    flip_signed_value("access request", &bcemr_type_access_req, &req, &s.doctors[0].a,
                      BCEMR_BAD_REQUEST);
    const bcemr_tr_own_req own = {.ledger = s.vid,
                                  .cloud = bcemr_text("cloud-1"),
                                  .vid = s.vid,
                                  .kind = BCEMR_own_kind_RECORD,
                                  .time = SAMPLE_ISSUED};
    flip_signed_value("a patient's own request", &bcemr_type_own_req, &own, &s.patient.av,
                      BCEMR_BAD_REQUEST);
    OK(bcemr_write_access_req(&req, &request, NULL));
    const bcemr_tr_access_body made = {.request = bcemr_buf_span(&request), .j = 4};
    OK(bcemr_write_access_body(&made, &body, NULL));
    OK(bcemr_access_make(&key, &s.vid, req.cloud, bcemr_buf_span(&body), &entry, NULL));
    flips_run("Access, opened by who holds ka", &bcemr_type_e_access, bcemr_buf_span(&entry), SMALL,
              1, read_access, NULL);
    bcemr_buf_free(&request);
    bcemr_buf_free(&body);
    bcemr_buf_free(&entry);
}

/* ---- key files ---- */

static char key_path[] = "/tmp/bcemr-flips-XXXXXX";

static const char *read_key_file(void *user, bcemr_span bytes)
{
    keyfile *keys = user;
    files_error system;
    FILE *out = fopen(key_path, "wb");
    assert_non_null(out);
    assert_int_equal(fwrite(bytes.p, 1, bytes.n, out), bytes.n);
    assert_int_equal(fclose(out), 0);
    return status_name(keyfile_read(key_path, 0, bcemr_text("pass"), keys, &system, &err));
}

static void key_file(void **state)
{
    (void)state;
    files_error system;
    bcemr_buf bytes = BCEMR_BUF_EMPTY;
    keyfile *keys = keyfile_new();
    int fd = mkstemp(key_path);
    assert_non_null(keys);
    assert_true(fd >= 0);
    (void)close(fd);
    (void)unlink(key_path);
    OK(keyfile_draw(keys, BCEMR_key_role_DOCTOR, bcemr_text("doctor-1")));
    OK(keyfile_write(key_path, keys, bcemr_text("pass"), KEYFILE_COST_LOW, &system, NULL));
    OK(files_read(key_path, 4096, &bytes, &system));
    flips_run("key file", &bcemr_type_key_file, bcemr_buf_span(&bytes), 0, 1, read_key_file, keys);
    (void)unlink(key_path);
    keyfile_free(keys);
    bcemr_buf_free(&bytes);
}

/* ---- the ledger: each kind of entry as it is posted, on a second chain ---- */

static world w;

static void post_visits(void)
{
    static world_visit first, second, third;
    static const int tail[] = {2};
    bcemr_tr_e_consent consent;
    bcemr_tr_e_revoke revoke;
    bcemr_tr_e_access access;
    bcemr_tr_e_erase erase;
    bcemr_tr_e_confirm confirm;
    uint8_t host[64];
    world_visit_make(&w, 1, 2, &first);
    assert_int_equal(world_post_admit(&w, &first), 0);
    assert_int_equal(world_post_sign(&w, &first, 1, 0), 0);
    assert_int_equal(world_post_reissue(&w, &first, 1, 0), 0);
    assert_int_equal(world_post_sign(&w, &first, 1, 1), 0);
    assert_int_equal(world_post_amend(&w, &first, tail, 1), 0);
    assert_int_equal(world_post_sign(&w, &first, 2, 0), 0);
    assert_int_equal(world_post_seal(&w, &first), 0);
    world_visit_make(&w, 2, 1, &second);
    assert_int_equal(world_post_admit(&w, &second), 0);
    assert_int_equal(world_post_abort(&w, &second), 0);
    world_consent(&w, 1, CLOUD_1, &consent);
    assert_int_equal(world_post_by(&w, &bcemr_type_e_consent, &consent, CLOUD_1), 0);
    world_access(&w, 1, CLOUD_1, &access);
    assert_int_equal(world_post_by(&w, &bcemr_type_e_access, &access, CLOUD_1), 0);
    world_revoke(&w, 1, &revoke);
    assert_int_equal(world_post(&w, &bcemr_type_e_revoke, &revoke, NULL, 0), 0);
    assert_int_equal(world_join(&w, &w.c.nodes[CLOUD_3]), 0);
    world_confirm(&w, &first, CLOUD_3, BCEMR_asker_PATIENT, host, &confirm);
    assert_int_equal(world_post(&w, &bcemr_type_e_confirm, &confirm, NULL, 0), 0);
    world_erase(&w, &first, CLOUD_1, BCEMR_asker_PATIENT, &erase);
    assert_int_equal(world_post_by(&w, &bcemr_type_e_erase, &erase, CLOUD_1), 0);
    world_visit_free(&first);
    world_visit_free(&second);
    world_visit_free(&third);
}

static void post_sets(void)
{
    bcemr_buf held = BCEMR_BUF_EMPTY;
    consortium_node_make(&w.renewed, "cloud-2", BCEMR_role_CLOUD, "cloud-2 anew");
    bcemr_tr_e_rekey rekey = {.ledger = w.c.ledger, .place = CLOUD_2, .lost = BCEMR_yes_no_NO};
    const consortium_row rows[] = {world_authority(&w), world_votes(&w, 23), world_pop(&w.renewed),
                                   world_node_row(&w, CLOUD_2)};
    world_set_now(&w, &rekey.number, &rekey.before);
    rekey.number++;
    rekey.member = world_member(&w.renewed.row, &held);
    assert_int_equal(world_post(&w, &bcemr_type_e_rekey, &rekey, rows, 4), 0);
    bcemr_buf_free(&held);
    w.voters[CLOUD_2] = &w.renewed.keys;
    assert_int_equal(world_leave(&w, 4), 0);
    bcemr_tr_e_upgrade upgrade = {.ledger = w.c.ledger,
                                  .rules = 2,
                                  .reissues = 3,
                                  .clock_difference = CONSORTIUM_CLOCK_DIFFERENCE,
                                  .retention = CONSORTIUM_RETENTION,
                                  .thresholds = bcemr_buf_span(&w.c.thresholds),
                                  .quotas = bcemr_buf_span(&w.c.quotas),
                                  .height = ledger_chain_height(w.chain) + 9};
    const consortium_row votes[] = {world_authority(&w), world_votes(&w, 7)};
    world_set_now(&w, &upgrade.number, &upgrade.set);
    assert_int_equal(world_post(&w, &bcemr_type_e_upgrade, &upgrade, votes, 2), 0);
    assert_int_equal(world_retire(&w, 3), 0);
}

typedef struct second_chain {
    ledger_chain *chain;
    int64_t clock;
} second_chain;

static const char *read_entry(void *user, bcemr_span bytes)
{
    const second_chain *c = user;
    ledger_outcome outcome;
    bcemr_status status = ledger_chain_check(c->chain, c->clock, &bytes, 1, &outcome, &err);
    if (status != BCEMR_OK)
        return bcemr_status_name(status);
    if (outcome.status == BCEMR_E_REFUSED)
        return ledger_reason_name(outcome.reason);
    return outcome.status == BCEMR_OK ? NULL : bcemr_status_name(outcome.status);
}

/* Plays leaf index on the second chain; before it is taken, the first of its kind is flipped. */
static void play_leaf(second_chain *c, uint64_t index, const bcemr_type **seen, unsigned *count)
{
    bcemr_buf leaf = BCEMR_BUF_EMPTY;
    bcemr_leaf_parts parts;
    char name[48];
    bool is_new = true;
    OK(ledger_chain_leaf(w.chain, index, &leaf));
    OK(bcemr_leaf_read(bcemr_buf_span(&leaf), &parts, NULL));
    for (unsigned i = 0; i < *count; i++)
        is_new = is_new && seen[i] != parts.parts.type;
    if (parts.parts.type != &bcemr_type_case_header) { /* the ledger makes it itself */
        c->clock = parts.tau;
        (void)snprintf(name, sizeof name, "entry %s", bcemr_type_label(parts.parts.type));
        if (is_new) {
            seen[(*count)++] = parts.parts.type;
            flips_run(name, &bcemr_type_signed, parts.signed_entry, 0, 1, read_entry, c);
        }
        OK(ledger_chain_submit_one(c->chain, c->clock, parts.signed_entry, NULL, &err));
    }
    bcemr_buf_free(&leaf);
}

static void entries(void **state)
{
    (void)state;
    const bcemr_type *seen[40];
    unsigned count = 0, kinds = 0;
    second_chain c = {NULL, 0};
    ledger_chain_options options = {.context = w.c.context};
    post_visits();
    post_sets();
    OK(ledger_state_memory(&options.state));
    OK(ledger_chain_open(&c.chain, &options, bcemr_buf_span(&w.c.signed_genesis), &err));
    for (uint64_t i = 1; i < ledger_chain_size(w.chain); i++)
        play_leaf(&c, i, seen, &count);
    ledger_chain_close(c.chain);
    /* All kinds but the two that nobody posts. */
    for (const bcemr_type *const *t = wire_all_types; *t; t++)
        kinds +=
            bcemr_type_is_entry(*t) && *t != &bcemr_type_genesis && *t != &bcemr_type_case_header;
    assert_int_equal(count, kinds);
}

/* ---- section 8 ---- */

typedef struct proof {
    bcemr_set set;
    bcemr_tr_checkpoint checkpoint;
    bcemr_buf cosigned;
    bcemr_tr_case_header header;
} proof;

static const char *read_cosigned(void *user, bcemr_span bytes)
{
    proof *p = user;
    return verdict_name(
        bcemr_checkpoint_check(w.c.context, &w.c.ledger, &p->set, bytes, NULL, &err));
}

static const char *read_set(void *user, bcemr_span bytes)
{
    proof *p = user;
    bcemr_set set = BCEMR_SET_EMPTY;
    bcemr_status status = bcemr_set_read(bytes, &set, &err);
    const char *answer = status_name(status);
    if (!answer)
        answer = verdict_name(bcemr_checkpoint_check(w.c.context, &w.c.ledger, &set,
                                                     bcemr_buf_span(&p->cosigned), NULL, &err));
    bcemr_set_free(&set);
    return answer;
}

/* Its place is what the reader looks for. */
static const char *read_inclusion(void *user, bcemr_span bytes)
{
    const proof *p = user;
    bcemr_leaf_parts leaf;
    uint64_t index;
    return verdict_name(bcemr_inclusion_check(bytes, &p->checkpoint, &leaf, &index, &err));
}

static const char *read_body(void *user, bcemr_span bytes)
{
    const proof *p = user;
    bcemr_list body;
    bcemr_status status = bcemr_read_list(&bcemr_type_leaf, bytes, 1, 1000, &body, &err);
    if (status != BCEMR_OK)
        return status_name(status);
    return verdict_name(bcemr_case_block_check(&w.c.ledger, &p->header, &body, NULL, &err));
}

static const char *read_genesis(void *user, bcemr_span bytes)
{
    bcemr_hash ledger;
    (void)user;
    const char *answer = verdict_name(bcemr_genesis_check(w.c.context, bytes, &ledger, &err));
    return answer ? answer : unless(bcemr_hash_equal(&ledger, &w.c.ledger), BCEMR_WRONG_LEDGER);
}

/* The case header's leaf, and the visit's leaves that it hashes. */
static void case_block(proof *p)
{
    bcemr_buf leaf = BCEMR_BUF_EMPTY, body = BCEMR_BUF_EMPTY;
    bcemr_leaf_parts parts = {0};
    uint64_t i = 1;
    for (; i < p->checkpoint.size; i++) {
        bcemr_buf_clear(&leaf);
        OK(ledger_chain_leaf(w.chain, i, &leaf));
        OK(bcemr_leaf_read(bcemr_buf_span(&leaf), &parts, NULL));
        if (parts.parts.type == &bcemr_type_case_header)
            break;
    }
    OK(bcemr_read_case_header(parts.parts.entry, &p->header, NULL));
    OK(ledger_chain_visit_leaves(w.chain, &p->header.vid, &body, NULL));
    flips_run("case block: body", NULL, bcemr_buf_span(&body), 0, 1, read_body, p);
    bcemr_buf_clear(&body);
    OK(ledger_chain_inclusion(w.chain, i, p->checkpoint.size, &body, NULL));
    flips_run("inclusion proof, of a case header", &bcemr_type_inclusion, bcemr_buf_span(&body), 0,
              1, read_inclusion, p);
    bcemr_buf_free(&leaf);
    bcemr_buf_free(&body);
}

static void proofs(void **state)
{
    (void)state;
    static proof p;
    OK(ledger_chain_checkpoint(w.chain, &p.checkpoint, NULL));
    OK(ledger_chain_set_now(w.chain, &p.set, NULL));
    consortium_cosign(&p.set, &p.checkpoint, w.voters, 7, &p.cosigned);
    flips_run("cosigned checkpoint", &bcemr_type_cosigned, bcemr_buf_span(&p.cosigned),
              SMALL_PAIRING, 1, read_cosigned, &p);
    flips_run("supernode set, of a checkpoint", &bcemr_type_set, bcemr_buf_span(&p.set.encoding), 0,
              1, read_set, &p);
    case_block(&p);
    flips_run("genesis", &bcemr_type_signed, bcemr_buf_span(&w.c.signed_genesis), 0, 1,
              read_genesis, NULL);
    bcemr_set_free(&p.set);
    bcemr_buf_free(&p.cosigned);
}

/* ---- the table ---- */

static const char preface[] =
    "# Flips\n\n"
    "Every byte of every signed or sealed object, flipped, and what its reader says. Objects of up "
    "to 700 bytes\n"
    "(150 where a pairing is computed) have each bit flipped, others and all entries one bit in "
    "each byte.\n"
    "tests/program/test_flips.c writes this file and holds it against what it finds; no flip may "
    "pass unnoticed.\n"
    "Names in E_ are statuses, others verdicts; of entries they are the ledger's reasons.\n";

static bool same_file(const char *a, const char *b)
{
    FILE *x = fopen(a, "r"), *y = fopen(b, "r");
    assert_non_null(x);
    int c = 0, d = 0;
    while (y && c == d && c != EOF) {
        c = fgetc(x);
        d = fgetc(y);
    }
    (void)fclose(x);
    if (y)
        (void)fclose(y);
    return y && c == d;
}

static void table(void **state)
{
    (void)state;
    const char *path = getenv("BCEMR_FLIPS_OUT");
    FILE *out = fopen(path ? path : BCEMR_BINARY_DIR "/flips.md", "w");
    assert_non_null(out);
    (void)fputs(preface, out);
    flips_print(out);
    assert_int_equal(fclose(out), 0);
    if (flips_unnoticed() > 0)
        fail_msg("%u flips were not noticed: see flips.md in the build's folder",
                 (unsigned)flips_unnoticed());
    if (!path && !same_file(BCEMR_BINARY_DIR "/flips.md", BCEMR_SOURCE_DIR "/docs/flips.md"))
        fail_msg("docs/flips.md is not what this run gives: %s", BCEMR_BINARY_DIR "/flips.md");
    flips_end();
}

static int begin(void **state)
{
    random_permit();
    if (random_install_seed("flips") != BCEMR_OK || make_context(state) != 0)
        return -1;
    sample_begin(&s);
    world_begin(&w, 0);
    return 0;
}

static int end(void **state)
{
    world_end(&w);
    sample_end(&s);
    return free_context(state);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(unnoticed_flips_are_seen),
        cmocka_unit_test(ticket_and_amendment),
        cmocka_unit_test(group_messages),
        cmocka_unit_test(messages),
        cmocka_unit_test(diagnosis),
        cmocka_unit_test(record),
        cmocka_unit_test(grant),
        cmocka_unit_test(access_entry),
        cmocka_unit_test(key_file),
        cmocka_unit_test(entries),
        cmocka_unit_test(proofs),
        cmocka_unit_test(table),
    };
    return cmocka_run_group_tests(tests, begin, end);
}
