/* SPDX-License-Identifier: Apache-2.0 */
/* The visit file: the body of a case block, read by the library's replay. */
#include "bcemr/hand/hand.h"

#include <bcemr/hash.h>
#include <bcemr/proof.h>
#include <string.h>

#define VISIT_MAX (16u << 20)
#define NUMBERS_TRIED 1024 /* of a patient's visits, when looking for whose it is */

bcemr_status hand_visit_read(hand *h, const char *path, hand_visit *out)
{
    bcemr_status status = BCEMR_OK;
    memset(out, 0, sizeof *out);
    HAND(files_read(path, VISIT_MAX, &out->bytes, &h->file));
    hand_doing(h, "read the visit file \"%.200s\"", hand_name(bcemr_text(path)));
    HAND(bcemr_read_list(&bcemr_type_leaf, bcemr_buf_span(&out->bytes), 1, UINT64_MAX, &out->leaves,
                         &h->error));
    out->log = bcemr_allocate(sizeof *out->log);
    if (!out->log)
        HAND_FAIL(BCEMR_E_NO_MEMORY, "visit", NULL);
    HAND(bcemr_visit_log_read(&out->leaves, out->log, &h->error));
    for (uint64_t i = 0; i < out->log->signed_count; i++)
        out->log->diagnoses[i].clock_difference = HAND_CLOCK_DIFFERENCE_MS;
out:
    return status;
}

void hand_visit_free(hand_visit *visit)
{
    bcemr_buf_free(&visit->bytes);
    bcemr_release(visit->log);
    memset(visit, 0, sizeof *visit);
}

bcemr_verdict hand_visit_signatures(hand *h, const hand_visit *visit, const hand_holder *hospital)
{
    bcemr_ed_raw keys[1 + BCEMR_TEAM_MAX];
    const bcemr_ed_raw a = hand_holder_a(hospital);
    for (uint64_t i = 0; i <= visit->log->order.amendments; i++)
        keys[i] = a;
    if (!bcemr_span_equal(hospital->part.id, visit->log->visit.hospital))
        return BCEMR_BAD_TICKET_SIGNATURE;
    return bcemr_visit_log_signatures(h->context, visit->log, keys, &h->error);
}

bcemr_status hand_visit_open(hand *h, const char *path, const char *hospital, hand_visit *out)
{
    bcemr_status status = BCEMR_OK;
    hand_holder holder = {0};
    memset(out, 0, sizeof *out);
    HAND(hand_context(h));
    HAND(hand_holder_read(h, hospital, BCEMR_key_role_HOSPITAL, &holder));
    HAND(hand_visit_read(h, path, out));
    hand_doing(h, "believe the visit file \"%.200s\"", hand_name(bcemr_text(path)));
    HAND_VALID(hand_visit_signatures(h, out, &holder), "visit", "signatures");
out:
    hand_holder_free(&holder);
    return status;
}

bcemr_status hand_visit_append(hand *h, const hand_visit *visit, const bcemr_type *type,
                               const void *entry, int64_t tau, bcemr_buf *out)
{
    bcemr_status status = BCEMR_OK;
    bcemr_buf signed_entry = BCEMR_BUF_EMPTY, leaf = BCEMR_BUF_EMPTY;
    const uint64_t count = visit ? visit->leaves.count : 0;
    uint64_t n = 0;
    bcemr_tr_leaf last = {.tau = tau};
    bcemr_span *leaves = bcemr_allocate((count + 1) * sizeof *leaves);
    if (!leaves)
        HAND_FAIL(BCEMR_E_NO_MEMORY, "visit", NULL);
    if (visit) {
        bcemr_iter iter = bcemr_list_begin(&bcemr_type_leaf, &visit->leaves);
        while (n < count && bcemr_list_next(&iter, &leaves[n]))
            n++;
        HAND(bcemr_read_leaf(leaves[n - 1], &last, &h->error));
    }
    HAND(bcemr_signed_make_value(type, entry, NULL, 0, &signed_entry, &h->error));
    /* Where no ledger counts blocks, each entry is a block: heights from 1, times that ascend. */
    const bcemr_tr_leaf next = {.signed_entry = bcemr_buf_span(&signed_entry),
                                .height = n + 1,
                                .tau = visit && tau <= last.tau ? last.tau + 1 : tau};
    HAND(bcemr_write_leaf(&next, &leaf, &h->error));
    leaves[n] = bcemr_buf_span(&leaf);
    const bcemr_list list = BCEMR_LIST_OF(leaves, n + 1);
    HAND(bcemr_write_list(&bcemr_type_leaf, &list, out, &h->error));
out:
    bcemr_release(leaves);
    bcemr_buf_free(&signed_entry);
    bcemr_buf_free(&leaf);
    return status;
}

bcemr_status hand_visit_keys(hand *h, const keyfile *patient, const hand_visit *visit,
                             bcemr_visit_keys *keys)
{
    bcemr_status status = BCEMR_OK;
    bcemr_seed seed;
    const bcemr_tr_visit *v = &visit->log->visit;
    memcpy(seed.b, patient->secret, sizeof seed.b);
    hand_doing(h, "find this visit among the patient's first %u", (unsigned)NUMBERS_TRIED);
    for (uint64_t j = 0; j < NUMBERS_TRIED; j++) {
        HAND_AT(bcemr_visit_keys_derive(&seed, &v->ledger, j, keys), "wallet", "visit");
        if (memcmp(&keys->pkv, &v->pkv, sizeof v->pkv) == 0 &&
            memcmp(&keys->av_public, &v->av, sizeof v->av) == 0)
            goto out;
    }
    bcemr_visit_keys_wipe(keys);
    HAND_FAIL(BCEMR_E_KEY_MISMATCH, "visit", "pkv");
out:
    bcemr_wipe(&seed, sizeof seed);
    return status;
}

bcemr_status hand_intake_read(hand *h, const char *path, const hand_visit *visit, bcemr_buf *buf,
                              bcemr_tr_intake *out)
{
    bcemr_status status = BCEMR_OK;
    bcemr_hash pid;
    HAND(hand_private_file(h, path, 4096, buf));
    hand_doing(h, "take the intake \"%.200s\"", hand_name(bcemr_text(path)));
    HAND(bcemr_read_intake(bcemr_buf_span(buf), out, &h->error));
    const bcemr_tr_pid parts = {visit->log->visit.hospital, out->identity, out->r, out->r2};
    HAND(bcemr_pseudonym(&parts, &pid, &h->error));
    HAND_REQUIRE(bcemr_hash_equal(&pid, &visit->log->visit.pid), BCEMR_BAD_PSEUDONYM, "intake",
                 "identity");
out:
    return status;
}
