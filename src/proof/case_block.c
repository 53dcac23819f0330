/* SPDX-License-Identifier: Apache-2.0 */
/* The case block: a header in the log, the visit's leaves beside it (section 6). */
#include "core/verdict.h"
#include "wire/error.h"

#include <bcemr/proof.h>
#include <string.h>

bcemr_status bcemr_case_header_make(uint64_t height, const bcemr_hash *previous, int64_t tau,
                                    const bcemr_hash *vid, const bcemr_tr_case *record_case,
                                    const bcemr_list *body, bcemr_tr_case_header *out,
                                    bcemr_error *err)
{
    bcemr_status status = BCEMR_OK;
    *out = (bcemr_tr_case_header){.height = height, .previous = *previous, .tau = tau, .vid = *vid};
    TRY(bcemr_hash_value(&bcemr_type_case, record_case, &out->record_case, err));
    TRY(bcemr_hash_list(&bcemr_type_leaf, body, &out->body, err));
out:
    return status;
}

/* What an entry of a visit says it belongs to. */
typedef struct belongs {
    bcemr_hash ledger;
    bcemr_hash vid;
} belongs;

static bcemr_status of_admit(bcemr_span entry, belongs *out)
{
    bcemr_tr_e_admit value;
    bcemr_status status = bcemr_read_e_admit(entry, &value, NULL);
    if (status == BCEMR_OK) {
        out->ledger = value.ledger;
        bcemr_sha256(value.visit, &out->vid);
    }
    return status;
}

static bcemr_status of_amend(bcemr_span entry, belongs *out)
{
    bcemr_status status = BCEMR_OK;
    bcemr_tr_e_amend value;
    bcemr_tr_amend amend;
    TRY(bcemr_read_e_amend(entry, &value, NULL));
    TRY(bcemr_read_amend(value.amend, &amend, NULL));
    *out = (belongs){value.ledger, amend.vid};
out:
    return status;
}

static bcemr_status of_sign(bcemr_span entry, belongs *out)
{
    bcemr_tr_e_sign value;
    bcemr_status status = bcemr_read_e_sign(entry, &value, NULL);
    *out = (belongs){value.ledger, value.vid};
    return status;
}

static bcemr_status of_reissue(bcemr_span entry, belongs *out)
{
    bcemr_tr_e_reissue value;
    bcemr_status status = bcemr_read_e_reissue(entry, &value, NULL);
    *out = (belongs){value.ledger, value.vid};
    return status;
}

static bcemr_status of_seal(bcemr_span entry, belongs *out)
{
    bcemr_status status = BCEMR_OK;
    bcemr_tr_e_seal value;
    bcemr_tr_case record_case;
    TRY(bcemr_read_e_seal(entry, &value, NULL));
    TRY(bcemr_read_case(value.record_case, &record_case, NULL));
    *out = (belongs){value.ledger, record_case.vid};
out:
    return status;
}

static const struct {
    const bcemr_type *type;
    bcemr_status (*belongs)(bcemr_span, belongs *);
} kinds[] = {
    {&bcemr_type_e_admit, of_admit}, {&bcemr_type_e_amend, of_amend},
    {&bcemr_type_e_sign, of_sign},   {&bcemr_type_e_reissue, of_reissue},
    {&bcemr_type_e_seal, of_seal},
};

static bool of_visit(const bcemr_leaf_parts *leaf, const belongs *wanted)
{
    belongs got;
    for (size_t i = 0; i < sizeof kinds / sizeof kinds[0]; i++)
        if (kinds[i].type == leaf->parts.type)
            return kinds[i].belongs(leaf->parts.entry, &got) == BCEMR_OK &&
                   bcemr_hash_equal(&got.ledger, &wanted->ledger) &&
                   bcemr_hash_equal(&got.vid, &wanted->vid);
    return false;
}

static bcemr_status check_body(const belongs *wanted, const bcemr_tr_case_header *header,
                               const bcemr_list *body, bcemr_span *seal, bcemr_error *err)
{
    bcemr_status status = BCEMR_OK;
    bcemr_leaf_parts leaf;
    bcemr_span raw;
    uint64_t i = 0, height = 0;
    int64_t tau = 0;
    bcemr_iter iter = bcemr_list_begin(&bcemr_type_leaf, body);
    for (; bcemr_list_next(&iter, &raw); i++) {
        TRY(bcemr_leaf_read(raw, &leaf, err));
        bool first = i == 0, last = i + 1 == body->count;
        REQUIRE_AT((leaf.parts.type == &bcemr_type_e_admit) == first &&
                       (leaf.parts.type == &bcemr_type_e_seal) == last,
                   BCEMR_BAD_CASE_BLOCK, "case-header", "body", i);
        REQUIRE_AT(of_visit(&leaf, wanted), BCEMR_BAD_CASE_BLOCK, "case-header", "vid", i);
        REQUIRE_AT(leaf.tau >= tau && leaf.height >= height && (!last || leaf.tau == header->tau),
                   BCEMR_BAD_CASE_BLOCK, "case-header", "tau", i);
        tau = leaf.tau;
        height = leaf.height;
        *seal = leaf.parts.entry;
    }
    REQUIRE(i >= 2, BCEMR_BAD_CASE_BLOCK, "case-header", "body");
out:
    return status;
}

bcemr_verdict bcemr_case_block_check(const bcemr_hash *ledger, const bcemr_tr_case_header *header,
                                     const bcemr_list *body, bcemr_tr_case *out, bcemr_error *err)
{
    bcemr_status status = BCEMR_OK;
    bcemr_error local;
    bcemr_span last = {0};
    bcemr_tr_e_seal seal;
    bcemr_tr_case record_case;
    bcemr_hash hash;
    err = core_error(err, &local);
    const belongs wanted = {*ledger, header->vid};
    TRY(bcemr_hash_list(&bcemr_type_leaf, body, &hash, err));
    REQUIRE(bcemr_hash_equal(&hash, &header->body), BCEMR_BAD_CASE_BLOCK, "case-header", "body");
    TRY(check_body(&wanted, header, body, &last, err));
    TRY(bcemr_read_e_seal(last, &seal, err));
    bcemr_sha256(seal.record_case, &hash);
    REQUIRE(bcemr_hash_equal(&hash, &header->record_case), BCEMR_BAD_CASE_BLOCK, "case-header",
            "record_case");
    TRY(bcemr_read_case(seal.record_case, &record_case, err));
    if (out)
        *out = record_case;
out:
    return core_verdict(status, err);
}
