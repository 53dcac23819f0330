/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Case files that must not hold (section 8). First what anyone can do who has files: parts left
 * out, exchanged, added. Then what a whole consortium could do: a ledger takes what its rules
 * refuse, and cosigns it; the file that it gives is refused by one named check, and by that one
 * alone, since it holds once the check is switched off.
 */
#include "client/client_test.h"

/* clinic.h is named so that every room is linked. */
#include "support/case_world.h"
#include "support/clinic.h"

static world w;
static bcemr_buf file, forged;
static bcemr_case_report report;
static case_pieces pieces;

#define TAKEN(call)                                                                                \
    do {                                                                                           \
        uint32_t reason_ = (call);                                                                 \
        if (reason_ != 0)                                                                          \
            fail_msg("refused with %s", ledger_reason_name(reason_));                              \
    } while (0)

static int begin(void **state)
{
    (void)switches_on(state);
    world_begin(&w, 0);
    return 0;
}

static int end(void **state)
{
    (void)switches_on(state);
    bcemr_case_report_free(&report);
    bcemr_buf_free(&file);
    bcemr_buf_free(&forged);
    world_end(&w);
    return 0;
}

static bcemr_status check(const bcemr_buf *bytes)
{
    bcemr_case_report_free(&report);
    return case_world_check(w.c.context, bcemr_buf_span(&w.c.signed_genesis), bcemr_buf_span(bytes),
                            &report, &why);
}

/* Nothing of a file that does not hold is told. */
static void tells_nothing(void)
{
    const bcemr_case_step step = report.step;
    static const bcemr_case_report nothing;
    report.step = BCEMR_CASE_READ;
    assert_memory_equal(&report, &nothing, sizeof nothing);
    report.step = step;
}

static void refused_at(bcemr_case_step step, bcemr_verdict verdict, const bcemr_buf *bytes)
{
    REFUSED(verdict, check(bytes));
    if (report.step != step)
        fail_msg("refused at: %s", bcemr_case_step_text(report.step));
    tells_nothing();
}

static void make(const bcemr_hash *vid)
{
    case_world_checkpoint(&w);
    OK(case_world_make(&w, vid, &file, &why));
    OK(check(&file));
    case_world_take_apart(bcemr_buf_span(&file), &pieces);
}

/* The pieces as they were changed, refused at this step. */
static void pieces_refused(bcemr_case_step step, bcemr_verdict verdict)
{
    must(case_world_put_together(&pieces, &forged));
    refused_at(step, verdict, &forged);
    case_world_take_apart(bcemr_buf_span(&file), &pieces);
}

/* ---- a visit with something of everything ---- */

static world_visit visit;
static const int tail[] = {2, 3};

/* Set changes around it, an upgrade, a reissue, an amendment: three sign. */
static void play(void)
{
    TAKEN(world_join(&w, &w.c.nodes[HOSPITAL_3]));
    TAKEN(case_world_upgrade(&w, 2, ledger_chain_height(w.chain) + 2, 3, 60000));
    world_visit_make(&w, 1, 2, &visit);
    visit.v.reissues = 3;
    TAKEN(world_post_admit(&w, &visit));
    TAKEN(world_post_sign(&w, &visit, 1, 0));
    TAKEN(world_post_reissue(&w, &visit, 1, 0)); /* by doctor-2, who never signs */
    TAKEN(world_post_sign(&w, &visit, 1, 1));
    TAKEN(world_join(&w, &w.c.nodes[CLOUD_3]));
    TAKEN(world_post_amend(&w, &visit, tail, 2));
    TAKEN(case_world_upgrade(&w, 3, ledger_chain_height(w.chain) + 2, 3, 30000));
    TAKEN(world_post_sign(&w, &visit, 2, 0));
    TAKEN(world_post_sign(&w, &visit, 3, 0));
    TAKEN(world_post_seal(&w, &visit));
    TAKEN(case_world_rekey(&w, CLOUD_2, "cloud-2 anew"));
    make(&visit.vid);
    assert_int_equal(pieces.set_count, 3);
    assert_int_equal(pieces.upgrade_count, 2);
    assert_int_equal(pieces.enrolment_count, 4);
    assert_int_equal(pieces.body_count, 8);
}

static void drop(bcemr_span *items, uint64_t *count, uint64_t i)
{
    --*count;
    memmove(items + i, items + i + 1, (size_t)(*count - i) * sizeof *items);
}

static void twice(bcemr_span *items, uint64_t *count, uint64_t i)
{
    memmove(items + i + 1, items + i, (size_t)(*count - i) * sizeof *items);
    ++*count;
}

static void swap(bcemr_span *items, uint64_t i)
{
    const bcemr_span held = items[i];
    items[i] = items[i + 1];
    items[i + 1] = held;
}

/* ---- left out, doubled, exchanged ---- */

static void body_changed(void **state)
{
    (void)state;
    play();
    for (uint64_t i = 0; i < 7; i++) {
        drop(pieces.body, &pieces.body_count, i);
        must(case_world_put_together(&pieces, &forged));
        FAILS(BCEMR_E_REFUSED, check(&forged)); /* the visit, or the header's hash of the body */
        assert_true(report.step == BCEMR_CASE_VISIT || report.step == BCEMR_CASE_CASE);
        tells_nothing();
        case_world_take_apart(bcemr_buf_span(&file), &pieces);
    }
    drop(pieces.body, &pieces.body_count, 7); /* the Seal: the header follows something else */
    pieces_refused(BCEMR_CASE_READ, BCEMR_BAD_CASE_FILE);
    for (uint64_t i = 0; i < 8; i++) {
        twice(pieces.body, &pieces.body_count, i);
        pieces_refused(BCEMR_CASE_READ, BCEMR_BAD_CASE_FILE);
        if (i == 7)
            break;
        swap(pieces.body, i);
        pieces_refused(BCEMR_CASE_READ, BCEMR_BAD_CASE_FILE);
    }
    world_visit_free(&visit);
}

static void sets_changed(void **state)
{
    (void)state;
    play();
    for (uint64_t i = 0; i < 3; i++) {
        drop(pieces.sets, &pieces.set_count, i); /* the last one, too: the checkpoint names it */
        pieces_refused(i < 2 ? BCEMR_CASE_SETS : BCEMR_CASE_CHECKPOINT, BCEMR_BAD_SET);
        twice(pieces.sets, &pieces.set_count, i);
        pieces_refused(BCEMR_CASE_READ, BCEMR_BAD_CASE_FILE);
        if (i == 2)
            break;
        swap(pieces.sets, i);
        pieces_refused(BCEMR_CASE_READ, BCEMR_BAD_CASE_FILE);
    }
    pieces.set_count = 0;
    pieces_refused(BCEMR_CASE_CHECKPOINT, BCEMR_BAD_SET);
    pieces.sets[0] = pieces.upgrades[0]; /* no change of the set */
    pieces.set_count = 1;
    pieces_refused(BCEMR_CASE_SETS, BCEMR_BAD_SET);
    world_visit_free(&visit);
}

static void upgrades_changed(void **state)
{
    (void)state;
    play();
    drop(pieces.upgrades, &pieces.upgrade_count, 0);
    pieces_refused(BCEMR_CASE_UPGRADES, BCEMR_BAD_UPGRADE);
    pieces.upgrade_count = 0; /* then N of the ticket is not the genesis's */
    pieces_refused(BCEMR_CASE_ENTRIES, BCEMR_BAD_TICKET);
    twice(pieces.upgrades, &pieces.upgrade_count, 1);
    pieces_refused(BCEMR_CASE_READ, BCEMR_BAD_CASE_FILE);
    swap(pieces.upgrades, 0);
    pieces_refused(BCEMR_CASE_READ, BCEMR_BAD_CASE_FILE);
    pieces.upgrades[1] = pieces.body[3];
    pieces_refused(BCEMR_CASE_UPGRADES, BCEMR_BAD_UPGRADE);
    /* That the last one is left out no file can show: all that hangs on it was checked more
     * loosely here, and by the cosigners as it should be. */
    drop(pieces.upgrades, &pieces.upgrade_count, 1);
    must(case_world_put_together(&pieces, &forged));
    OK(check(&forged));
    assert_int_equal(report.upgrades, 1);
    world_visit_free(&visit);
}

static void an_upgrade_that_counts(void **state)
{
    (void)state;
    bcemr_tr_e_sign sign;
    TAKEN(case_world_upgrade(&w, 2, ledger_chain_height(w.chain) + 2, CONSORTIUM_REISSUES, 600000));
    world_visit_make(&w, 1, 1, &visit);
    TAKEN(world_post_admit(&w, &visit));
    world_sign(&w, &visit, 1, 0, &sign);
    sign.time -= 300000;
    world_sign_again(&w, &visit, &sign);
    TAKEN(world_post(&w, &bcemr_type_e_sign, &sign, NULL, 0));
    TAKEN(world_post_seal(&w, &visit));
    TAKEN(case_world_upgrade(&w, 3, ledger_chain_height(w.chain) + 2, 1, 1));
    make(&visit.vid);
    pieces.upgrade_count = 0;
    pieces_refused(BCEMR_CASE_ENTRIES, BCEMR_CLOCK_DIFFERENCE);
    world_visit_free(&visit);
}

static void enrolments_changed(void **state)
{
    (void)state;
    play();
    for (uint64_t i = 0; i < 4; i++) {
        drop(pieces.enrolments, &pieces.enrolment_count, i);
        pieces_refused(BCEMR_CASE_ENTRIES, BCEMR_NOT_ENROLLED);
        twice(pieces.enrolments, &pieces.enrolment_count, i); /* of nobody else */
        must(case_world_put_together(&pieces, &forged));
        FAILS(BCEMR_E_REFUSED, check(&forged));
        assert_int_equal(report.step, BCEMR_CASE_ENTRIES);
        tells_nothing();
        case_world_take_apart(bcemr_buf_span(&file), &pieces);
        if (i == 3)
            break;
        swap(pieces.enrolments, i);
        pieces_refused(BCEMR_CASE_ENTRIES, BCEMR_NOT_ENROLLED);
    }
    pieces.enrolment_count = 2; /* fewer than signed */
    pieces_refused(BCEMR_CASE_ENROLMENTS, BCEMR_NOT_ENROLLED);
    pieces.enrolments[1] = pieces.sets[0];
    pieces_refused(BCEMR_CASE_ENROLMENTS, BCEMR_BAD_ENROLMENT);
    world_visit_free(&visit);
}

/* What is proven, but is not needed: a case file is made of one visit and one ledger alone. */
static void more_than_needed(void **state)
{
    (void)state;
    case_pieces more;
    bcemr_buf other = BCEMR_BUF_EMPTY;
    world_visit another;
    TAKEN(world_enrol(&w, 4, "hospital-2"));
    world_sealed_visit(&w, 2, 2, &another);
    TAKEN(case_world_upgrade(&w, 2, ledger_chain_height(w.chain) + 2, CONSORTIUM_REISSUES, 60000));
    world_sealed_visit(&w, 3, 3, &visit);
    make(&visit.vid);
    must(bcemr_buf_append(&other, bcemr_buf_span(&file)));
    case_world_take_apart(bcemr_buf_span(&other), &more);
    make(&another.vid);
    assert_int_equal(pieces.upgrade_count, 0);
    /* an enrolment; an upgrade after the Seal; leaves of another visit among the own and behind */
    pieces.enrolments[pieces.enrolment_count++] = more.enrolments[2];
    pieces_refused(BCEMR_CASE_ENTRIES, BCEMR_BAD_CASE_FILE);
    pieces.upgrades[pieces.upgrade_count++] = more.upgrades[0];
    pieces_refused(BCEMR_CASE_READ, BCEMR_BAD_CASE_FILE);
    pieces.body[1] = more.body[1];
    pieces_refused(BCEMR_CASE_READ, BCEMR_BAD_CASE_FILE);
    pieces.body[pieces.body_count++] = more.body[0];
    pieces_refused(BCEMR_CASE_READ, BCEMR_BAD_CASE_FILE);
    /* the header of the other case; its body; both, without its enrolments */
    pieces.value.header = more.value.header;
    pieces_refused(BCEMR_CASE_READ, BCEMR_BAD_CASE_FILE);
    memcpy(pieces.body, more.body, sizeof more.body);
    pieces.body_count = more.body_count;
    pieces_refused(BCEMR_CASE_READ, BCEMR_BAD_CASE_FILE);
    memcpy(pieces.body, more.body, sizeof more.body);
    pieces.body_count = more.body_count;
    pieces.value.header = more.value.header;
    pieces_refused(BCEMR_CASE_ENROLMENTS, BCEMR_NOT_ENROLLED);
    /* a byte behind the end; a diagnosis that is not there */
    must(bcemr_buf_set(&forged, bcemr_buf_span(&file)));
    must(bcemr_buf_append(&forged, bcemr_text("x")));
    refused_at(BCEMR_CASE_DOCUMENTS, BCEMR_BAD_CASE_FILE, &forged);
    world_visit_free(&visit);
    world_visit_free(&another);
    bcemr_buf_free(&other);
}

static void other_ledgers(void **state)
{
    (void)state;
    static world other;
    bcemr_buf older = BCEMR_BUF_EMPTY;
    case_pieces old;
    world_visit first;
    world_sealed_visit(&w, 2, 2, &first);
    make(&first.vid);
    must(bcemr_buf_append(&older, bcemr_buf_span(&file)));
    case_world_take_apart(bcemr_buf_span(&older), &old);
    world_visit_free(&first);
    play();
    /* another genesis */
    other.c.quota = 77;
    consortium_begin(&other.c);
    bcemr_case_report_free(&report);
    REFUSED(BCEMR_WRONG_LEDGER,
            case_world_check(w.c.context, bcemr_buf_span(&other.c.signed_genesis),
                             bcemr_buf_span(&older), &report, &why));
    assert_int_equal(report.step, BCEMR_CASE_CHECKPOINT);
    FAILS(BCEMR_E_REFUSED, case_world_check(w.c.context, bcemr_buf_span(&other.c.signed_genesis),
                                            bcemr_buf_span(&file), &report, &why));
    assert_int_equal(report.step, BCEMR_CASE_SETS);
    consortium_end(&other.c);
    /* an older checkpoint of the same ledger, which all proofs do not lead to */
    pieces.value.checkpoint = old.value.checkpoint;
    pieces_refused(BCEMR_CASE_INCLUDED, BCEMR_BAD_INCLUSION);
    /* a leaf with an older proof */
    pieces.enrolments[0] = old.enrolments[0];
    pieces_refused(BCEMR_CASE_INCLUDED, BCEMR_BAD_INCLUSION);
    assert_string_equal(why.field, "enrolments");
    assert_int_equal(why.index, 0);
    world_visit_free(&visit);
    bcemr_buf_free(&older);
}

/* ---- checkpoints that must not count ---- */

static void resign(uint64_t number, const bcemr_hash *set_hash, const bcemr_set *set,
                   const bcemr_secrets *const *voters, uint64_t votes, bcemr_buf *held)
{
    bcemr_tr_checkpoint checkpoint;
    must(ledger_chain_checkpoint(w.chain, &checkpoint, NULL));
    checkpoint.set_number = number;
    checkpoint.set = *set_hash;
    bcemr_buf_clear(held);
    consortium_cosign(set, &checkpoint, voters, votes, held);
    pieces.value.checkpoint = bcemr_buf_span(held);
}

static void checkpoints_that_do_not_count(void **state)
{
    (void)state;
    bcemr_set old = BCEMR_SET_EMPTY, now = BCEMR_SET_EMPTY;
    bcemr_buf held = BCEMR_BUF_EMPTY;
    const bcemr_secrets *before[4];
    for (int i = 0; i < 4; i++)
        before[i] = &w.c.nodes[i].keys;
    must(bcemr_set_begin(&w.c.genesis, &old, NULL));
    world_sealed_visit(&w, 1, 2, &visit);
    TAKEN(world_join(&w, &w.c.nodes[HOSPITAL_3]));
    TAKEN(world_join(&w, &w.c.nodes[CLOUD_3]));
    must(ledger_chain_set_now(w.chain, &now, NULL));
    make(&visit.vid);
    resign(2, &now.hash, &now, w.voters, 0x3f, &held); /* as it should be */
    must(case_world_put_together(&pieces, &forged));
    OK(check(&forged));
    resign(0, &old.hash, &old, before, 0x0f, &held); /* the old set */
    pieces_refused(BCEMR_CASE_CHECKPOINT, BCEMR_BAD_SET);
    resign(2, &old.hash, &old, before, 0x0f, &held); /* the old set under the new number */
    pieces_refused(BCEMR_CASE_CHECKPOINT, BCEMR_BAD_SET);
    resign(2, &now.hash, &old, before, 0x0f, &held); /* and hash: no bitmap over six */
    must(case_world_put_together(&pieces, &forged));
    FAILS(BCEMR_E_REFUSED, check(&forged));
    assert_int_equal(report.step, BCEMR_CASE_CHECKPOINT);
    case_world_take_apart(bcemr_buf_span(&file), &pieces);
    resign(2, &now.hash, &now, w.voters, 0x0f, &held); /* two thirds, not more */
    pieces_refused(BCEMR_CASE_CHECKPOINT, BCEMR_NOT_ENOUGH_SIGNERS);
    const bcemr_secrets *wrong[6];
    memcpy(wrong, w.voters, sizeof wrong);
    wrong[3] = &w.c.authority;
    resign(2, &now.hash, &now, wrong, 0x3f, &held);
    pieces_refused(BCEMR_CASE_CHECKPOINT, BCEMR_BAD_CHECKPOINT);
    bcemr_set_free(&old);
    bcemr_set_free(&now);
    bcemr_buf_free(&held);
    world_visit_free(&visit);
}

/* ---- leaves that no ledger makes ---- */

/* A leaf of this entry, with a row of signers or none. */
static void leaf_of(const bcemr_type *type, const void *entry, bool with_row, uint64_t height,
                    int64_t tau, bcemr_buf *out)
{
    bcemr_buf inner = BCEMR_BUF_EMPTY, outer = BCEMR_BUF_EMPTY;
    static const uint8_t signature[64];
    const bcemr_tr_signer row = {bcemr_text("hospital"), bcemr_text("hospital-1"),
                                 bcemr_span_of(signature, sizeof signature)};
    must(bcemr_write(type, entry, &inner, NULL));
    must(bcemr_signed_make(bcemr_buf_span(&inner), &row, with_row ? 1 : 0, &outer, NULL));
    bcemr_buf_clear(out);
    must(bcemr_leaf_make(bcemr_buf_span(&outer), height, tau, out, NULL));
    bcemr_buf_free(&inner);
    bcemr_buf_free(&outer);
}

/* Refused with this verdict, and taken without that check. */
static void relogged(const case_leaf *leaves, uint64_t count, bcemr_verdict verdict)
{
    case_world_relog(&w, bcemr_buf_span(&file), leaves, count, &forged);
    ENDS_WITH(verdict, check(&forged));
    if (verdict == BCEMR_VALID)
        return;
    tells_nothing();
    bcemr_switch_off(verdict);
    OK(check(&forged));
    bcemr_switch_all_on();
}

static void header_again(const bcemr_tr_case_header *header, uint64_t height, int64_t tau,
                         bool with_row, bcemr_verdict verdict)
{
    bcemr_buf held = BCEMR_BUF_EMPTY;
    leaf_of(&bcemr_type_case_header, header, with_row, height, tau, &held);
    const case_leaf leaf = {ledger_chain_size(w.chain) - 1, bcemr_buf_span(&held)};
    relogged(&leaf, 1, verdict);
    bcemr_buf_free(&held);
}

static void headers(void **state)
{
    (void)state;
    world_sealed_visit(&w, 1, 2, &visit);
    make(&visit.vid);
    const bcemr_tr_case_header real = report.header;
    bcemr_tr_case_header header = real;
    const uint64_t height = ledger_chain_height(w.chain);
    const int64_t tau = real.tau;
    relogged(NULL, 0, BCEMR_VALID);
    header_again(&header, height, tau, false, BCEMR_VALID);
    header_again(&header, height + 1, tau, false, BCEMR_BAD_CASE_BLOCK);
    header_again(&header, height, tau + 1, false, BCEMR_BAD_CASE_BLOCK);
    header_again(&header, height, tau, true, BCEMR_BAD_CASE_BLOCK);
    header.height = 1; /* though the ledger id stands before it */
    header_again(&header, height, tau, false, BCEMR_BAD_CASE_BLOCK);
    header = real;
    header.previous = real.body;
    header_again(&header, height, tau, false, BCEMR_BAD_CASE_BLOCK);
    header = real;
    header.record_case = real.body;
    header_again(&header, height, tau, false, BCEMR_BAD_CASE_BLOCK);
    header = real;
    header.body = real.record_case;
    header_again(&header, height, tau, false, BCEMR_BAD_CASE_BLOCK);
    world_visit_free(&visit);
}

/* A row of signers under the second leaf of the body, a Sign, which carries its own signature. */
static void a_row_too_many(void **state)
{
    (void)state;
    bcemr_buf sign = BCEMR_BUF_EMPTY, header_held = BCEMR_BUF_EMPTY;
    bcemr_tr_inclusion inclusion;
    bcemr_leaf_parts parts;
    bcemr_tr_e_sign entry;
    bcemr_span leaves[CASE_WORLD_ITEMS];
    bcemr_tr_case_header header;
    world_sealed_visit(&w, 1, 2, &visit);
    make(&visit.vid);
    for (uint64_t i = 0; i < pieces.body_count; i++) {
        must(bcemr_read_inclusion(pieces.body[i], &inclusion, NULL));
        leaves[i] = inclusion.leaf;
    }
    must(bcemr_leaf_read(leaves[1], &parts, NULL));
    must(bcemr_read_e_sign(parts.parts.entry, &entry, NULL));
    leaf_of(&bcemr_type_e_sign, &entry, true, parts.height, parts.tau, &sign);
    leaves[1] = bcemr_buf_span(&sign);
    const bcemr_list body = BCEMR_LIST_OF(leaves, pieces.body_count);
    must(bcemr_case_header_make(report.header.height, &report.header.previous, report.header.tau,
                                &visit.vid, &report.record_case, &body, &header, NULL));
    leaf_of(&bcemr_type_case_header, &header, false, ledger_chain_height(w.chain), header.tau,
            &header_held);
    const uint64_t last = ledger_chain_size(w.chain) - 1;
    const case_leaf changed[] = {{last - pieces.body_count + 1, leaves[1]},
                                 {last, bcemr_buf_span(&header_held)}};
    relogged(changed, 2, BCEMR_BAD_ENTRY_SIGNATURE);
    bcemr_buf_free(&sign);
    bcemr_buf_free(&header_held);
    world_visit_free(&visit);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, begin, end)
    const struct CMUnitTest tests[] = {
        TEST(body_changed),
        TEST(sets_changed),
        TEST(upgrades_changed),
        TEST(an_upgrade_that_counts),
        TEST(enrolments_changed),
        TEST(more_than_needed),
        TEST(other_ledgers),
        TEST(checkpoints_that_do_not_count),
        TEST(headers),
        TEST(a_row_too_many),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
