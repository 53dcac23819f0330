/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Makes signed entries for a model as it stands: as they should be, with one fault, or as they came
 * before, were cut, spliced or belong to another ledger. Everything follows from a seed. What it
 * signs it writes into the book; what will become of an entry it does not know.
 */
#ifndef BCEMR_TESTS_MODEL_MAKER_H
#define BCEMR_TESTS_MODEL_MAKER_H

#include "support/consortium.h"
#include "support/model/model.h"

#include <bcemr/visit.h>

/* One holder's keys, by a number. They are the same on every ledger. */
typedef struct maker_key {
    bcemr_secrets secrets;
    bcemr_publics publics;
} maker_key;

/* What outlives a ledger: keys, and what was signed on all of them. Start with zeros. */
typedef struct maker_pool {
    book signatures;
    maker_key **keys;
    uint64_t key_count;
    model_map by_key;   /* A, X -> key */
    model_map named;    /* name -> key */
    bcemr_buf *foreign; /* entries of the ledgers before */
    uint64_t foreign_count;
} maker_pool;
void maker_pool_free(maker_pool *pool);

typedef struct maker {
    maker_pool *pool;
    consortium *c;
    model *m; /* read only */
    uint64_t random, serial;
    bcemr_visit_keys *patients; /* of all visits ever made, admitted or not */
    uint64_t patient_count;
    model_map patient_of; /* vid -> patient */
    uint64_t grants, handles, doctors, readers, nodes;
    bool calm; /* set it for entries as they should be, and none at the edge of its time */
    model_visit *turning; /* what the clock of this block was set for, if for anything */
    bcemr_buf *past;      /* every entry made, accepted or not */
    uint64_t past_count;
} maker;

void maker_begin(maker *mk, maker_pool *pool, consortium *c, model *m, uint64_t seed);
/* What was made goes to the pool, as entries of another ledger. */
void maker_end(maker *mk);

/* The clock of the next block; model_open_block follows. */
int64_t maker_clock(maker *mk);
/* The next entry, for the block that is open; out is replaced. Returns what it was meant to be. */
const char *maker_next(maker *mk, bcemr_buf *out);

/* ---- within the maker ---- */

uint64_t maker_draw(maker *mk, uint64_t below); /* 0..below-1; 0 for 0 */
static inline bool maker_chance(maker *mk, uint64_t percent)
{
    return maker_draw(mk, 100) < percent;
}
maker_key *maker_key_named(maker_pool *pool, const char *name);
maker_key *maker_key_of(const maker *mk, bcemr_span publics); /* by A or X; NULL */
const maker_key *maker_other_key(maker *mk);
const bcemr_visit_keys *maker_patient(const maker *mk, const bcemr_hash *vid); /* NULL */

void maker_ed(maker *mk, const bcemr_ed_secret *secret, bcemr_span message,
              bcemr_ed_signature *out);
void maker_ed_value(maker *mk, const bcemr_ed_secret *secret, const bcemr_type *type,
                    const void *value, bcemr_ed_signature *out);
void maker_bls(maker *mk, const maker_key *key, bcemr_span message, bcemr_g1_raw *out);
/* Of those in the bitmap over places. */
void maker_joint(maker *mk, const maker_key *const *places, uint64_t count, bcemr_span bitmap,
                 bcemr_span message, bcemr_g1_raw *out);

#define MAKER_ROWS 5
#define MAKER_HELD 6
typedef struct maker_row {
    const char *role;
    bcemr_span who;
    const maker_key *by;
    const bcemr_tr_member *member; /* for "pop" */
    uint64_t votes;                /* for "set": over the set in force */
} maker_row;

/* An entry on its way. fault: 0 for as it should be; each function says what others mean. */
typedef struct draft {
    const bcemr_type *type;
    maker_row rows[MAKER_ROWS];
    uint64_t row_count;
    uint64_t fault;
    bcemr_buf held[MAKER_HELD];
    bcemr_buf *out;
} draft;
/* Fault of 1..faults in some cases, else 0. Faults beyond those of an entry are such of its rows.
 */
void maker_fault(maker *mk, draft *d, uint64_t faults);
/* Signs value with the rows and writes it. */
void maker_finish(maker *mk, draft *d, const void *value);
bcemr_span maker_hold(draft *d, uint64_t n, const bcemr_type *type, const void *value);

const model_member *maker_member(maker *mk, bcemr_role role); /* any of it; NULL */
const model_enrolment *maker_doctor(maker *mk, bool active);  /* NULL */
/* The doctor who comes next can sign now, as far as time and enrolment go. */
bool maker_goes_on(const maker *mk, const model_visit *visit);
model_visit *maker_visit(maker *mk,
                         bcemr_visit_status status); /* mostly of it, mostly late; NULL */

/* Each makes one entry. False: there is nothing to make it of now. */
bool maker_join(maker *mk, draft *d);
bool maker_leave(maker *mk, draft *d);
bool maker_rekey(maker *mk, draft *d);
bool maker_upgrade(maker *mk, draft *d);
bool maker_enrol(maker *mk, draft *d);
bool maker_enrol_reader(maker *mk, draft *d);
bool maker_retire(maker *mk, draft *d);
bool maker_admit(maker *mk, draft *d);
bool maker_amend(maker *mk, draft *d);
bool maker_sign(maker *mk, draft *d);
bool maker_reissue(maker *mk, draft *d);
bool maker_abort(maker *mk, draft *d);
bool maker_seal(maker *mk, draft *d);
bool maker_confirm(maker *mk, draft *d);
bool maker_consent(maker *mk, draft *d);
bool maker_revoke(maker *mk, draft *d);
bool maker_access(maker *mk, draft *d);
bool maker_erase(maker *mk, draft *d);

#endif
