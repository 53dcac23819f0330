/* SPDX-License-Identifier: Apache-2.0 */
/* The record's header: its one-time signature, and the case that is made of it (sections 5, 6). */
#include "core/verdict.h"

#include <bcemr/hash.h>
#include <bcemr/record.h>

#include <string.h>

static bcemr_tr_sealed sealed_of(const bcemr_hash *vid, const bcemr_hash *last_context,
                                 const bcemr_tr_header *header)
{
    return (bcemr_tr_sealed){.vid = *vid,
                             .svk = header->svk,
                             .b = header->b,
                             .c = header->c,
                             .tags = header->tags,
                             .kc = header->kc,
                             .root = header->root,
                             .length = header->length,
                             .last_context = *last_context};
}

bcemr_status bcemr_header_sign(const bcemr_ed_secret *ssk, const bcemr_hash *vid,
                               const bcemr_hash *last_context, bcemr_tr_header *header,
                               bcemr_error *err)
{
    bcemr_ed_raw svk;
    bcemr_ed_public_of(ssk, &svk);
    if (memcmp(svk.b, header->svk.b, sizeof svk.b) != 0)
        return wire_fail(err, BCEMR_E_KEY_MISMATCH, "header", "svk");
    const bcemr_tr_sealed sealed = sealed_of(vid, last_context, header);
    return bcemr_ed_sign_value(ssk, &bcemr_type_sealed, &sealed, &header->osig, err);
}

static bcemr_status header_check(const bcemr_hash *vid, const bcemr_hash *last_context,
                                 const bcemr_tr_header *header, bcemr_error *err)
{
    bcemr_buf message = BCEMR_BUF_EMPTY;
    const bcemr_tr_sealed sealed = sealed_of(vid, last_context, header);
    bcemr_status status = BCEMR_OK;
    TRY(bcemr_write_sealed(&sealed, &message, err));
    REQUIRE(bcemr_ed_holds(&header->svk, bcemr_buf_span(&message), &header->osig),
            BCEMR_BAD_SEAL_SIGNATURE, "header", "osig");
out:
    bcemr_buf_free(&message);
    return status;
}

bcemr_verdict bcemr_header_check(const bcemr_hash *vid, const bcemr_hash *last_context,
                                 const bcemr_tr_header *header, bcemr_error *err)
{
    bcemr_error local;
    err = core_error(err, &local);
    return core_verdict(header_check(vid, last_context, header, err), err);
}

bcemr_status bcemr_case_make(const bcemr_hash *vid, const bcemr_hash *order,
                             const bcemr_hash *last_context, const bcemr_g1_raw *sigma,
                             const bcemr_tr_header *header, bcemr_tr_case *out, bcemr_error *err)
{
    const bcemr_tr_capsule_hash capsule = {header->b, header->c};
    const bcemr_tr_tags tags = {header->tags};
    bcemr_status status = BCEMR_OK;
    *out = (bcemr_tr_case){.vid = *vid,
                           .order = *order,
                           .last_context = *last_context,
                           .sigma = *sigma,
                           .svk = header->svk,
                           .kc = header->kc,
                           .root = header->root,
                           .length = header->length};
    TRY(bcemr_hash_value(&bcemr_type_capsule_hash, &capsule, &out->capsule, err));
    TRY(bcemr_hash_value(&bcemr_type_tags, &tags, &out->tags, err));
    bcemr_sha256(bcemr_span_of(header->osig.b, sizeof header->osig.b), &out->osig);
out:
    if (status != BCEMR_OK)
        bcemr_wipe(out, sizeof *out);
    return status;
}

/* All of it is public. */
#define SAME(field)                                                                                \
    REQUIRE(memcmp(&due.field, &record_case->field, sizeof due.field) == 0, BCEMR_HEADER_NOT_CASE, \
            "case", #field)

static bcemr_status header_is_case(const bcemr_tr_header *header, const bcemr_tr_case *record_case,
                                   bcemr_error *err)
{
    bcemr_tr_case due;
    bcemr_status status = BCEMR_OK;
    TRY(bcemr_case_make(&record_case->vid, &record_case->order, &record_case->last_context,
                        &record_case->sigma, header, &due, err));
    SAME(svk);
    SAME(capsule);
    SAME(tags);
    SAME(kc);
    SAME(root);
    SAME(length);
    SAME(osig);
out:
    return status;
}

bcemr_verdict bcemr_header_is_case(const bcemr_tr_header *header, const bcemr_tr_case *record_case,
                                   bcemr_error *err)
{
    bcemr_error local;
    err = core_error(err, &local);
    return core_verdict(header_is_case(header, record_case, err), err);
}
