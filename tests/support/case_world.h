/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Case files of a ledger_world: a checkpoint of it, files made and checked, and the same file with
 * its parts exchanged. Include after cmocka.h.
 */
#ifndef BCEMR_TESTS_CASE_WORLD_H
#define BCEMR_TESTS_CASE_WORLD_H

#include "support/ledger_world.h"

#include <bcemr/case_file.h>

/* The world's supernodes cosign its log as it stands. */
void case_world_checkpoint(world *w);
/* Makes a case file of the visit, with nothing opened. */
bcemr_status case_world_make(world *w, const bcemr_hash *vid, bcemr_buf *out, bcemr_error *err);
/* Checks it with this genesis; report as bcemr_case_file_check leaves it. */
bcemr_status case_world_check(const bcemr_context *context, bcemr_span genesis, bcemr_span file,
                              bcemr_case_report *report, bcemr_error *err);

/* A member of the set gets new keys, which are its node's from then on, voted for by the others and
 * signed by its old A. 0 or the reason. */
uint32_t case_world_rekey(world *w, int node, const char *seed);
/* The next rule version from a height on, voted for by all. */
uint32_t case_world_upgrade(world *w, uint64_t rules, uint64_t height, uint64_t reissues,
                            uint64_t clock_difference);
/* A doctor gets new keys, signed by the old A, or when that is retired by a second supernode
 * (BCEMR_NOWHERE: by the old A). */
uint32_t case_world_enrol_again(world *w, int doctor, const char *seed, uint64_t second);

/* A case file in parts: each list as spans that can be exchanged. Points into the file given. */
#define CASE_WORLD_ITEMS 64
typedef struct case_pieces {
    bcemr_tr_case_file value;
    uint64_t set_count, upgrade_count, enrolment_count, body_count, opened_count;
    bcemr_span sets[CASE_WORLD_ITEMS], upgrades[CASE_WORLD_ITEMS], enrolments[CASE_WORLD_ITEMS],
        body[CASE_WORLD_ITEMS];
    bcemr_tr_case_opened opened[CASE_WORLD_ITEMS];
    bcemr_span documents; /* what follows the head */
} case_pieces;
void case_world_take_apart(bcemr_span file, case_pieces *out);
/* The pieces as they are now, as a file. E_* when the encoding does not allow them. */
bcemr_status case_world_put_together(const case_pieces *pieces, bcemr_buf *out);

/*
 * The same file over another log: the world's, with some leaves replaced and a checkpoint over it
 * that the set in force now cosigns, as if all of its members lied. Proofs are made anew. out is
 * replaced.
 */
typedef struct case_leaf {
    uint64_t index;
    bcemr_span leaf;
} case_leaf;
void case_world_relog(const world *w, bcemr_span file, const case_leaf *leaves, uint64_t count,
                      bcemr_buf *out);

#endif
