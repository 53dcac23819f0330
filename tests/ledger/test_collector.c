/* SPDX-License-Identifier: Apache-2.0 */
/* The collector of a checkpoint's signatures (section 8.2): thresholds, the deadline and its names,
 * and every kind of answer that is not one. */
#include "rules_test.h"

#include "ledger/checkpoint/collector.h"
#include "wire/fault.h"

#define NOW ((int64_t)1000000)
#define MS 500
#define END_AT (NOW + MS)

/* A set of n members and a checkpoint of it; no chain. */
typedef struct round {
    bcemr_set set;
    bcemr_tr_checkpoint checkpoint;
    ledger_collector collector;
    bcemr_buf answer, result;
    bcemr_error err;
} round;

static round r;

static const bcemr_secrets *keys_of(const world *w, uint64_t place)
{
    return &w->c.nodes[place].keys;
}

static void make_set(const world *w, uint64_t n, bcemr_set *out)
{
    bcemr_tr_member members[BCEMR_SET_MAX];
    bcemr_tr_genesis genesis = w->c.genesis;
    for (uint64_t i = 0; i < n; i++)
        members[i] = w->c.nodes[i].row;
    genesis.members = BCEMR_LIST_OF(members, n);
    must(bcemr_set_begin(&genesis, out, NULL));
}

static bcemr_status begin_with(const world *w, uint64_t n, bool until_then, const char *resumes)
{
    make_set(w, n, &r.set);
    r.checkpoint = (bcemr_tr_checkpoint){.ledger = w->c.ledger,
                                         .size = 9,
                                         .root = {{1}},
                                         .tau = WORLD_START,
                                         .set_number = 0,
                                         .set = r.set.hash};
    const ledger_collector_setup setup = {.context = w->c.context,
                                          .set = &r.set,
                                          .checkpoint = &r.checkpoint,
                                          .now = NOW,
                                          .ms = MS,
                                          .until_then = until_then,
                                          .resumes = bcemr_text(resumes)};
    return ledger_collector_begin(&r.collector, &setup, &r.err);
}

static void begin(const world *w, uint64_t n, bool until_then)
{
    must(begin_with(w, n, until_then, ""));
}

static void end(void)
{
    ledger_collector_free(&r.collector);
    bcemr_set_free(&r.set);
    bcemr_buf_free(&r.answer);
    bcemr_buf_free(&r.result);
}

/* ---- answers ---- */

static bcemr_status give(const char *id, const bcemr_g1_raw *signature)
{
    bcemr_tr_cosign_answer answer = {.member = bcemr_text(id)};
    if (signature)
        answer.signature = bcemr_span_of(signature->b, sizeof signature->b);
    bcemr_sha256(bcemr_buf_span(&r.collector.question), &answer.checkpoint);
    bcemr_buf_clear(&r.answer);
    must(bcemr_write_cosign_answer(&answer, &r.answer, NULL));
    return ledger_collector_take(&r.collector, NOW + 1, bcemr_buf_span(&r.answer), &r.err);
}

static void good_part(const world *w, uint64_t place, bcemr_g1_raw *out)
{
    must(bcemr_checkpoint_sign(&keys_of(w, place)->x, &r.checkpoint, out, NULL));
}

/* Of another checkpoint: a point of the group, and not the signature. */
static void bad_part(const world *w, uint64_t place, bcemr_g1_raw *out)
{
    bcemr_tr_checkpoint other = r.checkpoint;
    other.root.b[0] ^= 1;
    must(bcemr_checkpoint_sign(&keys_of(w, place)->x, &other, out, NULL));
}

static bcemr_status sign(const world *w, uint64_t place)
{
    bcemr_g1_raw part;
    good_part(w, place, &part);
    return give(w->c.nodes[place].id, &part);
}

static bcemr_status sign_badly(const world *w, uint64_t place)
{
    bcemr_g1_raw part;
    bad_part(w, place, &part);
    return give(w->c.nodes[place].id, &part);
}

static void refuse(const char *id, bcemr_status status, bcemr_verdict verdict, const char *field)
{
    bcemr_tr_cosign_answer answer = {.member = bcemr_text(id),
                                     .status = (uint64_t)status,
                                     .verdict = (uint64_t)verdict,
                                     .field = bcemr_text(field)};
    bcemr_sha256(bcemr_buf_span(&r.collector.question), &answer.checkpoint);
    bcemr_buf_clear(&r.answer);
    must(bcemr_write_cosign_answer(&answer, &r.answer, NULL));
    must(ledger_collector_take(&r.collector, NOW + 1, bcemr_buf_span(&r.answer), &r.err));
}

#define REFUSED_WITH(name, where, call)                                                            \
    do {                                                                                           \
        r.err = (bcemr_error){0};                                                                  \
        assert_int_equal((call), BCEMR_E_REFUSED);                                                 \
        assert_string_equal(bcemr_verdict_name(r.err.verdict), #name);                             \
        assert_string_equal(r.err.field, where);                                                   \
    } while (0)

#define STATE(name, at) assert_int_equal(ledger_collector_state(&r.collector, (at)), LEDGER_##name)

static bcemr_verdict check_result(const world *w, int64_t at)
{
    bcemr_buf_clear(&r.result);
    must(ledger_collector_result(&r.collector, at, &r.result, &r.err));
    return bcemr_checkpoint_check(w->c.context, &w->c.ledger, &r.set, bcemr_buf_span(&r.result),
                                  NULL, NULL);
}

/* ---- enough ---- */

static void thresholds(void **state)
{
    const world *w = *state;
    static const uint64_t needed[] = {0, 1, 2, 3, 3, 4, 5, 5};
    for (uint64_t n = 1; n <= 7; n++) {
        begin(w, n, false);
        assert_int_equal(r.collector.needed, needed[n]);
        for (uint64_t i = 0; i < needed[n]; i++) {
            STATE(COLLECTING, NOW + 1);
            STATE(MISSED, END_AT);
            assert_int_equal(ledger_collector_result(&r.collector, NOW + 1, &r.result, &r.err),
                             BCEMR_E_STATE);
            must(sign(w, n - 1 - i)); /* in any order */
        }
        STATE(COLLECTED, NOW + 1);
        STATE(COLLECTED, END_AT);
        assert_int_equal(check_result(w, NOW + 1), BCEMR_VALID);
        end();
    }
}

static void goes_on_until_the_deadline(void **state)
{
    const world *w = *state;
    bcemr_tr_cosigned value;
    begin(w, 5, true);
    for (uint64_t i = 0; i < 4; i++)
        must(sign(w, i));
    STATE(COLLECTING, NOW + 1);
    STATE(COLLECTED, END_AT);
    assert_int_equal(check_result(w, END_AT), BCEMR_VALID);
    must(sign(w, 4));
    STATE(COLLECTED, NOW + 1); /* all have signed: nothing to wait for */
    assert_int_equal(check_result(w, NOW + 1), BCEMR_VALID);
    must(bcemr_read_cosigned(bcemr_buf_span(&r.result), &value, NULL));
    assert_int_equal(bcemr_bitmap_count(value.signers), 5);
    end();
}

/* ---- the deadline ---- */

static void names_who_did_not_sign(void **state)
{
    const world *w = *state;
    static const ledger_part parts[] = {LEDGER_PART_SIGNED, LEDGER_PART_REFUSED, LEDGER_PART_ASKED,
                                        LEDGER_PART_NOT_ASKED};
    begin(w, 4, false);
    for (uint64_t i = 0; i < 3; i++)
        ledger_collector_sent(&r.collector, bcemr_text(w->c.nodes[i].id));
    ledger_collector_sent(&r.collector, bcemr_text("a stranger"));
    must(sign(w, 0));
    refuse("hospital-2", BCEMR_E_REFUSED, BCEMR_BAD_CHECKPOINT, "root");
    for (int i = 0; i < 4; i++)
        assert_int_equal(r.collector.rows[i].part, parts[i]);
    assert_int_equal(r.collector.rows[1].status, BCEMR_E_REFUSED);
    assert_int_equal(r.collector.rows[1].verdict, BCEMR_BAD_CHECKPOINT);
    assert_string_equal(r.collector.rows[1].field, "root");
    STATE(COLLECTING, END_AT - 1);
    STATE(MISSED, END_AT);
    assert_int_equal(ledger_collector_result(&r.collector, END_AT, &r.result, &r.err),
                     BCEMR_E_TIMED_OUT);
    assert_int_equal(r.result.n, 0);
    /* What comes after it comes too late, whatever it is. */
    bcemr_g1_raw part;
    good_part(w, 2, &part);
    must(give("cloud-1", &part));
    assert_int_equal(ledger_collector_take(&r.collector, END_AT, bcemr_buf_span(&r.answer), &r.err),
                     BCEMR_E_TIMED_OUT);
    end();
}

static void all_answered_and_too_few_signed(void **state)
{
    const world *w = *state;
    begin(w, 3, false);
    must(sign(w, 0));
    must(sign(w, 1));
    refuse("cloud-1", BCEMR_E_NOT_FOUND, BCEMR_VALID, "size");
    REFUSED_WITH(NOT_ENOUGH_SIGNERS, "signers",
                 ledger_collector_result(&r.collector, END_AT, &r.result, &r.err));
    /* Who was behind and has caught up may still sign. */
    must(sign(w, 2));
    STATE(COLLECTED, NOW + 1);
    assert_int_equal(check_result(w, NOW + 1), BCEMR_VALID);
    end();
}

static void every_part_has_a_text(void **state)
{
    (void)state;
    for (int part = LEDGER_PART_NOT_ASKED; part <= LEDGER_PART_EXCLUDED; part++)
        assert_string_not_equal(ledger_part_text((ledger_part)part), "unknown");
    assert_string_equal(ledger_part_text((ledger_part)99), "unknown");
}

/* ---- answers that are none ---- */

static void bad_parts_are_named(void **state)
{
    const world *w = *state;
    begin(w, 4, false);
    must(sign(w, 0));
    must(sign_badly(w, 1)); /* nobody has looked yet */
    /* Now they look; the one that came last was good. */
    must(sign(w, 2));
    assert_int_equal(r.collector.rows[1].part, LEDGER_PART_BAD);
    assert_true(r.collector.rows[0].checked && r.collector.rows[2].checked);
    STATE(COLLECTING, NOW + 1);
    REFUSED_WITH(BAD_CHECKPOINT, "signature", sign_badly(w, 3));
    assert_int_equal(r.err.index, 3);
    assert_int_equal(r.collector.rows[3].part, LEDGER_PART_BAD);
    REFUSED_WITH(BAD_CHECKPOINT, "signature", sign_badly(w, 1));
    must(sign(w, 1)); /* a false one does not take its place */
    STATE(COLLECTED, NOW + 1);
    assert_int_equal(check_result(w, NOW + 1), BCEMR_VALID);
    end();
}

static void two_parts_of_one_member(void **state)
{
    const world *w = *state;
    begin(w, 4, false);
    must(sign(w, 0));
    assert_int_equal(sign(w, 0), BCEMR_E_REPEATED);
    assert_int_equal(sign_badly(w, 0), BCEMR_E_REPEATED);
    assert_int_equal(r.collector.rows[0].part, LEDGER_PART_SIGNED);
    /* The false one first: it gives way. */
    must(sign_badly(w, 1));
    must(sign(w, 1));
    must(sign(w, 2));
    STATE(COLLECTED, NOW + 1);
    /* What is signed is not taken back. */
    bcemr_tr_cosign_answer no = {.checkpoint = r.collector.asked,
                                 .member = bcemr_text("hospital-1"),
                                 .status = BCEMR_E_STATE};
    bcemr_buf_clear(&r.answer);
    must(bcemr_write_cosign_answer(&no, &r.answer, NULL));
    assert_int_equal(
        ledger_collector_take(&r.collector, NOW + 1, bcemr_buf_span(&r.answer), &r.err),
        BCEMR_E_REPEATED);
    end();
}

static void not_a_point(void **state)
{
    const world *w = *state;
    bcemr_g1_raw part;
    begin(w, 4, false);
    good_part(w, 0, &part);
    part.b[0] &= 0x7f;
    REFUSED_WITH(BAD_CHECKPOINT, "signature", give("hospital-1", &part));
    memset(&part, 0, sizeof part);
    part.b[0] = 0xc0; /* the identity */
    REFUSED_WITH(BAD_CHECKPOINT, "signature", give("hospital-1", &part));
    assert_int_equal(r.collector.rows[0].part, LEDGER_PART_BAD);
    must(sign(w, 0));
    end();
}

static void of_others_and_of_other_questions(void **state)
{
    const world *w = *state;
    bcemr_g1_raw part;
    begin(w, 4, false);
    good_part(w, 4, &part); /* hospital-3 is not in the set */
    REFUSED_WITH(BAD_SET, "member", give("hospital-3", &part));
    bcemr_tr_checkpoint other = r.checkpoint;
    other.size++;
    bcemr_tr_cosign_answer answer = {.member = bcemr_text("hospital-1")};
    bcemr_buf question = BCEMR_BUF_EMPTY;
    must(bcemr_write_checkpoint(&other, &question, NULL));
    bcemr_sha256(bcemr_buf_span(&question), &answer.checkpoint);
    must(bcemr_checkpoint_sign(&keys_of(w, 0)->x, &other, &part, NULL));
    answer.signature = bcemr_span_of(part.b, sizeof part.b);
    bcemr_buf_clear(&r.answer);
    must(bcemr_write_cosign_answer(&answer, &r.answer, NULL));
    REFUSED_WITH(BAD_CHECKPOINT, "checkpoint",
                 ledger_collector_take(&r.collector, NOW + 1, bcemr_buf_span(&r.answer), &r.err));
    /* Neither a signature nor a reason. */
    answer.checkpoint = r.collector.asked;
    answer.signature = (bcemr_span){0};
    bcemr_buf_clear(&r.answer);
    must(bcemr_write_cosign_answer(&answer, &r.answer, NULL));
    assert_int_equal(
        ledger_collector_take(&r.collector, NOW + 1, bcemr_buf_span(&r.answer), &r.err),
        BCEMR_E_ABSENT);
    assert_int_equal(
        ledger_collector_take(&r.collector, NOW + 1, bcemr_buf_span(&question), &r.err),
        BCEMR_E_UNKNOWN_KIND);
    assert_int_equal(r.collector.rows[0].part, LEDGER_PART_NOT_ASKED);
    bcemr_buf_free(&question);
    end();
}

/* ---- colluders ---- */

/* -a mod q, a not 0. */
static void negate(bcemr_secret_scalar *a)
{
    static const uint8_t q[32] = {0x01, 0x00, 0x00, 0x00, 0xff, 0xff, 0xff, 0xff, 0xfe, 0x5b, 0xfe,
                                  0xff, 0x02, 0xa4, 0xbd, 0x53, 0x05, 0xd8, 0xa1, 0x09, 0x08, 0xd8,
                                  0x39, 0x33, 0x48, 0x7d, 0x9d, 0x29, 0x53, 0xa7, 0xed, 0x73};
    int borrow = 0;
    for (int i = 0; i < 32; i++) {
        int digit = q[i] - a->b[i] - borrow;
        borrow = digit < 0;
        a->b[i] = (uint8_t)(digit + 256 * borrow);
    }
}

static void weight_of(uint64_t place, uint64_t n, bcemr_secret_scalar *out)
{
    bcemr_g2_raw xs[8];
    bcemr_buf held = BCEMR_BUF_EMPTY;
    bcemr_hash hash;
    for (uint64_t i = 0; i < n; i++)
        xs[i] = r.set.members[i].x;
    const bcemr_tr_weight weight = {xs[place], BCEMR_LIST_OF(xs, n)};
    must(bcemr_write_weight(&weight, &held, NULL));
    bcemr_sha256(bcemr_buf_span(&held), &hash);
    memset(out, 0, sizeof *out);
    memcpy(out->b, hash.b, 16);
    bcemr_buf_free(&held);
}

/* (x + error) H1(checkpoint). */
static void part_with_error(const world *w, uint64_t place, const bcemr_secret_scalar *error,
                            bcemr_g1_raw *out)
{
    const bcemr_secret_scalar terms[2] = {keys_of(w, place)->x, *error};
    bcemr_secret_scalar sum;
    must(bcemr_secret_scalar_polynomial(terms, 2, 1, &sum));
    must(bcemr_checkpoint_sign(&sum, &r.checkpoint, out, NULL));
}

/* Two whose errors cancel among three: who signs with them is counted, but in another company the
 * sum fails. What was good stays, and they are named. */
static void errors_that_cancel(void **state)
{
    const world *w = *state;
    bcemr_secret_scalar e1, e2;
    bcemr_g1_raw part;
    begin(w, 4, true);
    weight_of(2, 3, &e1);
    weight_of(1, 3, &e2);
    negate(&e2);
    part_with_error(w, 1, &e1, &part);
    must(sign(w, 0));
    must(give("hospital-2", &part));
    part_with_error(w, 2, &e2, &part);
    must(give("cloud-1", &part));
    assert_int_equal(r.collector.joined, 3);
    must(sign(w, 3));
    assert_int_equal(r.collector.rows[1].part, LEDGER_PART_BAD);
    assert_int_equal(r.collector.rows[2].part, LEDGER_PART_BAD);
    assert_int_equal(r.collector.joined, 3);
    assert_int_equal(check_result(w, END_AT), BCEMR_VALID);
    end();
}

/* A key made to cancel another's: both are counted by a plain sum, and nobody by a weighted one. */
static void rogue_keys(void **state)
{
    const world *w = *state;
    bcemr_g1_raw part;
    begin(w, 4, false);
    r.collector.set.members[1].x = r.collector.set.members[0].x;
    r.collector.set.members[1].x.b[0] ^= 0x20; /* -X */
    bad_part(w, 0, &part);
    must(give("hospital-1", &part));
    part.b[0] ^= 0x20;
    must(give("hospital-2", &part));
    must(sign(w, 2));
    assert_int_equal(r.collector.rows[0].part, LEDGER_PART_BAD);
    assert_int_equal(r.collector.rows[1].part, LEDGER_PART_BAD);
    assert_int_equal(r.collector.joined, 0);
    end();
}

/* ---- the word of all others ---- */

static void for_one_that_resumes(void **state)
{
    const world *w = *state;
    for (uint64_t n = 2; n <= 3; n++) {
        must(begin_with(w, n, false, "hospital-1"));
        assert_int_equal(r.collector.rows[0].part, LEDGER_PART_EXCLUDED);
        REFUSED_WITH(BAD_SET, "member", sign(w, 0));
        for (uint64_t i = 1; i < n; i++) {
            STATE(COLLECTING, NOW + 1);
            must(sign(w, i));
        }
        STATE(COLLECTED, NOW + 1);
        assert_int_equal(check_result(w, NOW + 1), BCEMR_NOT_ENOUGH_SIGNERS); /* no checkpoint */
        assert_int_equal(bcemr_checkpoint_others_check(w->c.context, &w->c.ledger, &r.set, 0,
                                                       bcemr_buf_span(&r.result), NULL, NULL),
                         BCEMR_VALID);
        end();
    }
    static const uint64_t others[] = {1, 4, 5, 7};
    for (int i = 0; i < 4; i++) {
        REFUSED_WITH(NOT_ENTITLED, "resumes", begin_with(w, others[i], false, "hospital-1"));
        end();
    }
    REFUSED_WITH(BAD_SET, "resumes", begin_with(w, 3, false, "cloud-2"));
    end();
}

/* ---- beginning, failing ---- */

static void at_most_one_a_block(void **state)
{
    world *w = *state;
    static ledger_collector collector;
    bcemr_buf answer = BCEMR_BUF_EMPTY, cosigned = BCEMR_BUF_EMPTY;
    must(ledger_collector_begin_at(&collector, w->chain, NOW, MS, false, &w->err));
    for (int i = 0; i < 3; i++) {
        bcemr_g1_raw part;
        bcemr_tr_cosign_answer value = {.checkpoint = collector.asked,
                                        .member = bcemr_text(w->c.nodes[i].id)};
        must(bcemr_checkpoint_sign(&w->c.nodes[i].keys.x, &collector.checkpoint, &part, NULL));
        value.signature = bcemr_span_of(part.b, sizeof part.b);
        bcemr_buf_clear(&answer);
        must(bcemr_write_cosign_answer(&value, &answer, NULL));
        must(ledger_collector_take(&collector, NOW, bcemr_buf_span(&answer), &w->err));
    }
    must(ledger_collector_result(&collector, NOW, &cosigned, &w->err));
    must(ledger_chain_keep_cosigned(w->chain, bcemr_buf_span(&cosigned), &w->err));
    ledger_collector_free(&collector);
    assert_int_equal(ledger_collector_begin_at(&collector, w->chain, NOW, MS, false, &w->err),
                     BCEMR_E_EXISTS);
    TAKEN(world_retire(w, 0));
    must(ledger_collector_begin_at(&collector, w->chain, NOW, MS, false, &w->err));
    ledger_collector_free(&collector);
    bcemr_buf_free(&answer);
    bcemr_buf_free(&cosigned);
}

static void begins_only_as_it_should(void **state)
{
    const world *w = *state;
    begin(w, 4, false);
    bcemr_tr_checkpoint other = r.checkpoint;
    other.set.b[0] ^= 1;
    ledger_collector_setup setup = {
        .context = w->c.context, .set = &r.set, .checkpoint = &other, .now = NOW, .ms = MS};
    static ledger_collector second;
    REFUSED_WITH(BAD_SET, "set", ledger_collector_begin(&second, &setup, &r.err));
    other = r.checkpoint;
    setup.ms = 0;
    assert_int_equal(ledger_collector_begin(&second, &setup, &r.err), BCEMR_E_ARGUMENT);
    setup.ms = INT64_MAX;
    assert_int_equal(ledger_collector_begin(&second, &setup, &r.err), BCEMR_E_ARGUMENT);
    end();
}

/* Without memory for it an answer fails by that name and no other; the next one goes on. */
static void without_memory(void **state)
{
    const world *w = *state;
    bcemr_switch_fail_allocation(0);
    begin(w, 3, false);
    must(sign(w, 0));
    must(sign(w, 1));
    bcemr_g1_raw part;
    good_part(w, 2, &part);
    bcemr_status status = BCEMR_E_NO_MEMORY;
    for (uint64_t n = 1; n < 100 && status == BCEMR_E_NO_MEMORY; n++) {
        bcemr_tr_cosign_answer answer = {.checkpoint = r.collector.asked,
                                         .member = bcemr_text("cloud-1"),
                                         .signature = bcemr_span_of(part.b, sizeof part.b)};
        bcemr_buf_clear(&r.answer);
        must(bcemr_write_cosign_answer(&answer, &r.answer, NULL));
        bcemr_switch_fail_allocation(n);
        status = ledger_collector_take(&r.collector, NOW + 1, bcemr_buf_span(&r.answer), &r.err);
        bcemr_switch_fail_allocation(0);
        if (status == BCEMR_E_NO_MEMORY) {
            assert_int_not_equal(r.collector.rows[2].part, LEDGER_PART_BAD);
            assert_int_equal(r.collector.joined, 0);
        }
    }
    must(status);
    STATE(COLLECTED, NOW + 1);
    end();
}

/* Each check is needed: without it the result is one that others refuse. */
static void without_its_checks(void **state)
{
    const world *w = *state;
    begin(w, 4, false);
    must(sign(w, 0));
    must(sign(w, 1));
    bcemr_switch_off(BCEMR_BAD_CHECKPOINT);
    must(sign_badly(w, 2));
    bcemr_switch_all_on();
    STATE(COLLECTED, NOW + 1);
    assert_int_equal(check_result(w, NOW + 1), BCEMR_BAD_CHECKPOINT);
    end();
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(thresholds),
        TEST(goes_on_until_the_deadline),
        TEST(names_who_did_not_sign),
        TEST(all_answered_and_too_few_signed),
        TEST(every_part_has_a_text),
        TEST(bad_parts_are_named),
        TEST(two_parts_of_one_member),
        TEST(not_a_point),
        TEST(of_others_and_of_other_questions),
        TEST(errors_that_cancel),
        TEST(rogue_keys),
        TEST(for_one_that_resumes),
        TEST(at_most_one_a_block),
        TEST(begins_only_as_it_should),
        TEST(without_memory),
        TEST(without_its_checks),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
