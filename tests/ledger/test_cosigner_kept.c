/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a cosigner keeps in SQLite (section 8.2): over restarts, when it dies between keeping and
 * signing, when it is killed at any moment, when the power goes.
 */
#include "rules_test.h"

#include "ledger/state/sqlite.h"
#include "support/folder.h"
#include "support/power.h"

#include <signal.h>
#include <stdio.h>
#include <sys/wait.h>
#include <unistd.h>

#define ME "cloud-1"
#define ROUNDS 30

static char folder[FOLDER_ROOM], path[FOLDER_ROOM], copy[FOLDER_ROOM];
static world w;

/* A member at a node of its own. */
typedef struct node {
    ledger_chain *chain;
    ledger_cosigner cosigner;
    const char *crash_copy; /* where to copy the database before the signature is made */
    uint64_t acknowledge;   /* what is relied on when it is made; 0: nothing */
    uint64_t signatures;
    bcemr_error err;
} node;

static void copy_database(const char *to)
{
    char from_wal[FOLDER_ROOM + 8], to_wal[FOLDER_ROOM + 8];
    (void)snprintf(from_wal, sizeof from_wal, "%s-wal", path);
    (void)snprintf(to_wal, sizeof to_wal, "%s-wal", to);
    folder_copy(path, to);
    folder_copy(from_wal, to_wal);
}

static bcemr_status sign(void *user, const bcemr_tr_checkpoint *checkpoint, bcemr_g1_raw *out,
                         bcemr_error *err)
{
    node *n = user;
    n->signatures++;
    if (n->crash_copy)
        copy_database(n->crash_copy);
    if (n->acknowledge > 0)
        power_acknowledge(n->acknowledge);
    return bcemr_checkpoint_sign(&w.c.nodes[CLOUD_1].keys.x, checkpoint, out, err);
}

static void open_with(const char *at, const ledger_sqlite_options *options, node *n)
{
    ledger_chain_options chain = {.context = w.c.context};
    memset(n, 0, sizeof *n);
    must(ledger_sqlite_open(at, options, &chain.state, &n->err));
    must(ledger_chain_open(&n->chain, &chain, bcemr_buf_span(&w.c.signed_genesis), &n->err));
    must(ledger_cosigner_begin(&n->cosigner, n->chain, bcemr_text(ME), sign, n, 0, &n->err));
}

static void open_at(const char *at, node *n)
{
    const ledger_sqlite_options options = {.writes = true};
    open_with(at, &options, n);
}

static void close_node(node *n)
{
    ledger_chain_close(n->chain);
    n->chain = NULL;
}

/* A block of its own. */
static void grow(node *n, uint64_t number)
{
    bcemr_tr_e_revoke revoke;
    bcemr_buf entry = BCEMR_BUF_EMPTY;
    world_revoke(&w, number, &revoke);
    consortium_sign(&w.c, &bcemr_type_e_revoke, &revoke, NULL, 0, &entry);
    must(ledger_chain_submit_one(n->chain, WORLD_START, bcemr_buf_span(&entry), NULL, &n->err));
    bcemr_buf_free(&entry);
}

static bcemr_status ask(node *n, const bcemr_tr_checkpoint *asked, bcemr_g1_raw *out)
{
    n->err = (bcemr_error){0};
    return ledger_cosigner_sign(&n->cosigner, asked, 1, bcemr_text("hospital-1"), out, &n->err);
}

static void newest(const node *n, bcemr_tr_checkpoint *out)
{
    must(ledger_chain_checkpoint(n->chain, out, NULL));
}

/* The one signature for what is asked, none for another root. */
static void signs_this_alone(node *n, const bcemr_tr_checkpoint *asked)
{
    bcemr_tr_checkpoint other = *asked;
    bcemr_g1_raw signature, expected;
    other.root.b[31] ^= 0xff;
    assert_int_equal(ask(n, &other, &signature), BCEMR_E_REFUSED);
    assert_int_equal(n->err.verdict, BCEMR_BAD_CHECKPOINT);
    must(ask(n, asked, &signature));
    must(bcemr_checkpoint_sign(&w.c.nodes[CLOUD_1].keys.x, asked, &expected, NULL));
    assert_memory_equal(signature.b, expected.b, sizeof expected.b);
}

/* ---- evidence ---- */

typedef struct found {
    uint64_t count;
    bool there; /* a row that asks for this root */
    bcemr_hash root;
} found;

static bcemr_status look(void *user, const bcemr_tr_state_refused *refused, bool *more)
{
    found *f = user;
    bcemr_tr_checkpoint asked;
    (void)more;
    must(bcemr_read_checkpoint(refused->asked, &asked, NULL));
    f->there = f->there || bcemr_hash_equal(&asked.root, &f->root);
    f->count++;
    return BCEMR_OK;
}

static found evidence(const ledger_chain *chain, const bcemr_hash *root)
{
    found f = {.root = *root};
    must(ledger_chain_refused(chain, look, &f, NULL));
    return f;
}

/* ---- restarts ---- */

static void over_restarts(void **state)
{
    (void)state;
    node n;
    bcemr_tr_checkpoint first, asked;
    bcemr_g1_raw signature;
    open_at(path, &n);
    grow(&n, 1);
    newest(&n, &first);
    must(ask(&n, &first, &signature));
    close_node(&n);
    for (uint64_t i = 0; i < 3; i++) {
        open_at(path, &n);
        assert_true(n.cosigner.cosigner.has_last);
        assert_int_equal(n.cosigner.cosigner.last.size, first.size);
        signs_this_alone(&n, &first);
        asked = first;
        asked.root.b[31] ^= 0xff;
        assert_int_equal(evidence(n.chain, &asked.root).count, 1); /* the same one, kept once */
        assert_true(evidence(n.chain, &asked.root).there);
        close_node(&n);
    }
    /* Who only reads sees it, too. */
    const ledger_sqlite_options reads = {0};
    ledger_chain_options options = {.context = w.c.context};
    ledger_chain *reader;
    must(ledger_sqlite_open(path, &reads, &options.state, NULL));
    must(ledger_chain_open(&reader, &options, (bcemr_span){0}, NULL));
    assert_true(evidence(reader, &asked.root).there);
    ledger_chain_close(reader);
}

static void waits_over_restarts(void **state)
{
    (void)state;
    node n;
    bcemr_tr_checkpoint asked;
    bcemr_g1_raw signature;
    open_at(path, &n);
    must(ledger_cosigner_begin(&n.cosigner, n.chain, bcemr_text(ME), sign, &n, WORLD_START, NULL));
    close_node(&n);
    open_at(path, &n);
    newest(&n, &asked);
    assert_int_equal(ask(&n, &asked, &signature), BCEMR_E_STATE);
    assert_int_equal(n.cosigner.cosigner.since, WORLD_START + CONSORTIUM_CLOCK_DIFFERENCE);
    close_node(&n);
}

/* ---- a crash between keeping and signing ---- */

static void dies_before_it_signs(void **state)
{
    (void)state;
    node n, after;
    bcemr_tr_checkpoint asked;
    bcemr_g1_raw signature;
    open_at(path, &n);
    for (uint64_t i = 0; i < 4; i++) {
        grow(&n, i);
        newest(&n, &asked);
        n.crash_copy = copy;
        must(ask(&n, &asked, &signature));
        n.crash_copy = NULL;
        open_at(copy, &after);
        assert_true(after.cosigner.cosigner.has_last);
        assert_int_equal(after.cosigner.cosigner.last.size, asked.size);
        signs_this_alone(&after, &asked);
        close_node(&after);
    }
    close_node(&n);
}

/* ---- killed at any moment ---- */

/* What the child tells when a signature or a refusal has left it. */
typedef struct told {
    bool is_signed;
    bcemr_tr_checkpoint checkpoint;
    bcemr_g1_raw signature;
} told;

static void tell(int to, const told *what)
{
    if (write(to, what, sizeof *what) != (ssize_t)sizeof *what)
        _exit(1);
}

static void work(uint64_t round, int to)
{
    static node n;
    told what;
    open_at(path, &n);
    for (uint64_t i = 0; i < 1000; i++) {
        memset(&what, 0, sizeof what);
        grow(&n, 1000 * round + i);
        newest(&n, &what.checkpoint);
        must(ask(&n, &what.checkpoint, &what.signature));
        what.is_signed = true;
        tell(to, &what);
        bcemr_store_u64(what.checkpoint.root.b, 1000 * round + i);
        if (ask(&n, &what.checkpoint, &what.signature) != BCEMR_E_REFUSED)
            _exit(1);
        what.is_signed = false;
        tell(to, &what);
    }
    _exit(0);
}

/* Lets a child work until it has told so much, kills it, reads what else it told. */
static void kill_one(uint64_t round, told *last_signed, told *last_refused)
{
    int ends[2], result = 0;
    told what;
    assert_int_equal(pipe(ends), 0);
    pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0) {
        (void)close(ends[0]);
        work(round, ends[1]);
    }
    (void)close(ends[1]);
    for (uint64_t i = 0; read(ends[0], &what, sizeof what) == (ssize_t)sizeof what; i++) {
        *(what.is_signed ? last_signed : last_refused) = what;
        if (i == round % 7)
            assert_int_equal(kill(child, SIGKILL), 0);
    }
    (void)close(ends[0]);
    assert_int_equal(waitpid(child, &result, 0), child);
    assert_true(WIFSIGNALED(result));
}

static void killed_at_any_moment(void **state)
{
    (void)state;
    node n;
    for (uint64_t round = 1; round <= ROUNDS; round++) {
        told last_signed = {0}, last_refused = {0};
        kill_one(round, &last_signed, &last_refused);
        open_at(path, &n);
        const bcemr_tr_checkpoint *last = &n.cosigner.cosigner.last;
        assert_true(n.cosigner.cosigner.has_last);
        assert_true(last->size >= last_signed.checkpoint.size);
        bcemr_tr_checkpoint own;
        must(ledger_chain_checkpoint_at(n.chain, last_signed.checkpoint.size, &own, NULL));
        assert_memory_equal(own.root.b, last_signed.checkpoint.root.b, 32);
        if (last_refused.checkpoint.size > 0)
            assert_true(evidence(n.chain, &last_refused.checkpoint.root).there);
        const bcemr_tr_checkpoint kept = *last;
        signs_this_alone(&n, &kept);
        close_node(&n);
    }
}

/* ---- the power goes ---- */

#define ACTS 12

/* What was signed and refused, in this order; the odd ones refused. */
static bcemr_tr_checkpoint acts[ACTS];

static void act_all(unsigned lies)
{
    static node n;
    const ledger_sqlite_options options = {.writes = true, .vfs = POWER_VFS};
    bcemr_g1_raw signature;
    power_begin();
    power_tell(lies);
    open_with(path, &options, &n);
    for (uint64_t i = 0; i < ACTS; i += 2) {
        grow(&n, i);
        newest(&n, &acts[i]);
        n.acknowledge = i + 1; /* before the signature is made, all of it must be there */
        must(ask(&n, &acts[i], &signature));
        n.acknowledge = 0;
        acts[i + 1] = acts[i];
        acts[i + 1].root.b[0] ^= 0xff;
        assert_int_equal(ask(&n, &acts[i + 1], &signature), BCEMR_E_REFUSED);
        power_acknowledge(i + 2);
    }
    close_node(&n);
}

/* NULL, or what was forgotten of the first acts. */
static const char *remembers(uint64_t acknowledged)
{
    static node n;
    const char *wrong = NULL;
    const bcemr_tr_checkpoint *last = &n.cosigner.cosigner.last;
    const ledger_sqlite_options options = {.writes = true, .scratch = true};
    open_with(copy, &options, &n);
    for (uint64_t i = 0; i < acknowledged && !wrong; i++) {
        bcemr_tr_checkpoint own;
        if (i % 2 == 1)
            wrong = evidence(n.chain, &acts[i].root).there ? NULL : "evidence is gone";
        else if (!n.cosigner.cosigner.has_last || last->size < acts[i].size)
            wrong = "what was signed is forgotten";
        else if (ledger_chain_checkpoint_at(n.chain, acts[i].size, &own, NULL) != BCEMR_OK ||
                 !bcemr_hash_equal(&own.root, &acts[i].root))
            wrong = "what was signed is not on the log";
    }
    close_node(&n);
    return wrong;
}

static uint64_t forgotten(power_mode mode, uint64_t seeds, bool must_hold)
{
    uint64_t bad = 0;
    for (uint64_t cut = 1; cut <= power_count(); cut++)
        for (uint64_t seed = 0; seed < seeds; seed++) {
            power_rebuild(cut, mode, seed, path, copy);
            const char *wrong = remembers(power_acknowledged(cut));
            bad += wrong != NULL;
            if (wrong && must_hold)
                fail_msg("power lost before call %u of %u: %s", (unsigned)cut,
                         (unsigned)power_count(), wrong);
        }
    return bad;
}

static void the_power_goes(void **state)
{
    (void)state;
    act_all(POWER_HONEST);
    (void)forgotten(POWER_DROP, 1, true);
    (void)forgotten(POWER_KEEP, 1, true);
    (void)forgotten(POWER_TEAR, 2, true);
    (void)forgotten(POWER_GARBAGE, 2, true);
    power_end();
}

/* The same with a disk that does not sync: it must show. */
static void the_power_goes_on_a_bad_disk(void **state)
{
    (void)state;
    act_all(POWER_NO_WAL_SYNC);
    assert_int_not_equal(forgotten(POWER_DROP, 1, false), 0);
    power_end();
}

/* ---- running ---- */

static int all_begin(void **state)
{
    (void)state;
    folder_make(folder);
    folder_path(path, folder, "ledger.db");
    folder_path(copy, folder, "copy.db");
    world_begin(&w, 0);
    return 0;
}

static int all_end(void **state)
{
    (void)state;
    world_end(&w);
    folder_remove(folder);
    return 0;
}

static int each_begins(void **state)
{
    (void)state;
    const ledger_sqlite_options options = {.writes = true};
    folder_empty(folder);
    must(ledger_sqlite_create(path, &options, NULL));
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(over_restarts, each_begins),
        cmocka_unit_test_setup(waits_over_restarts, each_begins),
        cmocka_unit_test_setup(dies_before_it_signs, each_begins),
        cmocka_unit_test_setup(killed_at_any_moment, each_begins),
        cmocka_unit_test_setup(the_power_goes, each_begins),
        cmocka_unit_test_setup(the_power_goes_on_a_bad_disk, each_begins),
    };
    return cmocka_run_group_tests(tests, all_begin, all_end);
}
