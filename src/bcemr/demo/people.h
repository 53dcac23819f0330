/* SPDX-License-Identifier: Apache-2.0 */
/* Who is in the demo, as data. All of them are made up. */
#ifndef BCEMR_DEMO_PEOPLE_H
#define BCEMR_DEMO_PEOPLE_H

#include "bcemr/inputs.h"

#include <bcemr/types.h>

typedef struct people_node {
    const char *id;
    bcemr_role role;
} people_node;
extern const people_node people_nodes[4];

typedef struct people_doctor {
    const char *id;
    const char *title;
    inputs_discipline discipline;
    bool waives;
} people_doctor;
/* The team of three; more doctors are made from the fourth. */
extern const people_doctor people_team[3];
extern const people_doctor people_elsewhere;

extern const char people_identity[];
extern const char people_symptoms[];
extern const char people_purpose[];
/* Keywords by discipline, ended by NULL. */
extern const char *const people_keywords[INPUTS_DISCIPLINES][4];

#endif
