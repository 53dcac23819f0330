/* SPDX-License-Identifier: Apache-2.0 */
/* `bcemr case export`: a case file from a ledger's database. */
#include "bcemr/case.h"
#include "ledger/chain/chain.h"
#include "ledger/state/sqlite.h"

#include <stdlib.h>
#include <string.h>

typedef struct exporting {
    ledger_state state;
    ledger_chain *chain;
    bcemr_buf genesis;
    bcemr_hash vid;
    uint64_t places;
} exporting;

static int digit(char c)
{
    static const char digits[] = "0123456789abcdef";
    const char *at = c ? strchr(digits, c) : NULL;
    return at ? (int)(at - digits) : -1;
}

static bcemr_status read_vid(hand *h, const char *text, bcemr_hash *out)
{
    for (size_t i = 0; i < sizeof out->b; i++) {
        const int high = digit(text[2 * i]), low = high < 0 ? -1 : digit(text[2 * i + 1]);
        if (low < 0)
            return hand_misuse(h, "--visit takes the visit's 64 hexadecimal digits");
        out->b[i] = (uint8_t)(high * 16 + low);
    }
    if (text[2 * sizeof out->b] != 0)
        return hand_misuse(h, "--visit takes the visit's 64 hexadecimal digits");
    return BCEMR_OK;
}

static bcemr_status read_places(hand *h, uint64_t *out)
{
    if (h->o->open.count > 0 && !h->o->content)
        return hand_misuse(h, "--open needs the record's --content");
    for (uint64_t i = 0; i < h->o->open.count; i++) {
        char *end = NULL;
        const unsigned long place = strtoul(h->o->open.items[i], &end, 10);
        if (*end != 0 || place < 1 || place > BCEMR_TEAM_MAX)
            return hand_misuse(h, "--open takes places in the order, from 1 on");
        *out |= (uint64_t)1 << (place - 1);
    }
    return BCEMR_OK;
}

static bcemr_status open_ledger(hand *h, exporting *e)
{
    bcemr_status status = BCEMR_OK;
    const ledger_sqlite_options options = {.writes = false};
    hand_doing(h, "open the ledger \"%.200s\"", hand_name(bcemr_text(h->o->db)));
    HAND(ledger_sqlite_open(h->o->db, &options, &e->state, &h->error));
    HAND_AT(ledger_get(&e->state, LEDGER_GENESIS, (bcemr_span){0}, &e->genesis), "ledger",
            "genesis");
    const ledger_chain_options chain = {.context = h->context, .state = e->state};
    HAND(ledger_chain_open(&e->chain, &chain, bcemr_buf_span(&e->genesis), &h->error));
    e->state = (ledger_state){0}; /* the chain closes it */
out:
    return status;
}

static bcemr_status export_work(hand *h)
{
    bcemr_status status = BCEMR_OK;
    exporting e = {.genesis = BCEMR_BUF_EMPTY};
    bcemr_ledger_view view;
    bcemr_hash sha256;
    uint64_t bytes = 0;
    char size[REPORT_NUMBER];
    HAND(read_vid(h, h->o->visit, &e.vid));
    HAND(read_places(h, &e.places));
    HAND(hand_context(h));
    HAND(open_ledger(h, &e));
    ledger_chain_view(e.chain, &view);
    hand_doing(h, "make the case file");
    const case_writing writing = {.context = h->context,
                                  .view = &view,
                                  .vid = &e.vid,
                                  .content = h->o->content,
                                  .places = e.places,
                                  .path = h->o->out,
                                  .how = h->o->replace ? FILES_REPLACE : FILES_NEW,
                                  .run = hand_run_begin(h, "writing the case file")};
    status = case_write(&writing, &h->error, &h->file);
    hand_run_end(h);
    HAND(status);
    HAND(files_sha256(h->o->out, &sha256, &bytes, &h->file));
    report_line(&h->r, "wrote %s (%s); whoever has the genesis can verify it",
                hand_name(bcemr_text(h->o->out)), report_bytes(bytes, size));
    report_json_text(&h->json, NULL, "file", h->o->out);
    report_json_number(&h->json, NULL, "bytes", bytes);
    report_json_hash(&h->json, NULL, "sha256", &sha256);
    report_json_hash(&h->json, NULL, "vid", &e.vid);
out:
    ledger_chain_close(e.chain);
    ledger_state_close(&e.state);
    bcemr_buf_free(&e.genesis);
    return status;
}

int case_export(const void *options)
{
    return hand_run(options, export_work);
}
