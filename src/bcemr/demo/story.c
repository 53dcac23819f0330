/* SPDX-License-Identifier: Apache-2.0 */
/* The five phases, as a table. */
#include "bcemr/demo/story.h"

static bcemr_status registration(world *w)
{
    bcemr_status status = BCEMR_OK;
    DO(story_register(w));
    double began = report_now();
    w->crossed = 0;
    for (uint64_t i = 0; i < w->team_count; i++)
        DO(story_join(w, i));
    report_step(w->r, "team", report_now() - began, w->crossed,
                "%u doctors proved themselves and hold the group key", (unsigned)w->team_count);
out:
    return status;
}

static bcemr_status diagnosis(world *w)
{
    bcemr_status status = BCEMR_OK;
    for (uint64_t i = 0; i < w->team_count; i++)
        DO(story_visit_doctor(w, i));
out:
    return status;
}

static const struct {
    const char *name;
    bcemr_status (*play)(world *w);
} phases[WORLD_PHASES] = {{"Initialisation", story_enrol},
                          {"Registration", registration},
                          {"Diagnosis", diagnosis},
                          {"Storage", story_store},
                          {"Sharing", story_share}};

bcemr_status story_phase(world *w, uint64_t phase)
{
    world_phase_begin(w, phase, phases[phase].name);
    bcemr_status status = phases[phase].play(w);
    world_phase_end(w);
    return status;
}

bcemr_status story_until(world *w, uint64_t phase)
{
    bcemr_status status = BCEMR_OK;
    for (uint64_t p = 0; p < phase; p++)
        DO(story_phase(w, p));
out:
    return status;
}
