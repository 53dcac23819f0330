/* SPDX-License-Identifier: Apache-2.0 */
/* What a verifier does that has the genesis and nothing else: checks it, walks the sets. */
#include "core/verdict.h"
#include "proof/member.h"
#include "wire/error.h"

#include <string.h>

/* ---- genesis ---- */

static bcemr_status authority_pop(const bcemr_context *context, const bcemr_hash *ledger,
                                  const bcemr_tr_genesis *genesis, const bcemr_list *signers,
                                  bcemr_error *err)
{
    bcemr_status status = BCEMR_OK;
    bcemr_tr_signer row;
    const bcemr_tr_pop pop = {
        .ledger = *ledger, .role = bcemr_text("authority"), .x = genesis->authority};
    REQUIRE_AT(proof_signer_at(signers, 0, "pop", &row) && row.who.n == 0, BCEMR_BAD_GENESIS,
               "genesis", "signers", 0);
    REQUIRE_VALID(bcemr_pop_check(context, &pop, row.signature, err), "genesis", "authority");
out:
    return status;
}

static bcemr_status member_pop(const bcemr_context *context, const bcemr_hash *ledger,
                               const bcemr_tr_member *member, const bcemr_list *signers,
                               uint64_t place, bcemr_error *err)
{
    bcemr_status status = BCEMR_OK;
    bcemr_tr_signer row;
    bcemr_tr_pop pop;
    REQUIRE_AT(proof_signer_at(signers, place + 1, "pop", &row) &&
                   bcemr_span_equal(row.who, member->id),
               BCEMR_BAD_GENESIS, "genesis", "signers", place + 1);
    bcemr_member_pop(ledger, member, &pop);
    REQUIRE_VALID(bcemr_pop_check(context, &pop, row.signature, err), "genesis", "members");
out:
    return status;
}

/* Every key of the genesis once: quadratic in at most 385 keys, once in a ledger's life. */
static bool keys_differ(const bcemr_tr_genesis *genesis, const bcemr_set *set)
{
    proof_member_keys mine, other;
    const bcemr_span authority = bcemr_span_of(genesis->authority.b, sizeof genesis->authority.b);
    for (uint64_t i = 0; i < set->count; i++) {
        proof_member_list_keys(&set->members[i], &mine);
        for (uint64_t k = 0; k < PROOF_MEMBER_KEYS; k++) {
            if (mine.key[k].n == 0)
                continue;
            if (bcemr_span_equal(mine.key[k], authority))
                return false;
            for (uint64_t j = 0; j <= i; j++) {
                proof_member_list_keys(&set->members[j], &other);
                for (uint64_t l = 0; l < (j == i ? k : PROOF_MEMBER_KEYS); l++)
                    if (bcemr_span_equal(mine.key[k], other.key[l]))
                        return false;
            }
        }
    }
    return true;
}

static bcemr_status genesis_members(const bcemr_context *context, const bcemr_hash *ledger,
                                    const bcemr_tr_genesis *genesis, const bcemr_list *signers,
                                    bcemr_error *err)
{
    bcemr_status status = BCEMR_OK;
    bcemr_set set = BCEMR_SET_EMPTY;
    status = bcemr_set_begin(genesis, &set, err);
    if (status == BCEMR_E_REPEATED)
        status = wire_refuse(err, BCEMR_BAD_GENESIS, "genesis", "members", BCEMR_NOWHERE);
    TRY(status);
    for (uint64_t i = 0; i < set.count; i++)
        REQUIRE_AT(proof_member_shape(&set.members[i]) && proof_member_keys_decode(&set.members[i]),
                   BCEMR_BAD_GENESIS, "genesis", "members", i);
    REQUIRE(keys_differ(genesis, &set), BCEMR_BAD_GENESIS, "genesis", "keys");
    REQUIRE(signers->count == set.count + 1, BCEMR_BAD_GENESIS, "genesis", "signers");
    TRY(authority_pop(context, ledger, genesis, signers, err));
    for (uint64_t i = 0; i < set.count; i++)
        TRY(member_pop(context, ledger, &set.members[i], signers, i, err));
out:
    bcemr_set_free(&set);
    return status;
}

bcemr_verdict bcemr_genesis_check(const bcemr_context *context, bcemr_span signed_genesis,
                                  bcemr_hash *ledger, bcemr_error *err)
{
    bcemr_status status = BCEMR_OK;
    bcemr_error local;
    bcemr_signed_parts parts;
    bcemr_tr_genesis genesis;
    bcemr_g2 authority;
    err = core_error(err, &local);
    TRY(bcemr_signed_read(signed_genesis, &parts, err));
    REQUIRE(parts.type == &bcemr_type_genesis, BCEMR_BAD_GENESIS, "genesis", "entry");
    TRY(bcemr_read_genesis(parts.entry, &genesis, err));
    TRY_AT(bcemr_g2_decode(&genesis.authority, &authority), "genesis", "authority");
    REQUIRE(proof_thresholds_hold(genesis.thresholds), BCEMR_BAD_GENESIS, "genesis", "thresholds");
    TRY(genesis_members(context, &parts.entry_hash, &genesis, &parts.signers, err));
    if (ledger)
        *ledger = parts.entry_hash;
out:
    return core_verdict(status, err);
}

bcemr_status bcemr_anchor_read(const bcemr_context *context, bcemr_span signed_genesis,
                               bcemr_anchor *out, bcemr_error *err)
{
    bcemr_status status = BCEMR_OK;
    bcemr_signed_parts parts;
    *out = (bcemr_anchor){.held = BCEMR_BUF_EMPTY};
    TRY_AT(bcemr_buf_set(&out->held, signed_genesis), "genesis", NULL);
    REQUIRE_VALID(bcemr_genesis_check(context, bcemr_buf_span(&out->held), &out->ledger, err),
                  "genesis", NULL);
    TRY(bcemr_signed_read(bcemr_buf_span(&out->held), &parts, err));
    TRY(bcemr_read_genesis(parts.entry, &out->genesis, err));
    TRY_AT(bcemr_g2_decode(&out->genesis.authority, &out->authority), "genesis", "authority");
out:
    if (status != BCEMR_OK)
        bcemr_anchor_free(out);
    return status;
}

void bcemr_anchor_free(bcemr_anchor *anchor)
{
    if (!anchor)
        return;
    bcemr_buf_free(&anchor->held);
    *anchor = (bcemr_anchor){.held = BCEMR_BUF_EMPTY};
}

/* ---- one step of the sets ---- */

typedef struct follower {
    const bcemr_context *context;
    const bcemr_g2 *authority;
    const bcemr_hash *ledger;
    const bcemr_set *before;
    const bcemr_signed_parts *parts;
    uint64_t subject;       /* place of who leaves or rekeys; BCEMR_NOWHERE for a Join */
    bcemr_tr_member member; /* who joins, or the new row */
    bool old_key_signs;
    bcemr_buf message;
} follower;

static bcemr_status check_authority(follower *f, bcemr_error *err)
{
    bcemr_status status = BCEMR_OK;
    bcemr_tr_signer row;
    bcemr_g1_raw signature;
    REQUIRE(proof_signer_at(&f->parts->signers, 0, "authority", &row) && row.who.n == 0 &&
                row.signature.n == sizeof signature.b,
            BCEMR_BAD_ENTRY_SIGNATURE, "signed", "authority");
    if (row.signature.n != sizeof signature.b)
        FAIL(BCEMR_E_FIELD_LENGTH, "signed", "authority");
    memcpy(signature.b, row.signature.p, sizeof signature.b);
    bcemr_buf_clear(&f->message);
    TRY(bcemr_entry_message("authority", f->parts->entry, &f->message, err));
    REQUIRE(bcemr_bls_holds(f->context, f->authority, BCEMR_PURPOSE_SIG,
                            bcemr_buf_span(&f->message), &signature),
            BCEMR_BAD_ENTRY_SIGNATURE, "signed", "authority");
out:
    return status;
}

static bcemr_status check_votes(follower *f, bcemr_error *err)
{
    bcemr_status status = BCEMR_OK;
    bcemr_tr_signer row;
    bcemr_g1_raw signature;
    bcemr_g2_raw xs[BCEMR_SET_MAX];
    uint64_t n = f->before->count;
    REQUIRE(proof_signer_at(&f->parts->signers, 1, "set", &row), BCEMR_NOT_ENOUGH_SIGNERS, "signed",
            "set");
    TRY_AT(bcemr_bitmap_check(row.who, n), "signed", "set");
    if (row.signature.n != sizeof signature.b)
        FAIL(BCEMR_E_FIELD_LENGTH, "signed", "set");
    memcpy(signature.b, row.signature.p, sizeof signature.b);
    uint64_t voters = f->subject == BCEMR_NOWHERE ? n : n - 1;
    uint64_t votes = bcemr_bitmap_count(row.who);
    REQUIRE((f->subject == BCEMR_NOWHERE || !bcemr_bitmap_get(row.who, f->subject)) &&
                bcemr_set_majority(voters, votes) && (f->subject == BCEMR_NOWHERE || votes >= 2),
            BCEMR_NOT_ENOUGH_SIGNERS, "signed", "set");
    for (uint64_t i = 0; i < n; i++)
        xs[i] = f->before->members[i].x;
    bcemr_buf_clear(&f->message);
    TRY(bcemr_entry_message("set", f->parts->entry, &f->message, err));
    REQUIRE_VALID(
        bcemr_joint_check(f->context, xs, n, row.who, bcemr_buf_span(&f->message), &signature, err),
        "signed", "set");
out:
    return status;
}

/* The keys of who joins or takes new ones are nobody else's in the set, nor twice in the row: one
 * key in two places would count twice. That they were never used before, the ledger sees to. */
static bool keys_are_its_own(const follower *f)
{
    proof_member_keys mine, other;
    proof_member_list_keys(&f->member, &mine);
    for (uint64_t k = 0; k < PROOF_MEMBER_KEYS; k++)
        for (uint64_t l = 0; l < k; l++)
            if (mine.key[k].n > 0 && bcemr_span_equal(mine.key[k], mine.key[l]))
                return false;
    for (uint64_t i = 0; i < f->before->count; i++) {
        proof_member_list_keys(&f->before->members[i], &other);
        for (uint64_t k = 0; i != f->subject && k < PROOF_MEMBER_KEYS; k++)
            for (uint64_t l = 0; l < PROOF_MEMBER_KEYS; l++)
                if (mine.key[k].n > 0 && bcemr_span_equal(mine.key[k], other.key[l]))
                    return false;
    }
    return true;
}

static bcemr_status check_new_member(follower *f, bcemr_error *err)
{
    bcemr_status status = BCEMR_OK;
    bcemr_tr_signer row;
    bcemr_tr_pop pop;
    REQUIRE(proof_member_shape(&f->member) && proof_member_keys_decode(&f->member), BCEMR_BAD_SET,
            "member", "keys");
    REQUIRE(keys_are_its_own(f), BCEMR_BAD_SET, "member", "keys");
    REQUIRE(proof_signer_at(&f->parts->signers, 2, "pop", &row) &&
                bcemr_span_equal(row.who, f->member.id),
            BCEMR_BAD_POP, "signed", "pop");
    bcemr_member_pop(f->ledger, &f->member, &pop);
    REQUIRE_VALID(bcemr_pop_check(f->context, &pop, row.signature, err), "signed", "pop");
    if (!f->old_key_signs)
        goto out;
    const bcemr_tr_member *old = &f->before->members[f->subject];
    bcemr_ed_signature signature;
    REQUIRE(proof_signer_at(&f->parts->signers, 3, bcemr_role_name(old->role), &row) &&
                bcemr_span_equal(row.who, old->id) && row.signature.n == sizeof signature.b,
            BCEMR_BAD_ENTRY_SIGNATURE, "signed", "old key");
    if (row.signature.n != sizeof signature.b)
        FAIL(BCEMR_E_FIELD_LENGTH, "signed", "old key");
    memcpy(signature.b, row.signature.p, sizeof signature.b);
    bcemr_buf_clear(&f->message);
    TRY(bcemr_entry_message(bcemr_role_name(old->role), f->parts->entry, &f->message, err));
    REQUIRE(bcemr_ed_holds(&old->a, bcemr_buf_span(&f->message), &signature),
            BCEMR_BAD_ENTRY_SIGNATURE, "signed", "old key");
out:
    return status;
}

/* As many rows as the ledger takes, no more: what nothing covers does not belong to the entry. */
static bcemr_status check_rows(const follower *f, bcemr_error *err)
{
    bcemr_status status = BCEMR_OK;
    uint64_t rows = f->parts->type == &bcemr_type_e_leave ? 2 : f->old_key_signs ? 4 : 3;
    REQUIRE(f->parts->signers.count == rows, BCEMR_BAD_SET, "signed", "signers");
out:
    return status;
}

/* Who the entry is about. bcemr_set_next has read it before and refused other kinds. */
static bcemr_status subject(follower *f, bcemr_error *err)
{
    bcemr_status status = BCEMR_OK;
    bcemr_tr_e_join join;
    bcemr_tr_e_leave leave;
    bcemr_tr_e_rekey rekey;
    bcemr_hash ledger;
    f->subject = BCEMR_NOWHERE;
    if (f->parts->type == &bcemr_type_e_join) {
        TRY(bcemr_read_e_join(f->parts->entry, &join, err));
        TRY(bcemr_read_member(join.member, &f->member, err));
        ledger = join.ledger;
    } else if (f->parts->type == &bcemr_type_e_leave) {
        TRY(bcemr_read_e_leave(f->parts->entry, &leave, err));
        TRY(bcemr_read_member(leave.member, &f->member, err));
        f->subject = bcemr_set_place(f->before, f->member.id);
        ledger = leave.ledger;
    } else {
        TRY(bcemr_read_e_rekey(f->parts->entry, &rekey, err));
        TRY(bcemr_read_member(rekey.member, &f->member, err));
        f->subject = rekey.place;
        f->old_key_signs = rekey.lost == BCEMR_yes_no_NO;
        ledger = rekey.ledger;
    }
    REQUIRE(bcemr_hash_equal(&ledger, f->ledger), BCEMR_WRONG_LEDGER, "signed", "ledger");
out:
    return status;
}

bcemr_verdict bcemr_set_follow(const bcemr_context *context, const bcemr_g2 *authority,
                               const bcemr_hash *ledger, const bcemr_set *before,
                               bcemr_span signed_entry, bcemr_set *out, bcemr_error *err)
{
    bcemr_status status = BCEMR_OK;
    bcemr_error local;
    bcemr_signed_parts parts;
    follower f = {.context = context,
                  .authority = authority,
                  .ledger = ledger,
                  .before = before,
                  .parts = &parts,
                  .message = BCEMR_BUF_EMPTY};
    err = core_error(err, &local);
    TRY(bcemr_signed_read(signed_entry, &parts, err));
    TRY(bcemr_set_next(before, parts.entry, out, err));
    TRY(subject(&f, err));
    TRY(check_rows(&f, err));
    TRY(check_authority(&f, err));
    TRY(check_votes(&f, err));
    if (parts.type != &bcemr_type_e_leave)
        TRY(check_new_member(&f, err));
out:
    bcemr_buf_free(&f.message);
    if (status != BCEMR_OK)
        bcemr_set_free(out);
    return core_verdict(status, err);
}

/* ---- Upgrade ---- */

bcemr_verdict bcemr_upgrade_check(const bcemr_context *context, const bcemr_g2 *authority,
                                  const bcemr_hash *ledger, const bcemr_set *set,
                                  bcemr_span signed_entry, bcemr_tr_e_upgrade *out,
                                  bcemr_error *err)
{
    bcemr_status status = BCEMR_OK;
    bcemr_error local;
    bcemr_signed_parts parts;
    bcemr_tr_e_upgrade upgrade;
    follower f = {.context = context,
                  .authority = authority,
                  .ledger = ledger,
                  .before = set,
                  .parts = &parts,
                  .subject = BCEMR_NOWHERE,
                  .message = BCEMR_BUF_EMPTY};
    err = core_error(err, &local);
    TRY(bcemr_signed_read(signed_entry, &parts, err));
    REQUIRE(parts.type == &bcemr_type_e_upgrade, BCEMR_BAD_UPGRADE, "signed", "entry");
    TRY(bcemr_read_e_upgrade(parts.entry, &upgrade, err));
    REQUIRE(bcemr_hash_equal(&upgrade.ledger, ledger), BCEMR_WRONG_LEDGER, "Upgrade", "ledger");
    REQUIRE(upgrade.number == set->number, BCEMR_BAD_SET, "Upgrade", "number");
    REQUIRE(bcemr_hash_equal(&upgrade.set, &set->hash), BCEMR_BAD_SET, "Upgrade", "set");
    REQUIRE(proof_thresholds_hold(upgrade.thresholds), BCEMR_BAD_UPGRADE, "Upgrade", "thresholds");
    REQUIRE(parts.signers.count == 2, BCEMR_BAD_ENTRY_SIGNATURE, "signed", "signers");
    TRY(check_authority(&f, err));
    TRY(check_votes(&f, err));
    if (out)
        *out = upgrade;
out:
    bcemr_buf_free(&f.message);
    return core_verdict(status, err);
}
