/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A whole database verified again, rules on one thread and signatures on one beside it; and its
 * signatures alone, one thread, in batches as large as a replay's: those of every Sign together,
 * and the three of every Admit.
 */
#include "bcemr/bench/ledger_result.h"

#include "ledger/state/sqlite.h"
#include "ledger/verify/verify.h"
#include "wire/error.h"

#include <bcemr/visit.h>

static bcemr_status scratch_state(void *user, ledger_state *out, bcemr_error *err)
{
    bcemr_status status = BCEMR_OK;
    const ledger_sqlite_options how = {.writes = true, .scratch = true};
    TRY(ledger_sqlite_create(user, &how, err));
    TRY(ledger_sqlite_open(user, &how, out, err));
out:
    return status;
}

static bcemr_status verify(load *l, const char *path, const char *scratch,
                           const bcemr_progress *progress, ledger_again *out, bcemr_error *err)
{
    bcemr_status status = BCEMR_OK;
    const ledger_sqlite_options how = {.writes = false};
    const ledger_verify_options options = {.context = l->context,
                                           .genesis = bcemr_buf_span(&l->genesis),
                                           .beside = true,
                                           .batch = LEDGER_BATCH,
                                           .scratch = scratch_state,
                                           .user = (void *)(uintptr_t)scratch,
                                           .progress = progress};
    ledger_state state = {0};
    ledger_verified *verified = bcemr_allocate(sizeof *verified);
    if (!verified)
        FAIL(BCEMR_E_NO_MEMORY, "bench", NULL);
    TRY(ledger_sqlite_open(path, &how, &state, err));
    const double began = measure_now();
    TRY(ledger_verify(&state, &options, verified, err));
    out->verify = measure_now() - began;
    if (verified->bad.kind != LEDGER_BAD_NONE) {
        *err = verified->bad.error;
        status = BCEMR_E_REFUSED;
    }
    out->entries = verified->size - 1; /* without the genesis */
    out->statements = verified->statements;
out:
    ledger_state_close(&state);
    bcemr_release(verified);
    return status;
}

/* ---- alone ---- */

static bcemr_status admit_alone(const load *l, bcemr_span signed_entry)
{
    bcemr_status status = BCEMR_OK;
    bcemr_signed_parts parts;
    bcemr_tr_e_admit admit;
    bcemr_tr_visit visit;
    bcemr_tr_acceptance acceptance;
    bcemr_hash vid;
    TRY(bcemr_signed_read(signed_entry, &parts, NULL));
    TRY(bcemr_read_e_admit(parts.entry, &admit, NULL));
    TRY(bcemr_read_visit(admit.visit, &visit, NULL));
    TRY(bcemr_read_acceptance(admit.acceptance, &acceptance, NULL));
    bcemr_sha256(admit.visit, &vid);
    if (!bcemr_ed_holds(&l->nodes[0].publics.a, admit.visit, &admit.signature) ||
        bcemr_acceptance_check(&visit, &vid, &acceptance, NULL) != BCEMR_VALID)
        status = BCEMR_E_REFUSED;
out:
    return status;
}

static bcemr_status signs_alone(const load *l)
{
    bcemr_status status = BCEMR_OK;
    bcemr_bls_statement *statements = bcemr_allocate(LEDGER_BATCH * sizeof *statements);
    bool *bad = bcemr_allocate(LEDGER_BATCH * sizeof *bad);
    const uint64_t count = l->count - l->signs;
    if (!statements || !bad)
        status = BCEMR_E_NO_MEMORY;
    for (uint64_t from = 0; status == BCEMR_OK && from < count; from += LEDGER_BATCH) {
        const uint64_t n = count - from < LEDGER_BATCH ? count - from : LEDGER_BATCH;
        for (uint64_t i = 0; i < n; i++) {
            const load_statement *s = &l->statements[from + i];
            statements[i] = (bcemr_bls_statement){.key = &l->lines[s->doctor],
                                                  .purpose = BCEMR_PURPOSE_SIG,
                                                  .message = bcemr_buf_span(&s->message),
                                                  .signature = s->delta};
        }
        if (bcemr_bls_batch(l->context, statements, n, NULL, bad, NULL) != BCEMR_VALID)
            status = BCEMR_E_REFUSED;
    }
    bcemr_release(statements);
    bcemr_release(bad);
    return status;
}

bcemr_status ledger_again_run(load *l, const char *path, const char *scratch,
                              const bcemr_progress *progress, ledger_again *out, bcemr_error *err)
{
    bcemr_status status = BCEMR_OK;
    const double began = measure_now();
    TRY_AT(signs_alone(l), "bench", "signs");
    for (uint64_t i = l->admits; i < l->signs; i++)
        TRY_AT(admit_alone(l, bcemr_buf_span(&l->entries[i])), "bench", "admits");
    out->batch = measure_now() - began;
    TRY(verify(l, path, scratch, progress, out, err));
    out->ratio = out->batch / out->verify;
out:
    return status;
}
