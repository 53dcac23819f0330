/* SPDX-License-Identifier: Apache-2.0 */
/* Changes of the supernode set: drafts, and votes gathered (section 2). */
#include "server/authority.h"

#include "server/common.h"

/* The set in force, on the heap: it is large. */
static bcemr_status load_set(const bcemr_ledger_view *ledger, bcemr_set **out, bcemr_error *err)
{
    bcemr_status status = BCEMR_OK;
    bcemr_buf buf = BCEMR_BUF_EMPTY;
    *out = bcemr_allocate(sizeof **out);
    if (!*out)
        FAIL(BCEMR_E_NO_MEMORY, "set", NULL);
    TRY_AT(ledger->set(ledger->user, BCEMR_NOW, &buf), "set", NULL);
    TRY(bcemr_set_read(bcemr_buf_span(&buf), *out, err));
out:
    bcemr_buf_free(&buf);
    return status;
}

static void free_set(bcemr_set *set)
{
    if (set)
        bcemr_set_free(set);
    bcemr_release(set);
}

bcemr_status authority_join(const bcemr_ledger_view *ledger, const bcemr_tr_member *member,
                            bcemr_buf *entry, bcemr_error *err)
{
    bcemr_status status = BCEMR_OK;
    bcemr_buf encoding = BCEMR_BUF_EMPTY;
    bcemr_ledger_facts facts;
    bcemr_set *set = NULL;
    TRY(server_facts(ledger, &facts, err));
    TRY(load_set(ledger, &set, err));
    REQUIRE(set->count < BCEMR_SET_MAX && bcemr_set_place(set, member->id) == BCEMR_NOWHERE,
            BCEMR_BAD_SET, "Join", "member");
    TRY(bcemr_write_member(member, &encoding, err));
    const bcemr_tr_e_join join = {facts.ledger, set->number + 1, set->hash,
                                  bcemr_buf_span(&encoding)};
    TRY(bcemr_write_e_join(&join, entry, err));
out:
    bcemr_buf_free(&encoding);
    free_set(set);
    return status;
}

bcemr_status authority_leave(const bcemr_ledger_view *ledger, bcemr_span id, bcemr_buf *entry,
                             bcemr_error *err)
{
    bcemr_status status = BCEMR_OK;
    bcemr_buf encoding = BCEMR_BUF_EMPTY;
    bcemr_ledger_facts facts;
    bcemr_set *set = NULL;
    TRY(server_facts(ledger, &facts, err));
    TRY(load_set(ledger, &set, err));
    uint64_t place = bcemr_set_place(set, id);
    if (place == BCEMR_NOWHERE) {
        status = wire_refuse(err, BCEMR_BAD_SET, "Leave", "member", BCEMR_NOWHERE);
        goto out;
    }
    TRY(bcemr_write_member(&set->members[place], &encoding, err));
    const bcemr_tr_e_leave leave = {facts.ledger, set->number + 1, set->hash,
                                    bcemr_buf_span(&encoding)};
    TRY(bcemr_write_e_leave(&leave, entry, err));
out:
    bcemr_buf_free(&encoding);
    free_set(set);
    return status;
}

bcemr_status authority_rekey(const bcemr_ledger_view *ledger, const bcemr_tr_member *member,
                             bool lost, bcemr_buf *entry, bcemr_error *err)
{
    bcemr_status status = BCEMR_OK;
    bcemr_buf encoding = BCEMR_BUF_EMPTY;
    bcemr_ledger_facts facts;
    bcemr_set *set = NULL;
    TRY(server_facts(ledger, &facts, err));
    TRY(load_set(ledger, &set, err));
    uint64_t place = bcemr_set_place(set, member->id);
    if (place == BCEMR_NOWHERE) {
        status = wire_refuse(err, BCEMR_BAD_SET, "Rekey", "member", BCEMR_NOWHERE);
        goto out;
    }
    REQUIRE(set->members[place].role == member->role, BCEMR_BAD_SET, "Rekey", "role");
    TRY(bcemr_write_member(member, &encoding, err));
    const bcemr_tr_e_rekey rekey = {facts.ledger,
                                    set->number + 1,
                                    set->hash,
                                    place,
                                    bcemr_buf_span(&encoding),
                                    (uint64_t)(lost ? BCEMR_yes_no_YES : BCEMR_yes_no_NO)};
    TRY(bcemr_write_e_rekey(&rekey, entry, err));
out:
    bcemr_buf_free(&encoding);
    free_set(set);
    return status;
}

/* ---- votes ---- */

typedef struct change {
    const authority *a;
    bcemr_set *set, *next; /* next: what the entry makes of set */
    bcemr_span entry;
    const bcemr_type *type;
    uint64_t subject;       /* place of the member that has no vote; BCEMR_NOWHERE for Join */
    bcemr_tr_member member; /* points into entry */
    bool lost;
    bcemr_g2_raw keys[BCEMR_SET_MAX];
    bcemr_g1_raw signatures[BCEMR_SET_MAX];
    uint8_t bitmap[(BCEMR_SET_MAX + 7) / 8];
    bcemr_buf message; /* what they voted on */
} change;

/* The member that the entry is about, and whether it may vote. */
static bcemr_status look_at(change *c, bcemr_error *err)
{
    bcemr_status status = BCEMR_OK;
    bcemr_tr_e_join join;
    bcemr_tr_e_leave leave;
    bcemr_tr_e_rekey rekey;
    bcemr_span member = {NULL, 0};
    c->type = bcemr_type_of(c->entry);
    c->subject = BCEMR_NOWHERE;
    if (c->type == &bcemr_type_e_join) {
        TRY(bcemr_read_e_join(c->entry, &join, err));
        member = join.member;
    } else if (c->type == &bcemr_type_e_leave) {
        TRY(bcemr_read_e_leave(c->entry, &leave, err));
        member = leave.member;
    } else if (c->type == &bcemr_type_e_rekey) {
        TRY(bcemr_read_e_rekey(c->entry, &rekey, err));
        member = rekey.member;
        c->lost = rekey.lost == BCEMR_yes_no_YES;
    } else {
        FAIL(BCEMR_E_ARGUMENT, "change", "entry");
    }
    TRY(bcemr_read_member(member, &c->member, err));
    TRY(bcemr_set_next(c->set, c->entry, c->next, err));
    if (c->type != &bcemr_type_e_join)
        c->subject = bcemr_set_place(c->set, c->member.id);
out:
    return status;
}

/* Each vote singly, so that a bad one is named; into its member's place. */
static bcemr_status take_votes(change *c, const authority_vote *votes, uint64_t count,
                               bcemr_error *err)
{
    bcemr_status status = BCEMR_OK;
    bcemr_g2 x;
    for (uint64_t i = 0; i < count; i++) {
        uint64_t place = bcemr_set_place(c->set, votes[i].id);
        bool good = place != BCEMR_NOWHERE && place != c->subject &&
                    bcemr_g2_decode(&c->set->members[place].x, &x) == BCEMR_OK &&
                    bcemr_bls_holds(c->a->context, &x, BCEMR_PURPOSE_SIG,
                                    bcemr_buf_span(&c->message), &votes[i].signature);
        REQUIRE_AT(good, BCEMR_BAD_JOINT_SIGNATURE, "signed", "set", i);
        if (place == BCEMR_NOWHERE)
            continue;
        c->signatures[place] = votes[i].signature;
        bcemr_bitmap_set(c->bitmap, place);
    }
out:
    return status;
}

/* Signatures in the order of the bitmap, joined. */
static bcemr_status join_votes(change *c, bcemr_g1_raw *joint, bcemr_error *err)
{
    bcemr_status status = BCEMR_OK;
    bcemr_span bitmap = bcemr_span_of(c->bitmap, bcemr_bitmap_size(c->set->count));
    uint64_t voters = bcemr_bitmap_count(bitmap), filled = 0;
    uint64_t electorate = c->set->count - (c->subject == BCEMR_NOWHERE ? 0 : 1);
    REQUIRE(bcemr_set_majority(electorate, voters) && (c->subject == BCEMR_NOWHERE || voters >= 2),
            BCEMR_NOT_ENOUGH_SIGNERS, "signed", "set");
    for (uint64_t i = 0; i < c->set->count; i++) {
        c->keys[i] = c->set->members[i].x;
        if (bcemr_bitmap_get(bitmap, i))
            c->signatures[filled++] = c->signatures[i];
    }
    TRY(bcemr_joint_combine(c->keys, c->set->count, bitmap, c->signatures, joint, err));
out:
    return status;
}

static bcemr_status check_new_pop(const change *c, const bcemr_hash *ledger, bcemr_span pop,
                                  bcemr_error *err)
{
    bcemr_status status = BCEMR_OK;
    bcemr_tr_pop fields;
    if (c->type == &bcemr_type_e_leave)
        return BCEMR_OK;
    bcemr_member_pop(ledger, &c->member, &fields);
    CHECK(bcemr_pop_check(c->a->context, &fields, pop, err), "signed", "pop");
out:
    return status;
}

static bcemr_status write_change(const change *c, const bcemr_g1_raw *joint, bcemr_span pop,
                                 const bcemr_ed_signature *old, bcemr_buf *signed_entry,
                                 bcemr_error *err)
{
    bcemr_status status = BCEMR_OK;
    bcemr_g1_raw own;
    bcemr_tr_signer rows[4];
    uint64_t n = 2;
    bool rekey = c->type == &bcemr_type_e_rekey;
    TRY(authority_row(c->a, c->entry, &own, &rows[0], err));
    rows[1] = (bcemr_tr_signer){bcemr_text("set"),
                                bcemr_span_of(c->bitmap, bcemr_bitmap_size(c->set->count)),
                                bcemr_span_of(joint->b, sizeof joint->b)};
    if (c->type != &bcemr_type_e_leave)
        rows[n++] = (bcemr_tr_signer){bcemr_text("pop"), c->member.id, pop};
    if (rekey && !c->lost && !old)
        FAIL(BCEMR_E_ABSENT, "Rekey", "old");
    if (rekey && !c->lost)
        rows[n++] = (bcemr_tr_signer){bcemr_text(bcemr_role_name(c->member.role)), c->member.id,
                                      bcemr_span_of(old->b, sizeof old->b)};
    TRY(bcemr_signed_make(c->entry, rows, n, signed_entry, err));
out:
    return status;
}

bcemr_status authority_change(const authority *a, const bcemr_ledger_view *ledger, bcemr_span entry,
                              const authority_vote *votes, uint64_t count, bcemr_span pop,
                              const bcemr_ed_signature *old, bcemr_buf *signed_entry,
                              bcemr_error *err)
{
    bcemr_status status = BCEMR_OK;
    bcemr_ledger_facts facts;
    bcemr_g1_raw joint;
    change *c = bcemr_allocate(sizeof *c);
    if (!c)
        FAIL(BCEMR_E_NO_MEMORY, "change", NULL);
    c->a = a;
    c->entry = entry;
    c->next = bcemr_allocate(sizeof *c->next);
    if (!c->next)
        FAIL(BCEMR_E_NO_MEMORY, "change", NULL);
    TRY(server_facts(ledger, &facts, err));
    TRY(load_set(ledger, &c->set, err));
    TRY(look_at(c, err));
    TRY(check_new_pop(c, &facts.ledger, pop, err));
    TRY(bcemr_entry_message("set", entry, &c->message, err));
    TRY(take_votes(c, votes, count, err));
    TRY(join_votes(c, &joint, err));
    TRY(write_change(c, &joint, pop, old, signed_entry, err));
out:
    if (c) {
        bcemr_buf_free(&c->message);
        free_set(c->set);
        free_set(c->next);
    }
    bcemr_release(c);
    return status;
}
