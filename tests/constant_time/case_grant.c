/* SPDX-License-Identifier: Apache-2.0 */
/* Grants and access entries. */
#include "constant_time/ct.h"

#include <bcemr/grant.h>

#include <string.h>

static void grant_seed(ct_world *w)
{
    bcemr_seed seed;
    bcemr_ed_secret revoker;
    bcemr_ed_raw revoker_public;
    bcemr_grant_secrets secrets, again;
    bcemr_key ka;
    OK(bcemr_grant_seed(&w->seed, &w->ledger, 2, &seed, &revoker, &revoker_public, NULL));
    DECLASSIFY("R stands in the terms", &revoker_public, sizeof revoker_public);
    OK(bcemr_grant_derive(&seed, &w->ledger, 5, &w->vid, 1, &secrets, NULL));
    OK(bcemr_grant_from_gs(&secrets.gs, &again));
    DECLASSIFY("gid stands in the terms", &again.gid, sizeof again.gid);
    OK(bcemr_audit_key(&secrets.gs, bcemr_text("cloud-1"), &ka));
    DECLASSIFY("the test is over; it was secret", &ka, sizeof ka);
    DECLASSIFY("the test is over; they were secret", &secrets, sizeof secrets);
}

/* Of one visit each is compared, of 32 and more their sum. */
#define VISITS 32

static void keys_of(ct_world *w, uint64_t count)
{
    static bcemr_secret_scalar xvs[VISITS], rks[VISITS];
    static bcemr_hash vids[VISITS];
    static bcemr_g1_raw pkvs[VISITS], ys[VISITS];
    const bcemr_hash gid = {{1}};
    uint64_t bad;
    for (uint64_t i = 0; i < count; i++) {
        vids[i].b[0] = (uint8_t)i;
        xvs[i] = w->x;
        pkvs[i] = w->x_g1;
    }
    OK(bcemr_grant_keys(&w->key, &gid, xvs, vids, count, ys, rks, NULL));
    DECLASSIFY("Y stands in the terms", ys, count * sizeof ys[0]);
    OK(bcemr_grant_keys_check(pkvs, ys, rks, count, &bad, NULL));
    DECLASSIFY("the test is over; they were secret", rks, count * sizeof rks[0]);
}

static void grant_keys(ct_world *w)
{
    keys_of(w, 2);
}

static void grant_keys_many(ct_world *w)
{
    keys_of(w, VISITS);
}

static void grant_y(ct_world *w)
{
    const bcemr_hash gid = {{1}};
    bcemr_secret_scalar y;
    OK(bcemr_grant_y(&w->key, &gid, &w->vid, &y));
    DECLASSIFY("the test is over; it was secret", &y, sizeof y);
    OK(bcemr_grant_y_check(&w->x, &w->x_g1, NULL));
}

static void access_entry(ct_world *w)
{
    const bcemr_tr_access_req req = {.ledger = w->ledger,
                                     .cloud = bcemr_text("cloud-1"),
                                     .visits = bcemr_span_of("\1", 1),
                                     .kind = BCEMR_access_kind_READ,
                                     .reason = BCEMR_access_reason_TREATMENT};
    bcemr_buf request = BCEMR_BUF_EMPTY, body = BCEMR_BUF_EMPTY, entry = BCEMR_BUF_EMPTY,
              got = BCEMR_BUF_EMPTY;
    bcemr_tr_e_access read;
    bcemr_bytes16 handle;
    OK(bcemr_write_access_req(&req, &request, NULL));
    const bcemr_tr_access_body made = {.request = bcemr_buf_span(&request), .j = 4};
    OK(bcemr_write_access_body(&made, &body, NULL));
    OK(bcemr_access_handle(&w->key, 4, &handle));
    DECLASSIFY("the handle stands in the entry", &handle, sizeof handle);
    OK(bcemr_access_make(&w->key, &w->ledger, req.cloud, bcemr_buf_span(&body), &entry, NULL));
    DECLASSIFY("the entry is on the ledger", entry.p, entry.n);
    OK(bcemr_read_e_access(bcemr_buf_span(&entry), &read, NULL));
    OK(bcemr_access_open(&w->key, 4, &read, &got, NULL));
    bcemr_buf_free(&request);
    bcemr_buf_free(&body);
    bcemr_buf_free(&entry);
    bcemr_buf_free(&got);
}

const ct_case ct_grant_cases[] = {{"grant-seed", grant_seed},           {"grant-keys", grant_keys},
                                  {"grant-keys-many", grant_keys_many}, {"grant-y", grant_y},
                                  {"access-entry", access_entry},       {NULL, NULL}};
