/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A model of the ledger for tests: which signed entry is accepted, and what is so afterwards.
 * Written from docs/protocol.md and docs/ledger.md, plainly and slowly, without the code of
 * src/ledger/rules, the store or the log, and without verifying a signature (book.h). What reads
 * encodings and says whether a key decodes is the library's.
 *
 * It does not fix the order of checks: for a refused entry it gives every reason that it can see,
 * and the rules must name one of them.
 *
 * For tests alone: what cannot fail here aborts.
 */
#ifndef BCEMR_TESTS_MODEL_H
#define BCEMR_TESTS_MODEL_H

#include "ledger/rules/rules.h"
#include "support/model/book.h"

#include <bcemr/diagnosis.h>
#include <bcemr/proof.h>

#define MODEL_REASONS 32
#define MODEL_TEAM 64

/* What the model says of one entry. No reasons: it is accepted. */
typedef struct model_answer {
    uint32_t reasons[MODEL_REASONS];
    uint64_t count;
    uint64_t faults;        /* conditions that do not hold; one may be known by several reasons */
    const bcemr_type *type; /* NULL: it does not read */
    uint64_t leaf;          /* where it is, when it is accepted */
} model_answer;
bool model_gives(const model_answer *answer, uint32_t reason);

typedef struct model_params {
    uint64_t rules, height, reissues, clock_difference, retention;
    bcemr_tr_quotas quotas;
} model_params;

typedef struct model_member {
    bcemr_tr_member row;
    bcemr_span bytes;
} model_member;

typedef struct model_set {
    uint64_t number, count;
    model_member members[BCEMR_SET_MAX];
    bcemr_hash hash;
    uint64_t leaf; /* from which on */
} model_set;

typedef struct model_enrolment {
    bcemr_tr_e_enrol entry;
    bcemr_hash hash;
    bcemr_enrolment_status status;
    uint64_t leaf, ended;
    bool touched;
} model_enrolment;

typedef struct model_sign {
    uint64_t k, a, enrolment, leaf;
    int64_t time;
    bcemr_hash hash; /* H(ctx) */
    bcemr_g1_raw delta;
    bcemr_span svk;
} model_sign;

typedef struct model_visit {
    bcemr_hash vid, order;
    bcemr_tr_visit v;
    bcemr_visit_status status;
    uint64_t amendments, leaf;
    bcemr_tr_team_doctor team[MODEL_TEAM];
    uint64_t count;
    model_sign signs[MODEL_TEAM];
    uint64_t signed_count;
    bool pending;
    bcemr_span *leaves; /* from Admit to Seal */
    uint64_t leaf_count;
    bcemr_span record_case; /* once sealed */
    int64_t sealed_tau;
    uint64_t seal_leaf, sealed_by; /* bit n: the n-th cloud of V, from 1 */
    bcemr_tr_case_header header;
    bool erased_by_patient, touched;
} model_visit;

/* A row of an index, as it must stand there. */
typedef struct model_row {
    const char *index, *kind;
    bcemr_span key;
    uint64_t leaf, height;
} model_row;

typedef struct model {
    const book *signatures;
    bcemr_hash ledger;
    bcemr_g2_raw authority;
    uint64_t size, height;
    int64_t tau;
    /* the block that is being made */
    uint64_t next_height;
    int64_t next_tau;
    bool behind, any;
    model_map quotas; /* of this block */
    /* everything else */
    model_params params[64]; /* by rule version */
    uint64_t params_count;
    model_set set;
    uint64_t set_changes;
    model_map marks; /* model_name(table, key parts) -> leaf */
    uint64_t marked[LEDGER_TABLE_COUNT];
    model_map by_id; /* "doctor" ID -> enrolment; "vid" -> visit */
    model_enrolment **enrolments;
    uint64_t enrolment_count;
    model_visit **visits;
    uint64_t visit_count;
    uint64_t cases;
    bcemr_hash case_header;
    model_row *rows;
    uint64_t row_count;
    void **kept; /* all that was allocated */
    uint64_t kept_count;
} model;

/* From leaf 0; genesis must be valid. signatures outlives the model. */
void model_begin(model *m, const book *signatures, bcemr_span signed_genesis);
void model_end(model *m);

/* A block by a node with this clock: any number of entries, one after the other, then close. A
 * block without an accepted entry is none. */
void model_open_block(model *m, int64_t clock);
void model_apply(model *m, bcemr_span signed_entry, model_answer *out);
void model_close_block(model *m);

const model_params *model_params_now(const model *m); /* of the block that is being made */
const model_member *model_find(const model *m, bcemr_role role, bcemr_span id);
model_visit *model_visit_of(const model *m, const bcemr_hash *vid);
/* The last enrolment of an ID, or NULL. */
model_enrolment *model_enrolment_of(const model *m, bcemr_span id);
bool model_marked(const model *m, ledger_table table, bcemr_span a, bcemr_span b, uint64_t *leaf);
/* ctx that a Sign entry signs on this visit. */
void model_context(const model_visit *visit, const bcemr_tr_e_sign *sign, bcemr_tr_sign *out);
/* sigma of all who have signed. */
void model_sigma(const model *m, const model_visit *visit, bcemr_g1_raw *out);

/* ---- within the model ---- */

bcemr_span model_keep(model *m, bcemr_span bytes); /* lives as long as the model */
void *model_allocate(model *m, uint64_t n);
void model_no(model_answer *answer, uint32_t reason);
static inline bool model_need(model_answer *answer, bool condition, uint32_t reason)
{
    if (!condition)
        model_no(answer, reason);
    return condition;
}
/* The same where the protocol does not say which of two reasons it is. */
static inline bool model_need_either(model_answer *answer, bool condition, uint32_t one,
                                     uint32_t other)
{
    uint64_t faults = answer->faults;
    if (!model_need(answer, condition, one) && !model_need(answer, condition, other))
        answer->faults = faults + 1;
    return condition;
}
/* Marks a key of a table at the next leaf; the first stays. */
void model_mark(model *m, ledger_table table, bcemr_span a, bcemr_span b);
void model_add_row(model *m, const char *index, const char *kind, bcemr_span key);

/* One entry, as far as it was read. */
typedef struct model_entry {
    bcemr_signed_parts parts;
    bcemr_span signed_entry;
    bcemr_tr_signer rows[8];
    uint64_t row_count;
    model_answer *answer;
} model_entry;
/* Its rows are of these roles, in this order. False: SIGNER_ROWS was given. */
bool model_rows(model_entry *e, const char *const *roles, uint64_t count);
/* The n-th row is by this key. */
void model_row_ed(const model *m, model_entry *e, uint64_t n, const bcemr_ed_raw *key,
                  uint32_t reason);
void model_row_bls(const model *m, model_entry *e, uint64_t n, const bcemr_g2_raw *key,
                   uint32_t reason);
bool model_key_ed(bcemr_span key);
bool model_key_x25519(bcemr_span key);

void model_join(model *m, model_entry *e);
void model_leave(model *m, model_entry *e);
void model_rekey(model *m, model_entry *e);
void model_upgrade(model *m, model_entry *e);
void model_enrol(model *m, model_entry *e);
void model_retire(model *m, model_entry *e);
void model_admit(model *m, model_entry *e);
void model_amend(model *m, model_entry *e);
void model_sign_entry(model *m, model_entry *e);
void model_reissue(model *m, model_entry *e);
void model_abort(model *m, model_entry *e);
void model_seal(model *m, model_entry *e);
void model_confirm(model *m, model_entry *e);
void model_consent(model *m, model_entry *e);
void model_revoke(model *m, model_entry *e);
void model_access(model *m, model_entry *e);
void model_erase(model *m, model_entry *e);

#endif
