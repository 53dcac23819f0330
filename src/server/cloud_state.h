/* SPDX-License-Identifier: Apache-2.0 */
/* A cloud from the inside; cloud_*.c share it. */
#ifndef SERVER_CLOUD_STATE_H
#define SERVER_CLOUD_STATE_H

#include "server/cloud.h"
#include "server/common.h"

/* A record taken: one a visit, the one under the svk of its last signature. */
typedef struct cloud_record {
    bcemr_hash vid; /* first: the table's key */
    bcemr_buf header;
    bcemr_buf record_case;
    bcemr_hash order, last_context;
    bcemr_ed_raw svk;
    bcemr_g1_raw pkv;
    bcemr_g1 b; /* the header's B, decoded once */
    bcemr_ed_raw av;
    bcemr_asker host_by; /* NOBODY for a cloud that V names */
    bcemr_ed_signature host;
    bool erasing; /* its Erase is posted: nothing is given out, what is left is destroyed */
    bool erased;  /* what remains is that it was */
} cloud_record;

/* rk of one visit of a grant. */
typedef struct cloud_grant_key {
    bcemr_hash vid;
    bool held;
    bcemr_secret_scalar rk;
} cloud_grant_key;

typedef struct cloud_grant {
    bcemr_hash gid;               /* first: the table's key */
    bcemr_hash post;              /* H(grant-post), to know it again */
    bcemr_buf offer;              /* terms, signatures, wrapped, as J gets them */
    bcemr_tr_grant_offer offered; /* points into offer */
    bcemr_tr_grant terms;         /* points into offer */
    bcemr_buf consent;            /* Tr("signed"; Consent) */
    bcemr_nonce salt;
    bcemr_hash cm;
    bcemr_g2_raw doctor_key; /* J's X */
    cloud_grant_key *keys;   /* one a visit of the terms */
    uint64_t key_count;
    bool ka_held;
    bcemr_key ka;
    /* accesses */
    uint64_t *leaves; /* of those that are in, by j */
    uint64_t leaf_count, leaf_capacity;
    bool pending; /* one is posted: number leaf_count */
    bcemr_hash pending_entry;
    bool asked; /* the last request: pending, or number leaf_count - 1 */
    bcemr_buf request;
    bool answered;
} cloud_grant;

typedef struct cloud_nonce_row {
    bcemr_hash who; /* H of who asked for it */
    bcemr_nonce nonce;
    int64_t until;
} cloud_nonce_row;

struct cloud {
    cloud_setup setup;
    server_table records;
    server_table grants;
    cloud_nonce_row nonces[CLOUD_NONCES_MAX]; /* in the order in which they were given */
    uint64_t nonce_count;
    uint64_t observed; /* leaves gone through */
};

server_name cloud_payload_name(const cloud_record *record);
/* The record of a visit, if it is here and not erased. CASE_ERASED; E_NOT_FOUND. */
BCEMR_MUST_USE bcemr_status cloud_find_record(cloud *c, const bcemr_hash *vid, cloud_record **out,
                                              bcemr_error *err);
/* Whether a record still is the one that the visit's log leads to. */
bool cloud_record_is_current(const cloud_record *record, const bcemr_visit_log *log);
/* Destroys what is left of a record whose Erase is posted, and what grants hold for it. */
BCEMR_MUST_USE bcemr_status cloud_finish_erasure(cloud *c, cloud_record *record, bcemr_error *err);
/* Takes a record away: payload, header, case. Keeps the row when erased. */
BCEMR_MUST_USE bcemr_status cloud_drop_record(cloud *c, cloud_record *record, bool erased,
                                              bcemr_error *err);
/* Whether the ledger counts this cloud as a holder of the sealed case. */
BCEMR_MUST_USE bcemr_status cloud_counts(const cloud *c, const bcemr_visit_log *log,
                                         bcemr_span cloud_id, bool *counts, bcemr_error *err);

void cloud_grant_free(cloud_grant *grant); /* wipes; NULL is allowed */
/* Deletes rk of a visit (NULL: of all), and ka with the last. */
void cloud_grant_forget(cloud_grant *grant, const bcemr_hash *vid);
/* Consent is on the ledger, at *leaf. NO_SUCH_GRANT. */
BCEMR_MUST_USE bcemr_status cloud_grant_in_effect(const cloud *c, const cloud_grant *grant,
                                                  uint64_t *leaf, bcemr_error *err);
/* J's enrolment is active and the very one (NOT_ENROLLED). */
BCEMR_MUST_USE bcemr_status cloud_doctor_active(const cloud *c, const bcemr_tr_grant *terms,
                                                bcemr_buf *buf, bcemr_tr_e_enrol *enrol,
                                                bcemr_error *err);
/* On the ledger stands no Revoke of the grant, no Retire of its doctor, no Erase of this visit.
 * GRANT_REVOKED, DOCTOR_RETIRED, CASE_ERASED. */
BCEMR_MUST_USE bcemr_status cloud_check_stops(const cloud *c, const cloud_grant *grant,
                                              const bcemr_hash *vid, bcemr_error *err);
/* Notes the access that waits when the ledger has it; forgets it when it was refused for good. */
BCEMR_MUST_USE bcemr_status cloud_settle(cloud *c, cloud_grant *grant, bcemr_error *err);

/* A nonce of ours that is still good and was given to who; its place, for cloud_nonce_use. */
bool cloud_nonce_find(const cloud *c, bcemr_span who, const bcemr_nonce *nonce, int64_t now,
                      uint64_t *place);
void cloud_nonce_use(cloud *c, uint64_t place);
/* Within the allowed clock difference. */
bool cloud_time_is_near(int64_t time, int64_t now, uint64_t difference);

/* Signs an entry as the cloud and puts it into the outbox. */
BCEMR_MUST_USE bcemr_status cloud_post(cloud *c, const bcemr_type *type, const void *entry,
                                       bcemr_error *err);

#endif
