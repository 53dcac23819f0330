/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The story's steps, in their order: a patient's visit through all five phases. Each step says what
 * it did through the world's report. A step that fails leaves w->by (who refused) and w->error.
 */
#ifndef BCEMR_DEMO_STORY_H
#define BCEMR_DEMO_STORY_H

#include "bcemr/demo/world.h"

/* Phase 1, after world_open: credentials for every doctor. */
BCEMR_MUST_USE bcemr_status story_enrol(world *w);
/* One doctor: keys, proofs, credential, countersignature, Enrol. */
BCEMR_MUST_USE bcemr_status story_enrol_doctor(world *w, world_doctor *doctor);

/* A short note for doctor i, who has no document; made beside the inputs. */
BCEMR_MUST_USE bcemr_status story_note(world *w, uint64_t i);

/* Phase 2: the patient comes, gets a ticket, accepts it; Admit is on the ledger. */
BCEMR_MUST_USE bcemr_status story_register(world *w);
/* The group key run with one doctor, and the intake. */
BCEMR_MUST_USE bcemr_status story_join(world *w, uint64_t i);

/* Phase 3, doctor i (from 0), step by step. */
BCEMR_MUST_USE bcemr_status story_take_before(world *w, uint64_t i);
BCEMR_MUST_USE bcemr_status story_presence(world *w, uint64_t i);
BCEMR_MUST_USE bcemr_status story_diagnose(world *w, uint64_t i);
/* Contribution to the relay; receipt. */
BCEMR_MUST_USE bcemr_status story_hand_over(world *w, uint64_t i, bcemr_buf *receipt,
                                            bcemr_ed_signature *signature);
/* Signed entry Sign, to the ledger. */
BCEMR_MUST_USE bcemr_status story_sign(world *w, uint64_t i, bcemr_span receipt,
                                       const bcemr_ed_signature *signature);
/* All of the above for doctor i. */
BCEMR_MUST_USE bcemr_status story_visit_doctor(world *w, uint64_t i);

/* Phase 4: seal, upload, confirm. */
BCEMR_MUST_USE bcemr_status story_seal(world *w);
BCEMR_MUST_USE bcemr_status story_upload(world *w, uint64_t cloud_node, bcemr_buf *confirmation);
BCEMR_MUST_USE bcemr_status story_hospital_check(world *w);
BCEMR_MUST_USE bcemr_status story_confirm(world *w, bcemr_buf *confirmation);
BCEMR_MUST_USE bcemr_status story_block(world *w);
/* All of phase 4. */
BCEMR_MUST_USE bcemr_status story_store(world *w);

/* Phase 5: grant, request, answer, opening. */
BCEMR_MUST_USE bcemr_status story_grant(world *w);
BCEMR_MUST_USE bcemr_status story_consent(world *w, uint64_t cloud_node);
BCEMR_MUST_USE bcemr_status story_request(world *w, uint64_t cloud_node, bcemr_buf *ask);
BCEMR_MUST_USE bcemr_status story_access(world *w, uint64_t cloud_node, bcemr_buf *ask);
BCEMR_MUST_USE bcemr_status story_answer(world *w, uint64_t cloud_node);
BCEMR_MUST_USE bcemr_status story_open(world *w, uint64_t cloud_node);
BCEMR_MUST_USE bcemr_status story_audit(world *w);
BCEMR_MUST_USE bcemr_status story_share(world *w);

/* Phases one to five. */
BCEMR_MUST_USE bcemr_status story_phase(world *w, uint64_t phase);
/* Everything before a phase (from 0), then nothing: where a tamper begins. */
BCEMR_MUST_USE bcemr_status story_until(world *w, uint64_t phase);

#endif
