/* SPDX-License-Identifier: Apache-2.0 */
/* Supernode sets (section 2): read, found in, changed by Join, Leave and Rekey. */
#include "proof/member.h"
#include "wire/error.h"

#include <string.h>

bcemr_status bcemr_set_read(bcemr_span encoding, bcemr_set *out, bcemr_error *err)
{
    bcemr_status status = BCEMR_OK;
    bcemr_tr_set set;
    bcemr_buf held = BCEMR_BUF_EMPTY;
    TRY(bcemr_buf_set(&held, encoding));
    TRY(bcemr_read_set(bcemr_buf_span(&held), &set, err));
    bcemr_buf_free(&out->encoding);
    *out = BCEMR_SET_EMPTY;
    out->encoding = held;
    held = BCEMR_BUF_EMPTY;
    out->number = set.number;
    bcemr_sha256(bcemr_buf_span(&out->encoding), &out->hash);
    bcemr_iter iter = bcemr_list_begin(&bcemr_type_member, &set.members);
    while (out->count < BCEMR_SET_MAX && bcemr_list_next(&iter, &out->members[out->count])) {
        if (bcemr_set_place(out, out->members[out->count].id) != BCEMR_NOWHERE)
            FAIL(BCEMR_E_REPEATED, "set", "members");
        out->count++;
    }
out:
    bcemr_buf_free(&held);
    if (status != BCEMR_OK)
        bcemr_set_free(out);
    return status;
}

static bcemr_status set_make(uint64_t number, const bcemr_list *members, bcemr_set *out,
                             bcemr_error *err)
{
    bcemr_status status = BCEMR_OK;
    bcemr_buf encoding = BCEMR_BUF_EMPTY;
    const bcemr_tr_set set = {number, *members};
    TRY(bcemr_write_set(&set, &encoding, err));
    TRY(bcemr_set_read(bcemr_buf_span(&encoding), out, err));
out:
    bcemr_buf_free(&encoding);
    return status;
}

bcemr_status bcemr_set_begin(const bcemr_tr_genesis *genesis, bcemr_set *out, bcemr_error *err)
{
    return set_make(0, &genesis->members, out, err);
}

void bcemr_set_free(bcemr_set *set)
{
    if (!set)
        return;
    bcemr_buf_free(&set->encoding);
    *set = BCEMR_SET_EMPTY;
}

uint64_t bcemr_set_place(const bcemr_set *set, bcemr_span id)
{
    for (uint64_t i = 0; i < set->count; i++)
        if (bcemr_span_equal(set->members[i].id, id))
            return i;
    return BCEMR_NOWHERE;
}

const bcemr_tr_member *bcemr_set_find(const bcemr_set *set, bcemr_role role, bcemr_span id)
{
    uint64_t place = bcemr_set_place(set, id);
    if (place == BCEMR_NOWHERE || set->members[place].role != (uint64_t)role)
        return NULL;
    return &set->members[place];
}

bool bcemr_set_majority(uint64_t n, uint64_t count)
{
    return 3 * count > 2 * n;
}

uint64_t bcemr_set_needed(uint64_t n)
{
    return 2 * n / 3 + 1;
}

/* ---- the next set ---- */

bool proof_set_entry(bcemr_span entry, uint64_t *number, bcemr_hash *before)
{
    const bcemr_type *type = bcemr_type_of(entry);
    bcemr_tr_e_join join;
    bcemr_tr_e_leave leave;
    bcemr_tr_e_rekey rekey;
    if (type == &bcemr_type_e_join && bcemr_read_e_join(entry, &join, NULL) == BCEMR_OK) {
        *number = join.number;
        *before = join.before;
    } else if (type == &bcemr_type_e_leave && bcemr_read_e_leave(entry, &leave, NULL) == BCEMR_OK) {
        *number = leave.number;
        *before = leave.before;
    } else if (type == &bcemr_type_e_rekey && bcemr_read_e_rekey(entry, &rekey, NULL) == BCEMR_OK) {
        *number = rekey.number;
        *before = rekey.before;
    } else {
        return false;
    }
    return true;
}

typedef struct step {
    const bcemr_set *before;
    bcemr_tr_member members[BCEMR_SET_MAX + 1];
    uint64_t count;
    bcemr_hash named; /* the hash of the set before, as the entry has it */
    uint64_t number;
} step;

static bcemr_status step_join(step *s, bcemr_span entry, bcemr_error *err)
{
    bcemr_status status = BCEMR_OK;
    bcemr_tr_e_join join;
    TRY(bcemr_read_e_join(entry, &join, err));
    s->number = join.number;
    s->named = join.before;
    REQUIRE(s->count < BCEMR_SET_MAX, BCEMR_BAD_SET, "Join", "members");
    TRY(bcemr_read_member(join.member, &s->members[s->count], err));
    REQUIRE(bcemr_set_place(s->before, s->members[s->count].id) == BCEMR_NOWHERE, BCEMR_BAD_SET,
            "Join", "member");
    s->count++;
out:
    return status;
}

static bcemr_status same_member(const bcemr_tr_member *member, bcemr_span encoding, bool *same,
                                bcemr_error *err)
{
    bcemr_buf written = BCEMR_BUF_EMPTY;
    bcemr_status status = bcemr_write_member(member, &written, err);
    *same = status == BCEMR_OK && bcemr_span_equal(bcemr_buf_span(&written), encoding);
    bcemr_buf_free(&written);
    return status;
}

static bcemr_status step_leave(step *s, bcemr_span entry, bcemr_error *err)
{
    bcemr_status status = BCEMR_OK;
    bcemr_tr_e_leave leave;
    bcemr_tr_member member;
    bool same = false;
    TRY(bcemr_read_e_leave(entry, &leave, err));
    TRY(bcemr_read_member(leave.member, &member, err));
    s->number = leave.number;
    s->named = leave.before;
    uint64_t place = bcemr_set_place(s->before, member.id);
    /* An empty set cannot be written, so a place is needed whatever a test has switched off. */
    REQUIRE(place != BCEMR_NOWHERE && s->count > 1, BCEMR_BAD_SET, "Leave", "member");
    if (place == BCEMR_NOWHERE || s->count < 2)
        FAIL(BCEMR_E_ARGUMENT, "Leave", "member");
    TRY(same_member(&s->before->members[place], leave.member, &same, err));
    REQUIRE(same, BCEMR_BAD_SET, "Leave", "member");
    memmove(&s->members[place], &s->members[place + 1],
            (size_t)(s->count - place - 1) * sizeof s->members[0]);
    s->count--;
out:
    return status;
}

static bcemr_status step_rekey(step *s, bcemr_span entry, bcemr_error *err)
{
    bcemr_status status = BCEMR_OK;
    bcemr_tr_e_rekey rekey;
    bcemr_tr_member member;
    TRY(bcemr_read_e_rekey(entry, &rekey, err));
    TRY(bcemr_read_member(rekey.member, &member, err));
    s->number = rekey.number;
    s->named = rekey.before;
    REQUIRE(rekey.place < s->count, BCEMR_BAD_SET, "Rekey", "place");
    if (rekey.place >= s->count)
        FAIL(BCEMR_E_ARGUMENT, "Rekey", "place");
    const bcemr_tr_member *old = &s->before->members[rekey.place];
    REQUIRE(bcemr_span_equal(old->id, member.id) && old->role == member.role, BCEMR_BAD_SET,
            "Rekey", "member");
    s->members[rekey.place] = member;
out:
    return status;
}

static const struct {
    const bcemr_type *type;
    bcemr_status (*take)(step *, bcemr_span, bcemr_error *);
} steps[] = {
    {&bcemr_type_e_join, step_join},
    {&bcemr_type_e_leave, step_leave},
    {&bcemr_type_e_rekey, step_rekey},
};

static bcemr_status take_step(step *s, bcemr_span entry, bcemr_error *err)
{
    const bcemr_type *type = bcemr_type_of(entry);
    for (size_t i = 0; i < sizeof steps / sizeof steps[0]; i++)
        if (steps[i].type == type)
            return steps[i].take(s, entry, err);
    return wire_refuse(err, BCEMR_BAD_SET, "set", "entry", BCEMR_NOWHERE);
}

bcemr_status bcemr_set_next(const bcemr_set *before, bcemr_span entry, bcemr_set *out,
                            bcemr_error *err)
{
    bcemr_status status = BCEMR_OK;
    step s = {.before = before, .count = before->count};
    memcpy(s.members, before->members, sizeof before->members);
    TRY(take_step(&s, entry, err));
    REQUIRE(s.number == before->number + 1, BCEMR_BAD_SET, "set", "number");
    REQUIRE(bcemr_hash_equal(&s.named, &before->hash), BCEMR_BAD_SET, "set", "before");
    const bcemr_list members = BCEMR_LIST_OF(s.members, s.count);
    TRY(set_make(s.number, &members, out, err));
out:
    return status;
}
