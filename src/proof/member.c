/* SPDX-License-Identifier: Apache-2.0 */
#include "proof/member.h"

#include <string.h>

bool proof_member_shape(const bcemr_tr_member *member)
{
    bool hospital = member->role == BCEMR_role_HOSPITAL;
    return (member->e.n > 0) == hospital && (member->box.n > 0) == hospital;
}

/* An absent key decodes: whether it must be there is the shape's matter. */
static bool ed_decodes(bcemr_span key)
{
    bcemr_ed_raw raw;
    bcemr_ed_public decoded;
    if (key.n == 0)
        return true;
    memcpy(raw.b, key.p, sizeof raw.b);
    return bcemr_ed_decode(&raw, &decoded) == BCEMR_OK;
}

static bool x25519_decodes(bcemr_span key)
{
    bcemr_x25519_raw raw;
    bcemr_x25519_public decoded;
    if (key.n == 0)
        return true;
    memcpy(raw.b, key.p, sizeof raw.b);
    return bcemr_x25519_decode(&raw, &decoded) == BCEMR_OK;
}

bool proof_member_keys_decode(const bcemr_tr_member *member)
{
    bcemr_g2 x;
    return bcemr_g2_decode(&member->x, &x) == BCEMR_OK &&
           ed_decodes(bcemr_span_of(member->a.b, sizeof member->a.b)) &&
           ed_decodes(member->consensus) && x25519_decodes(member->e) &&
           x25519_decodes(member->box);
}

void proof_member_list_keys(const bcemr_tr_member *member, proof_member_keys *out)
{
    *out = (proof_member_keys){{bcemr_span_of(member->x.b, sizeof member->x.b),
                                bcemr_span_of(member->a.b, sizeof member->a.b), member->e,
                                member->box, bcemr_span_of(member->tls.b, sizeof member->tls.b),
                                member->consensus}};
}

bool proof_thresholds_hold(bcemr_span thresholds)
{
    bcemr_tr_thresholds value;
    bcemr_g2_raw share;
    bcemr_g2 point;
    if (bcemr_read_thresholds(thresholds, &value, NULL) != BCEMR_OK || value.t > value.n ||
        value.shares.count != (value.n == 1 ? 0 : value.n))
        return false;
    bcemr_iter iter = bcemr_list_begin(&bcemr_type_g2_item, &value.shares);
    while (bcemr_list_next(&iter, &share))
        if (bcemr_g2_decode(&share, &point) != BCEMR_OK)
            return false;
    return true;
}

bool proof_signer_at(const bcemr_list *signers, uint64_t index, const char *role,
                     bcemr_tr_signer *out)
{
    return bcemr_list_at(&bcemr_type_signer, signers, index, out) &&
           bcemr_span_equal(out->role, bcemr_text(role));
}

const char *bcemr_role_name(uint64_t role)
{
    return role == BCEMR_role_HOSPITAL ? "hospital" : "cloud";
}

void bcemr_member_pop(const bcemr_hash *ledger, const bcemr_tr_member *member, bcemr_tr_pop *out)
{
    *out = (bcemr_tr_pop){.ledger = *ledger,
                          .role = bcemr_text(bcemr_role_name(member->role)),
                          .id = member->id,
                          .x = member->x,
                          .a = bcemr_span_of(member->a.b, sizeof member->a.b),
                          .e = member->e,
                          .box = member->box,
                          .tls = bcemr_span_of(member->tls.b, sizeof member->tls.b),
                          .consensus = member->consensus};
}
