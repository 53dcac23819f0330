/* SPDX-License-Identifier: Apache-2.0 */
/* The case block: a header that fits its body, the body from Admit to Seal of one visit. */
#include "proof_test.h"

#define LEAVES 3 /* Admit, Sign, Seal */

typedef struct block {
    consortium *c;
    bcemr_tr_visit visit;
    bcemr_tr_team_doctor team;
    bcemr_span cloud;
    bcemr_hash vid;
    bcemr_tr_case record_case;
    bcemr_buf leaves[LEAVES + 1], v, acceptance, case_held;
    bcemr_span body[LEAVES + 1];
    uint64_t count;
    int64_t taus[LEAVES + 1];
    bcemr_tr_case_header header;
} block;

static void put_leaf(block *b, uint64_t i, const bcemr_type *type, const void *value)
{
    bcemr_buf signed_entry = BCEMR_BUF_EMPTY;
    must(bcemr_signed_make_value(type, value, NULL, 0, &signed_entry, NULL));
    bcemr_buf_clear(&b->leaves[i]);
    must(bcemr_leaf_make(bcemr_buf_span(&signed_entry), 10 + i, b->taus[i], &b->leaves[i], NULL));
    b->body[i] = bcemr_buf_span(&b->leaves[i]);
    bcemr_buf_free(&signed_entry);
}

static void put_sign(block *b, uint64_t i, const bcemr_hash *vid, const bcemr_hash *ledger)
{
    const bcemr_tr_e_sign sign = {.ledger = *ledger, .vid = *vid, .i = 1};
    put_leaf(b, i, &bcemr_type_e_sign, &sign);
}

static void put_seal(block *b, uint64_t i)
{
    static const uint8_t bits = 3;
    bcemr_buf_clear(&b->case_held);
    must(bcemr_write_case(&b->record_case, &b->case_held, NULL));
    const bcemr_tr_e_seal seal = {.ledger = b->c->ledger,
                                  .record_case = bcemr_buf_span(&b->case_held),
                                  .confirmers = bcemr_span_of(&bits, 1)};
    put_leaf(b, i, &bcemr_type_e_seal, &seal);
}

static void put_header(block *b)
{
    const bcemr_list body = BCEMR_LIST_OF(b->body, b->count);
    must(bcemr_case_header_make(4, &b->c->ledger, b->taus[b->count - 1], &b->vid, &b->record_case,
                                &body, &b->header, NULL));
}

static void begin(consortium *c, block *b)
{
    const bcemr_tr_acceptance acceptance = {{{0}}, {{{0}}, {{0}}}};
    memset(b, 0, sizeof *b);
    b->c = c;
    b->count = LEAVES;
    for (int i = 0; i <= LEAVES; i++)
        b->taus[i] = 1000 + i;
    b->cloud = bcemr_text("cloud-1");
    b->team = (bcemr_tr_team_doctor){.doctor = bcemr_text("doctor-1")};
    b->visit = (bcemr_tr_visit){.ledger = c->ledger,
                                .hospital = bcemr_text("hospital-1"),
                                .clouds = BCEMR_LIST_OF(&b->cloud, 1),
                                .u = 1,
                                .team = BCEMR_LIST_OF(&b->team, 1)};
    must(bcemr_write_visit(&b->visit, &b->v, NULL));
    must(bcemr_write_acceptance(&acceptance, &b->acceptance, NULL));
    bcemr_sha256(bcemr_buf_span(&b->v), &b->vid);
    b->record_case = (bcemr_tr_case){.vid = b->vid, .length = 100};
    const bcemr_tr_e_admit admit = {.ledger = c->ledger,
                                    .visit = bcemr_buf_span(&b->v),
                                    .acceptance = bcemr_buf_span(&b->acceptance)};
    put_leaf(b, 0, &bcemr_type_e_admit, &admit);
    put_sign(b, 1, &b->vid, &c->ledger);
    put_seal(b, 2);
    put_header(b);
}

static void end(block *b)
{
    for (int i = 0; i <= LEAVES; i++)
        bcemr_buf_free(&b->leaves[i]);
    bcemr_buf_free(&b->v);
    bcemr_buf_free(&b->acceptance);
    bcemr_buf_free(&b->case_held);
}

static bcemr_verdict check(const block *b)
{
    const bcemr_list body = BCEMR_LIST_OF(b->body, b->count);
    return bcemr_case_block_check(&b->c->ledger, &b->header, &body, NULL, NULL);
}

static void fits(void **state)
{
    block b;
    bcemr_tr_case out;
    begin(*state, &b);
    const bcemr_list body = BCEMR_LIST_OF(b.body, b.count);
    VERDICT(VALID, bcemr_case_block_check(&b.c->ledger, &b.header, &body, &out, NULL));
    assert_int_equal(out.length, 100);
    end(&b);
}

/* Doctor and cloud rewrite together: whatever is changed in the body, the header shows it. */
static void body_changed(void **state)
{
    block b;
    bcemr_hash other;
    begin(*state, &b);
    bcemr_sha256(bcemr_text("x"), &other);
    put_sign(&b, 1, &b.vid, &other);
    VERDICT(BAD_CASE_BLOCK, check(&b));
    end(&b);
    begin(*state, &b);
    b.body[1] = b.body[2]; /* a leaf left out */
    b.count = 2;
    VERDICT(BAD_CASE_BLOCK, check(&b));
    end(&b);
}

/* A header made over a body that is none. */
static void body_wrong(void **state)
{
    block b;
    bcemr_hash other;
    bcemr_sha256(bcemr_text("x"), &other);
    begin(*state, &b);
    put_sign(&b, 1, &other, &b.c->ledger); /* a leaf of another visit */
    put_header(&b);
    VERDICT(BAD_CASE_BLOCK, check(&b));
    put_sign(&b, 1, &b.vid, &other); /* of another ledger */
    put_header(&b);
    VERDICT(BAD_CASE_BLOCK, check(&b));
    put_sign(&b, 1, &b.vid, &b.c->ledger);
    put_header(&b);
    VERDICT(VALID, check(&b));
    b.count = 2; /* does not end with the Seal */
    put_header(&b);
    VERDICT(BAD_CASE_BLOCK, check(&b));
    b.count = LEAVES;
    bcemr_span first = b.body[0];
    b.body[0] = b.body[1]; /* does not start with the Admit */
    put_header(&b);
    VERDICT(BAD_CASE_BLOCK, check(&b));
    b.body[0] = first;
    b.taus[1] = 5000; /* times fall */
    put_sign(&b, 1, &b.vid, &b.c->ledger);
    put_header(&b);
    VERDICT(BAD_CASE_BLOCK, check(&b));
    end(&b);
}

static void other_kinds(void **state)
{
    block b;
    begin(*state, &b);
    const bcemr_tr_e_abort abort_entry = {b.c->ledger, b.vid, BCEMR_abort_reason_OTHER};
    put_leaf(&b, 1, &bcemr_type_e_abort, &abort_entry);
    put_header(&b);
    VERDICT(BAD_CASE_BLOCK, check(&b));
    end(&b);
}

static void header_changed(void **state)
{
    block b;
    begin(*state, &b);
    b.header.tau++;
    VERDICT(BAD_CASE_BLOCK, check(&b));
    b.header.tau--;
    b.header.record_case.b[0] ^= 1;
    VERDICT(BAD_CASE_BLOCK, check(&b));
    b.header.record_case.b[0] ^= 1;
    b.header.vid.b[0] ^= 1;
    VERDICT(BAD_CASE_BLOCK, check(&b));
    b.header.vid.b[0] ^= 1;
    VERDICT(VALID, check(&b));
    end(&b);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(fits), TEST(body_changed), TEST(body_wrong), TEST(other_kinds), TEST(header_changed),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
