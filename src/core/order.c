/* SPDX-License-Identifier: Apache-2.0 */
/* The order in force: the ticket's team, changed by each amendment in turn (section 3). */
#include "core/verdict.h"

#include <bcemr/group.h>
#include <bcemr/hash.h>
#include <bcemr/visit.h>

#include <string.h>

/* ---- what the ticket and an amendment's tail have in common ---- */

static bcemr_span name_of(const bcemr_tr_team_doctor *doctor)
{
    return doctor->doctor;
}

/* Copies a list of doctors that was read; false when there is no room. */
static bool copy_doctors(const bcemr_list *list, bcemr_tr_team_doctor *out, uint64_t room)
{
    bcemr_iter iter = bcemr_list_begin(&bcemr_type_team_doctor, list);
    bcemr_tr_team_doctor doctor;
    for (uint64_t i = 0; bcemr_list_next(&iter, &doctor); i++) {
        if (i >= room)
            return false;
        out[i] = doctor;
    }
    return true;
}

static bcemr_status decode_keys(const bcemr_tr_team_doctor *doctors, uint64_t first, uint64_t count,
                                bcemr_error *err)
{
    for (uint64_t i = first; i < count; i++) {
        bcemr_g2 x;
        bcemr_x25519_public e;
        bcemr_status status = bcemr_g2_decode(&doctors[i].x, &x);
        if (status != BCEMR_OK)
            return wire_fail_at(err, status, "team_doctor", "x", i, BCEMR_NOWHERE);
        status = bcemr_x25519_decode(&doctors[i].e, &e);
        if (status != BCEMR_OK)
            return wire_fail_at(err, status, "team_doctor", "e", i, BCEMR_NOWHERE);
    }
    return BCEMR_OK;
}

static bool stands_before(const bcemr_tr_team_doctor *doctors, uint64_t i)
{
    for (uint64_t k = 0; k < i; k++)
        if (bcemr_span_equal(name_of(&doctors[k]), name_of(&doctors[i])))
            return true;
    return false;
}

/* Nobody twice in the whole order; deadlines ascend from place `first` on. */
static bcemr_status check_team(const bcemr_tr_team_doctor *doctors, uint64_t first, uint64_t count,
                               bcemr_error *err)
{
    bcemr_status status = BCEMR_OK;
    for (uint64_t i = first; i < count; i++) {
        REQUIRE_AT(!stands_before(doctors, i), BCEMR_BAD_TEAM, "team_doctor", "doctor", i);
        REQUIRE_AT(i == first || doctors[i - 1].deadline < doctors[i].deadline, BCEMR_BAD_TEAM,
                   "team_doctor", "deadline", i);
    }
out:
    return status;
}

/* ---- the ticket ---- */

static bcemr_status check_clouds(const bcemr_tr_visit *visit, bcemr_error *err)
{
    bcemr_status status = BCEMR_OK;
    bcemr_iter outer = bcemr_list_begin(&bcemr_type_id_item, &visit->clouds);
    bcemr_span one, other;
    for (uint64_t i = 0; bcemr_list_next(&outer, &one); i++) {
        bcemr_iter inner = bcemr_list_begin(&bcemr_type_id_item, &visit->clouds);
        for (uint64_t k = 0; k < i && bcemr_list_next(&inner, &other); k++)
            REQUIRE_AT(!bcemr_span_equal(one, other), BCEMR_BAD_TICKET, "visit", "clouds", i);
    }
    REQUIRE(visit->u <= visit->clouds.count, BCEMR_BAD_TICKET, "visit", "u");
out:
    return status;
}

static bcemr_status decode_patient_keys(const bcemr_tr_visit *visit, bcemr_error *err)
{
    bcemr_g1 pkv;
    bcemr_ed_public av;
    bcemr_status status = BCEMR_OK;
    TRY_AT(bcemr_g1_decode(&visit->pkv, &pkv), "visit", "pkv");
    TRY_AT(bcemr_ed_decode(&visit->av, &av), "visit", "av");
out:
    return status;
}

static bcemr_status begin(bcemr_span encoded, bcemr_order *out, bcemr_error *err)
{
    bcemr_tr_visit visit;
    bcemr_status status = BCEMR_OK;
    TRY(bcemr_read_visit(encoded, &visit, err));
    TRY(check_clouds(&visit, err));
    if (!copy_doctors(&visit.team, out->doctors, BCEMR_TEAM_MAX))
        FAIL(BCEMR_E_TOO_MANY, "visit", "team");
    out->count = visit.team.count;
    TRY(check_team(out->doctors, 0, out->count, err));
    REQUIRE_AT(visit.issued < out->doctors[0].deadline, BCEMR_BAD_TICKET, "team_doctor", "deadline",
               0);
    TRY(decode_patient_keys(&visit, err));
    TRY(decode_keys(out->doctors, 0, out->count, err));
    bcemr_sha256(encoded, &out->vid);
    out->in_force[0] = out->vid;
out:
    return status;
}

bcemr_verdict bcemr_order_begin(bcemr_span visit, bcemr_order *out, bcemr_error *err)
{
    bcemr_error local;
    err = core_error(err, &local);
    memset(out, 0, sizeof *out);
    bcemr_status status = begin(visit, out, err);
    if (status != BCEMR_OK)
        memset(out, 0, sizeof *out);
    return core_verdict(status, err);
}

/* ---- amendments ---- */

static bcemr_status check_chain(const bcemr_order *order, const bcemr_tr_amend *amend,
                                bcemr_error *err)
{
    bcemr_status status = BCEMR_OK;
    REQUIRE(memcmp(&amend->vid, &order->vid, sizeof order->vid) == 0, BCEMR_BAD_AMENDMENT_CHAIN,
            "amend", "vid");
    REQUIRE(amend->number == order->amendments + 1, BCEMR_BAD_AMENDMENT_CHAIN, "amend", "number");
    REQUIRE(memcmp(&amend->previous, bcemr_order_hash(order), sizeof amend->previous) == 0,
            BCEMR_BAD_AMENDMENT_CHAIN, "amend", "previous");
    REQUIRE(amend->signed_count <= order->count, BCEMR_BAD_AMENDMENT_CHAIN, "amend",
            "signed_count");
out:
    return status;
}

static bcemr_status amend(bcemr_order *order, bcemr_span encoded, bcemr_error *err)
{
    bcemr_tr_team_doctor doctors[BCEMR_TEAM_MAX];
    bcemr_tr_amend amend;
    bcemr_status status = BCEMR_OK;
    TRY(bcemr_read_amend(encoded, &amend, err));
    TRY(check_chain(order, &amend, err));
    uint64_t first = amend.signed_count, count = first + amend.tail.count;
    REQUIRE(count <= BCEMR_TEAM_MAX, BCEMR_BAD_TEAM, "amend", "tail");
    memcpy(doctors, order->doctors, sizeof doctors);
    /* Holds whatever check is switched off: the arrays end here. */
    if (!copy_doctors(&amend.tail, doctors + first, BCEMR_TEAM_MAX - first) ||
        order->amendments >= BCEMR_TEAM_MAX)
        FAIL(BCEMR_E_TOO_MANY, "amend", "tail");
    TRY(check_team(doctors, first, count, err));
    REQUIRE_AT(amend.issued < doctors[first].deadline, BCEMR_BAD_TEAM, "team_doctor", "deadline",
               first);
    TRY(decode_keys(doctors, first, count, err));
    if (count < BCEMR_TEAM_MAX)
        memset(doctors + count, 0, (size_t)(BCEMR_TEAM_MAX - count) * sizeof doctors[0]);
    memcpy(order->doctors, doctors, sizeof doctors);
    order->count = count;
    order->amendments++;
    bcemr_sha256(encoded, &order->in_force[order->amendments]);
out:
    return status;
}

bcemr_verdict bcemr_order_amend(bcemr_order *order, bcemr_span amendment, bcemr_error *err)
{
    bcemr_error local;
    err = core_error(err, &local);
    return core_verdict(amend(order, amendment, err), err);
}

/* ---- looking ---- */

const bcemr_hash *bcemr_order_hash(const bcemr_order *order)
{
    return &order->in_force[order->amendments];
}

uint64_t bcemr_order_place(const bcemr_order *order, bcemr_span doctor)
{
    for (uint64_t i = 0; i < order->count; i++)
        if (bcemr_span_equal(name_of(&order->doctors[i]), doctor))
            return i + 1;
    return 0;
}
