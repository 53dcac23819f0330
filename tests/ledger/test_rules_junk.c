/* SPDX-License-Identifier: Apache-2.0 */
/* Entries with bytes changed, in any order: each is refused by name or taken, never more; and with
 * every check switched off nothing but the answer is wrong (run under the sanitizers). */
#include "rules_test.h"
#include "wire/fault.h"

#define STORY 40

typedef struct story {
    bcemr_buf entries[STORY];
    uint64_t count;
} story;

static uint64_t next_random(uint64_t *seed)
{
    *seed = *seed * 6364136223846793005u + 1442695040888963407u;
    return *seed >> 33;
}

/* One entry of each kind, taken from a ledger where each was accepted. */
static void make_story(world *w, story *s)
{
    world_visit one, two;
    bcemr_tr_e_consent consent;
    bcemr_tr_e_access access_entry;
    bcemr_tr_e_revoke revoke;
    bcemr_tr_e_erase erase;
    world_visit_make(w, 0, 2, &one);
    TAKEN(world_post_admit(w, &one));
    TAKEN(world_post_sign(w, &one, 1, 0));
    TAKEN(world_post_reissue(w, &one, 1, 0));
    TAKEN(world_post_sign(w, &one, 1, 1));
    TAKEN(world_post_amend(w, &one, (const int[]){2}, 1));
    TAKEN(world_post_sign(w, &one, 2, 0));
    TAKEN(world_post_seal(w, &one));
    world_visit_make(w, 1, 1, &two);
    TAKEN(world_post_admit(w, &two));
    TAKEN(world_post_abort(w, &two));
    TAKEN(world_join(w, &w->c.nodes[CLOUD_3]));
    TAKEN(world_leave(w, 4));
    world_consent(w, 1, CLOUD_1, &consent);
    TAKEN(world_post_by(w, &bcemr_type_e_consent, &consent, CLOUD_1));
    world_access(w, 1, CLOUD_1, &access_entry);
    TAKEN(world_post_by(w, &bcemr_type_e_access, &access_entry, CLOUD_1));
    world_revoke(w, 1, &revoke);
    TAKEN(world_post(w, &bcemr_type_e_revoke, &revoke, NULL, 0));
    world_erase(w, &one, CLOUD_1, BCEMR_asker_PATIENT, &erase);
    TAKEN(world_post_by(w, &bcemr_type_e_erase, &erase, CLOUD_1));
    TAKEN(world_retire(w, 3));
    bcemr_buf held = BCEMR_BUF_EMPTY;
    bcemr_leaf_parts leaf;
    memset(s, 0, sizeof *s);
    for (uint64_t i = 1; i < ledger_chain_size(w->chain); i++) {
        bcemr_buf_clear(&held);
        must(ledger_chain_leaf(w->chain, i, &held));
        must(bcemr_leaf_read(bcemr_buf_span(&held), &leaf, NULL));
        if (leaf.parts.type != &bcemr_type_case_header)
            must(bcemr_buf_append(&s->entries[s->count++], leaf.signed_entry));
    }
    bcemr_buf_free(&held);
    world_visit_free(&one);
    world_visit_free(&two);
}

static void free_story(story *s)
{
    for (uint64_t i = 0; i < s->count; i++)
        bcemr_buf_free(&s->entries[i]);
}

static ledger_chain *fresh_chain(const world *w)
{
    ledger_chain *chain;
    ledger_chain_options options = {.context = w->c.context};
    must(ledger_state_memory(&options.state));
    must(ledger_chain_open(&chain, &options, bcemr_buf_span(&w->c.signed_genesis), NULL));
    return chain;
}

/* A copy with some bytes changed, none, or the end cut off. */
static bcemr_span mutate(const bcemr_buf *entry, bcemr_buf *copy, uint64_t *seed)
{
    must(bcemr_buf_set(copy, bcemr_buf_span(entry)));
    for (uint64_t n = next_random(seed) % 4; n > 0; n--)
        copy->p[next_random(seed) % copy->n] ^= (uint8_t)(1u << next_random(seed) % 8);
    uint64_t cut = next_random(seed) % 16 == 0 ? next_random(seed) % copy->n : 0;
    return bcemr_span_of(copy->p, copy->n - cut);
}

static void changed_bytes(void **state)
{
    world *w = *state;
    story s;
    bcemr_buf copy = BCEMR_BUF_EMPTY;
    uint64_t seed = 1, refused = 0;
    make_story(w, &s);
    ledger_chain *chain = fresh_chain(w);
    int64_t clock = WORLD_START;
    for (uint64_t i = 0; i < 40 * s.count; i++) {
        /* Mostly the next of the story, so that it goes on; sometimes any. */
        uint64_t which = next_random(&seed) % 4 == 0 ? next_random(&seed) % s.count : i / 40;
        bcemr_error err;
        clock += 30;
        bcemr_status status = ledger_chain_submit_one(
            chain, clock, mutate(&s.entries[which], &copy, &seed), NULL, &err);
        assert_true(status == BCEMR_OK || (status == BCEMR_E_REFUSED && err.reason != 0));
        if (status != BCEMR_OK) {
            assert_string_not_equal(ledger_reason_name(err.reason), "UNKNOWN");
            refused++;
        }
    }
    assert_true(refused > 20 * s.count);
    assert_true(ledger_chain_size(chain) > s.count / 2);
    ledger_chain_close(chain);
    bcemr_buf_free(&copy);
    free_story(&s);
}

static void with_checks_off(void **state)
{
    world *w = *state;
    story s;
    bcemr_buf copy = BCEMR_BUF_EMPTY;
    uint64_t seed = 2;
    make_story(w, &s);
    static const uint32_t reasons[] = {
#define X(name, number, text) (number),
#include "ledger/rules/reasons.def"
#undef X
    };
    ledger_chain *chain = fresh_chain(w);
    for (size_t i = 0; i < sizeof reasons / sizeof reasons[0]; i++)
        bcemr_switch_off_reason(reasons[i]);
    for (uint64_t i = 0; i < 40 * s.count; i++) {
        uint64_t which = next_random(&seed) % 2 == 0 ? next_random(&seed) % s.count : i / 40;
        bcemr_status status = ledger_chain_submit_one(
            chain, WORLD_START + (int64_t)i, mutate(&s.entries[which], &copy, &seed), NULL, NULL);
        (void)status; /* anything, as long as it comes back */
    }
    bcemr_switch_all_on();
    ledger_chain_close(chain);
    bcemr_buf_free(&copy);
    free_story(&s);
}

int main(void)
{
    const struct CMUnitTest tests[] = {TEST(changed_bytes), TEST(with_checks_off)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
