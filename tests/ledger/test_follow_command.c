/* SPDX-License-Identifier: Apache-2.0 */
/* `bcemr ledger follow` on databases that agree, and on two that fork. */
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
static char folder[] = "/tmp/bcemr-command-XXXXXX";

static void write_file(const char *name, bcemr_span bytes)
{
    FILE *f = fopen(name, "wb");
    assert_non_null(f);
    assert_int_equal(fwrite(bytes.p, 1, bytes.n, f), bytes.n);
    assert_int_equal(fclose(f), 0);
}

static void read_file(const char *name, bcemr_buf *out)
{
    uint8_t bytes[4096];
    FILE *f = fopen(name, "rb");
    assert_non_null(f);
    bcemr_buf_clear(out);
    for (size_t n; (n = fread(bytes, 1, sizeof bytes, f)) > 0;)
        must(bcemr_buf_append(out, bcemr_span_of(bytes, n)));
    assert_int_equal(fclose(f), 0);
}

static bool there(const char *name)
{
    return access(name, F_OK) == 0;
}

/* A chain's ledger in a database of the folder, all of it. */
static void make_database(const ledger_chain *chain, const char *name)
{
    const ledger_sqlite_options options = {.writes = true};
    ledger_follow_options follow = {.context = the.a.c.context,
                                    .genesis = bcemr_buf_span(&the.a.c.signed_genesis),
                                    .ahead = true};
    ledger_source source;
    ledger_follower *f;
    must(ledger_sqlite_create(name, &options, NULL));
    must(ledger_sqlite_open(name, &options, &follow.state, NULL));
    must(ledger_follow_open(&f, &follow, NULL));
    must(ledger_source_chain(&source, chain));
    must(ledger_follow_add(f, "source", &source, NULL));
    must(ledger_follow_run(f, 0, NULL, NULL));
    assert_int_equal(ledger_chain_size(ledger_follow_chain(f)), ledger_chain_size(chain));
    ledger_follow_close(f);
}

static int begin(void **state)
{
    bcemr_buf export_bytes = BCEMR_BUF_EMPTY;
    (void)state;
    scene_begin(&the);
    if (!mkdtemp(folder) || chdir(folder) != 0)
        return -1;
    write_file("genesis", bcemr_buf_span(&the.a.c.signed_genesis));
    make_database(the.a.chain, "a.db");
    make_database(the.b.chain, "b.db");
    scene_export(the.a.chain, &export_bytes);
    write_file("a.export", bcemr_buf_span(&export_bytes));
    bcemr_buf_free(&export_bytes);
    return 0;
}

static int end(void **state)
{
    char line[128];
    (void)state;
    scene_end(&the);
    (void)snprintf(line, sizeof line, "rm -rf %s", folder);
    return chdir("/") == 0 && system(line) == 0 ? 0 : -1;
}

/* The exit code of `bcemr` with these words. */
static int command(const char *words)
{
    char line[1024];
    (void)snprintf(line, sizeof line, "'%s/bin/bcemr' %s >out 2>&1", BCEMR_BINARY_DIR, words);
    const int how = system(line);
    assert_true(WIFEXITED(how));
    return WEXITSTATUS(how);
}

static int follow(const char *words)
{
    char line[512];
    (void)snprintf(line, sizeof line, "ledger follow %s", words);
    return command(line);
}

/* Whether the last one said this. */
static bool said(const char *text)
{
    bcemr_buf bytes = BCEMR_BUF_EMPTY;
    read_file("out", &bytes);
    must(bcemr_buf_append(&bytes, bcemr_span_of("", 1)));
    const bool found = strstr((const char *)bytes.p, text) != NULL;
    bcemr_buf_free(&bytes);
    return found;
}

static uint64_t size_of(const char *path)
{
    const ledger_sqlite_options options = {.writes = false};
    ledger_chain_options chain_options = {.context = the.a.c.context};
    ledger_chain *chain;
    must(ledger_sqlite_open(path, &options, &chain_options.state, NULL));
    must(ledger_chain_open(&chain, &chain_options, (bcemr_span){0}, NULL));
    const uint64_t size = ledger_chain_size(chain);
    ledger_chain_close(chain);
    return size;
}

static void follows_and_goes_on(void **state)
{
    (void)state;
    assert_int_equal(follow("--from a.db --db own.db"), FAILED);
    assert_true(said("--init"));
    assert_false(there("own.db")); /* never made silently */
    assert_int_equal(follow("--from a.db --db own.db --init"), MISUSED);
    assert_int_equal(follow("--from a.db --db own.db --init --genesis genesis"), DONE);
    assert_true(said("no supernodes have signed"));
    assert_int_equal(size_of("own.db"), the.signed_size);
    assert_int_equal(follow("--from a.db a.export --db own.db --json"), DONE);
    assert_true(said("\"state\": \"unsigned\""));
    assert_int_equal(size_of("own.db"), the.signed_size);
    assert_int_equal(follow("--from a.export --db own.db --ahead"), DONE);
    assert_int_equal(size_of("own.db"), ledger_chain_size(the.a.chain));
    assert_false(there("own.db.1.fork"));
}

static void keeps_evidence_of_a_fork(void **state)
{
    (void)state;
    bcemr_buf bytes = BCEMR_BUF_EMPTY;
    bcemr_tr_fork fork;
    assert_int_equal(follow("--from a.db b.db --db two.db --init --genesis genesis --json"),
                     FAILED);
    assert_true(said("\"name\": \"FORK\"") && said("two.db.1.fork") && said("two.db.1.guilt"));
    const uint64_t size = size_of("two.db");
    assert_int_equal(size, the.signed_size);
    read_file("two.db.1.fork", &bytes);
    must(bcemr_read_fork(bcemr_buf_span(&bytes), &fork, NULL));
    assert_int_equal(fork.verdict, BCEMR_FORK);
    assert_int_equal(fork.place, the.common);
    assert_true(bcemr_span_equal(fork.source, bcemr_text("b.db")));
    read_file("two.db.1.guilt", &bytes);
    assert_int_equal(bcemr_guilt_check(the.a.c.context, bcemr_buf_span(&the.a.c.signed_genesis),
                                       bcemr_buf_span(&bytes), NULL, NULL),
                     BCEMR_VALID);
    assert_int_equal(command("verify two.db.1.guilt --genesis genesis"), DONE);
    assert_int_equal(command("verify two.db.1.fork --genesis genesis"), DONE);
    assert_true(said("refused b.db") && said("FORK") && said("its signatures hold"));
    assert_true(said("the follower's") && said("the source's"));
    assert_int_equal(command("verify two.db.1.fork --genesis genesis --json"), DONE);
    assert_true(said("\"verdict\": \"FORK\""));
    assert_int_equal(command("verify two.db.1.fork"), MISUSED);
    assert_int_equal(command("verify two.db.1.fork --genesis a.export"), FAILED);
    /* Nothing is written over; when no source is left a watch ends. */
    assert_int_equal(follow("--from b.db --db two.db --watch 1"), FAILED);
    assert_true(said("FORK"));
    assert_true(there("two.db.2.fork") && there("two.db.2.guilt"));
    bcemr_buf_free(&bytes);
}

static void says_wrong_use(void **state)
{
    (void)state;
    assert_int_equal(follow("--db own.db"), MISUSED);
    assert_int_equal(follow("--from a.db"), MISUSED);
    assert_int_equal(follow("--from a.db --db own.db --watch 1 --json"), MISUSED);
    assert_int_equal(follow("--from nothing --db own.db"), FAILED);
    assert_int_equal(follow("--from genesis --db own.db"), FAILED);
    assert_int_equal(follow("--from a b c d e f g h i j k l m n o p q --db own.db"), MISUSED);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(follows_and_goes_on),
        cmocka_unit_test(keeps_evidence_of_a_fork),
        cmocka_unit_test(says_wrong_use),
    };
    return cmocka_run_group_tests(tests, begin, end);
}
