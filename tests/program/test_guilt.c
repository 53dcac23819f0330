/* SPDX-License-Identifier: Apache-2.0 */
/* `bcemr verify` of a proof of guilt: what it says, as text and as JSON, and how it ends. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "ledger/checkpoint/guilt.h"
#include "support/folder.h"
#include "support/ledger_world.h"

#include <jansson.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>

static char folder[FOLDER_ROOM], genesis[FOLDER_ROOM], file[FOLDER_ROOM];
static char said[65536];
static world w;

static void write_file(const char *path, bcemr_span bytes)
{
    FILE *f = fopen(path, "wb");
    assert_non_null(f);
    assert_int_equal(fwrite(bytes.p, 1, (size_t)bytes.n, f), (size_t)bytes.n);
    assert_int_equal(fclose(f), 0);
}

/* Runs bcemr verify FILE --genesis GENESIS with more words; what it says is in said. */
static int verify(const char *of, const char *more)
{
    char line[4 * FOLDER_ROOM];
    (void)snprintf(line, sizeof line, "'%s/bin/bcemr' verify '%s' --genesis '%s' %s 2>&1",
                   BCEMR_BINARY_DIR, file, of, more);
    FILE *out = popen(line, "r");
    assert_non_null(out);
    size_t n = fread(said, 1, sizeof said - 1, out);
    said[n] = 0;
    int result = pclose(out);
    assert_true(WIFEXITED(result));
    return WEXITSTATUS(result);
}

static void says(const char *text)
{
    if (!strstr(said, text))
        fail_msg("does not say \"%s\" but:\n%s", text, said);
}

/* ---- the files ---- */

static void cosign(uint64_t size, uint64_t votes, int change, bcemr_buf *out)
{
    bcemr_set set = BCEMR_SET_EMPTY;
    bcemr_tr_checkpoint checkpoint;
    must(ledger_chain_checkpoint_at(w.chain, size, &checkpoint, NULL));
    must(ledger_chain_set_at(w.chain, size - 1, &set, NULL));
    if (change == 'o') { /* by the set that was over */
        must(ledger_chain_set_at(w.chain, 0, &set, NULL));
        checkpoint.set_number = set.number;
        checkpoint.set = set.hash;
    }
    if (change == 'e') { /* by the one that is not there yet */
        must(ledger_chain_set_now(w.chain, &set, NULL));
        checkpoint.set_number = set.number;
        checkpoint.set = set.hash;
    }
    checkpoint.root.b[0] ^= change == 'r';
    consortium_cosign(&set, &checkpoint, w.voters, votes, out);
    bcemr_set_free(&set);
}

static void write_guilt(uint64_t size_one, int change_one, uint64_t size_other, int change_other)
{
    bcemr_buf one = BCEMR_BUF_EMPTY, other = BCEMR_BUF_EMPTY, made = BCEMR_BUF_EMPTY;
    cosign(size_one, 15, change_one, &one);
    cosign(size_other, 15, change_other, &other);
    const ledger_evidence evidence = {.one = bcemr_buf_span(&one), .other = bcemr_buf_span(&other)};
    must(ledger_guilt_make(w.chain, &evidence, &made, &w.err));
    write_file(file, bcemr_buf_span(&made));
    bcemr_buf_free(&one);
    bcemr_buf_free(&other);
    bcemr_buf_free(&made);
}

static uint64_t before, after; /* sizes on both sides of the Join */

/* ---- what is said ---- */

static void each_kind(void **state)
{
    (void)state;
    write_guilt(before, 0, before, 'r');
    assert_int_equal(verify(genesis, ""), 0);
    says("4 supernodes signed two different checkpoints for one size of the log:");
    says("  hospital-1\n  hospital-2\n  cloud-1\n  cloud-2\n");
    says("the rule: a supernode signs one checkpoint for one size");
    says("what it does not show:");
    write_guilt(before, 'r', after, 0);
    assert_int_equal(verify(genesis, ""), 0);
    says("signed two logs of which the larger is not the smaller one continued");
    says("the rule: a log only grows");
    write_guilt(after, 'o', before, 0);
    assert_int_equal(verify(genesis, ""), 0);
    says("signed as a set that was over");
    write_guilt(before, 'e', after, 0);
    assert_int_equal(verify(genesis, ""), 0);
    says("signed as a set that was not there yet");
}

static void as_json(void **state)
{
    (void)state;
    write_guilt(before, 'r', after, 0);
    assert_int_equal(verify(genesis, "--json"), 0);
    json_t *root = json_loads(said, 0, NULL);
    assert_non_null(root);
    assert_string_equal(json_string_value(json_object_get(root, "kind")), "guilt");
    assert_true(json_is_true(json_object_get(root, "holds")));
    assert_string_equal(json_string_value(json_object_get(root, "shows")), "OTHER_ROOT");
    json_t *guilty = json_object_get(root, "guilty");
    assert_int_equal(json_array_size(guilty), 4);
    assert_string_equal(json_string_value(json_array_get(guilty, 2)), "cloud-1");
    json_t *one = json_object_get(root, "one");
    assert_int_equal(json_integer_value(json_object_get(one, "size")), before);
    assert_int_equal(json_string_length(json_object_get(one, "root")), 64);
    assert_int_equal(json_integer_value(json_object_get(json_object_get(root, "other"), "size")),
                     after);
    json_decref(root);
}

/* ---- what does not hold ---- */

static void flip(uint64_t from_end)
{
    FILE *f = fopen(file, "r+b");
    assert_non_null(f);
    assert_int_equal(fseek(f, -(long)from_end, SEEK_END), 0);
    int c = fgetc(f);
    assert_int_equal(fseek(f, -(long)from_end, SEEK_END), 0);
    assert_int_equal(fputc(c ^ 1, f), c ^ 1);
    assert_int_equal(fclose(f), 0);
}

static void what_does_not_hold(void **state)
{
    (void)state;
    write_guilt(before, 'r', after, 0);
    flip(1); /* a node of the path */
    assert_int_equal(verify(genesis, ""), 1);
    says("BAD_CONSISTENCY");
    says("proves nobody guilty");
    assert_int_equal(verify(genesis, "--json"), 1);
    json_t *root = json_loads(said, 0, NULL);
    assert_non_null(root);
    assert_true(json_is_false(json_object_get(root, "holds")));
    assert_string_equal(
        json_string_value(json_object_get(json_object_get(root, "error"), "verdict")),
        "BAD_CONSISTENCY");
    json_decref(root);
    /* Of another ledger, or no genesis at all. */
    static consortium other;
    char path[FOLDER_ROOM];
    other.quota = 7;
    consortium_begin(&other);
    folder_path(path, folder, "other");
    write_file(path, bcemr_buf_span(&other.signed_genesis));
    consortium_end(&other);
    write_guilt(before, 'r', after, 0);
    assert_int_equal(verify(path, ""), 1);
    says("WRONG_LEDGER");
    assert_int_equal(verify(file, ""), 1);
    assert_int_equal(verify("nowhere", ""), 1);
    says("nowhere");
    assert_int_equal(verify(genesis, "--documents somewhere"), 2);
    says("a proof of guilt");
}

static int begin(void **state)
{
    (void)state;
    folder_make(folder);
    folder_path(genesis, folder, "genesis");
    folder_path(file, folder, "guilt");
    world_begin(&w, 0);
    write_file(genesis, bcemr_buf_span(&w.c.signed_genesis));
    before = ledger_chain_size(w.chain);
    if (world_join(&w, &w.c.nodes[CLOUD_3]) != 0 || world_retire(&w, 1) != 0)
        return -1;
    after = ledger_chain_size(w.chain);
    return 0;
}

static int end(void **state)
{
    (void)state;
    world_end(&w);
    folder_remove(folder);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_kind),
        cmocka_unit_test(as_json),
        cmocka_unit_test(what_does_not_hold),
    };
    return cmocka_run_group_tests(tests, begin, end);
}
