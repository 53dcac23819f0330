/* SPDX-License-Identifier: Apache-2.0 */
/* Checkpoints: who signed, for which set; a cosigner that signs one root a size; guilt. */
#include "proof_test.h"

/* A log of numbered checkpoints, as a member's own. */
typedef struct own_log {
    consortium *c;
    bcemr_set set;
    uint64_t sizes[8];
    uint64_t count;
    uint8_t branch; /* another history has other roots */
    bool keep_fails;
    uint64_t kept, signed_count, refused_count;
    bcemr_tr_checkpoint refused[2]; /* the last: what was asked, and the own */
    const bcemr_secrets *voters[4];
} own_log;

static void checkpoint_of(const own_log *log, uint64_t size, bcemr_tr_checkpoint *out)
{
    *out = (bcemr_tr_checkpoint){.ledger = log->c->ledger,
                                 .size = size,
                                 .tau = (int64_t)(1000 * size),
                                 .stops = log->c->ledger,
                                 .finds = log->c->ledger,
                                 .set_number = log->set.number,
                                 .set = log->set.hash};
    bcemr_store_u64(out->root.b, size);
    out->root.b[31] = log->branch;
}

static bcemr_status own(void *user, uint64_t size, bcemr_tr_checkpoint *out)
{
    const own_log *log = user;
    for (uint64_t i = 0; i < log->count; i++)
        if (log->sizes[i] == size) {
            checkpoint_of(log, size, out);
            return BCEMR_OK;
        }
    checkpoint_of(log, log->sizes[log->count - 1], out);
    return size > out->size ? BCEMR_E_NOT_FOUND : BCEMR_E_ABSENT;
}

static bcemr_status refused(void *user, const bcemr_tr_checkpoint *asked,
                            const bcemr_tr_checkpoint *mine)
{
    own_log *log = user;
    log->refused_count++;
    log->refused[0] = *asked;
    log->refused[1] = *mine;
    return log->keep_fails ? BCEMR_E_IO : BCEMR_OK;
}

static bcemr_status keep(void *user, const bcemr_tr_checkpoint *last)
{
    own_log *log = user;
    log->kept = last->size;
    return log->keep_fails ? BCEMR_E_IO : BCEMR_OK;
}

static bcemr_status sign(void *user, const bcemr_tr_checkpoint *checkpoint, bcemr_g1_raw *out,
                         bcemr_error *err)
{
    own_log *log = user;
    log->signed_count++;
    return bcemr_checkpoint_sign(&log->c->nodes[0].keys.x, checkpoint, out, err);
}

static void begin(consortium *c, own_log *log, bcemr_cosigner *cosigner)
{
    memset(log, 0, sizeof *log);
    log->c = c;
    must(bcemr_set_begin(&c->genesis, &log->set, NULL));
    for (uint64_t i = 0; i < 4; i++) {
        log->sizes[i] = 3 * (i + 1);
        log->voters[i] = &c->nodes[i].keys;
    }
    log->count = 4;
    *cosigner =
        (bcemr_cosigner){.sign = sign, .own = own, .keep = keep, .refused = refused, .user = log};
    bcemr_cosigner_begin(cosigner, &c->ledger, NULL);
}

/* ---- checking ---- */

static bcemr_verdict check(const own_log *log, const bcemr_tr_checkpoint *checkpoint,
                           uint64_t votes)
{
    bcemr_buf cosigned = BCEMR_BUF_EMPTY;
    consortium_cosign(&log->set, checkpoint, log->voters, votes, &cosigned);
    bcemr_verdict verdict = bcemr_checkpoint_check(log->c->context, &log->c->ledger, &log->set,
                                                   bcemr_buf_span(&cosigned), NULL, NULL);
    bcemr_buf_free(&cosigned);
    return verdict;
}

static void signed_by_enough(void **state)
{
    own_log log;
    bcemr_cosigner cosigner;
    bcemr_tr_checkpoint checkpoint;
    begin(*state, &log, &cosigner);
    checkpoint_of(&log, 3, &checkpoint);
    VERDICT(VALID, check(&log, &checkpoint, 15));
    VERDICT(VALID, check(&log, &checkpoint, 7));
    VERDICT(NOT_ENOUGH_SIGNERS, check(&log, &checkpoint, 3));
    log.voters[2] = &log.c->nodes[CLOUD_4].keys;
    VERDICT(BAD_CHECKPOINT, check(&log, &checkpoint, 7));
    bcemr_set_free(&log.set);
}

static void of_this_ledger_and_set(void **state)
{
    own_log log;
    bcemr_cosigner cosigner;
    bcemr_tr_checkpoint checkpoint;
    begin(*state, &log, &cosigner);
    checkpoint_of(&log, 3, &checkpoint);
    checkpoint.ledger.b[0] ^= 1;
    VERDICT(WRONG_LEDGER, check(&log, &checkpoint, 15));
    checkpoint_of(&log, 3, &checkpoint);
    checkpoint.set_number = 1;
    VERDICT(BAD_SET, check(&log, &checkpoint, 15));
    checkpoint_of(&log, 3, &checkpoint);
    checkpoint.set.b[0] ^= 1;
    VERDICT(BAD_SET, check(&log, &checkpoint, 15));
    bcemr_set_free(&log.set);
}

/* The bitmap decides whose keys count: one more bit than signatures is caught. */
static void counted_without_signing(void **state)
{
    own_log log;
    bcemr_cosigner cosigner;
    bcemr_tr_checkpoint checkpoint;
    bcemr_buf cosigned = BCEMR_BUF_EMPTY, again = BCEMR_BUF_EMPTY;
    bcemr_tr_cosigned value;
    static const uint8_t three = 7;
    begin(*state, &log, &cosigner);
    checkpoint_of(&log, 3, &checkpoint);
    consortium_cosign(&log.set, &checkpoint, log.voters, 3, &cosigned);
    must(bcemr_read_cosigned(bcemr_buf_span(&cosigned), &value, NULL));
    value.signers = bcemr_span_of(&three, 1);
    must(bcemr_write_cosigned(&value, &again, NULL));
    VERDICT(BAD_CHECKPOINT, bcemr_checkpoint_check(log.c->context, &log.c->ledger, &log.set,
                                                   bcemr_buf_span(&again), NULL, NULL));
    static const uint8_t spare = 0x17;
    value.signers = bcemr_span_of(&spare, 1);
    bcemr_buf_clear(&again);
    must(bcemr_write_cosigned(&value, &again, NULL));
    VERDICT(UNDECIDED, bcemr_checkpoint_check(log.c->context, &log.c->ledger, &log.set,
                                              bcemr_buf_span(&again), NULL, NULL));
    bcemr_buf_free(&cosigned);
    bcemr_buf_free(&again);
    bcemr_set_free(&log.set);
}

static void one_part(void **state)
{
    own_log log;
    bcemr_cosigner cosigner;
    bcemr_tr_checkpoint checkpoint;
    bcemr_g1_raw signature;
    begin(*state, &log, &cosigner);
    checkpoint_of(&log, 3, &checkpoint);
    must(bcemr_checkpoint_sign(&log.c->nodes[1].keys.x, &checkpoint, &signature, NULL));
    VERDICT(VALID, bcemr_checkpoint_part_check(log.c->context, &log.set.members[1], &checkpoint,
                                               &signature, NULL));
    VERDICT(BAD_CHECKPOINT, bcemr_checkpoint_part_check(log.c->context, &log.set.members[0],
                                                        &checkpoint, &signature, NULL));
    checkpoint.tau++;
    VERDICT(BAD_CHECKPOINT, bcemr_checkpoint_part_check(log.c->context, &log.set.members[1],
                                                        &checkpoint, &signature, NULL));
    bcemr_set_free(&log.set);
}

/* ---- the cosigner ---- */

static bcemr_status ask(bcemr_cosigner *cosigner, const bcemr_tr_checkpoint *checkpoint,
                        bcemr_error *err)
{
    bcemr_g1_raw signature;
    return bcemr_cosigner_sign(cosigner, checkpoint, &signature, err);
}

static void cosigner_signs_its_own_log(void **state)
{
    own_log log;
    bcemr_cosigner cosigner;
    bcemr_tr_checkpoint checkpoint;
    bcemr_error err;
    begin(*state, &log, &cosigner);
    checkpoint_of(&log, 3, &checkpoint);
    STATUS(OK, ask(&cosigner, &checkpoint, &err));
    STATUS(OK, ask(&cosigner, &checkpoint, &err)); /* the same again: the same signature */
    checkpoint_of(&log, 9, &checkpoint);
    STATUS(OK, ask(&cosigner, &checkpoint, &err));
    assert_int_equal(log.kept, 9);
    checkpoint_of(&log, 6, &checkpoint);
    STATUS(E_REFUSED, ask(&cosigner, &checkpoint, &err));
    assert_int_equal(err.verdict, BCEMR_STALE_PROOF);
    assert_int_equal(log.refused_count, 0); /* all true, so far */
    checkpoint_of(&log, 11, &checkpoint);   /* no block ends there */
    STATUS(E_REFUSED, ask(&cosigner, &checkpoint, &err));
    assert_int_equal(err.verdict, BCEMR_BAD_CHECKPOINT);
    assert_int_equal(log.refused_count, 1);
    assert_int_equal(log.refused[1].size, 12);
    checkpoint_of(&log, 13, &checkpoint); /* not come so far: that is no contradiction */
    STATUS(E_NOT_FOUND, ask(&cosigner, &checkpoint, &err));
    assert_int_equal(log.refused_count, 1);
    assert_int_equal(log.signed_count, 3);
    bcemr_set_free(&log.set);
}

static void cosigner_refuses_a_second_root(void **state)
{
    own_log log;
    bcemr_cosigner cosigner;
    bcemr_tr_checkpoint good, other;
    bcemr_error err;
    begin(*state, &log, &cosigner);
    checkpoint_of(&log, 3, &good);
    STATUS(OK, ask(&cosigner, &good, &err));
    static const char *const fields[] = {"root", "tau", "stops", "finds", "set_number", "set"};
    for (int i = 0; i < 6; i++) {
        other = good;
        other.root.b[9] ^= i == 0;
        other.tau += i == 1;
        other.stops.b[0] ^= i == 2;
        other.finds.b[0] ^= i == 3;
        other.set_number += i == 4;
        other.set.b[0] ^= i == 5;
        STATUS(E_REFUSED, ask(&cosigner, &other, &err));
        assert_int_equal(err.verdict, BCEMR_BAD_CHECKPOINT);
        assert_string_equal(err.field, fields[i]);
        assert_int_equal(log.refused_count, i + 1);
        assert_memory_equal(log.refused[0].root.b, other.root.b, 32);
        assert_memory_equal(log.refused[1].root.b, good.root.b, 32);
    }
    other = good;
    other.ledger.b[0] ^= 1;
    STATUS(E_REFUSED, ask(&cosigner, &other, &err));
    assert_int_equal(err.verdict, BCEMR_WRONG_LEDGER);
    assert_int_equal(log.signed_count, 1);
    bcemr_set_free(&log.set);
}

/* Its own log was swapped for another branch: it signs nothing that drops what it signed. */
static void cosigner_refuses_a_split_view(void **state)
{
    own_log log;
    bcemr_cosigner cosigner;
    bcemr_tr_checkpoint checkpoint;
    bcemr_error err;
    begin(*state, &log, &cosigner);
    checkpoint_of(&log, 3, &checkpoint);
    STATUS(OK, ask(&cosigner, &checkpoint, &err));
    log.branch = 1;
    checkpoint_of(&log, 6, &checkpoint);
    STATUS(E_REFUSED, ask(&cosigner, &checkpoint, &err));
    assert_int_equal(err.verdict, BCEMR_BAD_CONSISTENCY);
    /* Or the log was cut so that no block ends there any more. */
    log.branch = 0;
    log.sizes[0] = 4;
    checkpoint_of(&log, 6, &checkpoint);
    STATUS(E_REFUSED, ask(&cosigner, &checkpoint, &err));
    assert_int_equal(err.verdict, BCEMR_BAD_CONSISTENCY);
    bcemr_set_free(&log.set);
}

/* What it may have signed is durable before the signature exists. */
static void cosigner_keeps_first(void **state)
{
    own_log log;
    bcemr_cosigner cosigner;
    bcemr_tr_checkpoint checkpoint;
    begin(*state, &log, &cosigner);
    log.keep_fails = true;
    checkpoint_of(&log, 3, &checkpoint);
    STATUS(E_IO, ask(&cosigner, &checkpoint, NULL));
    assert_int_equal(log.signed_count, 0);
    bcemr_set_free(&log.set);
}

static void cosigner_after_a_restore(void **state)
{
    own_log log;
    bcemr_cosigner cosigner;
    bcemr_tr_checkpoint checkpoint;
    bcemr_buf cosigned = BCEMR_BUF_EMPTY;
    bcemr_error err;
    begin(*state, &log, &cosigner);
    bcemr_cosigner_distrust(&cosigner, 5999);
    checkpoint_of(&log, 6, &checkpoint);
    STATUS(E_STATE, ask(&cosigner, &checkpoint, &err));
    consortium_cosign(&log.set, &checkpoint, log.voters, 6, &cosigned); /* too few */
    STATUS(E_REFUSED, bcemr_cosigner_resume(&cosigner, log.c->context, &log.set, 0,
                                            bcemr_buf_span(&cosigned), &err));
    assert_int_equal(err.verdict, BCEMR_NOT_ENOUGH_SIGNERS);
    consortium_cosign(&log.set, &checkpoint, log.voters, 15, &cosigned); /* with its own */
    STATUS(E_REFUSED, bcemr_cosigner_resume(&cosigner, log.c->context, &log.set, 0,
                                            bcemr_buf_span(&cosigned), &err));
    assert_int_equal(err.verdict, BCEMR_BAD_CHECKPOINT);
    assert_string_equal(err.field, "signers");
    log.branch = 1; /* enough, but not what its own log says */
    consortium_cosign(&log.set, &checkpoint, log.voters, 14, &cosigned);
    STATUS(E_REFUSED, bcemr_cosigner_resume(&cosigner, log.c->context, &log.set, 0,
                                            bcemr_buf_span(&cosigned), &err));
    assert_int_equal(err.verdict, BCEMR_BAD_CHECKPOINT);
    STATUS(E_STATE, ask(&cosigner, &checkpoint, &err));
    log.branch = 0;
    cosigner.since = 6000; /* what it forgot may be as late as that */
    STATUS(E_REFUSED, bcemr_cosigner_resume(&cosigner, log.c->context, &log.set, 0,
                                            bcemr_buf_span(&cosigned), &err));
    assert_int_equal(err.verdict, BCEMR_STALE_PROOF);
    cosigner.since = 5999;
    STATUS(OK, bcemr_cosigner_resume(&cosigner, log.c->context, &log.set, 0,
                                     bcemr_buf_span(&cosigned), &err));
    STATUS(OK, ask(&cosigner, &checkpoint, &err));
    checkpoint_of(&log, 3, &checkpoint); /* what it was shown binds it, too */
    STATUS(E_REFUSED, ask(&cosigner, &checkpoint, &err));
    assert_int_equal(err.verdict, BCEMR_STALE_PROOF);
    bcemr_buf_free(&cosigned);
    bcemr_set_free(&log.set);
}

/* ---- small sets ---- */

static void small_set(const consortium *c, uint64_t n, bcemr_set *out)
{
    bcemr_tr_member members[7];
    bcemr_tr_genesis genesis = c->genesis;
    for (uint64_t i = 0; i < n; i++)
        members[i] = c->nodes[i].row;
    genesis.members = BCEMR_LIST_OF(members, n);
    must(bcemr_set_begin(&genesis, out, NULL));
}

/* Every bitmap in sets of one to five, for each place: the word of all others, where without the
 * one there can be no checkpoint, and nothing else. Neither is ever the other. */
static void the_word_of_all_others(void **state)
{
    const consortium *c = *state;
    const bcemr_secrets *voters[7];
    bcemr_set set = BCEMR_SET_EMPTY;
    bcemr_buf cosigned = BCEMR_BUF_EMPTY;
    for (int i = 0; i < 7; i++)
        voters[i] = &c->nodes[i].keys;
    for (uint64_t n = 1; n <= 5; n++) {
        small_set(c, n, &set);
        const bcemr_tr_checkpoint checkpoint = {.ledger = c->ledger, .size = 3, .set = set.hash};
        for (uint64_t votes = 1; votes < (uint64_t)1 << n; votes++) {
            consortium_cosign(&set, &checkpoint, voters, votes, &cosigned);
            bcemr_span bytes = bcemr_buf_span(&cosigned);
            bool enough = bcemr_checkpoint_check(c->context, &c->ledger, &set, bytes, NULL, NULL) ==
                          BCEMR_VALID;
            for (uint64_t place = 0; place <= n; place++) {
                bcemr_verdict verdict = bcemr_checkpoint_others_check(c->context, &c->ledger, &set,
                                                                      place, bytes, NULL, NULL);
                bool word = (n == 2 || n == 3) && place < n &&
                            votes == ((((uint64_t)1 << n) - 1) & ~((uint64_t)1 << place));
                assert_int_equal(verdict, word ? BCEMR_VALID : BCEMR_NOT_ENOUGH_SIGNERS);
                assert_false(word && enough);
            }
        }
    }
    bcemr_set_free(&set);
    bcemr_buf_free(&cosigned);
}

static void the_operators_word(void **state)
{
    own_log log;
    bcemr_cosigner cosigner;
    bcemr_tr_checkpoint checkpoint;
    bcemr_set set = BCEMR_SET_EMPTY;
    bcemr_error err;
    begin(*state, &log, &cosigner);
    for (uint64_t n = 1; n <= 7; n++) {
        small_set(*state, n, &set);
        bcemr_cosigner_distrust(&cosigner, INT64_MAX);
        checkpoint_of(&log, 6, &checkpoint);
        checkpoint.root.b[0] ^= 1; /* not what its own log says */
        STATUS(E_REFUSED, bcemr_cosigner_resume_by_operator(&cosigner, &set, &checkpoint, &err));
        assert_int_equal(err.verdict, n <= 3 ? BCEMR_BAD_CHECKPOINT : BCEMR_NOT_ENTITLED);
        checkpoint.root.b[0] ^= 1;
        bcemr_status status = bcemr_cosigner_resume_by_operator(&cosigner, &set, &checkpoint, &err);
        assert_int_equal(status, n <= 3 ? BCEMR_OK : BCEMR_E_REFUSED);
        assert_int_equal(cosigner.trusted, n <= 3);
    }
    bcemr_set_free(&set);
    bcemr_set_free(&log.set);
}

/* ---- inclusion and guilt ---- */

static void inclusion(void **state)
{
    own_log log;
    bcemr_cosigner cosigner;
    bcemr_tr_checkpoint checkpoint;
    bcemr_buf leaf = BCEMR_BUF_EMPTY, proof = BCEMR_BUF_EMPTY;
    bcemr_leaf_parts parts;
    bcemr_hash other = {{5}};
    uint64_t index;
    begin(*state, &log, &cosigner);
    must(bcemr_leaf_make(bcemr_buf_span(&log.c->signed_genesis), 0, 0, &leaf, NULL));
    checkpoint_of(&log, 2, &checkpoint);
    bcemr_hash hash;
    bcemr_tree_leaf_hash(bcemr_buf_span(&leaf), &hash);
    bcemr_tree_node_hash(&hash, &other, &checkpoint.root);
    bcemr_tr_inclusion value = {
        .leaf = bcemr_buf_span(&leaf), .index = 0, .size = 2, .path = BCEMR_LIST_OF(&other, 1)};
    must(bcemr_write_inclusion(&value, &proof, NULL));
    VERDICT(VALID,
            bcemr_inclusion_check(bcemr_buf_span(&proof), &checkpoint, &parts, &index, NULL));
    assert_int_equal(index, 0);
    assert_ptr_equal(parts.parts.type, &bcemr_type_genesis);
    checkpoint.size = 3;
    VERDICT(BAD_INCLUSION,
            bcemr_inclusion_check(bcemr_buf_span(&proof), &checkpoint, NULL, NULL, NULL));
    checkpoint.size = 2;
    checkpoint.root.b[0] ^= 1;
    VERDICT(BAD_INCLUSION,
            bcemr_inclusion_check(bcemr_buf_span(&proof), &checkpoint, NULL, NULL, NULL));
    bcemr_buf_free(&leaf);
    bcemr_buf_free(&proof);
    bcemr_set_free(&log.set);
}

static bcemr_verdict same_size(const own_log *log, const bcemr_buf *one, const bcemr_buf *other)
{
    const bcemr_cosigned_by first = {&log->set, bcemr_buf_span(one)};
    const bcemr_cosigned_by second = {&log->set, bcemr_buf_span(other)};
    return bcemr_guilt_same_size(log->c->context, &log->c->ledger, &first, &second, NULL);
}

static void guilt(void **state)
{
    own_log log;
    bcemr_cosigner cosigner;
    bcemr_tr_checkpoint checkpoint;
    bcemr_buf one = BCEMR_BUF_EMPTY, other = BCEMR_BUF_EMPTY;
    begin(*state, &log, &cosigner);
    checkpoint_of(&log, 3, &checkpoint);
    consortium_cosign(&log.set, &checkpoint, log.voters, 7, &one);
    consortium_cosign(&log.set, &checkpoint, log.voters, 15, &other);
    VERDICT(BAD_GUILT, same_size(&log, &one, &other)); /* the same checkpoint by others */
    checkpoint.root.b[0] ^= 1;
    consortium_cosign(&log.set, &checkpoint, log.voters, 15, &other);
    VERDICT(VALID, same_size(&log, &one, &other));
    consortium_cosign(&log.set, &checkpoint, log.voters, 3, &other);
    VERDICT(NOT_ENOUGH_SIGNERS, same_size(&log, &one, &other));
    checkpoint_of(&log, 6, &checkpoint);
    consortium_cosign(&log.set, &checkpoint, log.voters, 15, &other);
    VERDICT(BAD_GUILT, same_size(&log, &one, &other)); /* of another size */
    bcemr_buf_free(&one);
    bcemr_buf_free(&other);
    bcemr_set_free(&log.set);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(signed_by_enough),
        TEST(of_this_ledger_and_set),
        TEST(counted_without_signing),
        TEST(one_part),
        TEST(cosigner_signs_its_own_log),
        TEST(cosigner_refuses_a_second_root),
        TEST(cosigner_refuses_a_split_view),
        TEST(cosigner_keeps_first),
        TEST(cosigner_after_a_restore),
        TEST(the_word_of_all_others),
        TEST(the_operators_word),
        TEST(inclusion),
        TEST(guilt),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
