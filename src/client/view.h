/* SPDX-License-Identifier: Apache-2.0 */
/* What patient and doctor ask of the ledger, read into structs. The buffers given keep the bytes
 * that the structs point into. */
#ifndef BCEMR_CLIENT_VIEW_H
#define BCEMR_CLIENT_VIEW_H

#include <bcemr/ledger_view.h>
#include <bcemr/visit_log.h>

/* A supernode's row with the given role, at a leaf (BCEMR_NOW: now). E_REFUSED with refusal when
 * there is none or its role is another. */
BCEMR_MUST_USE bcemr_status client_member(const bcemr_ledger_view *view, bcemr_span id,
                                          bcemr_role role, uint64_t leaf, bcemr_verdict refusal,
                                          bcemr_buf *buf, bcemr_tr_member *out, bcemr_error *err);
/* The active enrolment; hash (NULL allowed) is H(Enrol). E_REFUSED with NOT_ENROLLED. */
BCEMR_MUST_USE bcemr_status client_enrolment(const bcemr_ledger_view *view, bcemr_span doctor,
                                             bcemr_buf *buf, bcemr_tr_e_enrol *out,
                                             bcemr_hash *hash, uint64_t *leaf, bcemr_error *err);
/* The visit's log, replayed from the ledger's leaves. Free both with client_visit_free. E_REFUSED
 * with NOT_ADMITTED when the ledger does not know it. */
typedef struct client_visit {
    bcemr_buf leaves;
    bcemr_list list;
    bcemr_visit_log *log;
} client_visit;
BCEMR_MUST_USE bcemr_status client_visit_load(const bcemr_ledger_view *view, const bcemr_hash *vid,
                                              client_visit *out, bcemr_error *err);
void client_visit_free(client_visit *visit);
/* Every signature of the visit's leaves, each of the hospital's under its key at that leaf
 * (section 2, keys in time). */
BCEMR_MUST_USE bcemr_status client_visit_signatures(const bcemr_context *context,
                                                    const bcemr_ledger_view *view,
                                                    const bcemr_visit_log *log, bcemr_error *err);
/* Appends Tr("signed") with one Ed25519 row over Tr("entry"; role, entry). */
BCEMR_MUST_USE bcemr_status client_signed_by(const bcemr_type *type, const void *entry,
                                             const char *role, bcemr_span who,
                                             const bcemr_ed_secret *key, bcemr_buf *out,
                                             bcemr_error *err);

#endif
