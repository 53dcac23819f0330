/* SPDX-License-Identifier: Apache-2.0 */
/*
 * `bcemr ledger refused` and `resume`: what a cosigner refused, told and made a proof of; and an
 * operator's word, taken for one root, where nobody else can speak, and kept.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "ledger/state/sqlite.h"
#include "support/follow_scene.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

enum { DONE, FAILED, MISUSED };

static scene the;
static world small; /* a set of three */
static char folder[] = "/tmp/bcemr-cosign-XXXXXX";
static char output[65536]; /* of the last command */

static void write_file(const char *name, bcemr_span bytes)
{
    FILE *f = fopen(name, "wb");
    assert_non_null(f);
    assert_int_equal(fwrite(bytes.p, 1, bytes.n, f), bytes.n);
    assert_int_equal(fclose(f), 0);
}

static int command(const char *format, ...) __attribute__((format(printf, 1, 2)));
static int command(const char *format, ...)
{
    char words[1024], line[1400];
    va_list arguments;
    va_start(arguments, format);
    (void)vsnprintf(words, sizeof words, format, arguments);
    va_end(arguments);
    (void)snprintf(line, sizeof line, "'%s/bin/bcemr' %s >out 2>&1", BCEMR_BINARY_DIR, words);
    const int how = system(line);
    FILE *f = fopen("out", "rb");
    assert_non_null(f);
    output[fread(output, 1, sizeof output - 1, f)] = 0;
    assert_int_equal(fclose(f), 0);
    assert_true(WIFEXITED(how));
    return WEXITSTATUS(how);
}

#define SAID(text)                                                                                 \
    do {                                                                                           \
        if (!strstr(output, (text)))                                                               \
            fail_msg("\"%s\" is not in: %s", (text), output);                                      \
    } while (0)

/* ---- databases ---- */

/* A chain's ledger, all of it, with its newest cosigned checkpoint. */
static void make_database(const world *w, const char *name)
{
    const ledger_sqlite_options options = {.writes = true};
    ledger_follow_options follow = {
        .context = w->c.context, .genesis = bcemr_buf_span(&w->c.signed_genesis), .ahead = true};
    ledger_source source;
    ledger_follower *f;
    must(ledger_sqlite_create(name, &options, NULL));
    must(ledger_sqlite_open(name, &options, &follow.state, NULL));
    must(ledger_follow_open(&f, &follow, NULL));
    must(ledger_source_chain(&source, w->chain));
    must(ledger_follow_add(f, "source", &source, NULL));
    must(ledger_follow_run(f, 0, NULL, NULL));
    assert_int_equal(ledger_chain_size(ledger_follow_chain(f)), ledger_chain_size(w->chain));
    ledger_follow_close(f);
}

static ledger_chain *open_to_write(const world *w, const char *name)
{
    const ledger_sqlite_options options = {.writes = true};
    ledger_chain_options chain_options = {.context = w->c.context};
    ledger_chain *chain;
    must(ledger_sqlite_open(name, &options, &chain_options.state, NULL));
    must(ledger_chain_open(&chain, &chain_options, (bcemr_span){0}, NULL));
    return chain;
}

static bcemr_status sign_with(void *user, const bcemr_tr_checkpoint *checkpoint, bcemr_g1_raw *out,
                              bcemr_error *err)
{
    const bcemr_secrets *keys = user;
    return bcemr_checkpoint_sign(&keys->x, checkpoint, out, err);
}

static void begin(const world *w, ledger_chain *chain, int node, const char *id, int64_t restored,
                  ledger_cosigner *out)
{
    must(ledger_cosigner_begin(out, chain, bcemr_text(id), sign_with,
                               (void *)(uintptr_t)&w->c.nodes[node].keys, restored, NULL));
}

/* The newest checkpoint of this log, signed by a member whose database this is. */
static bcemr_status sign_newest(const world *w, const char *name, int node, const char *id)
{
    ledger_cosigner cosigner;
    bcemr_tr_checkpoint newest;
    bcemr_g1_raw signature;
    ledger_chain *chain = open_to_write(w, name);
    begin(w, chain, node, id, 0, &cosigner);
    must(ledger_chain_checkpoint(chain, &newest, NULL));
    const bcemr_status status =
        ledger_cosigner_sign(&cosigner, &newest, w->clock, (bcemr_span){0}, &signature, NULL);
    ledger_chain_close(chain);
    return status;
}

static void waits_since(const world *w, const char *name, int node, const char *id, int64_t since)
{
    ledger_cosigner cosigner;
    ledger_chain *chain = open_to_write(w, name);
    begin(w, chain, node, id, since, &cosigner);
    ledger_chain_close(chain);
}

static int start(void **state)
{
    (void)state;
    scene_begin(&the);
    world_begin(&small, 0);
    assert_int_equal(world_leave(&small, CLOUD_1), 0);
    if (!mkdtemp(folder) || chdir(folder) != 0)
        return -1;
    write_file("genesis", bcemr_buf_span(&the.a.c.signed_genesis));
    make_database(&the.a, "a.db");
    make_database(&the.b, "b.db");
    make_database(&small, "small.db");
    bcemr_buf bytes = BCEMR_BUF_EMPTY;
    scene_export(the.b.chain, &bytes);
    write_file("b.export", bcemr_buf_span(&bytes));
    bcemr_buf_free(&bytes);
    return 0;
}

static int end(void **state)
{
    char line[128];
    (void)state;
    scene_end(&the);
    world_end(&small);
    (void)snprintf(line, sizeof line, "rm -rf %s", folder);
    return chdir("/") == 0 && system(line) == 0 ? 0 : -1;
}

/* ---- what was refused ---- */

/* a's hospital is asked for b's checkpoint. */
static void refuse_b(void)
{
    ledger_cosigner cosigner;
    bcemr_tr_checkpoint asked;
    bcemr_g1_raw signature;
    bcemr_error err;
    ledger_chain *chain = open_to_write(&the.a, "a.db");
    begin(&the.a, chain, HOSPITAL_1, "hospital-1", 0, &cosigner);
    must(ledger_chain_checkpoint(the.b.chain, &asked, NULL));
    assert_int_equal(ledger_cosigner_sign(&cosigner, &asked, WORLD_START, bcemr_text("cloud-2"),
                                          &signature, &err),
                     BCEMR_E_REFUSED);
    ledger_chain_close(chain);
}

static void tells_what_was_refused(void **state)
{
    (void)state;
    assert_int_equal(command("ledger refused --db a.db --genesis genesis"), DONE);
    SAID("nothing was refused");
    refuse_b();
    assert_int_equal(command("ledger refused --db a.db"), DONE);
    SAID("2023-11-14 22:13:20 UTC  cloud-2 asked for a signature: ");
    SAID("carries no signatures");
    assert_int_equal(command("ledger refused --db a.db --json"), DONE);
    SAID("\"who\": \"cloud-2\"");
    SAID("\"not_kept\": 0");
    assert_int_equal(command("ledger verify --db a.db"), DONE);
    assert_int_equal(command("ledger refused --db none.db"), FAILED);
    SAID("E_NOT_FOUND");
}

static void proves_it_with_the_other_log(void **state)
{
    (void)state;
    assert_int_equal(command("ledger refused --db a.db --out a.guilt"), MISUSED);
    SAID("--from");
    assert_int_equal(command("ledger refused --db a.db --from b.db"), MISUSED);
    /* The own log contradicts nothing. */
    assert_int_equal(command("ledger refused --db a.db --from a.db --out a.guilt"), FAILED);
    SAID("prove nobody guilty");
    assert_int_not_equal(access("a.guilt", F_OK), 0);
    assert_int_equal(command("ledger refused --db a.db --from a.db b.db --out a.guilt"), DONE);
    SAID("proven in a.guilt");
    assert_int_equal(command("verify a.guilt --genesis genesis"), DONE);
    SAID("proves guilt");
    assert_int_equal(command("ledger refused --db a.db --from b.export --out b.guilt --json"),
                     DONE);
    SAID("\"proven\": true");
    assert_int_equal(command("verify b.guilt --genesis genesis"), DONE);
    assert_int_equal(command("ledger refused --db b.db --from a.db --out other.guilt"), DONE);
    assert_int_equal(command("verify other.guilt --genesis genesis"), DONE);
    assert_int_equal(command("ledger refused --db a.db --from b.db --out a.guilt"), FAILED);
    SAID("E_EXISTS");
    assert_int_equal(command("ledger refused --db a.db --from genesis --out c.guilt"), FAILED);
    assert_int_not_equal(access("c.guilt", F_OK), 0);
    /* Three that signed nothing. */
    assert_int_equal(command("ledger refused --db small.db --from small.db --out c.guilt"), FAILED);
    SAID("holds no cosigned checkpoint");
}

/* ---- an operator's word ---- */

static void root_of(const char *name, char hex[65])
{
    bcemr_hash root;
    ledger_chain *chain = open_to_write(&small, name);
    must(ledger_chain_root(chain, ledger_chain_size(chain), &root));
    for (unsigned i = 0; i < sizeof root.b; i++)
        (void)snprintf(hex + 2 * (size_t)i, 3, "%02x", root.b[i]);
    ledger_chain_close(chain);
}

static void takes_a_word_for_one_root(void **state)
{
    char root[65];
    (void)state;
    root_of("small.db", root);
    assert_int_equal(sign_newest(&small, "small.db", CLOUD_2, "cloud-2"), BCEMR_OK);
    assert_int_equal(command("ledger resume cloud-2 --db small.db"), DONE);
    SAID("does not wait");
    assert_int_equal(command("ledger resume cloud-2 --db small.db --vouch %s", root), FAILED);
    SAID("E_STATE");
    waits_since(&small, "small.db", CLOUD_2, "cloud-2", small.clock);
    /* Looking says what it would mean, and changes nothing. */
    assert_int_equal(command("ledger resume cloud-2 --db small.db"), DONE);
    SAID("waits");
    SAID("ever signed");
    SAID(root);
    assert_int_equal(sign_newest(&small, "small.db", CLOUD_2, "cloud-2"), BCEMR_E_STATE);
    /* A word for another log, for a part of a root, of nobody. */
    assert_int_equal(command("ledger resume cloud-2 --db small.db --vouch %.16s", root), MISUSED);
    root[0] = root[0] == '0' ? '1' : '0';
    assert_int_equal(command("ledger resume cloud-2 --db small.db --vouch %s", root), FAILED);
    SAID("BAD_CHECKPOINT");
    root_of("small.db", root);
    assert_int_equal(command("ledger resume cloud-1 --db small.db --vouch %s", root), FAILED);
    SAID("BAD_SET");
    assert_int_equal(command("ledger resume cloud-2 --vouch %s", root), MISUSED);
    assert_int_equal(sign_newest(&small, "small.db", CLOUD_2, "cloud-2"), BCEMR_E_STATE);
    assert_int_equal(command("ledger resume cloud-2 --db small.db --vouch %s", root), DONE);
    SAID("the word is kept");
    assert_int_equal(sign_newest(&small, "small.db", CLOUD_2, "cloud-2"), BCEMR_OK);
    /* And stays, whatever it signs later. */
    assert_int_equal(command("ledger resume cloud-2 --db small.db"), DONE);
    SAID("word given");
    assert_int_equal(command("ledger resume cloud-2 --db small.db --json"), DONE);
    SAID("\"words\": [");
    SAID("\"number\": 0");
    assert_int_equal(command("ledger verify --db small.db"), DONE);
}

/* Where the others are enough it waits for them; where somebody writes nothing is changed. */
static void takes_no_other_word(void **state)
{
    char root[65];
    (void)state;
    waits_since(&the.a, "a.db", CLOUD_2, "cloud-2", WORLD_START);
    root_of("a.db", root);
    assert_int_equal(command("ledger resume cloud-2 --db a.db"), DONE);
    SAID("no word is taken");
    assert_int_equal(command("ledger resume cloud-2 --db a.db --vouch %s", root), FAILED);
    SAID("NOT_ENTITLED");
    assert_int_equal(command("ledger resume cloud-2 --db a.db --json"), DONE);
    SAID("\"word_is_taken\": false");
    SAID("\"words\": []");
    ledger_chain *chain = open_to_write(&small, "small.db");
    assert_int_equal(command("ledger resume cloud-2 --db small.db --vouch %s", root), FAILED);
    SAID("E_IN_USE");
    ledger_chain_close(chain);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(tells_what_was_refused),
        cmocka_unit_test(proves_it_with_the_other_log),
        cmocka_unit_test(takes_a_word_for_one_root),
        cmocka_unit_test(takes_no_other_word),
    };
    return cmocka_run_group_tests(tests, start, end);
}
