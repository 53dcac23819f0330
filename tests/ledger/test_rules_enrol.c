/* SPDX-License-Identifier: Apache-2.0 */
/* Enrol, Retire: doctors and readers. */
#include "rules_test.h"

#define LAST (WORLD_START + 1000 * WORLD_HOUR)

typedef struct enrolling {
    consortium_enrolment e;
    consortium_row rows[2];
    uint64_t count;
} enrolling;

/* doctor-5 at hospital-1, for the first time; keys are those of another name when given. */
static void make(const world *w, const consortium_doctor *d, enrolling *n)
{
    memset(n, 0, sizeof *n);
    consortium_enrol(&w->c, d, "hospital-1", 0, LAST, &n->e);
    n->rows[0] = world_node_row(w, HOSPITAL_1);
    n->count = 1;
}

static uint32_t post(world *w, enrolling *n)
{
    uint32_t reason = world_post(w, &bcemr_type_e_enrol, &n->e.entry, n->rows, n->count);
    bcemr_buf_free(&n->e.pops);
    return reason;
}

/* The same ID with fresh keys. */
static consortium_doctor renewed(const world *w, int doctor, const char *seed)
{
    consortium_doctor d = {.id = w->c.doctors[doctor].id};
    consortium_keys(seed, &d.keys, &d.publics);
    return d;
}

static void first(void **state)
{
    world *w = *state;
    enrolling n;
    bcemr_buf held = BCEMR_BUF_EMPTY;
    bcemr_tr_state_enrolment record;
    make(w, &w->c.doctors[4], &n);
    TAKEN(post(w, &n));
    must(ledger_chain_enrolment(w->chain, bcemr_text("doctor-5"), &held, &record, NULL));
    assert_int_equal(record.status, BCEMR_enrolment_status_ACTIVE);
    assert_int_equal(record.leaf, ledger_chain_size(w->chain) - 1);
    bcemr_buf_free(&held);
}

static void fields(void **state)
{
    world *w = *state;
    enrolling n;
    make(w, &w->c.doctors[4], &n);
    n.e.entry.credential = (bcemr_span){0};
    REFUSED(w, ENROL_FIELDS, post(w, &n));
    make(w, &w->c.doctors[4], &n);
    n.e.entry.kind = BCEMR_enrol_kind_READER;
    REFUSED(w, ENROL_FIELDS, post(w, &n));
    make(w, &w->c.doctors[4], &n);
    n.e.entry.not_before = LAST;
    REFUSED(w, ENROL_VALIDITY, post(w, &n));
    make(w, &w->c.doctors[4], &n);
    n.e.entry.doctor = bcemr_text("hospital-1");
    REFUSED(w, ENROL_ID_USED, post(w, &n));
    make(w, &w->c.doctors[4], &n);
    n.e.entry.hospital = bcemr_text("hospital-3");
    n.rows[0] = world_node_row(w, HOSPITAL_3);
    REFUSED(w, NOT_A_HOSPITAL, post(w, &n));
    make(w, &w->c.doctors[4], &n);
    memset(&n.e.entry.box, 0, sizeof n.e.entry.box);
    REFUSED(w, KEY_ENCODING, post(w, &n));
    make(w, &w->c.doctors[4], &n);
    memset(&n.e.entry.a, 0, sizeof n.e.entry.a);
    REFUSED(w, KEY_ENCODING, post(w, &n));
}

static void keys_used(void **state)
{
    world *w = *state;
    enrolling n;
    make(w, &w->c.doctors[4], &n);
    n.e.entry.x = bcemr_span_of(w->c.doctors[0].publics.x.b, 96);
    REFUSED(w, ENROL_KEY_USED, post(w, &n));
    make(w, &w->c.doctors[4], &n);
    n.e.entry.a = w->c.nodes[HOSPITAL_1].publics.a;
    REFUSED(w, ENROL_KEY_USED, post(w, &n));
    make(w, &w->c.doctors[4], &n);
    n.e.entry.e = bcemr_span_of(n.e.entry.box.b, 32);
    REFUSED(w, ENROL_KEY_USED, post(w, &n));
    /* A visit's Av, as a doctor's A. */
    world_visit visit;
    world_visit_make(w, 0, 1, &visit);
    TAKEN(world_post_admit(w, &visit));
    make(w, &w->c.doctors[4], &n);
    n.e.entry.a = visit.keys.av_public;
    REFUSED(w, ENROL_KEY_USED, post(w, &n));
    world_visit_free(&visit);
}

static void signatures(void **state)
{
    world *w = *state;
    enrolling n;
    make(w, &w->c.doctors[4], &n);
    n.rows[0].by = &w->c.nodes[HOSPITAL_2].keys;
    REFUSED(w, SUPERNODE_SIGNATURE, post(w, &n));
    make(w, &w->c.doctors[4], &n);
    n.rows[0] = world_node_row(w, HOSPITAL_2);
    REFUSED(w, SIGNER_ROWS, post(w, &n)); /* countersigned by another hospital */
    make(w, &w->c.doctors[4], &n);
    n.count = 0;
    REFUSED(w, SIGNER_ROWS, post(w, &n)); /* the authority alone */
    make(w, &w->c.doctors[4], &n);
    n.e.entry.not_after--;
    REFUSED(w, ENROL_CREDENTIAL, post(w, &n));
    make(w, &w->c.doctors[4], &n);
    n.e.pops.p[100] ^= 1;
    REFUSED(w, ENROL_POP, post(w, &n));
    make(w, &w->c.doctors[4], &n);
    consortium_enrol_again(&w->c, &w->c.doctors[5].keys, &n.e); /* proven with other keys */
    REFUSED(w, ENROL_POP, post(w, &n));
}

/* ---- a new key set for a known ID ---- */

static void replaced(void **state)
{
    world *w = *state;
    enrolling n;
    consortium_doctor d = renewed(w, 0, "doctor-1 anew");
    make(w, &d, &n);
    REFUSED(w, SIGNER_ROWS, post(w, &n)); /* not without the old A */
    make(w, &d, &n);
    n.rows[1] = world_doctor_row(w, 0);
    n.rows[1].by = &d.keys;
    n.count = 2;
    REFUSED(w, DOCTOR_SIGNATURE, post(w, &n));
    make(w, &d, &n);
    n.rows[1] = world_doctor_row(w, 0);
    n.count = 2;
    TAKEN(post(w, &n));
    /* The old one stays known by its hash, and counts no more. */
    bcemr_buf held = BCEMR_BUF_EMPTY;
    bcemr_tr_state_enrolment record;
    bcemr_tr_e_enrol entry;
    must(ledger_chain_enrolment(w->chain, bcemr_text("doctor-1"), &held, &record, NULL));
    must(bcemr_read_e_enrol(record.entry, &entry, NULL));
    assert_memory_equal(entry.x.p, d.publics.x.b, 96);
    REFUSED(w, RETIRE_NOT_ACTIVE, world_retire(w, 0));
    bcemr_buf_free(&held);
}

static void after_retire(void **state)
{
    world *w = *state;
    enrolling n;
    consortium_doctor d = renewed(w, 0, "doctor-1 anew");
    TAKEN(world_retire(w, 0));
    make(w, &d, &n);
    REFUSED(w, SIGNER_ROWS, post(w, &n)); /* one hospital alone */
    make(w, &d, &n);
    n.rows[1] = world_node_row(w, HOSPITAL_1);
    n.count = 2;
    REFUSED(w, ENROL_COUNTERSIGNER, post(w, &n)); /* the same twice */
    make(w, &d, &n);
    n.rows[1] = world_node_row(w, CLOUD_3);
    n.count = 2;
    REFUSED(w, ENROL_COUNTERSIGNER, post(w, &n)); /* not in the set */
    make(w, &d, &n);
    n.rows[1] = world_node_row(w, CLOUD_1);
    n.rows[1].by = &w->c.nodes[CLOUD_2].keys;
    n.count = 2;
    REFUSED(w, SUPERNODE_SIGNATURE, post(w, &n));
    make(w, &d, &n);
    n.rows[1] = world_node_row(w, CLOUD_1);
    n.count = 2;
    TAKEN(post(w, &n));
}

/* Another hospital takes the doctor on: that of the last enrolment must countersign. */
static void after_retire_elsewhere(void **state)
{
    world *w = *state;
    enrolling n;
    consortium_doctor d = renewed(w, 0, "doctor-1 anew");
    TAKEN(world_retire(w, 0));
    for (int second = CLOUD_1; second >= HOSPITAL_1; second -= 2) {
        memset(&n, 0, sizeof n);
        consortium_enrol(&w->c, &d, "hospital-2", 0, LAST, &n.e);
        n.rows[0] = world_node_row(w, HOSPITAL_2);
        n.rows[1] = world_node_row(w, second);
        n.count = 2;
        if (second == CLOUD_1)
            REFUSED(w, ENROL_COUNTERSIGNER, post(w, &n));
        else
            TAKEN(post(w, &n));
    }
}

static void retire(void **state)
{
    world *w = *state;
    uint64_t leaf;
    const consortium_doctor *d = &w->c.doctors[0];
    bcemr_tr_e_retire e = {w->c.ledger, bcemr_text("doctor-1"),
                           bcemr_span_of(w->c.doctors[1].publics.x.b, 96)};
    consortium_row row = world_authority(w);
    REFUSED(w, RETIRE_NOT_ACTIVE, world_post(w, &bcemr_type_e_retire, &e, &row, 1));
    REFUSED(w, RETIRE_NOT_ACTIVE, world_retire(w, 4));
    e.key = bcemr_span_of(d->publics.x.b, 96);
    row.by = &w->c.nodes[HOSPITAL_1].keys;
    REFUSED(w, AUTHORITY_SIGNATURE, world_post(w, &bcemr_type_e_retire, &e, &row, 1));
    TAKEN(world_retire(w, 0));
    REFUSED(w, RETIRE_NOT_ACTIVE, world_retire(w, 0));
    must(ledger_chain_stopped(w->chain, "Retire", e.key, &leaf));
    assert_int_equal(leaf, ledger_chain_size(w->chain) - 1);
}

/* ---- readers ---- */

static void make_reader(const world *w, const consortium_doctor *d, enrolling *n)
{
    memset(n, 0, sizeof *n);
    consortium_enrol_reader(&w->c, d, 0, LAST, &n->e);
    n->rows[0] = world_authority(w);
    n->count = 1;
}

static void reader(void **state)
{
    world *w = *state;
    enrolling n;
    make_reader(w, &w->c.doctors[4], &n);
    n.rows[0] = world_node_row(w, HOSPITAL_1);
    REFUSED(w, SIGNER_ROWS, post(w, &n));
    make_reader(w, &w->c.doctors[4], &n);
    n.e.pops.p[0] ^= 1;
    REFUSED(w, ENROL_POP, post(w, &n));
    make_reader(w, &w->c.doctors[4], &n);
    n.rows[0].by = &w->c.doctors[4].keys;
    REFUSED(w, AUTHORITY_SIGNATURE, post(w, &n));
    make_reader(w, &w->c.doctors[0], &n);
    REFUSED(w, ENROL_KIND, post(w, &n)); /* a doctor's ID */
    make_reader(w, &w->c.doctors[4], &n);
    TAKEN(post(w, &n));
    /* New keys: the old A signs, too. */
    consortium_doctor d = renewed(w, 4, "doctor-5 anew");
    make_reader(w, &d, &n);
    REFUSED(w, SIGNER_ROWS, post(w, &n));
    make_reader(w, &d, &n);
    n.rows[1] = world_doctor_row(w, 4);
    n.rows[1].role = "reader";
    n.count = 2;
    TAKEN(post(w, &n));
    /* Retired by its A; then the authority alone enrols again. */
    const bcemr_tr_e_retire e = {w->c.ledger, bcemr_text("doctor-5"),
                                 bcemr_span_of(d.publics.a.b, 32)};
    const consortium_row row = world_authority(w);
    TAKEN(world_post(w, &bcemr_type_e_retire, &e, &row, 1));
    d = renewed(w, 4, "doctor-5 once more");
    make_reader(w, &d, &n);
    TAKEN(post(w, &n));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(first),      TEST(fields),   TEST(keys_used),
        TEST(signatures), TEST(replaced), TEST(after_retire),
        TEST(retire),     TEST(reader),   TEST(after_retire_elsewhere),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
