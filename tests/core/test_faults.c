/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Every operation of wire and core without memory: for each n its n-th allocation fails. It must
 * give E_NO_MEMORY, or UNDECIDED with that status; a buffer that it appends to holds what it held,
 * any other output is as it was or all zero; nothing leaks (the build with sanitizers sees that);
 * and it succeeds afterwards. The table below is held against the headers, so none is left out.
 */
#include "core/core_test.h"
#include "core/sample.h"

#include <bcemr/diagnosis.h>
#include <bcemr/grant.h>
#include <bcemr/group_key.h>
#include <bcemr/record.h>

#include <stdio.h>
#include <stdlib.h>

#define NONE ((bcemr_span){NULL, 0})
#define SPAN(object) bcemr_span_of((object).b, sizeof(object).b)
#define DOCTORS 3

/* ---- what the operations work on; all of it valid ---- */

static sample s;
static bcemr_secret_scalar x, rks[40];
static bcemr_g1_raw x_g1, pkvs[40], ys[40];
static bcemr_g2 authority;
static bcemr_hash vids[40];
static bcemr_tr_cred creds[DOCTORS];
static bcemr_tr_sign signs[DOCTORS];
static bcemr_g1_raw credentials[DOCTORS], deltas[DOCTORS], sigma;
static bcemr_tr_group run;
static bcemr_x25519_secret once;
static bcemr_group_keys group_keys;
static bcemr_key key = {{7}};
static bcemr_seed seed = {{9}};
static bcemr_buf encoded_amend, presence, body, access_entry, wrapped, message_box, pair_box,
    aead_box, sealed, pop_proof, list_encoded;
static bcemr_tr_msg place;
static bcemr_tr_pop pop;
static bcemr_pok_raw pok;
static bcemr_tr_acceptance acceptance;
static bcemr_tr_e_access e_access;
static bcemr_tr_header header;
static bcemr_bytes16 tags[64];
static uint64_t tag_count;
static bcemr_tr_case record_case;
static bcemr_capsule_key capsule_key;
static bcemr_hash mac;
static bcemr_g2_raw member_keys[3], capsule_c;
static bcemr_g1_raw member_signatures[3], joint, capsule_b;
static bcemr_order order;
static bcemr_ed_signature ed_signature;
static const uint8_t everyone[1] = {7};
static const bcemr_span words[] = {{(const uint8_t *)"asthma", 6}, {(const uint8_t *)"cough", 5}};

/* ---- outputs, as the operation found them ---- */

static bcemr_buf buf;
static alignas(max_align_t) uint8_t first[sizeof(bcemr_order)];
static alignas(max_align_t) uint8_t second[32768];

#define FIRST(type) ((type *)(void *)first)
#define SECOND(type) ((type *)(void *)second)
_Static_assert(sizeof(bcemr_g2_lines) <= sizeof second, "the largest output has room");

static void outputs_begin(void)
{
    memset(first, 0xee, sizeof first);
    memset(second, 0xee, sizeof second);
    bcemr_buf_free(&buf);
    OK(bcemr_buf_set(&buf, bcemr_text("kept")));
}

/* Only what the operation zeroed may differ from before. */
static bool is_untouched(const uint8_t *p, size_t n)
{
    for (size_t i = 0; i < n; i++)
        if (p[i] != 0xee && p[i] != 0)
            return false;
    return true;
}

static bool outputs_are_as_before(void)
{
    return is_untouched(first, sizeof first) && is_untouched(second, sizeof second) && buf.n == 4 &&
           memcmp(buf.p, "kept", 4) == 0;
}

/* A verdict as a status: what keeps the check from being made, OK, or E_REFUSED. */
static int of(bcemr_verdict verdict, const bcemr_error *err)
{
    if (verdict == BCEMR_UNDECIDED)
        return (int)err->status;
    return verdict == BCEMR_VALID ? BCEMR_OK : BCEMR_E_REFUSED;
}

static bcemr_error err;

/* ---- wire ---- */

#define OP(name, call)                                                                             \
    static int op_##name(void)                                                                     \
    {                                                                                              \
        return (int)(call);                                                                        \
    }
#define CHECK(name, call) OP(name, of((call), &err))

OP(bcemr_write, bcemr_write(&bcemr_type_visit, &s.visit, &buf, &err))
OP(bcemr_write_empty, bcemr_write_empty(&bcemr_type_mac_server, &buf))
OP(bcemr_write_list, bcemr_write_list(&bcemr_type_team_doctor, &s.visit.team, &buf, &err))
OP(bcemr_write_fields, bcemr_write_fields("label", words, 2, &buf))
OP(bcemr_buf_reserve, bcemr_buf_reserve(&buf, 5000))
OP(bcemr_buf_append, bcemr_buf_append(&buf, bcemr_buf_span(&s.encoded)))
static int op_bcemr_buf_set(void) /* replaces: what was there is gone in any case */
{
    bcemr_buf one = BCEMR_BUF_EMPTY;
    bcemr_status status = bcemr_buf_set(&one, bcemr_buf_span(&s.encoded));
    assert_true(status == BCEMR_OK ? one.n == s.encoded.n : !one.p);
    bcemr_buf_free(&one);
    return (int)status;
}
static int op_bcemr_allocate(void)
{
    void *p = bcemr_allocate(10);
    bcemr_release(p);
    return p ? BCEMR_OK : BCEMR_E_NO_MEMORY;
}
OP(bcemr_read, bcemr_read(&bcemr_type_visit, bcemr_buf_span(&s.encoded), first, &err))
OP(bcemr_validate, bcemr_validate(&bcemr_type_visit, bcemr_buf_span(&s.encoded), &err))
OP(bcemr_read_list, bcemr_read_list(&bcemr_type_id_item, bcemr_buf_span(&list_encoded), 1, 16,
                                    FIRST(bcemr_list), &err))
static void ignore_line(void *user, const char *line)
{
    (void)user;
    (void)line;
}
OP(bcemr_wire_describe, bcemr_wire_describe("json", ignore_line, NULL))

/* ---- hash, group ---- */

OP(bcemr_hash_value, bcemr_hash_value(&bcemr_type_visit, &s.visit, FIRST(bcemr_hash), &err))
OP(bcemr_hash_list, bcemr_hash_list(&bcemr_type_id_item, &s.visit.clouds, FIRST(bcemr_hash), &err))
OP(bcemr_hmac_value,
   bcemr_hmac_value(SPAN(key), &bcemr_type_visit, &s.visit, FIRST(bcemr_hash), &err))
OP(bcemr_kdf, bcemr_kdf("label", SPAN(key), NONE, first, 96))
OP(bcemr_kdf_scalar, bcemr_kdf_scalar("label", SPAN(key), NONE, FIRST(bcemr_secret_scalar)))
OP(bcemr_tuple, bcemr_tuple(words, 2, &buf))
static int op_bcemr_context_new(void)
{
    bcemr_context *made = NULL;
    bcemr_status status = bcemr_context_new(&made);
    assert_true((status == BCEMR_OK) == (made != NULL));
    bcemr_context_free(made);
    return (int)status;
}
OP(bcemr_g1_decode, bcemr_g1_decode(&x_g1, FIRST(bcemr_g1)))
OP(bcemr_g2_decode, bcemr_g2_decode(&creds[0].x, FIRST(bcemr_g2)))
OP(bcemr_scalar_decode,
   bcemr_scalar_decode((const bcemr_scalar_raw *)(const void *)&x, FIRST(bcemr_scalar)))
OP(bcemr_secret_scalar_decode,
   bcemr_secret_scalar_decode((const bcemr_scalar_raw *)(const void *)&x,
                              FIRST(bcemr_secret_scalar)))
OP(bcemr_secret_scalar_random, bcemr_secret_scalar_random(FIRST(bcemr_secret_scalar)))
OP(bcemr_secret_scalar_polynomial,
   bcemr_secret_scalar_polynomial(&x, 1, 3, FIRST(bcemr_secret_scalar)))
OP(bcemr_hash_to_g1, bcemr_hash_to_g1(BCEMR_PURPOSE_SIG, words[0], FIRST(bcemr_g1)))
OP(bcemr_hash_to_g2, bcemr_hash_to_g2(BCEMR_PURPOSE_CAPSULE, words[0], FIRST(bcemr_g2)))

/* ---- keys ---- */

OP(bcemr_ed_decode, bcemr_ed_decode(&s.publics[0].a, FIRST(bcemr_ed_public)))
OP(bcemr_x25519_decode, bcemr_x25519_decode(&s.publics[0].e, FIRST(bcemr_x25519_public)))
OP(bcemr_secrets_from_seed, bcemr_secrets_from_seed(&seed, FIRST(bcemr_secrets)))
OP(bcemr_secrets_random, bcemr_secrets_random(FIRST(bcemr_secrets)))
OP(bcemr_ed_sign_value,
   bcemr_ed_sign_value(&s.hospital.a, &bcemr_type_visit, &s.visit, FIRST(bcemr_ed_signature), &err))
OP(bcemr_bls_sign, bcemr_bls_sign(&x, BCEMR_PURPOSE_SIG, words[0], FIRST(bcemr_g1_raw)))
static int op_bcemr_bls_batch(void)
{
    static bcemr_g2_lines lines;
    bcemr_bls_statement statements[40];
    bool bad[40];
    bcemr_g1_raw signature;
    bcemr_g2 point;
    OK(bcemr_g2_decode(&creds[0].x, &point));
    bcemr_g2_prepare(&point, &lines);
    OK(bcemr_bls_sign(&s.doctors[0].x, BCEMR_PURPOSE_SIG, words[0], &signature));
    for (unsigned i = 0; i < 40; i++)
        statements[i] = (bcemr_bls_statement){&lines, BCEMR_PURPOSE_SIG, words[0], signature};
    return of(bcemr_bls_batch(context, statements, 40, NULL, bad, &err), &err);
}
OP(bcemr_bitmap_check, bcemr_bitmap_check(bcemr_span_of(everyone, 1), 3))
OP(bcemr_joint_combine, bcemr_joint_combine(member_keys, 3, bcemr_span_of(everyone, 1),
                                            member_signatures, FIRST(bcemr_g1_raw), &err))
CHECK(bcemr_joint_check, bcemr_joint_check(context, member_keys, 3, bcemr_span_of(everyone, 1),
                                           words[0], &joint, &err))
OP(bcemr_pop_make, bcemr_pop_make(&s.hospital.x, &s.hospital.a, &pop, &buf, &err))
CHECK(bcemr_pop_check, bcemr_pop_check(context, &pop, bcemr_buf_span(&pop_proof), &err))
OP(bcemr_credential_make, bcemr_credential_make(&x, &creds[0], FIRST(bcemr_g1_raw), &err))
CHECK(bcemr_credential_check,
      bcemr_credential_check(context, &authority, &creds[0], &credentials[0], &err))
OP(bcemr_pok_make, bcemr_pok_make(&x, &x_g1, words[0], FIRST(bcemr_pok_raw), &err))
CHECK(bcemr_pok_check, bcemr_pok_check(&x_g1, words[0], &pok, &err))

/* ---- visit ---- */

OP(bcemr_visit_keys_derive,
   bcemr_visit_keys_derive(&seed, &s.visit.ledger, 3, FIRST(bcemr_visit_keys)))
static int op_bcemr_pseudonym(void)
{
    const bcemr_tr_pid pid = {.hospital = s.visit.hospital, .identity = words[0]};
    return (int)bcemr_pseudonym(&pid, FIRST(bcemr_hash), &err);
}
OP(bcemr_acceptance_make,
   bcemr_acceptance_make(&s.patient, &s.vid, FIRST(bcemr_tr_acceptance), &err))
CHECK(bcemr_acceptance_check, bcemr_acceptance_check(&s.visit, &s.vid, &acceptance, &err))
static int op_bcemr_presence_make(void)
{
    const bcemr_tr_present present = {
        .vid = s.vid, .doctor = words[0], .nonce = {{3}}, .time = SAMPLE_ISSUED};
    return (int)bcemr_presence_make(&s.patient, &present, FIRST(bcemr_tr_presence), &err);
}
CHECK(bcemr_presence_check, bcemr_presence_check(&s.visit, &s.vid, words[0], SAMPLE_ISSUED, 10,
                                                 bcemr_buf_span(&presence), SECOND(uint64_t), &err))
CHECK(bcemr_order_begin, bcemr_order_begin(bcemr_buf_span(&s.encoded), FIRST(bcemr_order), &err))
static int op_bcemr_order_amend(void)
{
    bcemr_order after = order;
    bcemr_verdict verdict = bcemr_order_amend(&after, bcemr_buf_span(&encoded_amend), &err);
    assert_true((verdict == BCEMR_VALID) == (memcmp(&after, &order, sizeof order) != 0));
    return of(verdict, &err);
}

/* ---- group key ---- */

OP(bcemr_x25519_once, bcemr_x25519_once(FIRST(bcemr_x25519_secret), SECOND(bcemr_x25519_raw)))
OP(bcemr_group_keys_server,
   bcemr_group_keys_server(&once, &s.hospital.e, &run, FIRST(bcemr_group_keys), &err))
OP(bcemr_group_keys_doctor,
   bcemr_group_keys_doctor(&once, &s.doctors[0].e, &run, FIRST(bcemr_group_keys), &err))
OP(bcemr_group_mac, bcemr_group_mac(&group_keys, &bcemr_type_mac_server, FIRST(bcemr_hash)))
CHECK(bcemr_group_mac_check, bcemr_group_mac_check(&group_keys, &bcemr_type_mac_server, &mac, &err))
static int op_bcemr_group_key_wrap(void)
{
    const bcemr_tr_gk gk = {.key = {{1}}};
    return (int)bcemr_group_key_wrap(&group_keys, &run, &gk, &buf, &err);
}
OP(bcemr_group_key_unwrap,
   bcemr_group_key_unwrap(&group_keys, &run, bcemr_buf_span(&wrapped), FIRST(bcemr_tr_gk), &err))
OP(bcemr_aead_seal, bcemr_aead_seal(&key, words[0], bcemr_buf_span(&s.encoded), &buf, &err))
OP(bcemr_aead_open,
   bcemr_aead_open(&key, words[0], bcemr_buf_span(&aead_box), BCEMR_BAD_SEALED_MESSAGE, &buf, &err))
OP(bcemr_message_seal, bcemr_message_seal(&key, &place, bcemr_buf_span(&s.encoded), &buf, &err))
OP(bcemr_message_open, bcemr_message_open(&key, &place, bcemr_buf_span(&message_box), &buf, &err))
static int op_bcemr_message_stream_key(void)
{
    const bcemr_nonce n = {{1}};
    return (int)bcemr_message_stream_key(&key, &place, &n, FIRST(bcemr_key), &buf, &err);
}
OP(bcemr_pair_seal, bcemr_pair_seal(&key, &s.vid, BCEMR_direction_TO_SERVER, 1,
                                    bcemr_buf_span(&s.encoded), &buf, &err))
OP(bcemr_pair_open, bcemr_pair_open(&key, &s.vid, BCEMR_direction_TO_SERVER, 1,
                                    bcemr_buf_span(&pair_box), &buf, &err))
OP(bcemr_sealed_box, bcemr_sealed_box(&s.publics[0].box, bcemr_buf_span(&s.encoded), &buf, &err))
OP(bcemr_sealed_box_open, bcemr_sealed_box_open(&s.doctors[0].box, bcemr_buf_span(&sealed),
                                                BCEMR_BAD_SEALED_MESSAGE, &buf, &err))

/* ---- diagnosis ---- */

static int op_bcemr_commitment(void)
{
    const bcemr_nonce salt = {{1}};
    return (int)bcemr_commitment(&s.vid, 1, &salt, words[0], words[1], FIRST(bcemr_hash), &err);
}
OP(bcemr_diagnosis_sign,
   bcemr_diagnosis_sign(&s.doctors[0].x, &signs[0], FIRST(bcemr_g1_raw), &err))
static int op_bcemr_diagnosis_check(void)
{
    static bcemr_g2_lines lines;
    bcemr_g2 point;
    OK(bcemr_g2_decode(&creds[0].x, &point));
    bcemr_g2_prepare(&point, &lines);
    return of(bcemr_diagnosis_check(context, &lines, &signs[0], &deltas[0], &err), &err);
}
static int op_bcemr_prefix_check(void)
{
    uint64_t bad;
    return of(bcemr_prefix_check(context, &s.vid, signs, deltas, DOCTORS, &bad, &err), &err);
}
OP(bcemr_multisignature_add,
   bcemr_multisignature_add(NULL, &deltas[0], &credentials[0], FIRST(bcemr_g1_raw), &err))
CHECK(bcemr_multisignature_check,
      bcemr_multisignature_check(context, &authority, creds, signs, DOCTORS, &sigma, &err))

/* ---- record ---- */

OP(bcemr_capsule_seal,
   bcemr_capsule_seal(context, &x_g1, &s.vid, &s.publics[0].a, FIRST(bcemr_secret_scalar),
                      SECOND(bcemr_g1_raw), (bcemr_g2_raw *)(void *)(second + 512),
                      (bcemr_capsule_key *)(void *)(second + 1024), &err))
OP(bcemr_capsule_from_r,
   bcemr_capsule_from_r(context, &x, &x_g1, &s.vid, &s.publics[0].a, SECOND(bcemr_g1_raw),
                        (bcemr_g2_raw *)(void *)(second + 512),
                        (bcemr_capsule_key *)(void *)(second + 1024), &err))
CHECK(bcemr_capsule_check, bcemr_capsule_check(context, &s.vid, &s.publics[0].a, &capsule_b, &x_g1,
                                               &capsule_c, BCEMR_BAD_CAPSULE, &err))
OP(bcemr_capsule_open, bcemr_capsule_open(context, &x, &capsule_b, FIRST(bcemr_capsule_key), &err))
OP(bcemr_reencrypt, bcemr_reencrypt(&x, &capsule_b, FIRST(bcemr_g1_raw), &err))
OP(bcemr_record_keys_derive, bcemr_record_keys_derive(&capsule_key, &s.vid, &s.publics[0].a,
                                                      &capsule_c, FIRST(bcemr_record_keys), &err))
OP(bcemr_keyword_tag, bcemr_keyword_tag(&key, words[0], FIRST(bcemr_bytes16), &err))
OP(bcemr_tags_make, bcemr_tags_make(&key, words, 2, FIRST(bcemr_bytes16), SECOND(uint64_t), &err))
CHECK(bcemr_tags_check, bcemr_tags_check(&key, words, 2, &header.tags, &err))
OP(bcemr_stream_payload,
   bcemr_stream_payload(&key, &s.vid, &s.publics[0].a, 100, FIRST(bcemr_stream), &err))
OP(bcemr_stream_begin, bcemr_stream_begin(&key, words[0], 100, FIRST(bcemr_stream)))
static int stream_both(bool open)
{
    static const uint8_t plain[100];
    static uint8_t box[116], got[100];
    bcemr_stream stream;
    bcemr_hash leaf;
    OK(bcemr_stream_begin(&key, words[0], 100, &stream));
    bcemr_status status =
        bcemr_stream_seal(&stream, 0, bcemr_span_of(plain, 100), NULL, box, &leaf, &err);
    if (open && status == BCEMR_OK)
        status = bcemr_stream_open(&stream, 0, bcemr_span_of(box, 116), NULL,
                                   BCEMR_BAD_SEALED_MESSAGE, got, &leaf, &err);
    return (int)status;
}
OP(bcemr_stream_seal, stream_both(false))
OP(bcemr_stream_open, stream_both(true))
static int op_bcemr_header_sign(void)
{
    bcemr_tr_header mine = header;
    memset(&mine.osig, 0xee, sizeof mine.osig);
    bcemr_status status = bcemr_header_sign(&s.doctors[0].a, &s.vid, &s.vid, &mine, &err);
    assert_true(status == BCEMR_OK || is_untouched(mine.osig.b, sizeof mine.osig.b));
    return (int)status;
}
CHECK(bcemr_header_check, bcemr_header_check(&s.vid, &s.vid, &header, &err))
OP(bcemr_case_make,
   bcemr_case_make(&s.vid, &s.vid, &s.vid, &sigma, &header, FIRST(bcemr_tr_case), &err))
CHECK(bcemr_header_is_case, bcemr_header_is_case(&header, &record_case, &err))

/* ---- grant ---- */

OP(bcemr_grant_seed,
   bcemr_grant_seed(&seed, &s.visit.ledger, 1, FIRST(bcemr_seed), SECOND(bcemr_ed_secret),
                    (bcemr_ed_raw *)(void *)(second + 512), &err))
OP(bcemr_grant_derive,
   bcemr_grant_derive(&seed, NULL, 5, vids, 3, FIRST(bcemr_grant_secrets), &err))
OP(bcemr_grant_from_gs, bcemr_grant_from_gs(&key, FIRST(bcemr_grant_secrets)))
OP(bcemr_audit_key, bcemr_audit_key(&key, words[0], FIRST(bcemr_key)))
OP(bcemr_grant_y, bcemr_grant_y(&key, &s.vid, &s.vid, FIRST(bcemr_secret_scalar)))
OP(bcemr_grant_keys, bcemr_grant_keys(&key, &s.vid, rks, vids, 3, FIRST(bcemr_g1_raw),
                                      SECOND(bcemr_secret_scalar), &err))
static int op_bcemr_grant_keys_check(void)
{
    uint64_t bad;
    return of(bcemr_grant_keys_check(pkvs, ys, rks, 40, &bad, &err), &err);
}
CHECK(bcemr_grant_y_check, bcemr_grant_y_check(&x, &x_g1, &err))
OP(bcemr_access_handle, bcemr_access_handle(&key, 1, FIRST(bcemr_bytes16)))
OP(bcemr_access_make,
   bcemr_access_make(&key, &s.visit.ledger, words[0], bcemr_buf_span(&body), &buf, &err))
OP(bcemr_access_open, bcemr_access_open(&key, 4, &e_access, &buf, &err))

/* ---- the table ---- */

typedef struct operation {
    const char *name;
    int (*call)(void);
    bool allocates;
} operation;

#define ALLOCATES(name)                                                                            \
    {                                                                                              \
#name, op_##name, true                                                                     \
    }
#define DOES_NOT(name)                                                                             \
    {                                                                                              \
#name, op_##name, false                                                                    \
    }

static const operation operations[] = {
    ALLOCATES(bcemr_write),
    ALLOCATES(bcemr_write_empty),
    ALLOCATES(bcemr_write_list),
    ALLOCATES(bcemr_write_fields),
    ALLOCATES(bcemr_buf_reserve),
    ALLOCATES(bcemr_buf_append),
    ALLOCATES(bcemr_buf_set),
    ALLOCATES(bcemr_allocate),
    DOES_NOT(bcemr_read),
    DOES_NOT(bcemr_validate),
    DOES_NOT(bcemr_read_list),
    DOES_NOT(bcemr_wire_describe),
    ALLOCATES(bcemr_hash_value),
    ALLOCATES(bcemr_hash_list),
    ALLOCATES(bcemr_hmac_value),
    ALLOCATES(bcemr_kdf),
    ALLOCATES(bcemr_kdf_scalar),
    ALLOCATES(bcemr_tuple),
    ALLOCATES(bcemr_context_new),
    DOES_NOT(bcemr_g1_decode),
    DOES_NOT(bcemr_g2_decode),
    DOES_NOT(bcemr_scalar_decode),
    DOES_NOT(bcemr_secret_scalar_decode),
    DOES_NOT(bcemr_secret_scalar_random),
    DOES_NOT(bcemr_secret_scalar_polynomial),
    DOES_NOT(bcemr_hash_to_g1),
    DOES_NOT(bcemr_hash_to_g2),
    DOES_NOT(bcemr_ed_decode),
    DOES_NOT(bcemr_x25519_decode),
    ALLOCATES(bcemr_secrets_from_seed),
    DOES_NOT(bcemr_secrets_random),
    ALLOCATES(bcemr_ed_sign_value),
    DOES_NOT(bcemr_bls_sign),
    ALLOCATES(bcemr_bls_batch),
    DOES_NOT(bcemr_bitmap_check),
    ALLOCATES(bcemr_joint_combine),
    ALLOCATES(bcemr_joint_check),
    ALLOCATES(bcemr_pop_make),
    ALLOCATES(bcemr_pop_check),
    ALLOCATES(bcemr_credential_make),
    ALLOCATES(bcemr_credential_check),
    ALLOCATES(bcemr_pok_make),
    ALLOCATES(bcemr_pok_check),
    ALLOCATES(bcemr_visit_keys_derive),
    ALLOCATES(bcemr_pseudonym),
    ALLOCATES(bcemr_acceptance_make),
    ALLOCATES(bcemr_acceptance_check),
    ALLOCATES(bcemr_presence_make),
    ALLOCATES(bcemr_presence_check),
    DOES_NOT(bcemr_order_begin),
    DOES_NOT(bcemr_order_amend),
    DOES_NOT(bcemr_x25519_once),
    ALLOCATES(bcemr_group_keys_server),
    ALLOCATES(bcemr_group_keys_doctor),
    ALLOCATES(bcemr_group_mac),
    ALLOCATES(bcemr_group_mac_check),
    ALLOCATES(bcemr_group_key_wrap),
    ALLOCATES(bcemr_group_key_unwrap),
    ALLOCATES(bcemr_aead_seal),
    ALLOCATES(bcemr_aead_open),
    ALLOCATES(bcemr_message_seal),
    ALLOCATES(bcemr_message_open),
    ALLOCATES(bcemr_message_stream_key),
    ALLOCATES(bcemr_pair_seal),
    ALLOCATES(bcemr_pair_open),
    ALLOCATES(bcemr_sealed_box),
    ALLOCATES(bcemr_sealed_box_open),
    ALLOCATES(bcemr_commitment),
    ALLOCATES(bcemr_diagnosis_sign),
    ALLOCATES(bcemr_diagnosis_check),
    ALLOCATES(bcemr_prefix_check),
    DOES_NOT(bcemr_multisignature_add),
    ALLOCATES(bcemr_multisignature_check),
    ALLOCATES(bcemr_capsule_seal),
    ALLOCATES(bcemr_capsule_from_r),
    ALLOCATES(bcemr_capsule_check),
    DOES_NOT(bcemr_capsule_open),
    DOES_NOT(bcemr_reencrypt),
    ALLOCATES(bcemr_record_keys_derive),
    ALLOCATES(bcemr_keyword_tag),
    ALLOCATES(bcemr_tags_make),
    ALLOCATES(bcemr_tags_check),
    ALLOCATES(bcemr_stream_payload),
    DOES_NOT(bcemr_stream_begin),
    DOES_NOT(bcemr_stream_seal),
    DOES_NOT(bcemr_stream_open),
    ALLOCATES(bcemr_header_sign),
    ALLOCATES(bcemr_header_check),
    ALLOCATES(bcemr_case_make),
    ALLOCATES(bcemr_header_is_case),
    ALLOCATES(bcemr_grant_seed),
    ALLOCATES(bcemr_grant_derive),
    ALLOCATES(bcemr_grant_from_gs),
    ALLOCATES(bcemr_audit_key),
    ALLOCATES(bcemr_grant_y),
    ALLOCATES(bcemr_grant_keys),
    ALLOCATES(bcemr_grant_keys_check),
    DOES_NOT(bcemr_grant_y_check),
    ALLOCATES(bcemr_access_handle),
    ALLOCATES(bcemr_access_make),
    ALLOCATES(bcemr_access_open),
};

/* ---- making all that ---- */

static void make_points(void)
{
    const bcemr_span message = words[0];
    x = random_scalar();
    x_g1 = g1_of(&x);
    bcemr_g2_from_secret(&x, &authority);
    for (unsigned i = 0; i < 40; i++) {
        vids[i] = random_hash();
        rks[i] = x;
        pkvs[i] = g1_of(&x);
        bcemr_g1 point = decoded(&pkvs[i]);
        bcemr_g1_multiply(&point, &x, &point);
        bcemr_g1_encode(&point, &ys[i]);
    }
    for (unsigned i = 0; i < 3; i++) {
        member_keys[i] = s.publics[i].x;
        OK(bcemr_bls_sign(&s.doctors[i].x, BCEMR_PURPOSE_SIG, message, &member_signatures[i]));
    }
    OK(bcemr_joint_combine(member_keys, 3, bcemr_span_of(everyone, 1), member_signatures, &joint,
                           NULL));
    OK(bcemr_pok_make(&x, &x_g1, message, &pok, NULL));
    OK(bcemr_capsule_from_r(context, &x, &x_g1, &s.vid, &s.publics[0].a, &capsule_b, &capsule_c,
                            &capsule_key, NULL));
}

static void make_diagnoses(void)
{
    bcemr_hash previous = s.vid;
    for (unsigned i = 0; i < DOCTORS; i++) {
        creds[i] = (bcemr_tr_cred){.ledger = s.vid,
                                   .doctor = s.team[i].doctor,
                                   .hospital = s.visit.hospital,
                                   .x = s.publics[i].x,
                                   .a = s.publics[i].a,
                                   .not_after = 2};
        signs[i] = (bcemr_tr_sign){.order = s.vid,
                                   .i = i + 1,
                                   .doctor = s.team[i].doctor,
                                   .x = s.publics[i].x,
                                   .time = 1000 + (int64_t)i,
                                   .previous = previous};
        if (i + 1 == DOCTORS)
            signs[i].svk = SPAN(s.publics[0].a);
        OK(bcemr_credential_make(&x, &creds[i], &credentials[i], NULL));
        OK(bcemr_diagnosis_sign(&s.doctors[i].x, &signs[i], &deltas[i], NULL));
        OK(bcemr_multisignature_add(i > 0 ? &sigma : NULL, &deltas[i], &credentials[i], &sigma,
                                    NULL));
        OK(bcemr_hash_value(&bcemr_type_sign, &signs[i], &previous, NULL));
    }
}

static void make_visit(void)
{
    const bcemr_tr_present present = {
        .vid = s.vid, .doctor = words[0], .nonce = {{3}}, .time = SAMPLE_ISSUED};
    bcemr_tr_presence made;
    OK(bcemr_acceptance_make(&s.patient, &s.vid, &acceptance, NULL));
    OK(bcemr_presence_make(&s.patient, &present, &made, NULL));
    OK(bcemr_write_presence(&made, &presence, NULL));
    OK(bcemr_write_list(&bcemr_type_id_item, &s.visit.clouds, &list_encoded, NULL));
    VALID(bcemr_order_begin(bcemr_buf_span(&s.encoded), &order, NULL));
    const bcemr_tr_amend amend = {.vid = s.vid,
                                  .number = 1,
                                  .previous = s.vid,
                                  .signed_count = 2,
                                  .tail = BCEMR_LIST_OF(&s.team[3], 1),
                                  .issued = SAMPLE_ISSUED + 10};
    OK(bcemr_write_amend(&amend, &encoded_amend, NULL));
    pop = (bcemr_tr_pop){.ledger = s.vid,
                         .role = bcemr_text("cloud"),
                         .id = words[0],
                         .x = s.hospital_publics.x,
                         .a = SPAN(s.hospital_publics.a)};
    OK(bcemr_pop_make(&s.hospital.x, &s.hospital.a, &pop, &pop_proof, NULL));
    OK(bcemr_ed_sign_value(&s.hospital.a, &bcemr_type_visit, &s.visit, &ed_signature, NULL));
}

static void make_messages(void)
{
    const bcemr_tr_gk gk = {.key = {{1}}};
    const bcemr_span plain = bcemr_buf_span(&s.encoded);
    run = (bcemr_tr_group){.visit = plain,
                           .order = s.vid,
                           .server = s.hospital_publics.e,
                           .doctor = s.team[0].doctor,
                           .doctor_key = s.publics[0].e};
    OK(bcemr_x25519_once(&once, &run.server_once));
    run.doctor_once = run.server_once;
    OK(bcemr_group_keys_server(&once, &s.hospital.e, &run, &group_keys, NULL));
    OK(bcemr_group_mac(&group_keys, &bcemr_type_mac_server, &mac));
    OK(bcemr_group_key_wrap(&group_keys, &run, &gk, &wrapped, NULL));
    place = (bcemr_tr_msg){.vid = s.vid, .sender = words[0], .position = 1};
    OK(bcemr_message_seal(&key, &place, plain, &message_box, NULL));
    OK(bcemr_pair_seal(&key, &s.vid, BCEMR_direction_TO_SERVER, 1, plain, &pair_box, NULL));
    OK(bcemr_aead_seal(&key, words[0], plain, &aead_box, NULL));
    OK(bcemr_sealed_box(&s.publics[0].box, plain, &sealed, NULL));
}

static void make_record(void)
{
    const bcemr_tr_access_req req = {.ledger = s.vid,
                                     .cloud = words[0],
                                     .visits = bcemr_span_of("\1", 1),
                                     .kind = BCEMR_access_kind_READ,
                                     .reason = BCEMR_access_reason_TREATMENT};
    bcemr_buf request = BCEMR_BUF_EMPTY;
    OK(bcemr_tags_make(&key, words, 2, tags, &tag_count, NULL));
    header = (bcemr_tr_header){.svk = s.publics[0].a,
                               .b = capsule_b,
                               .c = capsule_c,
                               .tags = BCEMR_LIST_OF(tags, tag_count),
                               .length = 100};
    OK(bcemr_header_sign(&s.doctors[0].a, &s.vid, &s.vid, &header, NULL));
    OK(bcemr_case_make(&s.vid, &s.vid, &s.vid, &sigma, &header, &record_case, NULL));
    OK(bcemr_write_access_req(&req, &request, NULL));
    const bcemr_tr_access_body made = {.request = bcemr_buf_span(&request), .j = 4};
    OK(bcemr_write_access_body(&made, &body, NULL));
    OK(bcemr_access_make(&key, &s.vid, words[0], bcemr_buf_span(&body), &access_entry, NULL));
    OK(bcemr_read_e_access(bcemr_buf_span(&access_entry), &e_access, NULL));
    bcemr_buf_free(&request);
}

static int begin(void **state)
{
    if (make_context(state) != 0)
        return -1;
    sample_begin(&s);
    make_points();
    make_diagnoses();
    make_visit();
    make_messages();
    make_record();
    return 0;
}

static int end(void **state)
{
    bcemr_buf *const all[] = {&encoded_amend, &presence,    &body,         &access_entry,
                              &wrapped,       &message_box, &pair_box,     &aead_box,
                              &sealed,        &pop_proof,   &list_encoded, &buf};
    for (unsigned i = 0; i < COUNT(all); i++)
        bcemr_buf_free(all[i]);
    sample_end(&s);
    return free_context(state);
}

/* ---- the tests ---- */

static int with_failing(const operation *o, uint64_t n, uint64_t *made)
{
    outputs_begin();
    err = (bcemr_error){0};
    bcemr_switch_fail_allocation(n);
    int status = o->call();
    *made = bcemr_switch_allocations();
    bcemr_switch_fail_allocation(0);
    return status;
}

/* Complaints about one operation; 0 when it is as it should be. */
static unsigned complaints(const operation *o)
{
    unsigned wrong = 0;
    for (uint64_t n = 1;; n++) {
        uint64_t made = 0;
        int status = with_failing(o, n, &made);
        if (made < n) {
            if (status != BCEMR_OK || (n > 1) != o->allocates) {
                print_error("%s: status %d with memory, %u allocations\n", o->name, status,
                            (unsigned)made);
                wrong++;
            }
            return wrong;
        }
        if (status != BCEMR_E_NO_MEMORY) {
            print_error("%s: allocation %u fails: %s\n", o->name, (unsigned)n,
                        bcemr_status_name((bcemr_status)status));
            wrong++;
        }
        if (!outputs_are_as_before()) {
            print_error("%s: allocation %u fails: outputs changed\n", o->name, (unsigned)n);
            wrong++;
        }
        if (with_failing(o, 0, &made) != BCEMR_OK) {
            print_error("%s: does not succeed after allocation %u failed\n", o->name, (unsigned)n);
            wrong++;
        }
    }
}

static void every_allocation_of_every_operation(void **state)
{
    (void)state;
    unsigned wrong = 0;
    for (unsigned i = 0; i < COUNT(operations); i++)
        wrong += complaints(&operations[i]);
    assert_int_equal(wrong, 0);
}

/* A name in a header is that of a function which can fail when BCEMR_MUST_USE stands before it. */
static unsigned missing_of(const char *path)
{
    char line[512], name[128];
    bool can_fail = false;
    unsigned missing = 0;
    FILE *in = fopen(path, "r");
    assert_non_null(in);
    while (fgets(line, sizeof line, in)) {
        const char *at = strstr(line, "BCEMR_MUST_USE"), *open = strchr(line, '(');
        if (strstr(line, "inline") || strstr(line, "define") || strstr(line, "##"))
            continue;
        can_fail = can_fail || at;
        if (!can_fail || !open)
            continue;
        can_fail = false;
        const char *begins = open;
        while (begins > line && begins[-1] != ' ' && begins[-1] != '*')
            begins--;
        (void)snprintf(name, sizeof name, "%.*s", (int)(open - begins), begins);
        bool found = false;
        for (unsigned i = 0; i < COUNT(operations); i++)
            found = found || strcmp(operations[i].name, name) == 0;
        if (!found) {
            print_error("%s: %s is not in the table\n", path, name);
            missing++;
        }
    }
    (void)fclose(in);
    return missing;
}

static void none_is_left_out(void **state)
{
    (void)state;
    static const char *const headers[] = {"bytes", "types",  "hash",      "group", "keys",
                                          "visit", "record", "group_key", "grant", "diagnosis"};
    unsigned missing = 0;
    for (unsigned i = 0; i < COUNT(headers); i++) {
        char path[1024];
        (void)snprintf(path, sizeof path, "%s/include/bcemr/%s.h", BCEMR_SOURCE_DIR, headers[i]);
        missing += missing_of(path);
    }
    assert_int_equal(missing, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_teardown(every_allocation_of_every_operation, switches_on),
        cmocka_unit_test(none_is_left_out),
    };
    return cmocka_run_group_tests(tests, begin, end);
}
