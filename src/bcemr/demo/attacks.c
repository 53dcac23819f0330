/* SPDX-License-Identifier: Apache-2.0 */
/* What several attacks need. */
#include "bcemr/demo/attacks.h"

#include <bcemr/proof.h>
#include <stdio.h>
#include <string.h>

bcemr_status attacks_visit_load(world *w, attacks_visit *out)
{
    bcemr_status status = BCEMR_OK;
    memset(out, 0, sizeof *out);
    DO(w->view.visit(w->view.user, &w->vid, &out->leaves));
    DO(bcemr_read_list(&bcemr_type_leaf, bcemr_buf_span(&out->leaves), 1, UINT64_MAX, &out->list,
                       &w->error));
    out->log = bcemr_allocate(sizeof *out->log);
    if (!out->log)
        DO(BCEMR_E_NO_MEMORY);
    DO(bcemr_visit_log_read(&out->list, out->log, &w->error));
out:
    if (status != BCEMR_OK)
        attacks_visit_free(out);
    return status;
}

void attacks_visit_free(attacks_visit *visit)
{
    bcemr_buf_free(&visit->leaves);
    bcemr_release(visit->log);
    memset(visit, 0, sizeof *visit);
}

bool attacks_sealed(world *w)
{
    uint64_t leaf = 0;
    return w->view.case_header(w->view.user, &w->vid, &leaf) == BCEMR_OK;
}

bcemr_status attacks_flip_file(world *w, const char *path, uint64_t offset_from_end)
{
    bcemr_status status = BCEMR_OK;
    bcemr_buf bytes = BCEMR_BUF_EMPTY;
    DO(files_read(path, 1u << 24, &bytes, &w->file_error));
    if (offset_from_end == 0 || offset_from_end > bytes.n)
        DO(BCEMR_E_ARGUMENT);
    bytes.p[bytes.n - offset_from_end] ^= 1;
    DO(files_write(path, bcemr_buf_span(&bytes), FILES_REPLACE, &w->file_error));
out:
    bcemr_buf_free(&bytes);
    return status;
}

bool attacks_entry_is(const bcemr_buf *message, const bcemr_type *type, void *value)
{
    bcemr_signed_parts parts;
    return bcemr_signed_read(bcemr_buf_span(message), &parts, NULL) == BCEMR_OK &&
           parts.type == type && bcemr_read(type, parts.entry, value, NULL) == BCEMR_OK;
}

bcemr_status attacks_replace_entry(world *w, bcemr_buf *message, const bcemr_type *type,
                                   const void *value, const world_node *by)
{
    bcemr_status status = BCEMR_OK;
    bcemr_buf entry = BCEMR_BUF_EMPTY, whole = BCEMR_BUF_EMPTY;
    bcemr_ed_signature signature;
    bcemr_tr_signer row;
    DO(bcemr_write(type, value, &entry, &w->error));
    if (by) {
        const char *role = bcemr_role_name((uint64_t)by->role);
        DO(bcemr_entry_sign_ed(&by->secrets.a, role, bcemr_buf_span(&entry), &signature,
                               &w->error));
        row = (bcemr_tr_signer){bcemr_text(role), world_id(by->id), bcemr_span_of(signature.b, 64)};
    }
    DO(bcemr_signed_make(bcemr_buf_span(&entry), by ? &row : NULL, by ? 1 : 0, &whole, &w->error));
    DO(bcemr_buf_set(message, bcemr_buf_span(&whole)));
out:
    bcemr_buf_free(&entry);
    bcemr_buf_free(&whole);
    return status;
}

void attacks_random_point(bcemr_g1_raw *out)
{
    bcemr_secret_scalar x;
    bcemr_g1 point;
    if (bcemr_secret_scalar_random(&x) != BCEMR_OK)
        return;
    bcemr_g1_from_secret(&x, &point);
    bcemr_g1_encode(&point, out);
}

void attacks_negate(bcemr_g1_raw *point)
{
    point->b[0] ^= 0x20; /* the sign bit of the compressed form */
}
