/* SPDX-License-Identifier: Apache-2.0 */
/* A ledger with something in every table that a log fills, and every kind of entry but Leave: for
 * tests of what is kept and played again. Include after support/ledger_world.h. */
#ifndef BCEMR_TESTS_LEDGER_STORY_H
#define BCEMR_TESTS_LEDGER_STORY_H

#include "support/ledger_world.h"

/* On a fresh world; aborts when the ledger refuses anything. The last checkpoint is cosigned and
 * kept, and two entries come after it. */
void story_play(world *w);
/* Cosigns the last checkpoint by the first four places and keeps it. */
void story_cosign(world *w);

#endif
