/* SPDX-License-Identifier: Apache-2.0 */
#include "support/ledger_story.h"

#include <stdio.h>
#include <stdlib.h>

static void taken(uint32_t reason)
{
    if (reason == 0)
        return;
    (void)fprintf(stderr, "the story is refused: %s\n", ledger_reason_name(reason));
    abort();
}

static void upgrade(world *w)
{
    bcemr_tr_e_upgrade e = {.ledger = w->c.ledger,
                            .rules = 2,
                            .reissues = CONSORTIUM_REISSUES,
                            .clock_difference = CONSORTIUM_CLOCK_DIFFERENCE + 1,
                            .retention = CONSORTIUM_RETENTION,
                            .thresholds = bcemr_buf_span(&w->c.thresholds),
                            .quotas = bcemr_buf_span(&w->c.quotas),
                            .height = ledger_chain_height(w->chain) + 4};
    const consortium_row rows[] = {world_authority(w), world_votes(w, 7)};
    world_set_now(w, &e.number, &e.set);
    taken(world_post(w, &bcemr_type_e_upgrade, &e, rows, 2));
}

/* cloud-2 with keys of another name. */
static void rekey(world *w)
{
    bcemr_buf held = BCEMR_BUF_EMPTY;
    bcemr_tr_e_rekey e = {.ledger = w->c.ledger, .place = CLOUD_2, .lost = BCEMR_yes_no_NO};
    consortium_node_make(&w->renewed, "cloud-2", BCEMR_role_CLOUD, "cloud-2 anew");
    const consortium_row rows[] = {world_authority(w), world_votes(w, 7), world_pop(&w->renewed),
                                   world_node_row(w, CLOUD_2)};
    world_set_now(w, &e.number, &e.before);
    e.number++;
    e.member = world_member(&w->renewed.row, &held);
    taken(world_post(w, &bcemr_type_e_rekey, &e, rows, 4));
    w->c.nodes[CLOUD_2] = w->renewed; /* a cloud's row has no spans into it */
    bcemr_buf_free(&held);
}

static void reader(world *w)
{
    consortium_enrolment e;
    const consortium_row row = world_authority(w);
    consortium_enrol_reader(&w->c, &w->c.doctors[5], w->clock, w->clock + 9 * WORLD_HOUR, &e);
    taken(world_post(w, &bcemr_type_e_enrol, &e.entry, &row, 1));
    bcemr_buf_free(&e.pops);
}

/* With an amendment, a reissue, a later confirmation and an erasure. */
static void long_visit(world *w)
{
    world_visit visit;
    bcemr_tr_case record_case;
    bcemr_tr_e_seal seal;
    bcemr_tr_e_confirm confirm;
    bcemr_tr_e_erase erase;
    uint8_t bitmap[4], host[64];
    world_visit_make(w, 0, 3, &visit);
    taken(world_post_admit(w, &visit));
    taken(world_post_sign(w, &visit, 1, 0));
    taken(world_post_reissue(w, &visit, 1, 0));
    taken(world_post_sign(w, &visit, 1, 1));
    taken(world_post_amend(w, &visit, (const int[]){2}, 1));
    taken(world_post_sign(w, &visit, 2, 0));
    world_case(w, &visit, &record_case);
    world_seal(w, &visit, &record_case, 3, &seal, bitmap);
    taken(world_post(w, &bcemr_type_e_seal, &seal, NULL, 0));
    world_confirm(w, &visit, CLOUD_2, BCEMR_asker_NOBODY, host, &confirm);
    taken(world_post(w, &bcemr_type_e_confirm, &confirm, NULL, 0));
    world_erase(w, &visit, CLOUD_1, BCEMR_asker_PATIENT, &erase);
    taken(world_post_by(w, &bcemr_type_e_erase, &erase, CLOUD_1));
    world_visit_free(&visit);
}

static void aborted_visit(world *w)
{
    world_visit visit;
    world_visit_make(w, 1, 2, &visit);
    taken(world_post_admit(w, &visit));
    taken(world_post_abort(w, &visit));
    world_visit_free(&visit);
}

/* Two consents in one block, then what follows from one of them. */
static void sharing(world *w)
{
    bcemr_tr_e_consent consent;
    bcemr_tr_e_access access_entry;
    bcemr_tr_e_revoke revoke;
    bcemr_buf both[2] = {BCEMR_BUF_EMPTY, BCEMR_BUF_EMPTY};
    bcemr_span spans[2];
    ledger_outcome outcomes[2];
    for (uint64_t i = 0; i < 2; i++) {
        const consortium_row row = world_node_row(w, CLOUD_1);
        world_consent(w, i + 1, CLOUD_1, &consent);
        consortium_sign(&w->c, &bcemr_type_e_consent, &consent, &row, 1, &both[i]);
        spans[i] = bcemr_buf_span(&both[i]);
    }
    w->clock = world_next(w);
    must(ledger_chain_submit(w->chain, w->clock, spans, 2, outcomes, &w->err));
    for (int i = 0; i < 2; i++) {
        taken(outcomes[i].reason);
        bcemr_buf_free(&both[i]);
    }
    world_access(w, 1, CLOUD_1, &access_entry);
    taken(world_post_by(w, &bcemr_type_e_access, &access_entry, CLOUD_1));
    world_revoke(w, 1, &revoke);
    taken(world_post(w, &bcemr_type_e_revoke, &revoke, NULL, 0));
}

void story_cosign(world *w)
{
    bcemr_tr_checkpoint checkpoint;
    bcemr_set set = BCEMR_SET_EMPTY;
    bcemr_buf held = BCEMR_BUF_EMPTY;
    must(ledger_chain_set_now(w->chain, &set, NULL));
    must(ledger_chain_checkpoint(w->chain, &checkpoint, NULL));
    consortium_cosign(&set, &checkpoint, w->voters, 15, &held);
    must(ledger_chain_keep_cosigned(w->chain, bcemr_buf_span(&held), &w->err));
    bcemr_buf_free(&held);
    bcemr_set_free(&set);
}

void story_play(world *w)
{
    world_visit visit;
    reader(w);
    long_visit(w);
    upgrade(w);
    taken(world_join(w, &w->c.nodes[CLOUD_3]));
    rekey(w);
    aborted_visit(w);
    world_sealed_visit(w, 2, 1, &visit);
    world_visit_free(&visit);
    sharing(w);
    story_cosign(w);
    taken(world_retire(w, 3));
    taken(world_enrol(w, 4, "hospital-2"));
}
