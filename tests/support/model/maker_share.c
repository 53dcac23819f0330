/* SPDX-License-Identifier: Apache-2.0 */
/* Entries about sharing. */
#include "support/model/maker.h"

#include <string.h>

#define HOUR ((int64_t)3600000)

/* The key R of a grant, by its number; the same on every ledger. */
static void grant_key(uint64_t number, bcemr_ed_secret *secret, bcemr_ed_raw *key)
{
    uint8_t seed[32] = "grant of the model";
    bcemr_store_u64(seed + 20, number);
    bcemr_ed_from_seed(seed, secret, key);
}

/* A new one, or one of those before. */
static uint64_t choose_grant(maker *mk, uint64_t percent_new)
{
    if (mk->grants == 0 || maker_chance(mk, percent_new))
        return mk->grants++;
    uint64_t among = mk->grants < 20 || maker_chance(mk, 10) ? mk->grants : 20;
    return mk->grants - 1 - maker_draw(mk, among);
}

static void cm_of(uint64_t number, bcemr_hash *out)
{
    uint8_t bytes[16] = "cm";
    bcemr_store_u64(bytes + 8, number);
    bcemr_sha256(bcemr_span_of(bytes, sizeof bytes), out);
}

/* A cloud of the set with its row; with fault 1 one that is none. */
static bool choose_cloud(maker *mk, draft *d, bcemr_span *id)
{
    const model_member *cloud = maker_member(mk, BCEMR_role_CLOUD);
    if (!cloud)
        return false;
    *id = cloud->row.id;
    d->rows[0] = (maker_row){
        .role = "cloud", .who = *id, .by = maker_key_of(mk, bcemr_span_of(cloud->row.a.b, 32))};
    d->row_count = 1;
    if (d->fault == 1)
        *id = d->rows[0].who = bcemr_text(maker_chance(mk, 50) ? "hospital-1" : "cloud-99");
    return true;
}

bool maker_consent(maker *mk, draft *d)
{
    bcemr_ed_secret secret;
    maker_fault(mk, d, 6);
    uint64_t number = choose_grant(mk, 70);
    bcemr_tr_e_consent consent = {.ledger = mk->m->ledger};
    if (!choose_cloud(mk, d, &consent.cloud))
        return false;
    grant_key(number, &secret, &consent.revoker);
    cm_of(d->fault == 2 ? maker_draw(mk, mk->grants) : number, &consent.cm);
    consent.latest = mk->m->next_tau + (mk->calm || maker_chance(mk, 50) ? HOUR : 0);
    if (d->fault == 3)
        consent.latest = mk->m->next_tau - 1;
    bcemr_tr_consent_post post = {mk->m->ledger, consent.cloud, consent.cm, consent.latest};
    if (d->fault == 4) /* for another cloud, or another hour */
        post.latest += HOUR;
    if (d->fault == 5)
        consent.revoker = (bcemr_ed_raw){{1}};
    maker_ed_value(mk, &secret, &bcemr_type_consent_post, &post, &consent.signature);
    if (d->fault == 6)
        consent.signature.b[maker_draw(mk, 64)] ^= 1;
    maker_finish(mk, d, &consent);
    return true;
}

bool maker_revoke(maker *mk, draft *d)
{
    bcemr_ed_secret secret;
    maker_fault(mk, d, 3);
    bcemr_tr_e_revoke revoke = {.ledger = mk->m->ledger};
    grant_key(choose_grant(mk, 40), &secret, &revoke.revoker);
    if (d->fault == 1)
        grant_key(mk->grants + 1, &secret, &(bcemr_ed_raw){{0}});
    if (d->fault == 2)
        revoke.revoker = (bcemr_ed_raw){{1}};
    const bcemr_tr_revoke value = {mk->m->ledger, revoke.revoker};
    maker_ed_value(mk, &secret, &bcemr_type_revoke, &value, &revoke.signature);
    if (d->fault == 3)
        revoke.signature.b[maker_draw(mk, 64)] ^= 1;
    maker_finish(mk, d, &revoke);
    return true;
}

bool maker_access(maker *mk, draft *d)
{
    static const uint8_t box[3088];
    maker_fault(mk, d, 1);
    bool again = mk->handles > 0 && maker_chance(mk, 20);
    bcemr_tr_e_access entry = {.ledger = mk->m->ledger,
                               .box = bcemr_span_of(box, maker_chance(mk, 90) ? 1040 : 3088)};
    if (!choose_cloud(mk, d, &entry.cloud))
        return false;
    bcemr_store_u64(entry.handle.b, again ? maker_draw(mk, mk->handles) : mk->handles++);
    bcemr_store_u64(entry.cm.b, mk->serial++);
    maker_finish(mk, d, &entry);
    return true;
}

bool maker_erase(maker *mk, draft *d)
{
    const model_visit *visit = maker_visit(mk, BCEMR_visit_status_SEALED);
    if (!visit || (visit->record_case.n == 0 && maker_chance(mk, 90)))
        return false;
    maker_fault(mk, d, 4);
    const bcemr_visit_keys *patient = maker_patient(mk, &visit->vid);
    const model_member *hospital = model_find(mk->m, BCEMR_role_HOSPITAL, visit->v.hospital);
    const maker_key *key =
        hospital ? maker_key_of(mk, bcemr_span_of(hospital->row.a.b, 32)) : maker_other_key(mk);
    bcemr_tr_e_erase entry = {.ledger = mk->m->ledger, .vid = visit->vid};
    if (!choose_cloud(mk, d, &entry.cloud))
        return false;
    entry.by = maker_chance(mk, 40) && patient ? BCEMR_asker_PATIENT : BCEMR_asker_HOSPITAL;
    const bcemr_ed_secret *secret =
        entry.by == BCEMR_asker_PATIENT ? &patient->av : &key->secrets.a;
    if (d->fault == 2)
        entry.by = BCEMR_asker_NOBODY;
    if (d->fault == 3)
        secret = &maker_other_key(mk)->secrets.a;
    const bcemr_tr_erase value = {mk->m->ledger, visit->vid};
    maker_ed_value(mk, secret, &bcemr_type_erase, &value, &entry.signature);
    if (d->fault == 4)
        entry.signature.b[maker_draw(mk, 64)] ^= 1;
    maker_finish(mk, d, &entry);
    return true;
}
