/* SPDX-License-Identifier: Apache-2.0 */
/* Attacks on presence, order and signatures (phase 3). */
#include "bcemr/demo/attacks.h"

#include <bcemr/hash.h>
#include <bcemr/proof.h>
#include <string.h>

static uint64_t signed_count(world *w)
{
    attacks_visit visit;
    uint64_t count = 0;
    if (attacks_visit_load(w, &visit) == BCEMR_OK) {
        count = visit.log->signed_count;
        attacks_visit_free(&visit);
    }
    return count;
}

/* ---- presence ---- */

static bcemr_status invented_presence(world *w, world_point point, bcemr_buf *message)
{
    bcemr_status status = BCEMR_OK;
    bcemr_buf out = BCEMR_BUF_EMPTY;
    bcemr_tr_presence presence;
    bcemr_visit_keys keys = {0};
    bcemr_seed seed;
    if (point != POINT_PRESENCE)
        return BCEMR_OK;
    bcemr_random(seed.b, sizeof seed.b);
    DO(bcemr_read_presence(bcemr_buf_span(message), &presence, &w->error));
    DO(bcemr_visit_keys_derive(&seed, &w->ledger, 0, &keys));
    const bcemr_tr_present present = {w->vid, world_id(w->team[0].id), presence.nonce,
                                      presence.time};
    DO(bcemr_presence_make(&keys, &present, &presence, &w->error));
    DO(bcemr_write_presence(&presence, &out, &w->error));
    DO(bcemr_buf_set(message, bcemr_buf_span(&out)));
out:
    bcemr_visit_keys_wipe(&keys);
    bcemr_buf_free(&out);
    return status;
}

bcemr_status attack_presence(world *w, bool *succeeded)
{
    w->hand = invented_presence;
    bcemr_status status = story_visit_doctor(w, 0);
    *succeeded = status == BCEMR_OK && signed_count(w) == 1;
    return status;
}

/* ---- amendment ---- */

/* The first doctor writes an amendment that leaves them alone, over an order that never was. */
bcemr_status attack_amendment(world *w, bool *succeeded)
{
    bcemr_status status = BCEMR_OK;
    attacks_visit visit = {0}, after = {0};
    bcemr_buf amend = BCEMR_BUF_EMPTY, entry = BCEMR_BUF_EMPTY;
    bcemr_ed_signature signature;
    DO(attacks_visit_load(w, &visit));
    bcemr_tr_amend a = {.vid = w->vid,
                        .number = 1,
                        .signed_count = 0,
                        .tail = BCEMR_LIST_OF(visit.log->order.doctors, 1),
                        .issued = w->now};
    bcemr_random(a.previous.b, sizeof a.previous.b);
    DO(bcemr_write_amend(&a, &amend, &w->error));
    bcemr_ed_sign(&w->team[0].secrets.a, bcemr_buf_span(&amend), &signature);
    const bcemr_tr_e_amend e = {w->ledger, bcemr_buf_span(&amend), signature};
    DO(attacks_replace_entry(w, &entry, &bcemr_type_e_amend, &e, NULL));
    DO(world_post_entry(w, bcemr_buf_span(&entry), NULL));
    DO(attacks_visit_load(w, &after));
    *succeeded = after.log->order.count == 1;
out:
    attacks_visit_free(&visit);
    attacks_visit_free(&after);
    bcemr_buf_free(&amend);
    bcemr_buf_free(&entry);
    return status;
}

/* ---- signatures made by hand ---- */

/* A Sign entry for a place, over a context that starts at the ticket, by any key. */
static bcemr_status forged_sign(world *w, uint64_t place, const bcemr_secret_scalar *x,
                                bcemr_buf *entry)
{
    bcemr_status status = BCEMR_OK;
    attacks_visit visit = {0};
    bcemr_g1_raw delta;
    DO(attacks_visit_load(w, &visit));
    const bcemr_tr_team_doctor *d = &visit.log->order.doctors[place - 1];
    bcemr_tr_sign context = {.order = *bcemr_order_hash(&visit.log->order),
                             .i = place,
                             .doctor = d->doctor,
                             .x = d->x,
                             .time = w->now,
                             .previous = w->vid};
    bcemr_random(context.commitment.b, sizeof context.commitment.b);
    DO(bcemr_diagnosis_sign(x, &context, &delta, &w->error));
    const bcemr_tr_e_sign sign = {.ledger = w->ledger,
                                  .vid = w->vid,
                                  .i = place,
                                  .commitment = context.commitment,
                                  .time = context.time,
                                  .delta = delta};
    DO(attacks_replace_entry(w, entry, &bcemr_type_e_sign, &sign, NULL));
out:
    attacks_visit_free(&visit);
    return status;
}

bcemr_status attack_order(world *w, bool *succeeded)
{
    bcemr_status status = BCEMR_OK;
    bcemr_buf entry = BCEMR_BUF_EMPTY;
    uint64_t leaf = 0;
    DO(forged_sign(w, 2, &w->team[1].secrets.x, &entry));
    DO(world_post_entry(w, bcemr_buf_span(&entry), &leaf));
    *succeeded = leaf > 0;
out:
    bcemr_buf_free(&entry);
    return status;
}

bcemr_status attack_signature(world *w, bool *succeeded)
{
    bcemr_status status = BCEMR_OK;
    bcemr_buf entry = BCEMR_BUF_EMPTY;
    DO(forged_sign(w, 1, &w->nodes[WORLD_HOSPITAL_A].secrets.x, &entry));
    DO(world_post_entry(w, bcemr_buf_span(&entry), NULL));
    *succeeded = signed_count(w) == 1;
out:
    bcemr_buf_free(&entry);
    return status;
}

/* ---- diagnosis ---- */

static bcemr_status other_document(world *w, world_point point, bcemr_buf *message)
{
    if (point != POINT_CONTRIBUTION || message->n == 0)
        return BCEMR_OK;
    return attacks_flip_file(w, (const char *)message->p, 40); /* before the last tag */
}

bcemr_status attack_diagnosis(world *w, bool *succeeded)
{
    bcemr_status status = BCEMR_OK;
    w->hand = other_document;
    DO(story_visit_doctor(w, 0));
    w->hand = NULL;
    DO(story_take_before(w, 1));
    *succeeded = true; /* the next doctor works with a document that the first never wrote */
out:
    return status;
}

/* ---- cancel ---- */

/* The first adds two points to their share, the second takes them away again. */
static bcemr_status shifted(world *w, world_point point, bcemr_buf *message)
{
    bcemr_status status = BCEMR_OK;
    bcemr_tr_e_sign sign;
    bcemr_g1_raw shift[2];
    if (point != POINT_ENTRY || !attacks_entry_is(message, &bcemr_type_e_sign, &sign) || sign.i > 2)
        return BCEMR_OK;
    if (w->kept.n == 0) {
        attacks_random_point(&shift[0]);
        attacks_random_point(&shift[1]);
        DO(bcemr_buf_set(&w->kept, bcemr_span_of(shift, sizeof shift)));
    }
    memcpy(shift, w->kept.p, sizeof shift);
    for (int i = 0; sign.i == 2 && i < 2; i++)
        attacks_negate(&shift[i]);
    DO(bcemr_multisignature_add(&sign.delta, &shift[0], &shift[1], &sign.delta, &w->error));
    bcemr_buf copy = *message; /* svk may point into it */
    *message = BCEMR_BUF_EMPTY;
    status = attacks_replace_entry(w, message, &bcemr_type_e_sign, &sign, NULL);
    bcemr_buf_free(&copy);
out:
    return status;
}

bcemr_status attack_cancel(world *w, bool *succeeded)
{
    bcemr_status status = BCEMR_OK;
    w->hand = shifted;
    for (uint64_t i = 0; i < w->team_count; i++)
        DO(story_visit_doctor(w, i));
    DO(story_store(w));
    *succeeded = attacks_sealed(w);
out:
    return status;
}

/* ---- reissue ---- */

static bcemr_status once_more(world *w)
{
    bcemr_status status = BCEMR_OK;
    bcemr_buf entry = BCEMR_BUF_EMPTY, receipt = BCEMR_BUF_EMPTY;
    bcemr_ed_signature signature;
    world_wait(w, 1000);
    w->by = w->team[1].id;
    DO(bcemr_doctor_reissue(w->team[1].visit, BCEMR_reissue_reason_INCOMPLETE, &entry, &w->error));
    DO(world_post_entry(w, bcemr_buf_span(&entry), NULL));
    world_wait(w, 1000);
    DO(story_diagnose(w, 0));
    DO(story_hand_over(w, 0, &receipt, &signature));
    DO(story_sign(w, 0, bcemr_buf_span(&receipt), &signature));
out:
    bcemr_buf_free(&entry);
    bcemr_buf_free(&receipt);
    return status;
}

bcemr_status attack_reissue(world *w, bool *succeeded)
{
    bcemr_status status = BCEMR_OK;
    bcemr_ledger_facts facts;
    DO(w->view.facts(w->view.user, &facts));
    DO(story_visit_doctor(w, 0));
    for (uint64_t k = 0; k <= facts.reissues; k++)
        DO(once_more(w));
    *succeeded = true;
out:
    return status;
}
