/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The rules against an independent model (support/model): random entries, as they should be and
 * with every kind of fault, in blocks of random sizes. For each entry the model says accepted or
 * refused and why; after each block it says what must be so.
 *
 *   test_model [SEED [STEPS]]     a longer run; without arguments the suite
 *
 * On a difference: seed and ledger, and the shortest sequence of the entries that still shows it.
 */
#include "rules_test.h"
#include "support/model/compare.h"
#include "support/model/maker.h"
#include "wire/fault.h"

#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#define STEPS 100000
#define STEPS_A_LEDGER 2500
#define BLOCK_MAX 48

/* ---- what a run made ---- */

typedef struct made_block {
    int64_t clock;
    uint64_t first, count; /* entries of the maker */
} made_block;

typedef struct made {
    made_block *blocks;
    uint64_t block_count;
    const char **names;
    uint64_t name_count;
} made;

typedef struct coverage {
    uint64_t refused[1024], accepted[1024]; /* by reason; by place of the kind in kinds */
    uint64_t steps, both;
    bool planted;       /* this run is one with a reason off */
    bool noticed[1024]; /* with the reason off, the model contradicted the rules */
} coverage;

static const bcemr_type *const kinds[] = {
    &bcemr_type_e_join,    &bcemr_type_e_leave,   &bcemr_type_e_rekey,  &bcemr_type_e_upgrade,
    &bcemr_type_e_enrol,   &bcemr_type_e_retire,  &bcemr_type_e_admit,  &bcemr_type_e_amend,
    &bcemr_type_e_sign,    &bcemr_type_e_reissue, &bcemr_type_e_abort,  &bcemr_type_e_seal,
    &bcemr_type_e_confirm, &bcemr_type_e_consent, &bcemr_type_e_revoke, &bcemr_type_e_access,
    &bcemr_type_e_erase,
};
#define KINDS (sizeof kinds / sizeof kinds[0])

/* ---- a ledger and its model ---- */

typedef struct pair {
    model m;
    ledger_chain *chain;
    ledger_state state; /* the chain's, to look into */
} pair;

static void pair_begin(pair *p, const maker_pool *pool, const consortium *c)
{
    ledger_chain_options options = {.context = c->context, .remembered_claims = 4096};
    const bcemr_span genesis = bcemr_buf_span(&c->signed_genesis);
    must(ledger_state_memory(&options.state));
    p->state = options.state;
    must(ledger_chain_open(&p->chain, &options, genesis, NULL));
    model_begin(&p->m, &pool->signatures, genesis);
}

static void pair_end(pair *p)
{
    model_end(&p->m);
    ledger_chain_close(p->chain);
}

static void answer_text(const model_answer *answer, char text[128])
{
    uint64_t at = 0;
    (void)snprintf(text, 128, "accepts");
    for (uint64_t i = 0; i < answer->count && at < 90; i++)
        at += (uint64_t)snprintf(text + at, 128 - at, "%s%s", i ? " " : "",
                                 ledger_reason_name(answer->reasons[i]));
}

/* The rules did with one entry what the model says. */
static bool agree(const model_answer *answer, const ledger_outcome *outcome, difference *out)
{
    char text[128];
    answer_text(answer, text);
    bool same = answer->count == 0
                    ? outcome->status == BCEMR_OK && outcome->leaf == answer->leaf
                    : outcome->status == BCEMR_E_REFUSED && model_gives(answer, outcome->reason);
    if (same)
        return true;
    (void)snprintf(out->what, sizeof out->what, "%s: the rules say %s, the model %s",
                   answer->type ? bcemr_type_label(answer->type) : "no entry",
                   outcome->status == BCEMR_OK          ? "accepted"
                   : outcome->status == BCEMR_E_REFUSED ? ledger_reason_name(outcome->reason)
                                                        : bcemr_status_name(outcome->status),
                   text);
    return false;
}

/* The block went into the model already, with these answers. */
static bool same_block(pair *p, int64_t clock, const bcemr_span *entries,
                       const model_answer *answers, uint64_t count, ledger_outcome *outcomes,
                       difference *out)
{
    bcemr_error err = {0};
    memset(outcomes, 0, count * sizeof *outcomes);
    bcemr_status status = ledger_chain_submit(p->chain, clock, entries, count, outcomes, &err);
    if (status != BCEMR_OK) {
        (void)snprintf(out->what, sizeof out->what, "the ledger failed: %s",
                       bcemr_status_name(status));
        return false;
    }
    for (uint64_t i = 0; i < count; i++)
        if (!agree(&answers[i], &outcomes[i], out))
            return false;
    return model_same_touched(&p->m, p->chain, out);
}

/* ---- each reason off, once ---- */

/*
 * Shows that the model notices when a reason's check is missing: the first entries that this reason
 * alone refuses are checked with it off, until the model contradicts what the rules then say.
 */
static void try_without(pair *p, int64_t clock, const bcemr_span *entries,
                        const model_answer *answers, uint64_t count, coverage *seen)
{
    ledger_outcome outcomes[BLOCK_MAX];
    for (uint64_t i = 0; !seen->planted && i < count; i++) {
        for (uint64_t r = 0; answers[i].faults == 1 && r < answers[i].count; r++) {
            uint32_t reason = answers[i].reasons[r];
            if (seen->noticed[reason])
                continue;
            memset(outcomes, 0, sizeof outcomes);
            bcemr_switch_off_reason(reason);
            bcemr_status status =
                ledger_chain_check(p->chain, clock, entries, i + 1, outcomes, NULL);
            bcemr_switch_all_on();
            seen->noticed[reason] =
                status != BCEMR_OK || !agree(&answers[i], &outcomes[i], &(difference){{0}});
        }
    }
}

/* ---- the run ---- */

static uint64_t block_size(maker *mk)
{
    if (maker_chance(mk, 35))
        return 1;
    return maker_chance(mk, 80) ? 2 + maker_draw(mk, 8) : 8 + maker_draw(mk, BLOCK_MAX - 8);
}

static void count_answers(const model_answer *answers, const ledger_outcome *outcomes,
                          uint64_t count, coverage *seen)
{
    for (uint64_t i = 0; i < count; i++) {
        seen->steps++;
        seen->both += answers[i].faults > 1;
        if (answers[i].faults == 1)
            seen->refused[outcomes[i].reason % 1024]++;
        for (uint64_t k = 0; answers[i].count == 0 && k < KINDS; k++)
            seen->accepted[k] += answers[i].type == kinds[k];
    }
}

static void note_block(made *all, int64_t clock, uint64_t first, uint64_t count)
{
    all->blocks = realloc(all->blocks, (all->block_count + 1) * sizeof *all->blocks);
    if (!all->blocks)
        abort();
    all->blocks[all->block_count++] = (made_block){clock, first, count};
}

static void note_name(made *all, const char *name)
{
    all->names = realloc(all->names, (all->name_count + 1) * sizeof *all->names);
    if (!all->names)
        abort();
    all->names[all->name_count++] = name;
}

static bool make_block(pair *p, maker *mk, made *all, coverage *seen, difference *out)
{
    model_answer answers[BLOCK_MAX];
    bcemr_span entries[BLOCK_MAX];
    ledger_outcome outcomes[BLOCK_MAX];
    bcemr_buf entry = BCEMR_BUF_EMPTY;
    int64_t clock = maker_clock(mk);
    uint64_t count = block_size(mk), first = mk->past_count;
    note_block(all, clock, first, count);
    model_open_block(&p->m, clock);
    for (uint64_t i = 0; i < count; i++) {
        note_name(all, maker_next(mk, &entry));
        model_apply(&p->m, bcemr_buf_span(&entry), &answers[i]);
    }
    model_close_block(&p->m);
    bcemr_buf_free(&entry);
    for (uint64_t i = 0; i < count; i++)
        entries[i] = bcemr_buf_span(&mk->past[first + i]);
    try_without(p, clock, entries, answers, count, seen);
    bool same = same_block(p, clock, entries, answers, count, outcomes, out);
    count_answers(answers, outcomes, count, seen);
    return same;
}

/* ---- the shortest sequence ---- */

/* Plays the entries that are kept. True: there is a difference. */
static bool differs(const maker_pool *pool, const consortium *c, const maker *mk, const made *all,
                    const bool *keep, difference *out)
{
    pair p;
    bool same = true;
    pair_begin(&p, pool, c);
    for (uint64_t b = 0; same && b < all->block_count; b++) {
        model_answer answers[BLOCK_MAX];
        bcemr_span entries[BLOCK_MAX];
        ledger_outcome outcomes[BLOCK_MAX];
        uint64_t count = 0;
        model_open_block(&p.m, all->blocks[b].clock);
        for (uint64_t i = 0; i < all->blocks[b].count; i++) {
            uint64_t n = all->blocks[b].first + i;
            if (!keep[n])
                continue;
            entries[count] = bcemr_buf_span(&mk->past[n]);
            model_apply(&p.m, entries[count], &answers[count]);
            count++;
        }
        model_close_block(&p.m);
        same = count == 0 ||
               same_block(&p, all->blocks[b].clock, entries, answers, count, outcomes, out);
    }
    same = same && model_same_all(&p.m, p.chain, &p.state, out);
    pair_end(&p);
    return !same;
}

/* Leaves out more and more, as long as there is a difference. Returns how many entries are left. */
static uint64_t shorten(const maker_pool *pool, const consortium *c, const maker *mk,
                        const made *all, bool *keep, difference *out)
{
    uint64_t total = all->name_count, left = 0;
    for (uint64_t piece = total / 2; piece > 0; piece /= 2) {
        for (uint64_t at = 0; at < total; at += piece) {
            bool *without = malloc(total + 1);
            difference other = {{0}};
            uint64_t end = at + piece < total ? at + piece : total, gone = 0;
            if (!without)
                abort();
            memcpy(without, keep, total);
            for (uint64_t i = at; i < end; i++) {
                gone += without[i];
                without[i] = false;
            }
            if (gone > 0 && differs(pool, c, mk, all, without, &other)) {
                memcpy(keep, without, total);
                *out = other;
            }
            free(without);
        }
    }
    for (uint64_t i = 0; i < total; i++)
        left += keep[i];
    return left;
}

/* What a difference looks like. Returns how many entries are left. */
static uint64_t tell(FILE *to, const maker_pool *pool, const consortium *c, const maker *mk,
                     const made *all, difference *out)
{
    bool *keep = malloc(all->name_count + 1);
    if (!keep)
        abort();
    memset(keep, true, all->name_count);
    uint64_t left = 0;
    if (differs(pool, c, mk, all, keep, out))
        left = shorten(pool, c, mk, all, keep, out);
    else
        (void)fprintf(to, "played again there is no difference\n");
    (void)fprintf(to, "%s\n", out->what);
    for (uint64_t b = 0; b < all->block_count; b++)
        for (uint64_t i = 0; i < all->blocks[b].count; i++) {
            uint64_t n = all->blocks[b].first + i;
            bcemr_signed_parts parts;
            if (left == 0 || !keep[n])
                continue;
            bool reads = bcemr_signed_read(bcemr_buf_span(&mk->past[n]), &parts, NULL) == BCEMR_OK;
            (void)fprintf(to, "  step %llu, block %llu, clock %lld: %s (%s)\n",
                          (unsigned long long)n, (unsigned long long)b,
                          (long long)all->blocks[b].clock, all->names[n],
                          reads ? bcemr_type_label(parts.type) : "does not read");
        }
    free(keep);
    return left;
}

/* ---- ledgers, one after the other ---- */

static void made_free(made *all)
{
    free(all->blocks);
    free(all->names);
}

typedef struct run {
    uint64_t seed, steps; /* of each ledger */
    uint32_t off;         /* a reason that is switched off, or 0 */
    FILE *to;             /* where a difference is told */
    maker_pool pool;
    coverage seen;
    uint64_t left; /* how many entries the shortest sequence has; 0: no difference */
} run;

static void play_ledger(run *r, uint64_t number)
{
    static consortium c;
    pair p;
    maker mk;
    made all = {0};
    difference found = {{0}};
    bool same = true;
    memset(&c, 0, sizeof c);
    c.quota = 2 + number % 4; /* and so each has another id than the one before */
    consortium_begin(&c);
    pair_begin(&p, &r->pool, &c);
    maker_begin(&mk, &r->pool, &c, &p.m, r->seed * 1000003 + number);
    if (r->off)
        bcemr_switch_off_reason(r->off);
    while (same && all.name_count < r->steps)
        same = make_block(&p, &mk, &all, &r->seen, &found);
    same = same && model_same_all(&p.m, p.chain, &p.state, &found);
    if (!same) {
        (void)fprintf(r->to, "seed %llu, ledger %llu: ", (unsigned long long)r->seed,
                      (unsigned long long)number);
        r->left = tell(r->to, &r->pool, &c, &mk, &all, &found);
        r->left = r->left > 0 ? r->left : 1;
    }
    bcemr_switch_all_on();
    maker_end(&mk);
    pair_end(&p);
    made_free(&all);
    consortium_end(&c);
}

static void play(run *r, uint64_t steps)
{
    for (uint64_t n = 0; r->left == 0 && r->seen.steps < steps; n++)
        play_ledger(r, n);
    maker_pool_free(&r->pool);
}

static void print_coverage(const coverage *seen)
{
    uint64_t accepted = 0;
    for (uint64_t k = 0; k < KINDS; k++) {
        printf("  %-8s %6llu\n", bcemr_type_label(kinds[k]), (unsigned long long)seen->accepted[k]);
        accepted += seen->accepted[k];
    }
    printf("%llu steps, %llu accepted, %llu refused for more than one reason; for one alone:\n",
           (unsigned long long)seen->steps, (unsigned long long)accepted,
           (unsigned long long)seen->both);
#define X(name, number, text)                                                                      \
    printf("  %-26s %6llu%s\n", #name, (unsigned long long)seen->refused[number],                  \
           seen->noticed[number] ? "" : "   not noticed when off");
#include "ledger/rules/reasons.def"
#undef X
}

/* ---- the suite ---- */

/* What is no condition that could be left out: what does not read, or is not there, has no fields.
 */
static bool cannot_be_off(uint32_t reason)
{
    return reason == LEDGER_R_MALFORMED || reason == LEDGER_R_ENTRY_TOO_LONG ||
           reason == LEDGER_R_VISIT_UNKNOWN || reason == LEDGER_R_CASE_UNKNOWN;
}

/*
 * What a run like this does not come to, and the suite that shows that the check matters
 * (tests/ledger/planted.sh): sets and orders of 64; a visit that is known has keys that are used;
 * a sum of signatures that hold, holds.
 */
#define ELSEWHERE(X)                                                                               \
    X(SET_FULL, rules_set)                                                                         \
    X(ADMIT_KNOWN, rules_visit)                                                                    \
    X(AMEND_TOO_MANY, rules_visit)                                                                 \
    X(SEAL_SUM, rules_seal)

static bool is_elsewhere(uint32_t reason)
{
#define X(name, suite)                                                                             \
    if (reason == LEDGER_R_##name)                                                                 \
        return true;
    ELSEWHERE(X)
#undef X
    return false;
}

static void rules_and_model_agree(void **state)
{
    static run r = {.seed = 1, .steps = STEPS_A_LEDGER};
    (void)state;
    r.to = stderr;
    play(&r, STEPS);
    assert_int_equal(r.left, 0);
    assert_true(r.seen.steps >= STEPS);
    for (uint64_t k = 0; k < KINDS; k++)
        if (r.seen.accepted[k] < 100)
            fail_msg("only %llu of %s were accepted", (unsigned long long)r.seen.accepted[k],
                     bcemr_type_label(kinds[k]));
#define X(name, number, text)                                                                      \
    if (!is_elsewhere(number)) {                                                                   \
        if (r.seen.refused[number] == 0)                                                           \
            fail_msg("nothing was refused for " #name " alone");                                   \
        if (!r.seen.noticed[number] && !cannot_be_off(number))                                     \
            fail_msg("without " #name " nothing was noticed");                                     \
    }
#include "ledger/rules/reasons.def"
#undef X
}

/* With a check off a run ends in a difference, and what it tells is short and names the entry. */
static void a_missing_check_is_told(void **state)
{
    static const uint32_t planted[] = {LEDGER_R_CONSENT_LATE, LEDGER_R_SIGN_DELTA,
                                       LEDGER_R_TEAM_NOT_ACTIVE, LEDGER_R_SET_VOTES,
                                       LEDGER_R_ERASE_RETENTION};
    (void)state;
    for (uint64_t i = 0; i < sizeof planted / sizeof planted[0]; i++) {
        static run r;
        char told[4096] = {0};
        memset(&r, 0, sizeof r);
        r = (run){.seed = 7, .steps = 500, .off = planted[i], .to = tmpfile()};
        r.seen.planted = true;
        assert_non_null(r.to);
        play(&r, 9000);
        rewind(r.to);
        (void)!fread(told, 1, sizeof told - 1, r.to);
        (void)fclose(r.to);
        if (r.left == 0 || r.left > 60)
            fail_msg("without %s: %llu entries are left", ledger_reason_name(planted[i]),
                     (unsigned long long)r.left);
        assert_true(strncmp(told, "seed 7, ledger ", 15) == 0);
        assert_non_null(strstr(told, "step "));
    }
}

static int long_run(int argc, char **argv)
{
    static run r = {.steps = STEPS_A_LEDGER};
    r.seed = strtoull(argv[1], NULL, 10);
    r.to = stdout;
    play(&r, argc > 2 ? strtoull(argv[2], NULL, 10) : STEPS);
    print_coverage(&r.seen);
    return r.left == 0 ? 0 : 1;
}

int main(int argc, char **argv)
{
    if (argc > 1)
        return long_run(argc, argv);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(rules_and_model_agree),
        cmocka_unit_test(a_missing_check_is_told),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
