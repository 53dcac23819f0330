/* SPDX-License-Identifier: Apache-2.0 */
#include "bcemr/verify.h"

#include "bcemr/case.h"
#include "bcemr/fork.h"
#include "bcemr/guilt.h"
#include "bcemr/ledger/proof_verify.h"

#include <string.h>

#define LABEL_MAX 32

/* Which options a kind of file is checked by. */
typedef struct verify_kind {
    const char *label; /* of the first transcript in the file */
    const char *what;
    bool genesis;   /* takes --genesis, and needs it */
    bool hospital;  /* takes what belongs to a visit by hand, and needs --hospital */
    bool documents; /* takes --documents */
    bool root;      /* takes --root */
    bcemr_status (*work)(hand *h);
} verify_kind;

/* A new kind of file is one line here. */
static const verify_kind kinds[] = {
    {"list", "a visit by hand", false, true, false, false, hand_verify_work},
    {"case-file", "a case file", true, false, true, false, case_verify_work},
    {"guilt", "a proof of guilt", true, false, false, false, guilt_verify_work},
    {"fork", "evidence that a follower kept", true, false, false, false, fork_verify_work},
    {"log-proof", "a proof about a ledger's log", true, false, false, true, proof_verify_work},
};

/* The label at the beginning of bytes: its length in 8 bytes, then itself. */
static bool label_at(const uint8_t *bytes, uint64_t n, const char *label)
{
    const uint64_t length = strlen(label);
    return n >= 8 + length && bcemr_load_u64(bytes) == length &&
           memcmp(bytes + 8, label, (size_t)length) == 0;
}

/* A case file has the length of its head before it. */
static const verify_kind *kind_of(const uint8_t *bytes, uint64_t n)
{
    for (size_t i = 0; i < sizeof kinds / sizeof kinds[0]; i++) {
        if (label_at(bytes, n, kinds[i].label))
            return &kinds[i];
        if (n > 8 && label_at(bytes + 8, n - 8, kinds[i].label))
            return &kinds[i];
    }
    return NULL;
}

static bcemr_status find_kind(hand *h, const verify_kind **out)
{
    bcemr_status status = BCEMR_OK;
    uint8_t bytes[16 + LABEL_MAX];
    files_source *file = NULL;
    HAND(files_source_open(h->o->file, &file, &h->file));
    const bcemr_source source = files_source_view(file);
    const uint64_t n = source.length < sizeof bytes ? source.length : sizeof bytes;
    status = source.read(source.user, 0, bytes, n);
    if (status != BCEMR_OK)
        hand_source_failed(h, file);
    HAND(status);
    *out = kind_of(bytes, n);
out:
    files_source_close(file);
    return status;
}

/* Wrong use of a file of this kind. */
static bool fits(const hand_options *o, const verify_kind *kind, const char **why)
{
    const bool of_visit = o->hospital || o->contributions.count > 0 || o->header || o->payload;
    *why = NULL;
    if (kind->genesis && !o->genesis)
        *why = "--genesis is missing";
    else if (kind->hospital && !o->hospital)
        *why = "--hospital is missing";
    else if (!kind->genesis && o->genesis)
        *why = "--genesis says nothing about it";
    else if (!kind->hospital && of_visit)
        *why = "--hospital, --contribution, --header and --payload say nothing about it";
    else if (!kind->documents && o->documents_to)
        *why = "--documents: there are none in it to be written";
    else if (!kind->root && o->root)
        *why = "--root says nothing about it";
    return *why == NULL;
}

/* What is none of them is taken for what the options speak of, so that its fault is said. */
static const verify_kind *meant(const hand_options *o)
{
    return o->genesis ? &kinds[1] : o->hospital ? &kinds[0] : NULL;
}

static bcemr_status work(hand *h)
{
    bcemr_status status = BCEMR_OK;
    const verify_kind *kind = NULL;
    const char *why = NULL;
    HAND(find_kind(h, &kind));
    hand_doing(h, "verify \"%.200s\"", hand_name(bcemr_text(h->o->file)));
    if (!kind)
        kind = meant(h->o);
    if (!kind)
        HAND_FAIL(BCEMR_E_UNKNOWN_KIND, "file", NULL);
    if (fits(h->o, kind, &why))
        status = kind->work(h);
    else
        status =
            hand_misuse(h, "\"%s\" is %s: %s", hand_name(bcemr_text(h->o->file)), kind->what, why);
out:
    return status;
}

int verify_main(const void *options)
{
    return hand_run(options, work);
}
