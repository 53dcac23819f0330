/* SPDX-License-Identifier: Apache-2.0 */
/* What the families of entries share: one application of one entry. Inside rules/ only. */
#ifndef LEDGER_RULES_RUN_H
#define LEDGER_RULES_RUN_H

#include "ledger/rules/rules.h"
#include "wire/error.h"

#define RULES_ROWS 4

typedef struct rules {
    ledger_state *state;
    ledger_verifier *verifier;
    bool collect; /* claims are collected, not checked */
    ledger_position at;
    bcemr_hash ledger;
    ledger_effect *effect;
    bcemr_error *err; /* never NULL */
    bcemr_tr_signer rows[RULES_ROWS];
    uint64_t row_count;
    /* What at.in_force says, or what was loaded in its place. */
    const bcemr_tr_state_params *params;
    const bcemr_tr_quotas *quotas;
    ledger_in_force own;
    /* Loaded when first asked for. */
    bool has_set;
    bcemr_set set;
} rules;

/* In a function with `rules *r`, `bcemr_error *err` and `status`: the one way to refuse. */
#define CHECK(name, condition)                                                                     \
    do {                                                                                           \
        if (!BCEMR_REASON_HOLDS(LEDGER_R_##name, (condition))) {                                   \
            status = rules_refuse(r, LEDGER_R_##name);                                             \
            goto out;                                                                              \
        }                                                                                          \
    } while (0)

/* What a test that has switched a check off would run into; never happens in what ships. */
#define NEED(condition)                                                                            \
    do {                                                                                           \
        if (!(condition)) {                                                                        \
            status = wire_fail(r->err, BCEMR_E_ARGUMENT, "rules", NULL);                           \
            goto out;                                                                              \
        }                                                                                          \
    } while (0)

bcemr_status rules_refuse(rules *r, ledger_reason reason);

/* ---- rows of signers ---- */

/* Takes the rows; refuses with SIGNER_ROWS unless they are count rows of these roles ("*": hospital
 * or cloud), each signature of its role's length, who empty for the authority and only there. */
bcemr_status rules_rows(rules *r, const char *const *roles, uint64_t count);
bool rules_row_is(const rules *r, uint64_t index, bcemr_span who);

/* ---- claims ---- */

bcemr_status rules_claim(rules *r, const ledger_claim *claim);
/* Ed25519 over a message. */
bcemr_status rules_claim_ed(rules *r, const bcemr_ed_raw *key, bcemr_span message,
                            bcemr_span signature, ledger_reason reason);
/* Ed25519 over the transcript of value. */
bcemr_status rules_claim_ed_value(rules *r, const bcemr_ed_raw *key, const bcemr_type *type,
                                  const void *value, const bcemr_ed_signature *signature,
                                  ledger_reason reason);
/* A row's signature over Tr("entry"; role, entry) by an Ed25519 key, or the authority's BLS one. */
bcemr_status rules_claim_row(rules *r, uint64_t index, const bcemr_ed_raw *key,
                             ledger_reason reason);
bcemr_status rules_claim_authority_row(rules *r, uint64_t index);

/* ---- what is in force ---- */

bcemr_status rules_tip(rules *r, bcemr_tr_state_block *out);
bcemr_status rules_load_set(rules *r);
/* params and quotas are there afterwards. */
bcemr_status rules_load_params(rules *r);
bcemr_status rules_authority(rules *r, bcemr_g2_raw *out);
/* The member, in force now: CHECK it before use; NULL also when the set could not be loaded. */
const bcemr_tr_member *rules_member(rules *r, bcemr_role role, bcemr_span id);

/* ---- marks: key -> leaf ---- */

bcemr_status rules_has(rules *r, ledger_table table, bcemr_span key, bool *there);
bcemr_status rules_has_pair(rules *r, ledger_table table, bcemr_span a, bcemr_span b, bool *there);
bcemr_status rules_mark(rules *r, ledger_table table, bcemr_span key);
bcemr_status rules_mark_pair(rules *r, ledger_table table, bcemr_span a, bcemr_span b);
/* Marks unless it is marked: the first counts. */
bcemr_status rules_mark_first(rules *r, ledger_table table, bcemr_span key);
bcemr_status rules_stop(rules *r, const char *kind, bcemr_span key);
/* The row that goes into an index. */
bcemr_status rules_index(rules *r, ledger_index_name name, bcemr_span key);

/* What somebody will check signatures with decodes as an Ed25519 key: a key of mixed order can pass
 * a check of its signature here and be refused by whoever reads the entry. */
bool rules_ed_decodes(const bcemr_ed_raw *key);
/* Keys: unused by anything enrolled or admitted and different from each other; empty ones are
 * skipped. */
bcemr_status rules_keys_unused(rules *r, const bcemr_span *keys, uint64_t count, bool *unused);
bcemr_status rules_keys_mark(rules *r, const bcemr_span *keys, uint64_t count);

/* ---- records ---- */

/* The last enrolment of an ID; *there false when it has none. Spans point into held. */
bcemr_status rules_enrolment(rules *r, bcemr_span id, bcemr_buf *held,
                             bcemr_tr_state_enrolment *out, bcemr_tr_e_enrol *enrol, bool *there);
bcemr_status rules_put_enrolment(rules *r, const bcemr_tr_state_enrolment *enrolment);

/* A visit, for whatever happens in it. Spans point into held. */
typedef struct rules_visit {
    bcemr_buf held;
    bcemr_hash vid;
    bcemr_tr_state_visit record;
    bcemr_tr_state_progress progress;
    uint64_t count; /* doctors in the order in force */
    /* Read by rules_visit_details alone: Sign, the most frequent entry, needs one doctor. */
    bcemr_tr_visit visit;
    bcemr_tr_team_doctor team[64];
} rules_visit;
/* Before anything else; the rest stays as memory has it. Free with rules_visit_free. */
void rules_visit_begin(rules_visit *visit);
void rules_visit_free(rules_visit *visit);
/* Refuses with VISIT_UNKNOWN. */
bcemr_status rules_visit_load(rules *r, const bcemr_hash *vid, rules_visit *out);
/* Also with VISIT_NOT_OPEN; marks the entry as one of this visit. */
bcemr_status rules_visit_open(rules *r, const bcemr_hash *vid, rules_visit *out);
bcemr_status rules_visit_details(rules *r, rules_visit *visit);
/* Place i from 1 of the order in force. */
bcemr_status rules_visit_doctor(rules *r, const rules_visit *visit, uint64_t i,
                                bcemr_tr_team_doctor *out);
bcemr_status rules_visit_put(rules *r, const rules_visit *visit);
bcemr_status rules_progress_put(rules *r, const rules_visit *visit);
bcemr_status rules_sign_load(rules *r, const rules_visit *visit, uint64_t i, bcemr_buf *held,
                             bcemr_tr_state_sign *out);
/* A team as listed: no doctor twice. */
bool rules_team_differs(const bcemr_tr_team_doctor *team, uint64_t count);
/* Deadlines ascend and are ahead of the ledger's time. */
bool rules_team_in_time(const rules *r, const bcemr_tr_team_doctor *team, uint64_t count);
/* Whether each has the active enrolment with these keys. */
bcemr_status rules_team_active(rules *r, const bcemr_tr_team_doctor *team, uint64_t count,
                               bool *active);

/* A sealed case. Spans point into held. */
typedef struct rules_case {
    bcemr_buf held;
    bcemr_tr_state_case record;
    bcemr_tr_case value;
} rules_case;
/* Refuses with CASE_UNKNOWN. */
bcemr_status rules_case_load(rules *r, const bcemr_hash *vid, rules_case *out);

/* Whether this entry would be over its quota in this block; count it when it is accepted. */
bcemr_status rules_quota_left(rules *r, const char *kind, bcemr_span who, uint64_t limit,
                              bool *left);
bcemr_status rules_quota_count(rules *r, const char *kind, bcemr_span who);

/* ---- the families ---- */

bcemr_status rules_join(rules *r, bcemr_span entry);
bcemr_status rules_leave(rules *r, bcemr_span entry);
bcemr_status rules_rekey(rules *r, bcemr_span entry);
bcemr_status rules_upgrade(rules *r, bcemr_span entry);
bcemr_status rules_enrol(rules *r, bcemr_span entry);
bcemr_status rules_retire(rules *r, bcemr_span entry);
bcemr_status rules_admit(rules *r, bcemr_span entry);
bcemr_status rules_amend(rules *r, bcemr_span entry);
bcemr_status rules_abort(rules *r, bcemr_span entry);
bcemr_status rules_sign(rules *r, bcemr_span entry);
bcemr_status rules_reissue(rules *r, bcemr_span entry);
bcemr_status rules_seal(rules *r, bcemr_span entry);
bcemr_status rules_confirm(rules *r, bcemr_span entry);
bcemr_status rules_consent(rules *r, bcemr_span entry);
bcemr_status rules_revoke(rules *r, bcemr_span entry);
bcemr_status rules_access(rules *r, bcemr_span entry);
bcemr_status rules_erase(rules *r, bcemr_span entry);

#endif
