/* SPDX-License-Identifier: Apache-2.0 */
/* Indexes read in whole ranges: a row left out, moved or added shows in the head. */
#include "proof_test.h"

#define BLOCKS 4

typedef struct index_log {
    bcemr_hash heads[BLOCKS + 1];
    bcemr_buf encodings[BLOCKS];
    bcemr_span spans[BLOCKS];
} index_log;

static uint8_t keys[2 * BLOCKS][32];

static void make_block(const bcemr_tr_index *value, index_log *log, int i)
{
    bcemr_buf_clear(&log->encodings[i]);
    must(bcemr_write_index(value, &log->encodings[i], NULL));
    log->spans[i] = bcemr_buf_span(&log->encodings[i]);
    must(bcemr_index_head(value, &log->heads[i + 1], NULL));
}

/* Two rows a block, at heights 10, 20, ... */
static void begin(const consortium *c, index_log *log)
{
    memset(log, 0, sizeof *log);
    log->heads[0] = c->ledger;
    for (int i = 0; i < BLOCKS; i++) {
        bcemr_tr_index_row rows[2];
        for (int j = 0; j < 2; j++) {
            int n = 2 * i + j;
            keys[n][0] = (uint8_t)(n + 1);
            rows[j] = (bcemr_tr_index_row){(uint64_t)(3 * n), bcemr_text("Revoke"),
                                           bcemr_span_of(keys[n], 32)};
        }
        const bcemr_tr_index value = {bcemr_text("stops"), log->heads[i], (uint64_t)(10 * (i + 1)),
                                      BCEMR_LIST_OF(rows, 2)};
        make_block(&value, log, i);
    }
}

static void end(index_log *log)
{
    for (int i = 0; i < BLOCKS; i++)
        bcemr_buf_free(&log->encodings[i]);
}

static bcemr_verdict check(const index_log *log, int from, int to)
{
    const bcemr_list blocks = BCEMR_LIST_OF(log->spans + from, (uint64_t)(to - from));
    return bcemr_index_check("stops", &log->heads[from], &blocks, &log->heads[to], NULL);
}

static void ranges(void **state)
{
    index_log log;
    begin(*state, &log);
    VERDICT(VALID, check(&log, 0, BLOCKS));
    VERDICT(VALID, check(&log, 1, 3));
    VERDICT(VALID, check(&log, 2, 2));
    uint64_t leaf;
    const bcemr_list blocks = BCEMR_LIST_OF(log.spans, BLOCKS);
    STATUS(OK, bcemr_index_find(&blocks, "Revoke", bcemr_span_of(keys[5], 32), &leaf));
    assert_int_equal(leaf, 15);
    STATUS(E_NOT_FOUND, bcemr_index_find(&blocks, "Retire", bcemr_span_of(keys[5], 32), &leaf));
    STATUS(E_NOT_FOUND, bcemr_index_find(&blocks, "Revoke", bcemr_span_of(keys[5], 31), &leaf));
    end(&log);
}

static void left_out_or_moved(void **state)
{
    index_log log;
    begin(*state, &log);
    bcemr_span second = log.spans[1];
    log.spans[1] = log.spans[2];
    VERDICT(BAD_INDEX, check(&log, 0, 3)); /* a block twice, one missing */
    log.spans[1] = second;
    bcemr_hash head = log.heads[3];
    log.heads[3] = log.heads[4];
    VERDICT(BAD_INDEX, check(&log, 0, 3)); /* the last one withheld */
    log.heads[3] = head;
    log.heads[0].b[0] ^= 1;
    VERDICT(BAD_INDEX, check(&log, 0, 3));
    end(&log);
}

/* Blocks that hash well to a head but do not ascend, or are of the other index. */
static void well_hashed_but_wrong(void **state)
{
    index_log log;
    bcemr_tr_index value;
    begin(*state, &log);
    bcemr_tr_index_row rows[2] = {
        {9, bcemr_text("Revoke"), bcemr_span_of(keys[0], 32)},
        {9, bcemr_text("Revoke"), bcemr_span_of(keys[1], 32)},
    };
    value = (bcemr_tr_index){bcemr_text("stops"), log.heads[1], 20, BCEMR_LIST_OF(rows, 2)};
    make_block(&value, &log, 1);
    VERDICT(BAD_INDEX, check(&log, 0, 2));
    rows[1].leaf = 12;
    make_block(&value, &log, 1);
    VERDICT(VALID, check(&log, 0, 2));
    rows[0].leaf = 1; /* before the last of the block before */
    make_block(&value, &log, 1);
    VERDICT(BAD_INDEX, check(&log, 0, 2));
    rows[0].leaf = 9;
    value.height = 10;
    make_block(&value, &log, 1);
    VERDICT(BAD_INDEX, check(&log, 0, 2));
    value.height = 20;
    value.name = bcemr_text("finds");
    make_block(&value, &log, 1);
    VERDICT(BAD_INDEX, check(&log, 0, 2));
    end(&log);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(ranges),
        TEST(left_out_or_moved),
        TEST(well_hashed_but_wrong),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
