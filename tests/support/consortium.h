/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A small consortium with real keys for tests: an authority, hospitals, clouds, doctors, and the
 * signed genesis. All keys follow from their holders' names, so that every run is the same.
 * Uses wire, core and proof alone. What cannot fail here aborts.
 */
#ifndef BCEMR_TESTS_CONSORTIUM_H
#define BCEMR_TESTS_CONSORTIUM_H

#include <bcemr/ledger_view.h>
#include <bcemr/proof.h>
#include <bcemr/visit.h>

#define CONSORTIUM_NODES 12
#define CONSORTIUM_DOCTORS 6
#define CONSORTIUM_REISSUES 2
#define CONSORTIUM_CLOCK_DIFFERENCE 120000
#define CONSORTIUM_RETENTION 3600000

typedef struct consortium_node {
    const char *id;
    bcemr_secrets keys;
    bcemr_publics publics;
    bcemr_tr_member row; /* spans point into publics */
} consortium_node;

typedef struct consortium_doctor {
    const char *id;
    bcemr_secrets keys;
    bcemr_publics publics;
} consortium_doctor;

/* In the set at first: hospital-1, hospital-2, cloud-1, cloud-2. The nodes after those (hospital-3,
 * cloud-3, ...) have keys and are outside. Keep it where it is: spans point into it. */
typedef struct consortium {
    bcemr_context *context;
    bcemr_secrets authority; /* x alone counts */
    bcemr_g2_raw p;
    consortium_node nodes[CONSORTIUM_NODES];
    consortium_doctor doctors[CONSORTIUM_DOCTORS];
    uint64_t quota; /* of each kind; set it before consortium_begin, 0: 1,000 */
    bcemr_tr_genesis genesis;
    bcemr_buf thresholds, quotas;
    bcemr_tr_member members[4];
    bcemr_buf signed_genesis;
    bcemr_hash ledger;
} consortium;

enum { HOSPITAL_1, HOSPITAL_2, CLOUD_1, CLOUD_2, HOSPITAL_3, CLOUD_3, CLOUD_4, HOSPITAL_4 };

/* Fills everything but quota, which the caller sets. */
void consortium_begin(consortium *c);
void consortium_end(consortium *c);

/* Keys of anyone by a name. */
void consortium_keys(const char *name, bcemr_secrets *keys, bcemr_publics *publics);
/* A node with these keys and another ID or role. */
void consortium_node_make(consortium_node *out, const char *id, bcemr_role role, const char *seed);

/* ---- signed entries ---- */

/* A row of signers to be made. by: whose key; for "set" votes is a bitmap of nodes' places in set
 * (members), for "pop" member is the row that it is for. raw: use this signature instead. */
typedef struct consortium_row {
    const char *role;
    bcemr_span who;
    const bcemr_secrets *by;
    uint64_t votes;
    const bcemr_secrets *const *voters; /* one a place of the set */
    uint64_t places;
    const bcemr_tr_member *member;
} consortium_row;

/* Tr("signed") of an entry with these rows; out is replaced. */
void consortium_sign(const consortium *c, const bcemr_type *type, const void *value,
                     const consortium_row *rows, uint64_t count, bcemr_buf *out);

/* An Enrol of a doctor with valid credential and proofs. Spans point into d and the caller's
 * buffers: credential (48) and pops. */
typedef struct consortium_enrolment {
    bcemr_tr_e_enrol entry;
    bcemr_g1_raw credential;
    bcemr_buf pops;
} consortium_enrolment;
void consortium_enrol(const consortium *c, const consortium_doctor *d, const char *hospital,
                      int64_t not_before, int64_t not_after, consortium_enrolment *out);
/* Makes credential and pops anew for the entry's fields as they are. */
void consortium_enrol_again(const consortium *c, const bcemr_secrets *keys,
                            consortium_enrolment *enrolment);
/* A reader's. */
void consortium_enrol_reader(const consortium *c, const consortium_doctor *d, int64_t not_before,
                             int64_t not_after, consortium_enrolment *out);

/* A cosigned checkpoint by the nodes in votes, over the set that members give. */
void consortium_cosign(const bcemr_set *set, const bcemr_tr_checkpoint *checkpoint,
                       const bcemr_secrets *const *voters, uint64_t votes, bcemr_buf *out);

/* Aborts with a message unless OK. */
void must(bcemr_status status);

#endif
