/* SPDX-License-Identifier: Apache-2.0 */
/* A grant's terms as proxy and doctor check them, without a ledger (section 7). */
#include "bcemr/hand/terms.h"

#include <bcemr/hash.h>

bcemr_status hand_terms_check(hand *h, bcemr_span raw, const bcemr_list *signatures,
                              const hand_visit *visit, bcemr_tr_grant *terms,
                              bcemr_tr_grant_visit *row)
{
    bcemr_status status = BCEMR_OK;
    bcemr_tr_terms message = {.ledger = visit->log->ledger};
    bcemr_ed_signature signature;
    HAND(bcemr_read_grant(raw, terms, &h->error));
    HAND_REQUIRE(bcemr_hash_equal(&terms->ledger, &visit->log->ledger), BCEMR_WRONG_LEDGER, "grant",
                 "ledger");
    HAND_REQUIRE(terms->visits.count == 1 && signatures->count == 1 && terms->t == 1 &&
                     terms->scope != BCEMR_scope_SEARCH &&
                     bcemr_list_at(&bcemr_type_grant_visit, &terms->visits, 0, row) &&
                     bcemr_hash_equal(&row->vid, &visit->log->vid) && row->y.n == 48,
                 BCEMR_BAD_TERMS, "grant", "visits");
    bcemr_sha256(raw, &message.terms);
    HAND_REQUIRE(
        bcemr_list_at(&bcemr_type_edsig_item, signatures, 0, &signature) &&
            bcemr_ed_holds_value(&visit->log->visit.av, &bcemr_type_terms, &message, &signature),
        BCEMR_BAD_GRANT_SIGNATURE, "grant", "signatures");
    HAND_REQUIRE(h->now <= terms->expiry, BCEMR_GRANT_EXPIRED, "grant", "expiry");
out:
    return status;
}

bcemr_status hand_header_read(hand *h, const hand_visit *visit, bcemr_buf *bytes,
                              bcemr_tr_header *out)
{
    bcemr_status status = BCEMR_OK;
    const bcemr_visit_log *log = visit->log;
    HAND(files_read(h->o->header, 1u << 20, bytes, &h->file));
    hand_doing(h, "believe the header \"%.200s\"", hand_name(bcemr_text(h->o->header)));
    HAND(bcemr_read_header(bcemr_buf_span(bytes), out, &h->error));
    HAND_REQUIRE(bcemr_visit_log_complete(log), BCEMR_NOT_ALL_SIGNED, "visit", "diagnoses");
    HAND_REQUIRE(bcemr_span_equal(log->diagnoses[log->signed_count - 1].context.svk,
                                  bcemr_span_of(out->svk.b, sizeof out->svk.b)),
                 BCEMR_WRONG_SEAL_KEY, "header", "svk");
    HAND_VALID(bcemr_header_check(&log->vid, bcemr_visit_log_last_context(log), out, &h->error),
               "header", "osig");
    HAND_VALID(bcemr_capsule_check(h->context, &log->vid, &out->svk, &out->b, &log->visit.pkv,
                                   &out->c, BCEMR_BAD_CAPSULE, &h->error),
               "header", "capsule");
out:
    return status;
}
