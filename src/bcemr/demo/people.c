/* SPDX-License-Identifier: Apache-2.0 */
#include "bcemr/demo/people.h"

#include <stddef.h>

const people_node people_nodes[4] = {{"Lindenhof Hospital", BCEMR_role_HOSPITAL},
                                     {"Seeblick Hospital", BCEMR_role_HOSPITAL},
                                     {"Cloud North", BCEMR_role_CLOUD},
                                     {"Cloud South", BCEMR_role_CLOUD}};

const people_doctor people_team[3] = {
    {"Dr Amara Okafor", "general practitioner", INPUTS_GENERAL_PRACTICE, false},
    {"Dr Jonas Keller", "radiologist", INPUTS_RADIOLOGY, true},
    {"Dr Mei Tanaka", "cardiologist", INPUTS_CARDIOLOGY, false},
};
const people_doctor people_elsewhere = {"Dr Lucia Ferrari", "internist", INPUTS_GIVEN, false};

const char people_identity[] = "Nora Lindqvist, born 1968-03-14, insured 756.1234.5678.97";
const char people_symptoms[] = "Pressure in the chest when climbing stairs, for two weeks";
const char people_purpose[] = "Second opinion before a treatment is chosen";

const char *const people_keywords[INPUTS_DISCIPLINES][4] = {
    {"Angina pectoris", "SNOMED 194828000", NULL},
    {"Computed tomography of chest", "LOINC 24627-2", NULL},
    {"Electrocardiogram", "LOINC 11524-6", "Ischaemic heart disease", NULL},
};
