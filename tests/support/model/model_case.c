/* SPDX-License-Identifier: Apache-2.0 */
/* Seal and Confirm: section 6 of the protocol. */
#include "support/model/model.h"

#include "support/consortium.h"

#include <string.h>

static bcemr_span hash_span(const bcemr_hash *hash)
{
    return bcemr_span_of(hash->b, sizeof hash->b);
}

static bool same_hash(const bcemr_hash *a, const bcemr_hash *b)
{
    return memcmp(a, b, sizeof *a) == 0;
}

void model_sigma(const model *m, const model_visit *visit, bcemr_g1_raw *out)
{
    bcemr_g1_raw so_far;
    for (uint64_t i = 0; i < visit->signed_count; i++) {
        const model_sign *sign = &visit->signs[i];
        bcemr_g1_raw credential;
        memcpy(credential.b, m->enrolments[sign->enrolment]->entry.credential.p,
               sizeof credential.b);
        so_far = *out;
        must(
            bcemr_multisignature_add(i > 0 ? &so_far : NULL, &sign->delta, &credential, out, NULL));
    }
}

/* ---- Seal ---- */

static void check_case(const model *m, const model_visit *visit, model_entry *e,
                       const bcemr_tr_case *c)
{
    bool whole = visit->signed_count == visit->count;
    (void)model_need(e->answer, whole, LEDGER_R_SEAL_UNSIGNED);
    (void)model_need(e->answer, !visit->pending, LEDGER_R_SEAL_REISSUE_PENDING);
    (void)model_need(e->answer, same_hash(&c->order, &visit->order), LEDGER_R_SEAL_ORDER);
    if (!whole)
        return; /* no last signature to compare with */
    const model_sign *last = &visit->signs[visit->count - 1];
    bcemr_g1_raw sigma;
    (void)model_need(e->answer, same_hash(&c->last_context, &last->hash), LEDGER_R_SEAL_CONTEXT);
    (void)model_need(e->answer, bcemr_span_equal(bcemr_span_of(c->svk.b, 32), last->svk),
                     LEDGER_R_SEAL_SVK);
    model_sigma(m, visit, &sigma);
    (void)model_need(e->answer, memcmp(&c->sigma, &sigma, sizeof sigma) == 0, LEDGER_R_SEAL_SIGMA);
}

/* The hospital, and at least min(u, clouds of V still in the set), never none. */
static void check_confirmers(const model *m, const model_visit *visit, model_entry *e,
                             const bcemr_tr_e_seal *seal)
{
    uint8_t keys[17 * 96];
    uint64_t place = 0, n = 0, clouds = 0, present = 0;
    bcemr_span cloud;
    if (!model_need(e->answer,
                    bcemr_bitmap_check(seal->confirmers, 1 + visit->v.clouds.count) == BCEMR_OK,
                    LEDGER_R_SEAL_CONFIRMERS))
        return;
    const model_member *hospital = model_find(m, BCEMR_role_HOSPITAL, visit->v.hospital);
    bool asked = bcemr_bitmap_get(seal->confirmers, 0);
    (void)model_need(e->answer, asked, LEDGER_R_SEAL_HOSPITAL);
    if (model_need_either(e->answer, hospital != NULL, LEDGER_R_NOT_A_HOSPITAL,
                          LEDGER_R_SEAL_HOSPITAL) &&
        asked)
        memcpy(keys + 96 * n++, hospital->row.x.b, 96);
    bcemr_iter iter = bcemr_list_begin(&bcemr_type_id_item, &visit->v.clouds);
    while (bcemr_list_next(&iter, &cloud)) {
        const model_member *member = model_find(m, BCEMR_role_CLOUD, cloud);
        bool confirms = bcemr_bitmap_get(seal->confirmers, ++place);
        present += member != NULL;
        clouds += confirms;
        (void)model_need(e->answer, !confirms || member, LEDGER_R_SEAL_CLOUDS);
        if (confirms && member)
            memcpy(keys + 96 * n++, member->row.x.b, 96);
    }
    uint64_t least = visit->v.u < present ? visit->v.u : present;
    (void)model_need(e->answer, clouds >= least && clouds > 0, LEDGER_R_SEAL_CLOUDS);
    (void)model_need(e->answer,
                     book_holds(m->signatures, "joint", bcemr_span_of(keys, 96 * n),
                                seal->record_case,
                                bcemr_span_of(seal->signature.b, sizeof seal->signature.b)),
                     LEDGER_R_SEAL_SIGNATURE);
}

/* The clouds that confirmed count; the case block's header is the next leaf. */
static void put_case(model *m, const model_entry *e, model_visit *visit,
                     const bcemr_tr_e_seal *seal)
{
    uint64_t place = 0;
    bcemr_span cloud;
    bcemr_buf leaf = BCEMR_BUF_EMPTY;
    bcemr_span leaves[1024];
    visit->status = BCEMR_visit_status_SEALED;
    visit->record_case = model_keep(m, seal->record_case);
    visit->sealed_tau = m->next_tau;
    visit->seal_leaf = m->size;
    visit->touched = true;
    model_mark(m, LEDGER_CASES, hash_span(&visit->vid), (bcemr_span){0});
    model_mark(m, LEDGER_VISIT_LEAVES, hash_span(&visit->vid),
               bcemr_span_of(&m->size, sizeof m->size));
    bcemr_iter iter = bcemr_list_begin(&bcemr_type_id_item, &visit->v.clouds);
    while (bcemr_list_next(&iter, &cloud))
        if (bcemr_bitmap_get(seal->confirmers, ++place))
            visit->sealed_by |= (uint64_t)1 << place;
    must(bcemr_leaf_make(e->signed_entry, m->next_height, m->next_tau, &leaf, NULL));
    memcpy(leaves, visit->leaves, visit->leaf_count * sizeof leaves[0]);
    leaves[visit->leaf_count] = bcemr_buf_span(&leaf);
    const bcemr_list body = BCEMR_LIST_OF(leaves, visit->leaf_count + 1);
    visit->header = (bcemr_tr_case_header){
        .height = m->cases++, .previous = m->case_header, .tau = m->next_tau, .vid = visit->vid};
    bcemr_sha256(seal->record_case, &visit->header.record_case);
    must(bcemr_hash_list(&bcemr_type_leaf, &body, &visit->header.body, NULL));
    must(bcemr_hash_value(&bcemr_type_case_header, &visit->header, &m->case_header, NULL));
    model_add_row(m, "finds", "Seal", hash_span(&visit->vid));
    bcemr_buf_free(&leaf);
}

void model_seal(model *m, model_entry *e)
{
    bcemr_tr_e_seal seal;
    bcemr_tr_case c;
    must(bcemr_read_e_seal(e->parts.entry, &seal, NULL));
    must(bcemr_read_case(seal.record_case, &c, NULL));
    if (!model_rows(e, NULL, 0))
        return;
    model_visit *visit = model_visit_of(m, &c.vid);
    if (!model_need(e->answer, visit != NULL, LEDGER_R_VISIT_UNKNOWN))
        return;
    (void)model_need(e->answer, visit->status == BCEMR_visit_status_OPEN, LEDGER_R_VISIT_NOT_OPEN);
    check_case(m, visit, e, &c);
    check_confirmers(m, visit, e, &seal);
    if (e->answer->count == 0)
        put_case(m, e, visit, &seal);
}

/* ---- Confirm ---- */

static bool counts(const model *m, const model_visit *visit, bcemr_span cloud)
{
    bcemr_span named;
    bool sealed = false;
    bcemr_iter iter = bcemr_list_begin(&bcemr_type_id_item, &visit->v.clouds);
    for (uint64_t place = 1; bcemr_list_next(&iter, &named); place++)
        sealed = sealed || (bcemr_span_equal(named, cloud) && (visit->sealed_by >> place & 1));
    return sealed || model_marked(m, LEDGER_CONFIRMS, hash_span(&visit->vid), cloud, NULL);
}

static void check_host(const model *m, const model_visit *visit, model_entry *e,
                       const bcemr_tr_e_confirm *confirm)
{
    bool named = false;
    bcemr_span cloud;
    bcemr_iter iter = bcemr_list_begin(&bcemr_type_id_item, &visit->v.clouds);
    while (bcemr_list_next(&iter, &cloud))
        named = named || bcemr_span_equal(cloud, confirm->cloud);
    bool nobody = confirm->host_by == BCEMR_asker_NOBODY;
    if (!model_need(e->answer, named == nobody && nobody == (confirm->host.n == 0),
                    LEDGER_R_CONFIRM_HOST) ||
        nobody)
        return;
    const bcemr_tr_host host = {m->ledger, visit->vid, confirm->cloud};
    bcemr_span key = bcemr_span_of(visit->v.av.b, sizeof visit->v.av.b);
    if (confirm->host_by == BCEMR_asker_HOSPITAL) {
        const model_member *hospital = model_find(m, BCEMR_role_HOSPITAL, visit->v.hospital);
        if (!model_need(e->answer, hospital != NULL, LEDGER_R_NOT_A_HOSPITAL))
            return;
        key = bcemr_span_of(hospital->row.a.b, sizeof hospital->row.a.b);
    }
    bcemr_buf message = BCEMR_BUF_EMPTY;
    must(bcemr_write_host(&host, &message, NULL));
    (void)model_need(e->answer,
                     book_holds(m->signatures, "ed", key, bcemr_buf_span(&message), confirm->host),
                     LEDGER_R_CONFIRM_HOST_SIGNATURE);
    bcemr_buf_free(&message);
}

void model_confirm(model *m, model_entry *e)
{
    bcemr_tr_e_confirm confirm;
    must(bcemr_read_e_confirm(e->parts.entry, &confirm, NULL));
    if (!model_rows(e, NULL, 0))
        return;
    const model_member *cloud = model_find(m, BCEMR_role_CLOUD, confirm.cloud);
    (void)model_need(e->answer, cloud != NULL, LEDGER_R_NOT_A_CLOUD);
    model_visit *visit = model_visit_of(m, &confirm.vid);
    if (!model_need(e->answer, visit && visit->status == BCEMR_visit_status_SEALED,
                    LEDGER_R_CASE_UNKNOWN))
        return;
    (void)model_need(e->answer, !counts(m, visit, confirm.cloud), LEDGER_R_CONFIRM_COUNTED);
    (void)model_need(e->answer, !visit->erased_by_patient, LEDGER_R_CONFIRM_ERASED);
    check_host(m, visit, e, &confirm);
    if (cloud)
        (void)model_need(e->answer,
                         book_holds(m->signatures, "bls", bcemr_span_of(cloud->row.x.b, 96),
                                    visit->record_case, bcemr_span_of(confirm.signature.b, 48)),
                         LEDGER_R_CONFIRM_SIGNATURE);
    if (e->answer->count > 0)
        return;
    model_mark(m, LEDGER_CONFIRMS, hash_span(&visit->vid), confirm.cloud);
    visit->touched = true;
}
