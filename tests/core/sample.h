/* SPDX-License-Identifier: Apache-2.0 */
/* A visit with real keys for the tests of core: a hospital, a patient, doctors. After cmocka.h. */
#ifndef BCEMR_TEST_SAMPLE_H
#define BCEMR_TEST_SAMPLE_H

#include "wire/fault.h"

#include <bcemr/group.h>
#include <bcemr/hash.h>
#include <bcemr/keys.h>
#include <bcemr/visit.h>
#include <string.h>

#define SAMPLE_DOCTORS 4
#define SAMPLE_ISSUED 1700000000000

typedef struct sample {
    bcemr_secrets hospital;
    bcemr_publics hospital_publics;
    bcemr_secrets doctors[SAMPLE_DOCTORS];
    bcemr_publics publics[SAMPLE_DOCTORS];
    bcemr_tr_team_doctor team[SAMPLE_DOCTORS];
    bcemr_span clouds[2];
    bcemr_visit_keys patient;
    bcemr_tr_visit visit;
    bcemr_buf encoded; /* V */
    bcemr_hash vid;
} sample;

/* Encodes s->visit as it stands now. */
static inline void sample_encode(sample *s)
{
    bcemr_buf_clear(&s->encoded);
    assert_int_equal(bcemr_write_visit(&s->visit, &s->encoded, NULL), BCEMR_OK);
    bcemr_sha256(bcemr_buf_span(&s->encoded), &s->vid);
}

static inline void sample_secrets(uint8_t number, bcemr_secrets *secrets, bcemr_publics *publics)
{
    const bcemr_seed seed = {{0xd0, number}};
    assert_int_equal(bcemr_secrets_from_seed(&seed, secrets), BCEMR_OK);
    bcemr_secrets_publics(secrets, publics);
}

static inline void sample_begin(sample *s)
{
    static const char *const names[SAMPLE_DOCTORS] = {"dr-abel", "dr-berg", "dr-celik", "dr-dahl"};
    const bcemr_seed seed = {{0xa1}};
    memset(s, 0, sizeof *s);
    sample_secrets(100, &s->hospital, &s->hospital_publics);
    for (uint8_t i = 0; i < SAMPLE_DOCTORS; i++) {
        sample_secrets(i, &s->doctors[i], &s->publics[i]);
        s->team[i] = (bcemr_tr_team_doctor){bcemr_text(names[i]), s->publics[i].x, s->publics[i].e,
                                            SAMPLE_ISSUED + 1000 * (i + 1)};
    }
    s->visit = (bcemr_tr_visit){.ledger = {{0x1e}},
                                .hospital = bcemr_text("hospital-1"),
                                .u = 1,
                                .pid = {{0x91}},
                                .reissues = 3,
                                .issued = SAMPLE_ISSUED};
    assert_int_equal(bcemr_visit_keys_derive(&seed, &s->visit.ledger, 0, &s->patient), BCEMR_OK);
    s->clouds[0] = bcemr_text("cloud-1");
    s->clouds[1] = bcemr_text("cloud-2");
    s->visit.clouds = BCEMR_LIST_OF(s->clouds, 2);
    s->visit.team = BCEMR_LIST_OF(s->team, 3); /* the fourth comes by amendment */
    s->visit.pkv = s->patient.pkv;
    s->visit.av = s->patient.av_public;
    sample_encode(s);
}

static inline void sample_end(sample *s)
{
    bcemr_buf_free(&s->encoded);
    bcemr_switch_all_on();
    bcemr_switch_fail_allocation(0);
}

/* Lets each allocation of a call fail in turn; a status must be E_NO_MEMORY then, a verdict
 * UNDECIDED with that status in err. The last run has all memory and must come out as expected. */
#define WITHOUT_MEMORY(call, expected, refused)                                                    \
    do {                                                                                           \
        for (uint64_t n_ = 1;; n_++) {                                                             \
            bcemr_switch_fail_allocation(n_);                                                      \
            int got_ = (int)(call);                                                                \
            uint64_t made_ = bcemr_switch_allocations();                                           \
            bcemr_switch_fail_allocation(0);                                                       \
            if (made_ < n_) {                                                                      \
                assert_int_equal(got_, (expected));                                                \
                assert_true(n_ > 1);                                                               \
                break;                                                                             \
            }                                                                                      \
            assert_int_equal(got_, (refused));                                                     \
        }                                                                                          \
    } while (0)
#define STATUS_WITHOUT_MEMORY(call) WITHOUT_MEMORY(call, BCEMR_OK, BCEMR_E_NO_MEMORY)
#define VERDICT_WITHOUT_MEMORY(call) WITHOUT_MEMORY(call, BCEMR_VALID, BCEMR_UNDECIDED)

#endif
