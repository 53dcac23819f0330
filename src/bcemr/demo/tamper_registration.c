/* SPDX-License-Identifier: Apache-2.0 */
/* Attacks on credentials, tickets and acceptance (phases 1 and 2). */
#include "bcemr/demo/attacks.h"

#include <bcemr/hash.h>
#include <bcemr/proof.h>
#include <stdio.h>
#include <string.h>

/* ---- credentials ---- */

/* Draws keys and makes the Enrol entry that s issues for them. */
static bcemr_status make_enrol(world *w, const bcemr_secret_scalar *s, world_doctor *doctor,
                               bcemr_buf *enrol)
{
    bcemr_status status = BCEMR_OK;
    bcemr_buf pops = BCEMR_BUF_EMPTY;
    bcemr_secret_scalar copy = *s;
    authority office = {.context = w->context, .signer = authority_signer_local(&copy)};
    bcemr_seed seed;
    bcemr_random(seed.b, sizeof seed.b);
    DO(bcemr_secrets_from_seed(&seed, &doctor->secrets));
    authority_wish wish = {.kind = BCEMR_enrol_kind_DOCTOR,
                           .id = world_id(doctor->id),
                           .hospital = world_id(w->nodes[doctor->home].id),
                           .not_before = w->now - 1000,
                           .not_after = w->now + 1000000};
    bcemr_secrets_publics(&doctor->secrets, &wish.keys);
    DO(authority_wish_pops(&w->ledger, &wish, &doctor->secrets, &pops, &w->error));
    wish.pops = bcemr_buf_span(&pops);
    DO(authority_enrol(&office, &w->view, &wish, enrol, &w->error));
out:
    bcemr_buf_free(&pops);
    return status;
}

bcemr_status attack_credential(world *w, bool *succeeded)
{
    bcemr_status status = BCEMR_OK;
    bcemr_buf enrol = BCEMR_BUF_EMPTY, entry = BCEMR_BUF_EMPTY, found = BCEMR_BUF_EMPTY;
    world_doctor outsider = {.id = "Dr Nobody", .home = WORLD_HOSPITAL_A};
    world_node *a = &w->nodes[WORLD_HOSPITAL_A];
    bcemr_secret_scalar s;
    bcemr_ed_signature signature;
    uint64_t leaf = 0;
    DO(bcemr_secret_scalar_random(&s)); /* not the authority's */
    DO(make_enrol(w, &s, &outsider, &enrol));
    w->by = a->id;
    DO(hospital_countersign(a->hospital, bcemr_buf_span(&enrol), false, &signature, &w->error));
    const bcemr_tr_signer row = {bcemr_text("hospital"), world_id(a->id),
                                 bcemr_span_of(signature.b, 64)};
    DO(bcemr_signed_make(bcemr_buf_span(&enrol), &row, 1, &entry, &w->error));
    DO(world_post_entry(w, bcemr_buf_span(&entry), NULL));
    *succeeded = w->view.enrolment(w->view.user, world_id(outsider.id), &found, &leaf) == BCEMR_OK;
out:
    bcemr_secrets_wipe(&outsider.secrets);
    bcemr_buf_free(&enrol);
    bcemr_buf_free(&entry);
    bcemr_buf_free(&found);
    return status;
}

/* The authority gives Dr Keller's name to a key of its own; no hospital countersigns, and the old
 * key does not either: it signs the row with a key of its own making. */
bcemr_status attack_credential_swap(world *w, bool *succeeded)
{
    bcemr_status status = BCEMR_OK;
    bcemr_buf enrol = BCEMR_BUF_EMPTY, entry = BCEMR_BUF_EMPTY, found = BCEMR_BUF_EMPTY;
    world_doctor victim = {.home = WORLD_HOSPITAL_A};
    bcemr_ed_signature by_hospital, by_doctor;
    bcemr_tr_e_enrol now;
    uint64_t leaf = 0;
    (void)snprintf(victim.id, sizeof victim.id, "%s", w->team[1].id);
    DO(make_enrol(w, &w->authority_secret, &victim, &enrol));
    DO(bcemr_entry_sign_ed(&victim.secrets.a, "hospital", bcemr_buf_span(&enrol), &by_hospital,
                           &w->error));
    DO(bcemr_entry_sign_ed(&victim.secrets.a, "doctor", bcemr_buf_span(&enrol), &by_doctor,
                           &w->error));
    const bcemr_tr_signer rows[2] = {
        {bcemr_text("hospital"), world_id(w->nodes[WORLD_HOSPITAL_A].id),
         bcemr_span_of(by_hospital.b, 64)},
        {bcemr_text("doctor"), world_id(victim.id), bcemr_span_of(by_doctor.b, 64)}};
    DO(bcemr_signed_make(bcemr_buf_span(&enrol), rows, 2, &entry, &w->error));
    DO(world_post_entry(w, bcemr_buf_span(&entry), NULL));
    DO(w->view.enrolment(w->view.user, world_id(victim.id), &found, &leaf));
    DO(bcemr_read_e_enrol(bcemr_buf_span(&found), &now, &w->error));
    *succeeded = memcmp(now.a.b, w->team[1].self.publics.a.b, 32) != 0;
out:
    bcemr_secrets_wipe(&victim.secrets);
    bcemr_buf_free(&enrol);
    bcemr_buf_free(&entry);
    bcemr_buf_free(&found);
    return status;
}

/* ---- ticket ---- */

static bcemr_status other_u(world *w, world_point point, bcemr_buf *message)
{
    bcemr_status status = BCEMR_OK;
    bcemr_buf v = BCEMR_BUF_EMPTY, ticket = BCEMR_BUF_EMPTY;
    bcemr_tr_ticket t;
    bcemr_tr_visit visit;
    if (point != POINT_TICKET)
        return BCEMR_OK;
    DO(bcemr_read_ticket(bcemr_buf_span(message), &t, &w->error));
    DO(bcemr_read_visit(t.visit, &visit, &w->error));
    visit.u = visit.u == 1 ? 2 : 1;
    DO(bcemr_write_visit(&visit, &v, &w->error));
    t.visit = bcemr_buf_span(&v);
    DO(bcemr_write_ticket(&t, &ticket, &w->error));
    DO(bcemr_buf_set(message, bcemr_buf_span(&ticket)));
out:
    bcemr_buf_free(&v);
    bcemr_buf_free(&ticket);
    return status;
}

static bool admitted(world *w)
{
    attacks_visit visit;
    bcemr_error kept = w->error;
    bool there = attacks_visit_load(w, &visit) == BCEMR_OK;
    if (there)
        attacks_visit_free(&visit);
    w->error = kept;
    return there;
}

bcemr_status attack_ticket(world *w, bool *succeeded)
{
    w->hand = other_u;
    bcemr_status status = story_register(w);
    *succeeded = status == BCEMR_OK && admitted(w) && !bcemr_hash_equal(&w->visit.vid, &w->vid);
    return status;
}

/* ---- acceptance ---- */

/* Whoever opens the visit accepts it with keys of their own. */
static bcemr_status own_acceptance(world *w, world_point point, bcemr_buf *message)
{
    bcemr_status status = BCEMR_OK;
    bcemr_buf out = BCEMR_BUF_EMPTY;
    bcemr_visit_keys keys;
    bcemr_tr_acceptance acceptance;
    bcemr_seed seed;
    if (point != POINT_ACCEPTANCE)
        return BCEMR_OK;
    bcemr_random(seed.b, sizeof seed.b);
    DO(bcemr_visit_keys_derive(&seed, &w->ledger, 0, &keys));
    DO(bcemr_acceptance_make(&keys, &w->vid, &acceptance, &w->error));
    DO(bcemr_write_acceptance(&acceptance, &out, &w->error));
    DO(bcemr_buf_set(message, bcemr_buf_span(&out)));
out:
    bcemr_visit_keys_wipe(&keys);
    bcemr_buf_free(&out);
    return status;
}

bcemr_status attack_acceptance(world *w, bool *succeeded)
{
    w->hand = own_acceptance;
    bcemr_status status = story_register(w);
    *succeeded = status == BCEMR_OK && admitted(w);
    return status;
}
