/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Proofs of guilt as files (section 8.3): what each kind shows and whom it names, what proves
 * nothing, and that no byte of one can be changed.
 */
#include "proof_test.h"

#include "support/flips.h"
#include "wire/fault.h"

#define LEAVES 7
#define JOIN_LEAF 3 /* hospital-3 joins: set 1 from there on */

#define ENTRIES 6

/* A log of its own: leaves, and changes of its set: hospital-3 joins, or cloud-3 in its stead, or
 * each of the four members in turn takes new keys. */
typedef struct small_log {
    const consortium *c;
    bcemr_buf leaves[LEAVES];
    bcemr_hash hashes[LEAVES];
    bcemr_buf changes[ENTRIES];  /* signed entries */
    bcemr_set sets[ENTRIES + 1]; /* set 0, and what each of them makes */
    consortium_node renewed[4];
    const bcemr_secrets *voters[ENTRIES + 1][5]; /* of those sets */
} small_log;

static small_log l;
static bcemr_buf file;
static bcemr_error err;

/* ---- the log ---- */

static bcemr_status node(void *user, uint64_t level, uint64_t index, bcemr_hash *out)
{
    (void)user;
    if (level == 0) {
        *out = l.hashes[index];
        return BCEMR_OK;
    }
    bcemr_hash left, right;
    must(node(user, level - 1, 2 * index, &left));
    must(node(user, level - 1, 2 * index + 1, &right));
    bcemr_tree_node_hash(&left, &right, out);
    return BCEMR_OK;
}

static const bcemr_node_source source = {node, NULL};

static void sign_join(const consortium *c, const consortium_node *who, bcemr_buf *out)
{
    bcemr_buf held = BCEMR_BUF_EMPTY;
    must(bcemr_write_member(&who->row, &held, NULL));
    const bcemr_tr_e_join join = {.ledger = c->ledger,
                                  .number = 1,
                                  .before = l.sets[0].hash,
                                  .member = bcemr_buf_span(&held)};
    const consortium_row rows[] = {
        {.role = "authority", .by = &c->authority},
        {.role = "set", .votes = 15, .voters = l.voters[0], .places = 4},
        {.role = "pop", .who = who->row.id, .by = &who->keys, .member = &who->row}};
    consortium_sign(c, &bcemr_type_e_join, &join, rows, 3, out);
    bcemr_buf_free(&held);
}

/* The member at this place of the set before takes new keys; its old ones are lost. */
static void sign_rekey(const consortium *c, int before, uint64_t place, bcemr_buf *out)
{
    static const char *const seeds[] = {"new 1", "new 2", "new 3", "new 4"};
    bcemr_buf held = BCEMR_BUF_EMPTY;
    consortium_node *who = &l.renewed[place];
    consortium_node_make(who, c->nodes[place].id, (bcemr_role)c->nodes[place].row.role,
                         seeds[place]);
    must(bcemr_write_member(&who->row, &held, NULL));
    const bcemr_tr_e_rekey rekey = {.ledger = c->ledger,
                                    .number = l.sets[before].number + 1,
                                    .before = l.sets[before].hash,
                                    .place = place,
                                    .member = bcemr_buf_span(&held),
                                    .lost = BCEMR_yes_no_YES};
    const consortium_row rows[] = {
        {.role = "authority", .by = &c->authority},
        {.role = "set",
         .votes = 15 & ~((uint64_t)1 << place),
         .voters = l.voters[before],
         .places = 4},
        {.role = "pop", .who = who->row.id, .by = &who->keys, .member = &who->row}};
    consortium_sign(c, &bcemr_type_e_rekey, &rekey, rows, 3, out);
    bcemr_buf_free(&held);
}

static void make_changes(const consortium *c)
{
    for (int set = 0; set < 3; set++)
        for (int i = 0; i < 4; i++)
            l.voters[set][i] = &c->nodes[i].keys;
    l.voters[1][4] = &c->nodes[HOSPITAL_3].keys;
    l.voters[2][4] = &c->nodes[CLOUD_3].keys;
    for (int i = 0; i < ENTRIES; i++) {
        bcemr_signed_parts parts;
        int before = i < 3 ? 0 : i; /* the first two and the first Rekey follow set 0 */
        if (i < 2)
            sign_join(c, &c->nodes[i == 0 ? HOSPITAL_3 : CLOUD_3], &l.changes[i]);
        else
            sign_rekey(c, before, (uint64_t)i - 2, &l.changes[i]);
        must(bcemr_signed_read(bcemr_buf_span(&l.changes[i]), &parts, NULL));
        must(bcemr_set_next(&l.sets[before], parts.entry, &l.sets[i + 1], NULL));
        if (i < 2)
            continue;
        memcpy(l.voters[i + 1], l.voters[before], sizeof l.voters[0]);
        l.voters[i + 1][i - 2] = &l.renewed[i - 2].keys;
    }
}

static void add_leaf(uint64_t index, bcemr_span signed_entry)
{
    must(bcemr_leaf_make(signed_entry, index, (int64_t)(1000 * index), &l.leaves[index], NULL));
    bcemr_tree_leaf_hash(bcemr_buf_span(&l.leaves[index]), &l.hashes[index]);
}

static int begin(void **state)
{
    make_consortium(state);
    const consortium *c = *state;
    memset(&l, 0, sizeof l);
    l.c = c;
    must(bcemr_set_begin(&c->genesis, &l.sets[0], NULL));
    make_changes(c);
    for (uint64_t i = 0; i < LEAVES; i++)
        add_leaf(i, bcemr_buf_span(i == JOIN_LEAF ? &l.changes[0] : &c->signed_genesis));
    return 0;
}

static int end(void **state)
{
    for (int i = 0; i < LEAVES; i++)
        bcemr_buf_free(&l.leaves[i]);
    for (int i = 0; i < ENTRIES; i++)
        bcemr_buf_free(&l.changes[i]);
    for (int i = 0; i <= ENTRIES; i++)
        bcemr_set_free(&l.sets[i]);
    bcemr_buf_free(&file);
    return free_consortium(state);
}

/* ---- the evidence ---- */

/* What a test changes. set: 0 for set 0, n for the one that the n-th change makes. */
typedef struct signed_size {
    uint64_t size;
    int set;
    uint64_t votes;
    uint8_t change; /* of the root */
    bool forged;    /* another's signature under the bitmap */
    bcemr_buf cosigned;
} signed_size;

typedef struct evidence {
    bcemr_guilt_kind kind;
    signed_size one, other; /* other.size 0: none */
    int sets[ENTRIES];      /* which changes, from 1; 0 ends */
    uint64_t leaf, leaf_size;
    uint64_t path_of, path_size; /* 0: none */
    uint8_t path_change;
} evidence;

static void make_cosigned(signed_size *s)
{
    const bcemr_set *set = &l.sets[s->set];
    bcemr_tr_checkpoint checkpoint = {.ledger = l.c->ledger,
                                      .size = s->size,
                                      .tau = 1000,
                                      .stops = l.c->ledger,
                                      .finds = l.c->ledger,
                                      .set_number = set->number,
                                      .set = set->hash};
    const bcemr_secrets *voters[5];
    must(bcemr_root_make(&source, s->size, &checkpoint.root));
    checkpoint.root.b[7] ^= s->change;
    memcpy(voters, l.voters[s->set], sizeof voters);
    if (s->forged)
        voters[0] = &l.c->nodes[CLOUD_4].keys;
    consortium_cosign(set, &checkpoint, voters, s->votes, &s->cosigned);
}

static void make_inclusion(const evidence *e, bcemr_buf *out)
{
    bcemr_hash path[BCEMR_INCLUSION_MAX];
    uint64_t count = 0;
    must(bcemr_inclusion_path(&source, e->leaf, e->leaf_size, path, &count));
    const bcemr_tr_inclusion value = {.leaf = bcemr_buf_span(&l.leaves[e->leaf]),
                                      .index = e->leaf,
                                      .size = e->leaf_size,
                                      .path = BCEMR_LIST_OF(path, count)};
    must(bcemr_write_inclusion(&value, out, NULL));
}

static uint64_t make_path(const evidence *e, bcemr_hash path[BCEMR_CONSISTENCY_MAX + 1])
{
    uint64_t n = 0, count = 0;
    if (e->path_size == 0)
        return 0;
    if ((e->path_of & (e->path_of - 1)) == 0)
        must(bcemr_root_make(&source, e->path_of, &path[n++]));
    must(bcemr_consistency_path(&source, e->path_of, e->path_size, path + n, &count));
    path[0].b[3] ^= e->path_change;
    return n + count;
}

/* Writes file. */
static void make(evidence *e)
{
    bcemr_span sets[ENTRIES], other, leaf;
    uint64_t set_count = 0;
    bcemr_buf inclusion = BCEMR_BUF_EMPTY;
    bcemr_hash path[BCEMR_CONSISTENCY_MAX + 1];
    make_cosigned(&e->one);
    if (e->other.size > 0)
        make_cosigned(&e->other);
    if (e->leaf_size > 0)
        make_inclusion(e, &inclusion);
    while (set_count < ENTRIES && e->sets[set_count] > 0) {
        sets[set_count] = bcemr_buf_span(&l.changes[e->sets[set_count] - 1]);
        set_count++;
    }
    other = bcemr_buf_span(&e->other.cosigned);
    leaf = bcemr_buf_span(&inclusion);
    const bcemr_tr_guilt guilt = {
        .kind = (uint64_t)e->kind,
        .sets = BCEMR_LIST_OF(sets, set_count),
        .one = bcemr_buf_span(&e->one.cosigned),
        .other = BCEMR_LIST_OF(&other, e->other.size > 0),
        .leaf = BCEMR_LIST_OF(&leaf, e->leaf_size > 0),
        .path = BCEMR_LIST_OF(path, make_path(e, path)),
    };
    bcemr_buf_clear(&file);
    must(bcemr_write_guilt(&guilt, &file, NULL));
    bcemr_buf_free(&inclusion);
    bcemr_buf_free(&e->one.cosigned);
    bcemr_buf_free(&e->other.cosigned);
}

static bcemr_verdict check(bcemr_guilty *out)
{
    return bcemr_guilt_check(l.c->context, bcemr_buf_span(&l.c->signed_genesis),
                             bcemr_buf_span(&file), out, &err);
}

/* One of each kind, all as it should be. */
static const evidence same_size = {.kind = BCEMR_guilt_kind_SAME_SIZE,
                                   .one = {.size = 3, .votes = 7},
                                   .other = {.size = 3, .votes = 14, .change = 1}};
static const evidence old_set = {.kind = BCEMR_guilt_kind_OLD_SET,
                                 .one = {.size = 5, .votes = 15},
                                 .leaf = JOIN_LEAF,
                                 .leaf_size = 5};
static const evidence early_set = {.kind = BCEMR_guilt_kind_EARLY_SET,
                                   .one = {.size = 2, .set = 1, .votes = 30},
                                   .other = {.size = 6, .set = 1, .votes = 15},
                                   .sets = {1},
                                   .leaf = JOIN_LEAF,
                                   .leaf_size = 6};
static const evidence other_root = {.kind = BCEMR_guilt_kind_OTHER_ROOT,
                                    .one = {.size = 2, .votes = 7, .change = 1},
                                    .other = {.size = 7, .set = 1, .votes = 30},
                                    .sets = {1},
                                    .path_of = 2,
                                    .path_size = 7};
/* The authority and a majority made two sets: a branch each. */
static const evidence two_branches = {.kind = BCEMR_guilt_kind_SAME_SIZE,
                                      .one = {.size = 5, .set = 1, .votes = 15},
                                      .other = {.size = 5, .set = 2, .votes = 30, .change = 1},
                                      .sets = {1, 2}};

/* ---- what they show ---- */

static void names(const evidence *what, const char *const *who, uint64_t count)
{
    evidence e = *what;
    bcemr_guilty guilty;
    make(&e);
    VERDICT(VALID, check(&guilty));
    assert_int_equal(guilty.kind, what->kind);
    assert_int_equal(guilty.one.size, what->one.size);
    assert_int_equal(guilty.other.size, what->other.size);
    assert_int_equal(guilty.count, count);
    for (uint64_t i = 0; i < count; i++)
        assert_true(bcemr_span_equal(guilty.who[i], bcemr_text(who[i])));
    bcemr_guilty_free(&guilty);
    VERDICT(VALID, check(NULL));
}

static void who_signed_both(void **state)
{
    (void)state;
    static const char *const all[] = {"hospital-1", "hospital-2", "cloud-1", "cloud-2"};
    names(&same_size, all + 1, 2);
    names(&old_set, all, 4);
    names(&early_set, all + 1, 3);
    names(&other_root, all + 1, 2);
    names(&two_branches, all + 1, 3);
}

static void every_size_of_other_root(void **state)
{
    (void)state;
    for (uint64_t size = 1; size < LEAVES; size++) {
        evidence e = other_root;
        e.one.size = e.path_of = size;
        make(&e);
        VERDICT(VALID, check(NULL));
        e.one.change = 0;
        make(&e);
        VERDICT(BAD_GUILT, check(NULL));
        assert_string_equal(err.field, "root");
    }
}

/* ---- what shows nothing ---- */

static void refused(const evidence *e, bcemr_verdict verdict, const char *field)
{
    evidence copy = *e;
    bcemr_guilty guilty = {.count = 99};
    make(&copy);
    bcemr_verdict found = check(&guilty);
    assert_string_equal(bcemr_verdict_name(found), bcemr_verdict_name(verdict));
    assert_string_equal(err.field, field);
    assert_int_equal(guilty.count, 99); /* nobody is named */
}

static void proves_nothing(void **state)
{
    (void)state;
    evidence e = same_size;
    e.other.change = 0; /* the same checkpoint by others */
    refused(&e, BCEMR_BAD_GUILT, "root");
    e = same_size;
    e.other.size = 4;
    refused(&e, BCEMR_BAD_GUILT, "size");
    e = old_set;
    e.one.set = 1; /* as it should be */
    e.sets[0] = 1;
    refused(&e, BCEMR_BAD_GUILT, "number");
    e = old_set;
    e.leaf = 2; /* makes no set */
    refused(&e, BCEMR_BAD_GUILT, "kind");
    e = early_set;
    e.one.set = 0;
    e.one.votes = 15;
    refused(&e, BCEMR_BAD_GUILT, "number");
    e = early_set;
    e.one.size = JOIN_LEAF + 1;
    refused(&e, BCEMR_BAD_GUILT, "index");
    e = early_set;
    e.one.size = JOIN_LEAF; /* the last that is early */
    make(&e);
    VERDICT(VALID, check(NULL));
    e = other_root;
    e.one.size = 7;
    e.one.set = 1;
    e.one.votes = 15;
    refused(&e, BCEMR_BAD_GUILT, "size");
}

/* Nobody's key stands under both: one of the two groups broke the rule, but nothing says which. */
static void names_nobody(void **state)
{
    (void)state;
    evidence e = {.kind = BCEMR_guilt_kind_SAME_SIZE,
                  .one = {.size = 3, .votes = 15},
                  .other = {.size = 3, .set = 6, .votes = 15, .change = 1},
                  .sets = {3, 4, 5, 6}};
    refused(&e, BCEMR_BAD_GUILT, "signers"); /* the same names, and no key */
    e.other.set = 4;
    e.sets[2] = 0; /* cloud-1 and cloud-2 still have theirs */
    static const char *const clouds[] = {"cloud-1", "cloud-2"};
    names(&e, clouds, 2);
}

static void evidence_that_does_not_hold(void **state)
{
    (void)state;
    evidence e = same_size;
    e.one.votes = 3;
    refused(&e, BCEMR_NOT_ENOUGH_SIGNERS, "one");
    e = same_size;
    e.one.forged = true;
    refused(&e, BCEMR_BAD_CHECKPOINT, "one");
    e = same_size;
    e.other.votes = 15;
    e.other.forged = true;
    refused(&e, BCEMR_BAD_CHECKPOINT, "other");
    e = old_set;
    e.one.change = 1;
    refused(&e, BCEMR_BAD_INCLUSION, "path");
    e = old_set;
    e.leaf_size = 6;
    refused(&e, BCEMR_BAD_INCLUSION, "size");
    e = other_root;
    e.path_change = 1; /* nodes of no tree that anybody signed */
    refused(&e, BCEMR_BAD_CONSISTENCY, "path");
    e = other_root;
    e.path_of = 5;
    refused(&e, BCEMR_BAD_CONSISTENCY, "path");
}

static void of_the_wrong_shape(void **state)
{
    (void)state;
    evidence e = same_size;
    e.other.size = 0;
    refused(&e, BCEMR_BAD_GUILT, "other");
    e = old_set;
    e.other = same_size.other;
    refused(&e, BCEMR_BAD_GUILT, "other");
    e = same_size;
    e.leaf_size = 5;
    refused(&e, BCEMR_BAD_GUILT, "leaf");
    e = early_set;
    e.leaf_size = 0;
    refused(&e, BCEMR_BAD_GUILT, "leaf");
    e = early_set;
    e.path_of = 2;
    e.path_size = 6;
    refused(&e, BCEMR_BAD_GUILT, "path");
    e = other_root;
    e.path_size = 0;
    refused(&e, BCEMR_BAD_GUILT, "path");
}

static void sets_as_they_must_be(void **state)
{
    (void)state;
    evidence e = early_set;
    e.sets[0] = 0; /* not walked */
    refused(&e, BCEMR_BAD_SET, "sets");
    e = early_set;
    e.sets[0] = 2; /* walked to another */
    refused(&e, BCEMR_BAD_SET, "sets");
    e = same_size;
    e.sets[0] = 1; /* walked beyond */
    refused(&e, BCEMR_BAD_GUILT, "sets");
    e = early_set;
    e.sets[1] = 2; /* a branch that leads nowhere */
    refused(&e, BCEMR_BAD_GUILT, "sets");
    e = early_set;
    e.sets[1] = 1; /* twice */
    refused(&e, BCEMR_BAD_GUILT, "sets");
    e = two_branches;
    e.sets[2] = 1; /* a third branch */
    refused(&e, BCEMR_BAD_SET, "number");
    e = two_branches;
    e.sets[0] = 2;
    e.sets[1] = 1; /* in the other order: fine as well */
    make(&e);
    VERDICT(VALID, check(NULL));
    l.voters[0][0] = &l.c->nodes[CLOUD_4].keys; /* a vote that nobody gave */
    sign_join(l.c, &l.c->nodes[HOSPITAL_3], &l.changes[0]);
    l.voters[0][0] = &l.c->nodes[HOSPITAL_1].keys;
    refused(&early_set, BCEMR_BAD_JOINT_SIGNATURE, "set");
    assert_int_equal(err.index, 0);
}

static void of_this_ledger(void **state)
{
    (void)state;
    static consortium other;
    evidence e = same_size;
    other.quota = 7;
    consortium_begin(&other);
    make(&e);
    VERDICT(WRONG_LEDGER, bcemr_guilt_check(l.c->context, bcemr_buf_span(&other.signed_genesis),
                                            bcemr_buf_span(&file), NULL, &err));
    VERDICT(UNDECIDED, bcemr_guilt_check(l.c->context, bcemr_buf_span(&file), bcemr_buf_span(&file),
                                         NULL, &err));
    assert_int_equal(err.status, BCEMR_E_UNKNOWN_KIND);
    consortium_end(&other);
}

/* ---- each check is needed ---- */

/* Refused by this verdict, and by nothing else. */
static void only_by(const evidence *e, bcemr_verdict verdict)
{
    evidence copy = *e;
    make(&copy);
    assert_string_equal(bcemr_verdict_name(check(NULL)), bcemr_verdict_name(verdict));
    bcemr_switch_off(verdict);
    assert_string_equal(bcemr_verdict_name(check(NULL)), "VALID");
    bcemr_switch_all_on();
}

static void without_its_checks(void **state)
{
    (void)state;
    evidence e = same_size;
    e.other.change = 0;
    only_by(&e, BCEMR_BAD_GUILT);
    e = same_size;
    e.one.votes = 3;
    only_by(&e, BCEMR_NOT_ENOUGH_SIGNERS);
    e = same_size;
    e.other.votes = 15;
    e.other.forged = true;
    only_by(&e, BCEMR_BAD_CHECKPOINT);
    e = old_set;
    e.one.change = 1;
    only_by(&e, BCEMR_BAD_INCLUSION);
    e = other_root;
    e.path_change = 1;
    only_by(&e, BCEMR_BAD_CONSISTENCY);
    l.voters[0][0] = &l.c->nodes[CLOUD_4].keys;
    sign_join(l.c, &l.c->nodes[HOSPITAL_3], &l.changes[0]);
    l.voters[0][0] = &l.c->nodes[HOSPITAL_1].keys;
    only_by(&early_set, BCEMR_BAD_JOINT_SIGNATURE);
}

/* ---- flips, memory ---- */

static const char *read_file(void *user, bcemr_span bytes)
{
    (void)user;
    bcemr_verdict verdict =
        bcemr_guilt_check(l.c->context, bcemr_buf_span(&l.c->signed_genesis), bytes, NULL, &err);
    if (verdict == BCEMR_UNDECIDED)
        return bcemr_status_name(err.status);
    return verdict == BCEMR_VALID ? NULL : bcemr_verdict_name(verdict);
}

static void no_byte_can_be_changed(void **state)
{
    (void)state;
    static const evidence *const all[] = {&same_size, &old_set, &early_set, &other_root,
                                          &two_branches};
    static const char *const of[] = {"SAME_SIZE", "OLD_SET", "EARLY_SET", "OTHER_ROOT",
                                     "two branches"};
    for (int i = 0; i < 5; i++) {
        evidence e = *all[i];
        make(&e);
        /* The last has nothing that the others have not; in node curves take twenty times as long.
         */
#ifdef __EMSCRIPTEN__
        const uint64_t every = 31;
#else
        const uint64_t every = i == 4 ? 7 : 1;
#endif
        flips_run(of[i], &bcemr_type_guilt, bcemr_buf_span(&file), 0, every, read_file, NULL);
    }
    if (flips_unnoticed() > 0) {
        flips_print(stderr);
        fail_msg("%u flips were not noticed", (unsigned)flips_unnoticed());
    }
    flips_end();
}

/* Without memory a check gives no verdict, neither this nor that. */
static void without_memory(void **state)
{
    (void)state;
    evidence e = early_set;
    make(&e);
    bcemr_verdict verdict = BCEMR_UNDECIDED;
    uint64_t n = 0;
    while (verdict == BCEMR_UNDECIDED && ++n < 10000) {
        bcemr_switch_fail_allocation(n);
        verdict = check(NULL);
        bcemr_switch_fail_allocation(0);
        if (verdict == BCEMR_UNDECIDED)
            assert_int_equal(err.status, BCEMR_E_NO_MEMORY);
    }
    VERDICT(VALID, verdict);
    assert_true(n > 10);
}

#define GUILT_TEST(name) cmocka_unit_test_setup_teardown(name, begin, end)

int main(void)
{
    const struct CMUnitTest tests[] = {
        GUILT_TEST(who_signed_both),
        GUILT_TEST(every_size_of_other_root),
        GUILT_TEST(proves_nothing),
        GUILT_TEST(names_nobody),
        GUILT_TEST(evidence_that_does_not_hold),
        GUILT_TEST(of_the_wrong_shape),
        GUILT_TEST(sets_as_they_must_be),
        GUILT_TEST(of_this_ledger),
        GUILT_TEST(without_its_checks),
        GUILT_TEST(no_byte_can_be_changed),
        GUILT_TEST(without_memory),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
