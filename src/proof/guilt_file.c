/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A proof of guilt as a file (section 8): walks the sets from the genesis to those that signed,
 * then asks whether the evidence proves what it says, and whom it proves guilty.
 */
#include "core/verdict.h"
#include "proof/member.h"
#include "wire/error.h"

#include <bcemr/proof.h>
#include <string.h>

/* A checkpoint of the file, and the set that it says signed it. */
typedef struct side {
    bcemr_span cosigned;
    bcemr_tr_cosigned value;
    bcemr_tr_checkpoint checkpoint;
    bool found;
    bcemr_set set;
} side;

typedef struct guilt_file {
    const bcemr_context *context;
    bcemr_hash ledger;
    bcemr_g2 authority;
    bcemr_tr_genesis genesis;
    bcemr_tr_guilt guilt;
    side sides[2]; /* one, other */
    uint64_t side_count;
    bcemr_span leaf;
    bcemr_hash path[BCEMR_CONSISTENCY_MAX];
    uint64_t path_count;
    bcemr_set now, next;
    bool named; /* a checkpoint names the set at hand, and no set before was that one */
    bool turned;
} guilt_file;

/* ---- shape ---- */

static const struct {
    uint64_t others, leaves;
    bcemr_guilt_kind kind;
    bool path;
} shapes[] = {
    {1, 0, BCEMR_guilt_kind_SAME_SIZE, false},
    {0, 1, BCEMR_guilt_kind_OLD_SET, false},
    {1, 1, BCEMR_guilt_kind_EARLY_SET, false},
    {1, 0, BCEMR_guilt_kind_OTHER_ROOT, true},
};

static bcemr_status check_shape(const bcemr_tr_guilt *guilt, bcemr_error *err)
{
    bcemr_status status = BCEMR_OK;
    size_t i = 0;
    while (i < sizeof shapes / sizeof shapes[0] && (uint64_t)shapes[i].kind != guilt->kind)
        i++;
    if (i == sizeof shapes / sizeof shapes[0])
        FAIL(BCEMR_E_UNKNOWN_VALUE, "guilt", "kind");
    REQUIRE(guilt->other.count == shapes[i].others, BCEMR_BAD_GUILT, "guilt", "other");
    REQUIRE(guilt->leaf.count == shapes[i].leaves, BCEMR_BAD_GUILT, "guilt", "leaf");
    REQUIRE((guilt->path.count > 0) == shapes[i].path, BCEMR_BAD_GUILT, "guilt", "path");
out:
    return status;
}

static bcemr_status take_side(guilt_file *f, bcemr_span cosigned, bcemr_error *err)
{
    bcemr_status status = BCEMR_OK;
    side *s = &f->sides[f->side_count++];
    s->cosigned = cosigned;
    TRY(bcemr_read_cosigned(cosigned, &s->value, err));
    TRY(bcemr_read_checkpoint(s->value.checkpoint, &s->checkpoint, err));
out:
    return status;
}

static bcemr_status take_file(guilt_file *f, bcemr_span guilt, bcemr_error *err)
{
    bcemr_status status = BCEMR_OK;
    bcemr_span other;
    TRY(bcemr_read_guilt(guilt, &f->guilt, err));
    TRY(check_shape(&f->guilt, err));
    TRY(take_side(f, f->guilt.one, err));
    if (bcemr_list_at(&bcemr_type_cosigned, &f->guilt.other, 0, &other))
        TRY(take_side(f, other, err));
    (void)bcemr_list_at(&bcemr_type_inclusion, &f->guilt.leaf, 0, &f->leaf);
    bcemr_iter iter = bcemr_list_begin(&bcemr_type_hash_item, &f->guilt.path);
    while (f->path_count < BCEMR_CONSISTENCY_MAX && bcemr_list_next(&iter, &f->path[f->path_count]))
        f->path_count++;
out:
    return status;
}

static bcemr_status take_genesis(guilt_file *f, bcemr_span signed_genesis, bcemr_error *err)
{
    bcemr_status status = BCEMR_OK;
    bcemr_signed_parts parts;
    TRY(core_pass(bcemr_genesis_check(f->context, signed_genesis, &f->ledger, err), err));
    TRY(bcemr_signed_read(signed_genesis, &parts, err));
    TRY(bcemr_read_genesis(parts.entry, &f->genesis, err));
    TRY_AT(bcemr_g2_decode(&f->genesis.authority, &f->authority), "genesis", "authority");
    f->ledger = parts.entry_hash;
out:
    return status;
}

/* ---- the sets ---- */

/* Is the set that the walk stands at one that signed? */
static bcemr_status look(guilt_file *f, bcemr_error *err)
{
    bcemr_status status = BCEMR_OK;
    f->named = false;
    for (uint64_t i = 0; i < f->side_count; i++) {
        side *s = &f->sides[i];
        if (s->found || s->checkpoint.set_number != f->now.number ||
            !bcemr_hash_equal(&s->checkpoint.set, &f->now.hash))
            continue;
        f->named = true;
        s->found = true;
        TRY(bcemr_set_read(bcemr_buf_span(&f->now.encoding), &s->set, err));
    }
out:
    return status;
}

static void step(guilt_file *f)
{
    bcemr_set_free(&f->now);
    f->now = f->next;
    f->next = BCEMR_SET_EMPTY;
}

/*
 * An entry that does not follow the set at hand begins a second branch, once, where the first has
 * led to a set that signed: who has the authority and enough votes can make two. Back to the set
 * that it names, along entries that were checked.
 */
static bcemr_status turn(guilt_file *f, bcemr_span signed_entry, uint64_t walked, bcemr_error *err)
{
    bcemr_status status = BCEMR_OK;
    bcemr_signed_parts parts;
    bcemr_span done;
    bcemr_hash before;
    uint64_t number;
    TRY(bcemr_signed_read(signed_entry, &parts, err));
    if (!proof_set_entry(parts.entry, &number, &before) ||
        bcemr_hash_equal(&before, &f->now.hash) || f->turned || !f->named)
        goto out; /* it follows, or bcemr_set_follow will say why it does not */
    f->turned = true;
    TRY(bcemr_set_begin(&f->genesis, &f->now, err));
    bcemr_iter iter = bcemr_list_begin(&bcemr_type_signed, &f->guilt.sets);
    while (walked-- > 0 && !bcemr_hash_equal(&before, &f->now.hash) &&
           bcemr_list_next(&iter, &done)) {
        TRY(bcemr_signed_read(done, &parts, err));
        TRY(bcemr_set_next(&f->now, parts.entry, &f->next, err));
        step(f);
    }
out:
    return status;
}

static bcemr_status walk(guilt_file *f, bcemr_error *err)
{
    bcemr_status status = BCEMR_OK;
    bcemr_span entry;
    TRY(bcemr_set_begin(&f->genesis, &f->now, err));
    TRY(look(f, err));
    bcemr_iter iter = bcemr_list_begin(&bcemr_type_signed, &f->guilt.sets);
    for (uint64_t walked = 0; bcemr_list_next(&iter, &entry); walked++) {
        TRY(turn(f, entry, walked, err));
        status = core_pass(
            bcemr_set_follow(f->context, &f->authority, &f->ledger, &f->now, entry, &f->next, err),
            err);
        if (status != BCEMR_OK)
            err->index = walked;
        TRY(status);
        step(f);
        TRY(look(f, err));
    }
    for (uint64_t i = 0; i < f->side_count; i++) {
        REQUIRE_AT(f->sides[i].found, BCEMR_BAD_SET, "guilt", "sets", i);
        if (!f->sides[i].found)
            FAIL(BCEMR_E_NOT_FOUND, "guilt", "sets");
    }
    REQUIRE(f->guilt.sets.count == 0 || f->named, BCEMR_BAD_GUILT, "guilt", "sets");
out:
    return status;
}

/* ---- the evidence ---- */

static bcemr_verdict check_evidence(const guilt_file *f, bcemr_error *err)
{
    const bcemr_cosigned_by one = {&f->sides[0].set, f->sides[0].cosigned};
    const bcemr_cosigned_by other = {&f->sides[1].set, f->sides[1].cosigned};
    switch ((bcemr_guilt_kind)f->guilt.kind) {
    case BCEMR_guilt_kind_SAME_SIZE:
        return bcemr_guilt_same_size(f->context, &f->ledger, &one, &other, err);
    case BCEMR_guilt_kind_OLD_SET:
        return bcemr_guilt_old_set(f->context, &f->ledger, &one, f->leaf, err);
    case BCEMR_guilt_kind_EARLY_SET:
        return bcemr_guilt_early_set(f->context, &f->ledger, &one, &other, f->leaf, err);
    case BCEMR_guilt_kind_OTHER_ROOT:
        return bcemr_guilt_other_root(f->context, &f->ledger, &one, &other, f->path, f->path_count,
                                      err);
    case BCEMR_guilt_kind_end_:
        break;
    }
    return BCEMR_UNDECIDED;
}

/* Whose key signed this side. */
static bool signed_by(const side *s, const bcemr_tr_member *member)
{
    uint64_t place = bcemr_set_place(&s->set, member->id);
    return place != BCEMR_NOWHERE && bcemr_bitmap_get(s->value.signers, place) &&
           memcmp(s->set.members[place].x.b, member->x.b, sizeof member->x.b) == 0;
}

/* Who signed every checkpoint of the file under one key: to sign both breaks the rules, to sign one
 * of two may not. Takes over the set of the first. */
static bcemr_status name_them(guilt_file *f, bcemr_guilty *out, bcemr_error *err)
{
    bcemr_status status = BCEMR_OK;
    out->kind = (bcemr_guilt_kind)f->guilt.kind;
    out->one = f->sides[0].checkpoint;
    out->other = f->sides[1].checkpoint;
    for (uint64_t i = 0; i < f->sides[0].set.count; i++) {
        const bcemr_tr_member *member = &f->sides[0].set.members[i];
        if (signed_by(&f->sides[0], member) &&
            (f->side_count < 2 || signed_by(&f->sides[1], member)))
            out->who[out->count++] = member->id;
    }
    REQUIRE(out->count > 0, BCEMR_BAD_GUILT, "guilt", "signers");
    out->held = f->sides[0].set.encoding;
    f->sides[0].set.encoding = BCEMR_BUF_EMPTY;
out:
    return status;
}

bcemr_verdict bcemr_guilt_check(const bcemr_context *context, bcemr_span signed_genesis,
                                bcemr_span guilt, bcemr_guilty *out, bcemr_error *err)
{
    bcemr_status status = BCEMR_OK;
    bcemr_error local;
    bcemr_guilty guilty = {0};
    guilt_file *f = bcemr_allocate(sizeof *f);
    err = core_error(err, &local);
    if (!f)
        FAIL(BCEMR_E_NO_MEMORY, "guilt", NULL);
    f->context = context;
    TRY(take_file(f, guilt, err));
    TRY(take_genesis(f, signed_genesis, err));
    TRY(walk(f, err));
    TRY(core_pass(check_evidence(f, err), err));
    TRY(name_them(f, &guilty, err));
    if (out)
        *out = guilty;
    else
        bcemr_guilty_free(&guilty);
out:
    if (f) {
        bcemr_set_free(&f->now);
        bcemr_set_free(&f->next);
        bcemr_set_free(&f->sides[0].set);
        bcemr_set_free(&f->sides[1].set);
    }
    bcemr_release(f);
    return core_verdict(status, err);
}

void bcemr_guilty_free(bcemr_guilty *guilty)
{
    if (!guilty)
        return;
    bcemr_buf_free(&guilty->held);
    *guilty = (bcemr_guilty){0};
}
