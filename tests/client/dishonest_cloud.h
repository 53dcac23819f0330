/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A cloud that a test writes by hand: offer, Consent, Access and answer of one grant, each with a
 * hook that can change it, on the clinic's ledger. Include after client/client_test.h and
 * support/clinic.h.
 */
#ifndef BCEMR_TESTS_DISHONEST_CLOUD_H
#define BCEMR_TESTS_DISHONEST_CLOUD_H

#include "ledger/rules/rules.h"

#include <bcemr/hash.h>
#include <bcemr/message.h>

#define READER 3 /* doctor-4, at hospital-2, to whom grants are made */

typedef struct dishonest {
    clinic *c;
    uint64_t j;        /* of the access */
    uint64_t cloud;    /* node that posts, CLOUD_1 if 0 */
    bool access_first; /* its Access is posted before the Consent that it names */
    bcemr_tr_grant_post post;
    bcemr_tr_grant terms;
    bcemr_tr_grant_offer offer;
    bcemr_ed_signature signatures[1];
    bcemr_held_grant *held;
    bcemr_buf ask;
    bcemr_tr_access_ask request;
    bcemr_tr_e_consent consent;
    uint64_t consent_leaf;
    bcemr_tr_access_body body;
    bcemr_key ka;
    bcemr_tr_e_access access;
    uint64_t access_leaf;
    uint64_t checkpointed; /* leaves under the last checkpoint */
    uint64_t earlier[4];   /* leaves of accesses brought as earlier */
    uint64_t earlier_count;
    bcemr_buf inclusions[6];
    bcemr_span earlier_spans[4];
    bcemr_buf cosigned, header, answer_bytes, kept;
    bcemr_tr_reencrypted records[2];
    bcemr_tr_access_answer answer;
    /* hooks, each before its step; NULL for none */
    void (*on_offer)(struct dishonest *);
    void (*on_consent)(struct dishonest *);
    void (*before_access)(struct dishonest *);
    void (*on_body)(struct dishonest *);
    void (*on_access)(struct dishonest *);
    void (*after_access)(struct dishonest *);
    void (*on_answer)(struct dishonest *);
} dishonest;

static inline void flip(void *p)
{
    *(uint8_t *)p ^= 1;
}

static inline void hook(dishonest *x, void (*change)(dishonest *))
{
    if (change)
        change(x);
}

static inline uint64_t post_entry(dishonest *x, const bcemr_type *type, const void *value,
                                  const char *role, uint64_t node)
{
    bcemr_buf entry = BCEMR_BUF_EMPTY;
    const consortium_row row = {
        .role = role, .who = x->c->nodes[node].id, .by = &x->c->consortium.nodes[node].keys};
    consortium_sign(&x->c->consortium, type, value, &row, role ? 1 : 0, &entry);
    bcemr_status status = clinic_post(x->c, bcemr_buf_span(&entry));
    if (status != BCEMR_OK)
        print_error("the ledger: %s\n", ledger_reason_name(x->c->error.reason));
    assert_int_equal(status, BCEMR_OK);
    bcemr_buf_free(&entry);
    return ledger_chain_size(x->c->chain) - 1;
}

/* ---- the steps ---- */

static inline void make_grant(dishonest *x)
{
    clinic *c = x->c;
    clinic_grant(c, READER, 1);
    must(bcemr_read_grant_post(bcemr_buf_span(&c->grant.posts[0]), &x->post, NULL));
    must(bcemr_read_grant(x->post.terms, &x->terms, NULL));
    assert_true(bcemr_list_at(&bcemr_type_edsig_item, &x->post.signatures, 0, &x->signatures[0]));
    x->offer =
        (bcemr_tr_grant_offer){x->post.terms, BCEMR_LIST_OF(x->signatures, 1), x->post.wrapped};
    memcpy(x->ka.b, x->post.ka.b, sizeof x->ka.b);
}

static inline bcemr_status take_offer(dishonest *x)
{
    bcemr_buf bytes = BCEMR_BUF_EMPTY;
    must(bcemr_write_grant_offer(&x->offer, &bytes, NULL));
    bcemr_held_grant_free(x->held);
    bcemr_status status =
        bcemr_doctor_take_offer(&x->c->doctors[READER], bcemr_buf_span(&bytes), &x->held, &why);
    assert_true((x->held != NULL) == (status == BCEMR_OK));
    bcemr_buf_free(&bytes);
    return status;
}

/* R's signature for this cloud, commitment and time. */
static inline void sign_consent(dishonest *x)
{
    const bcemr_tr_consent_post post = {x->consent.ledger, x->consent.cloud, x->consent.cm,
                                        x->consent.latest};
    must(bcemr_ed_sign_value(&x->c->grant.revoker, &bcemr_type_consent_post, &post,
                             &x->consent.signature, NULL));
}

static inline void post_consent(dishonest *x)
{
    const bcemr_tr_consent opening = {x->post.terms, x->post.salt};
    x->consent = (bcemr_tr_e_consent){.ledger = x->c->consortium.ledger,
                                      .revoker = x->terms.revoker,
                                      .cloud = x->c->nodes[x->cloud].id,
                                      .latest = x->post.latest};
    must(bcemr_hash_value(&bcemr_type_consent, &opening, &x->consent.cm, NULL));
    sign_consent(x);
    hook(x, x->on_consent);
    x->consent_leaf = post_entry(x, &bcemr_type_e_consent, &x->consent, "cloud", x->cloud);
}

static inline void ask_for_it(dishonest *x)
{
    const uint8_t visits[1] = {1};
    const bcemr_nonce nonce = {{3}};
    bcemr_buf_clear(&x->ask);
    must(bcemr_doctor_ask(&x->c->doctors[READER], x->held, x->c->nodes[CLOUD_1].id,
                          bcemr_span_of(visits, 1), BCEMR_access_reason_TREATMENT, &nonce,
                          x->c->now, &x->ask, NULL));
    must(bcemr_read_access_ask(bcemr_buf_span(&x->ask), &x->request, NULL));
}

static inline uint64_t post_access(dishonest *x, uint64_t j, uint64_t node)
{
    bcemr_buf body = BCEMR_BUF_EMPTY, entry = BCEMR_BUF_EMPTY;
    x->body = (bcemr_tr_access_body){x->request.request, x->request.signature, x->consent_leaf, j,
                                     x->c->now};
    hook(x, x->on_body);
    must(bcemr_write_access_body(&x->body, &body, NULL));
    must(bcemr_access_make(&x->ka, &x->c->consortium.ledger, x->c->nodes[node].id,
                           bcemr_buf_span(&body), &entry, NULL));
    must(bcemr_read_e_access(bcemr_buf_span(&entry), &x->access, NULL));
    hook(x, x->on_access);
    uint64_t leaf = post_entry(x, &bcemr_type_e_access, &x->access, "cloud", node);
    bcemr_buf_free(&body);
    bcemr_buf_free(&entry);
    return leaf;
}

static inline bcemr_span prove(dishonest *x, size_t slot, uint64_t leaf)
{
    bcemr_buf_clear(&x->inclusions[slot]);
    must(x->c->view.inclusion(x->c->view.user, leaf, &x->inclusions[slot]));
    return bcemr_buf_span(&x->inclusions[slot]);
}

/* B' as an honest cloud would make it. */
static inline void make_record(dishonest *x)
{
    bcemr_secret_scalar rk;
    bcemr_scalar_raw raw;
    bcemr_tr_header header;
    assert_true(bcemr_list_at(&bcemr_type_scalar_item, &x->post.keys, 0, &raw));
    must(bcemr_secret_scalar_decode(&raw, &rk));
    must(bcemr_buf_set(&x->header, bcemr_buf_span(&x->c->header)));
    must(bcemr_read_header(bcemr_buf_span(&x->header), &header, NULL));
    x->records[0] = (bcemr_tr_reencrypted){.vid = x->c->vid, .header = bcemr_buf_span(&x->header)};
    must(bcemr_reencrypt(&rk, &header.b, &x->records[0].b, NULL));
    x->records[1] = x->records[0];
}

static inline void make_answer(dishonest *x)
{
    if (x->checkpointed != ledger_chain_size(x->c->chain))
        clinic_checkpoint(x->c);
    x->checkpointed = ledger_chain_size(x->c->chain);
    bcemr_buf_clear(&x->cosigned);
    must(x->c->view.checkpoint(x->c->view.user, &x->cosigned));
    make_record(x);
    for (uint64_t i = 0; i < x->earlier_count; i++)
        x->earlier_spans[i] = prove(x, 2 + i, x->earlier[i]);
    x->answer =
        (bcemr_tr_access_answer){.records = BCEMR_LIST_OF(x->records, 1),
                                 .consent_salt = x->post.salt,
                                 .consent = prove(x, 0, x->consent_leaf),
                                 .access = prove(x, 1, x->access_leaf),
                                 .earlier = BCEMR_LIST_OF(x->earlier_spans, x->earlier_count),
                                 .checkpoint = bcemr_buf_span(&x->cosigned)};
    hook(x, x->on_answer);
}

static inline bcemr_status take_answer(dishonest *x)
{
    bcemr_buf_clear(&x->answer_bytes);
    must(bcemr_write_access_answer(&x->answer, &x->answer_bytes, NULL));
    return bcemr_doctor_take_answer(&x->c->doctors[READER], x->held,
                                    bcemr_buf_span(&x->answer_bytes), &why);
}

/* All of it, once. End with dishonest_free. */
static inline bcemr_status play_grant(dishonest *x, clinic *c)
{
    x->c = c;
    x->cloud = x->cloud ? x->cloud : CLOUD_1;
    make_grant(x);
    hook(x, x->on_offer);
    must(take_offer(x));
    if (!x->access_first)
        post_consent(x);
    else
        x->consent_leaf = ledger_chain_size(c->chain) + 1;
    ask_for_it(x);
    hook(x, x->before_access);
    x->access_leaf = post_access(x, x->j, x->cloud);
    if (x->access_first)
        post_consent(x);
    hook(x, x->after_access);
    make_answer(x);
    return take_answer(x);
}

static inline void dishonest_free(dishonest *x)
{
    bcemr_held_grant_free(x->held);
    for (size_t i = 0; i < COUNT(x->inclusions); i++)
        bcemr_buf_free(&x->inclusions[i]);
    bcemr_buf_free(&x->ask);
    bcemr_buf_free(&x->cosigned);
    bcemr_buf_free(&x->header);
    bcemr_buf_free(&x->answer_bytes);
    bcemr_buf_free(&x->kept);
    memset(x, 0, sizeof *x);
}

/* A Revoke of the grant, posted now. */
static inline void revoke(dishonest *x)
{
    bcemr_buf entry = BCEMR_BUF_EMPTY;
    must(bcemr_patient_revoke(&x->c->wallet, &x->c->grant, &entry, NULL));
    must(clinic_post(x->c, bcemr_buf_span(&entry)));
    bcemr_buf_free(&entry);
}

#endif
