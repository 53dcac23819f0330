/* SPDX-License-Identifier: Apache-2.0 */
#include "bcemr/guilt.h"

#include <bcemr/proof.h>
#include <inttypes.h>
#include <string.h>

#define GUILT_MAX (64u << 20)
#define GENESIS_MAX (1u << 20)

typedef struct judging {
    hand *h;
    bcemr_buf genesis, file;
    bcemr_guilty guilty;
} judging;

/* What each kind shows, and the rule; both as sentences of which the names are the subject. */
static const struct {
    bcemr_guilt_kind kind;
    const char *did;
    const char *rule;
} kinds[] = {
    {BCEMR_guilt_kind_SAME_SIZE, "signed two different checkpoints for one size of the log",
     "a supernode signs one checkpoint for one size"},
    {BCEMR_guilt_kind_OLD_SET,
     "signed as a set that was over: an entry of the very log that they signed had made a later "
     "one",
     "the set that is in force at the last entry signs"},
    {BCEMR_guilt_kind_EARLY_SET,
     "signed as a set that was not there yet: by a larger log that they signed, too, the entry "
     "that made it comes later",
     "the set that is in force at the last entry signs"},
    {BCEMR_guilt_kind_OTHER_ROOT,
     "signed two logs of which the larger is not the smaller one continued",
     "a log only grows: nothing in it is changed or taken away"},
};

/* ---- what does not hold ---- */

static void say_error(hand *h)
{
    char text[512];
    json_t *error = report_json_object(&h->json, NULL, "error");
    report_error_text(&h->error, text, sizeof text);
    report_mark(&h->r, false, "%s", text);
    report_json_text(&h->json, error, "status", bcemr_status_name(h->error.status));
    if (h->error.status == BCEMR_E_REFUSED)
        report_json_text(&h->json, error, "verdict", bcemr_verdict_name(h->error.verdict));
    report_json_text(&h->json, error, "text", text);
    if (h->error.object)
        report_json_text(&h->json, error, "object", h->error.object);
    if (h->error.field)
        report_json_text(&h->json, error, "field", h->error.field);
    if (h->error.index != BCEMR_NOWHERE)
        report_json_number(&h->json, error, "index", h->error.index);
    if (h->error.offset != BCEMR_NOWHERE)
        report_json_number(&h->json, error, "offset", h->error.offset);
}

/* ---- what holds ---- */

static void say_checkpoint(hand *h, const char *key, const char *which,
                           const bcemr_tr_checkpoint *checkpoint)
{
    char hex[65], when[REPORT_NUMBER];
    json_t *object = report_json_object(&h->json, NULL, key);
    report_line(&h->r, "  %s: %" PRIu64 " entries up to %s, set %" PRIu64 ", root %s", which,
                checkpoint->size, hand_time(checkpoint->tau, when), checkpoint->set_number,
                report_hex(checkpoint->root.b, 32, hex));
    report_json_number(&h->json, object, "size", checkpoint->size);
    report_json_number(&h->json, object, "time", (uint64_t)checkpoint->tau);
    report_json_number(&h->json, object, "set", checkpoint->set_number);
    report_json_hash(&h->json, object, "root", &checkpoint->root);
}

static void say_guilty(judging *j)
{
    hand *h = j->h;
    const bcemr_guilty *guilty = &j->guilty;
    size_t kind = 0;
    json_t *list = report_json_list(&h->json, NULL, "guilty");
    while (kind + 1 < sizeof kinds / sizeof kinds[0] && kinds[kind].kind != guilty->kind)
        kind++;
    report_line(&h->r, "%u supernode%s %s:", (unsigned)guilty->count, guilty->count == 1 ? "" : "s",
                kinds[kind].did);
    for (uint64_t i = 0; i < guilty->count; i++) {
        report_line(&h->r, "  %s", hand_name(guilty->who[i]));
        if (list && json_array_append_new(list, json_string(hand_name(guilty->who[i]))) != 0)
            h->json.failed = true;
    }
    report_line(&h->r, "the rule: %s", kinds[kind].rule);
    report_json_text(&h->json, NULL, "shows", bcemr_value_name("guilt_kind", guilty->kind));
    report_json_text(&h->json, NULL, "did", kinds[kind].did);
    report_json_text(&h->json, NULL, "rule", kinds[kind].rule);
    bool two = guilty->kind != BCEMR_guilt_kind_OLD_SET;
    say_checkpoint(h, "one", two ? "one" : "it", &guilty->one);
    if (two)
        say_checkpoint(h, "other", "the other", &guilty->other);
}

static void say_limits(hand *h)
{
    static const char *const what[] = {
        "that the owners of these keys meant it: a key may be stolen, a backup put back by hand",
        "which of two logs is the true one",
        "that nobody else took part",
        NULL,
    };
    json_t *list = report_json_list(&h->json, NULL, "does_not_show");
    report_line(&h->r, "what it does not show:");
    for (const char *const *w = what; *w; w++) {
        report_line(&h->r, "  - %s", *w);
        if (list && json_array_append_new(list, json_string(*w)) != 0)
            h->json.failed = true;
    }
}

/* ---- the run ---- */

/* Of this machine, not of the file. */
static bool cannot_tell(bcemr_status status)
{
    return status < BCEMR_E_TRUNCATED && status != BCEMR_E_REFUSED;
}

bcemr_status guilt_verify_work(hand *h)
{
    bcemr_status status = BCEMR_OK;
    judging j = {.h = h};
    HAND(hand_context(h));
    HAND(files_read(h->o->genesis, GENESIS_MAX, &j.genesis, &h->file));
    HAND(files_read(h->o->file, GUILT_MAX, &j.file, &h->file));
    bcemr_verdict verdict = bcemr_guilt_check(h->context, bcemr_buf_span(&j.genesis),
                                              bcemr_buf_span(&j.file), &j.guilty, &h->error);
    if (verdict == BCEMR_UNDECIDED && cannot_tell(h->error.status))
        HAND(h->error.status);
    h->answered_no = verdict != BCEMR_VALID;
    report_json_text(&h->json, NULL, "kind", "guilt");
    report_json_bool(&h->json, NULL, "holds", verdict == BCEMR_VALID);
    if (verdict == BCEMR_VALID) {
        report_mark(&h->r, true, "%s proves guilt", hand_name(bcemr_text(h->o->file)));
        say_guilty(&j);
        say_limits(h);
    } else {
        say_error(h);
        report_line(&h->r, "%s proves nobody guilty", hand_name(bcemr_text(h->o->file)));
    }
out:
    bcemr_guilty_free(&j.guilty);
    bcemr_buf_free(&j.genesis);
    bcemr_buf_free(&j.file);
    return status;
}
