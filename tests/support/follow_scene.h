/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Ledgers for tests of the follower: one that is honest, two that share its beginning and then
 * differ, made with the same keys; and a source that stands before another one and changes what it
 * answers. Include after cmocka.h.
 */
#ifndef BCEMR_TESTS_FOLLOW_SCENE_H
#define BCEMR_TESTS_FOLLOW_SCENE_H

#include "ledger/follow/follow.h"
#include "support/ledger_world.h"

typedef struct scene {
    world a;         /* honest: a Join, several kinds, cosigned, two leaves behind that */
    world b;         /* other leaves after the common ones, cosigned by the set of the genesis */
    world d;         /* another Join after the common ones, cosigned by that set; as long as b */
    uint64_t common; /* leaves that all three have */
    bcemr_buf first, second; /* cosigned of a: at the common leaves; right after its Join */
    uint64_t first_size, second_size, signed_size; /* of them, and of the newest */
} scene;

/* Keep it where it is; large. */
void scene_begin(scene *s);
void scene_end(scene *s);
/* The newest Tr("cosigned") of a chain, appended. */
void scene_cosigned(const ledger_chain *chain, bcemr_buf *out);
/* A checkpoint cosigned by the world's voters; out is replaced. */
void scene_sign(const world *w, const bcemr_set *set, const bcemr_tr_checkpoint *checkpoint,
                bcemr_buf *out);

/* Stands before a source; a hook that is not NULL changes its answer after it was made. */
typedef struct meddler {
    ledger_source behind; /* closed with the meddler */
    bcemr_status (*head)(struct meddler *m, ledger_source_head *out);
    bcemr_status (*leaves)(struct meddler *m, uint64_t from, uint64_t to, bcemr_buf *out);
    bcemr_status (*consistency)(struct meddler *m, uint64_t first, uint64_t second, bcemr_buf *out);
    bcemr_status (*sets)(struct meddler *m, uint64_t number, uint64_t size, bcemr_buf *out);
    void *user;
    uint64_t heads, ranges, proofs, walks; /* calls so far */
} meddler;
/* A source that is m, which stays where it is. behind: a source on chain. */
ledger_source meddler_source(meddler *m, const ledger_chain *chain);

/* A state that outlives who closes it; the n-th put, begin or commit from now fails when fail is n.
 */
typedef struct lasting {
    ledger_state inner;
    uint64_t fail, calls;
} lasting;
void lasting_new(lasting *l);
ledger_state lasting_state(lasting *l);
/* Another one with the same rows. */
void lasting_copy(const lasting *from, lasting *to);
void lasting_free(lasting *l);

/* The export of a chain, as the encoding says. */
void scene_export(const ledger_chain *chain, bcemr_buf *out);

#endif
