/* SPDX-License-Identifier: Apache-2.0 */
#include "bcemr/fork.h"

#include "bcemr/ledger/book.h"
#include "wire/error.h"

#include <bcemr/proof.h>
#include <inttypes.h>
#include <string.h>

#define FORK_MAX (8u << 20)
#define GENESIS_MAX (1u << 20)

typedef struct telling {
    hand *h;
    bcemr_buf genesis, file;
    bcemr_hash ledger;
    bcemr_set first; /* the genesis's set */
    bcemr_tr_fork fork;
} telling;

static bcemr_status read_genesis(telling *t)
{
    bcemr_status status = BCEMR_OK;
    hand *h = t->h;
    bcemr_error *err = &h->error;
    bcemr_signed_parts parts;
    bcemr_tr_genesis genesis;
    HAND(hand_context(h));
    HAND(files_read(h->o->genesis, GENESIS_MAX, &t->genesis, &h->file));
    REQUIRE_VALID(bcemr_genesis_check(h->context, bcemr_buf_span(&t->genesis), &t->ledger, err),
                  "genesis", NULL);
    HAND(bcemr_signed_read(bcemr_buf_span(&t->genesis), &parts, err));
    HAND(bcemr_read_genesis(parts.entry, &genesis, err));
    HAND(bcemr_set_begin(&genesis, &t->first, err));
out:
    return status;
}

static bcemr_status read_fork(telling *t)
{
    bcemr_status status = BCEMR_OK;
    hand *h = t->h;
    bcemr_error *err = &h->error;
    bcemr_tr_checkpoint own;
    HAND(files_read(h->o->file, FORK_MAX, &t->file, &h->file));
    HAND(bcemr_read_fork(bcemr_buf_span(&t->file), &t->fork, err));
    HAND(bcemr_read_checkpoint(t->fork.own, &own, err));
    REQUIRE(bcemr_hash_equal(&own.ledger, &t->ledger), BCEMR_WRONG_LEDGER, "fork", "own");
out:
    return status;
}

/* A cosigned checkpoint, and whether the genesis alone can say who signed it. */
static bcemr_status say_cosigned(telling *t, const bcemr_list *list, const char *key,
                                 const char *what)
{
    bcemr_status status = BCEMR_OK;
    hand *h = t->h;
    bcemr_error why = {.index = BCEMR_NOWHERE, .offset = BCEMR_NOWHERE};
    bcemr_span bytes;
    bcemr_tr_cosigned cosigned;
    bcemr_tr_checkpoint checkpoint;
    char hex[65], text[512] = "its signatures need the sets after the genesis: not checked here";
    if (!bcemr_list_at(&bcemr_type_cosigned, list, 0, &bytes))
        return BCEMR_OK;
    HAND(bcemr_read_cosigned(bytes, &cosigned, &h->error));
    HAND(bcemr_read_checkpoint(cosigned.checkpoint, &checkpoint, &h->error));
    const bool known = checkpoint.set_number == 0;
    bcemr_verdict verdict = BCEMR_UNDECIDED;
    if (known) {
        verdict = bcemr_checkpoint_check(h->context, &t->ledger, &t->first, bytes, NULL, &why);
        report_error_text(&why, text, sizeof text);
    }
    json_t *object = report_json_object(&h->json, NULL, key);
    report_json_number(&h->json, object, "size", checkpoint.size);
    report_json_hash(&h->json, object, "root", &checkpoint.root);
    report_json_number(&h->json, object, "set", checkpoint.set_number);
    report_json_text(&h->json, object, "signatures",
                     !known                   ? "not checked"
                     : verdict == BCEMR_VALID ? "hold"
                                              : "do not hold");
    report_line(&h->r, "  %s: %" PRIu64 " entries, root %s, set %" PRIu64, what, checkpoint.size,
                report_hex(checkpoint.root.b, 32, hex), checkpoint.set_number);
    report_line(&h->r, "    %s", verdict == BCEMR_VALID ? "its signatures hold" : text);
out:
    return status;
}

static void say_leaf(telling *t, const bcemr_list *list, const char *key, const char *whose)
{
    hand *h = t->h;
    bcemr_leaf_parts leaf;
    bcemr_span bytes;
    char text[512], when[REPORT_NUMBER];
    if (!bcemr_list_at(&bcemr_type_leaf, list, 0, &bytes) ||
        bcemr_leaf_read(bytes, &leaf, NULL) != BCEMR_OK)
        return;
    book_entry_text(NULL, &leaf, text, sizeof text);
    report_line(&h->r, "  %s: block %" PRIu64 ", %s: %s", whose, leaf.height,
                hand_time(leaf.tau, when), text);
    json_t *object = report_json_object(&h->json, NULL, key);
    report_json_hash(&h->json, object, "entry", &leaf.parts.entry_hash);
    report_json_number(&h->json, object, "height", leaf.height);
    report_json_number(&h->json, object, "time", (uint64_t)leaf.tau);
    report_json_text(&h->json, object, "text", text);
}

static void say_what(telling *t)
{
    hand *h = t->h;
    const bcemr_tr_fork *fork = &t->fork;
    const bcemr_verdict verdict = (bcemr_verdict)fork->verdict;
    char when[REPORT_NUMBER];
    report_line(&h->r, "a follower refused %s at %s: %s (%s)", hand_name(fork->source),
                hand_time(fork->time, when), bcemr_verdict_name(verdict), hand_name(fork->about));
    report_line(&h->r, "  %s", bcemr_verdict_text(verdict));
    if (fork->reason != 0)
        report_line(&h->r, "  %s: %s", ledger_reason_name((uint32_t)fork->reason),
                    ledger_reason_text((uint32_t)fork->reason));
    report_line(&h->r, "  the source said that it has %" PRIu64 " entries", fork->size);
    report_json_text(&h->json, NULL, "source", hand_name(fork->source));
    report_json_number(&h->json, NULL, "time", (uint64_t)fork->time);
    report_json_text(&h->json, NULL, "verdict", bcemr_verdict_name(verdict));
    report_json_text(&h->json, NULL, "about", hand_name(fork->about));
    report_json_number(&h->json, NULL, "size", fork->size);
    report_json_hash(&h->json, NULL, "root", &fork->root);
    if (fork->mine.count + fork->given.count == 0)
        return;
    report_line(&h->r, "  entry %" PRIu64 " is where they part:", fork->place);
    report_json_number(&h->json, NULL, "place", fork->place);
    say_leaf(t, &fork->mine, "mine", "the follower's");
    say_leaf(t, &fork->given, "given", "the source's");
}

bcemr_status fork_verify_work(hand *h)
{
    bcemr_status status = BCEMR_OK;
    telling t = {.h = h, .first = BCEMR_SET_EMPTY};
    HAND(read_genesis(&t));
    HAND(read_fork(&t));
    report_json_text(&h->json, NULL, "kind", "fork");
    say_what(&t);
    HAND(say_cosigned(&t, &t.fork.held, "held", "the follower held"));
    HAND(say_cosigned(&t, &t.fork.shown, "shown", "the source showed"));
    report_line(&h->r,
                "what it does not show: that the source ever said this. It is the follower's "
                "word; what proves supernodes guilty is in the file ending in .guilt");
out:
    bcemr_set_free(&t.first);
    bcemr_buf_free(&t.genesis);
    bcemr_buf_free(&t.file);
    return status;
}
