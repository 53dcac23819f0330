/* SPDX-License-Identifier: Apache-2.0 */
/* Signed entries and leaves (sections 1 and 8). */
#include "wire/error.h"

#include <bcemr/proof.h>
#include <string.h>

bcemr_status bcemr_entry_message(const char *role, bcemr_span entry, bcemr_buf *out,
                                 bcemr_error *err)
{
    const bcemr_tr_entry_message message = {bcemr_text(role), entry};
    return bcemr_write_entry_message(&message, out, err);
}

bcemr_status bcemr_entry_sign_ed(const bcemr_ed_secret *a, const char *role, bcemr_span entry,
                                 bcemr_ed_signature *out, bcemr_error *err)
{
    bcemr_buf message = BCEMR_BUF_EMPTY;
    bcemr_status status = bcemr_entry_message(role, entry, &message, err);
    if (status == BCEMR_OK)
        bcemr_ed_sign(a, bcemr_buf_span(&message), out);
    bcemr_buf_free(&message);
    return status;
}

bcemr_status bcemr_entry_sign_bls(const bcemr_secret_scalar *x, const char *role, bcemr_span entry,
                                  bcemr_g1_raw *out, bcemr_error *err)
{
    bcemr_buf message = BCEMR_BUF_EMPTY;
    bcemr_status status = bcemr_entry_message(role, entry, &message, err);
    if (status == BCEMR_OK)
        status = bcemr_bls_sign(x, BCEMR_PURPOSE_SIG, bcemr_buf_span(&message), out);
    bcemr_buf_free(&message);
    return status;
}

bcemr_status bcemr_signed_make(bcemr_span entry, const bcemr_tr_signer *signers, uint64_t count,
                               bcemr_buf *out, bcemr_error *err)
{
    static const bcemr_tr_signer none;
    const bcemr_tr_signed value = {entry, BCEMR_LIST_OF(count > 0 ? signers : &none, count)};
    return bcemr_write_signed(&value, out, err);
}

bcemr_status bcemr_signed_make_value(const bcemr_type *type, const void *value,
                                     const bcemr_tr_signer *signers, uint64_t count, bcemr_buf *out,
                                     bcemr_error *err)
{
    bcemr_buf entry = BCEMR_BUF_EMPTY;
    bcemr_status status = bcemr_write(type, value, &entry, err);
    if (status == BCEMR_OK)
        status = bcemr_signed_make(bcemr_buf_span(&entry), signers, count, out, err);
    bcemr_buf_free(&entry);
    return status;
}

bcemr_status bcemr_signed_read(bcemr_span in, bcemr_signed_parts *out, bcemr_error *err)
{
    bcemr_status status = BCEMR_OK;
    bcemr_tr_signed value;
    memset(out, 0, sizeof *out);
    TRY(bcemr_read_signed(in, &value, err));
    if (value.entry.n > BCEMR_ENTRY_MAX)
        FAIL(BCEMR_E_TOO_LONG, "signed", "entry");
    out->type = bcemr_type_of(value.entry);
    out->entry = value.entry;
    out->signers = value.signers;
    bcemr_sha256(value.entry, &out->entry_hash);
out:
    return status;
}

bcemr_status bcemr_leaf_read(bcemr_span in, bcemr_leaf_parts *out, bcemr_error *err)
{
    bcemr_status status = BCEMR_OK;
    bcemr_tr_leaf leaf;
    memset(out, 0, sizeof *out);
    TRY(bcemr_read_leaf(in, &leaf, err));
    TRY(bcemr_signed_read(leaf.signed_entry, &out->parts, err));
    out->signed_entry = leaf.signed_entry;
    out->height = leaf.height;
    out->tau = leaf.tau;
    bcemr_tree_leaf_hash(in, &out->leaf_hash);
out:
    return status;
}

bcemr_status bcemr_leaf_make(bcemr_span signed_entry, uint64_t height, int64_t tau, bcemr_buf *out,
                             bcemr_error *err)
{
    const bcemr_tr_leaf leaf = {signed_entry, height, tau};
    return bcemr_write_leaf(&leaf, out, err);
}
