/* SPDX-License-Identifier: Apache-2.0 */
/* Runs attacks and says what came of them. The attacks stand in tamper_*.c. */
#include "bcemr/demo/tamper.h"

#include "bcemr/demo/stage.h"
#include "ledger/rules/rules.h"
#include "wire/fault.h"

#include <stdio.h>
#include <string.h>

/* ---- one run of one attack ---- */

static const char *status_name(const bcemr_error *e)
{
    if (e->reason != 0)
        return ledger_reason_name(e->reason);
    if (e->verdict != BCEMR_UNDECIDED && e->verdict != BCEMR_VALID)
        return bcemr_verdict_name(e->verdict);
    return bcemr_status_name(e->status);
}

static const char *status_text(const bcemr_error *e)
{
    if (e->reason != 0)
        return ledger_reason_text(e->reason);
    if (e->verdict != BCEMR_UNDECIDED && e->verdict != BCEMR_VALID)
        return bcemr_verdict_text(e->verdict);
    return bcemr_status_text(e->status);
}

static void run_once(stage *s, const tamper *t, tamper_result *result)
{
    char base[1024];
    static unsigned runs;
    memset(result, 0, sizeof *result);
    world *w = bcemr_allocate(sizeof *w);
    if (!w)
        return;
    (void)snprintf(base, sizeof base, "%.900s/%u", s->folder, runs++);
    s->report->quiet = true;
    bcemr_status status = stage_world(s, w, base);
    if (status == BCEMR_OK)
        status = story_until(w, t->phase);
    bool ready = status == BCEMR_OK;
    if (ready) {
        w->error = (bcemr_error){0};
        status = t->attack(w, &result->succeeded);
    }
    /* Caught is what a check refused, or a reader: not a full disk. */
    result->caught = ready && status != BCEMR_OK && status != BCEMR_E_IO &&
                     status != BCEMR_E_NO_MEMORY && status != BCEMR_E_STATE &&
                     w->error.status == status;
    (void)snprintf(result->by, sizeof result->by, "%s", w->by ? w->by : "nobody");
    result->error = w->error;
    if (!ready || (!result->caught && !result->succeeded))
        result->error.status = status;
    world_close(w);
    stage_remove(base);
    bcemr_release_wiped(w, sizeof *w);
    s->report->quiet = false;
}

/* ---- the control: which check comes next, until none is left ---- */

#ifdef BCEMR_TEST_SWITCHES
#define ROUNDS_MAX 24

static bool control(stage *s, const tamper *t, report *r)
{
    tamper_result result;
    bcemr_switch_all_on();
    for (unsigned round = 1; round <= ROUNDS_MAX; round++) {
        run_once(s, t, &result);
        if (!result.caught)
            break;
        report_line(r, "    %u. %s: %s", round, result.by, status_name(&result.error));
        if (result.error.reason != 0)
            bcemr_switch_off_reason(result.error.reason);
        else if (result.error.status == BCEMR_E_REFUSED)
            bcemr_switch_off(result.error.verdict);
        else
            break;
    }
    bcemr_switch_all_on();
    report_mark(r, result.succeeded, "control %s: %s", t->name,
                result.succeeded ? "with these checks off the attack succeeds"
                                 : "the attack did not succeed");
    if (!result.succeeded)
        report_line(r, "    ended with %s, %s", status_name(&result.error), result.by);
    return result.succeeded;
}
#else
static bool control(stage *s, const tamper *t, report *r)
{
    (void)s;
    (void)t;
    (void)r;
    return true;
}
#endif

/* ---- which, and how it is said ---- */

static void json_one(report_json *j, json_t *object, const tamper *t, const tamper_result *result)
{
    report_json_text(j, object, "tamper", t->name);
    report_json_text(j, object, "text", t->text);
    report_json_bool(j, object, "caught", result->caught);
    report_json_text(j, object, "status", status_name(&result->error));
    report_json_text(j, object, "by", result->by);
}

static bool run_one(stage *s, const tamper *t, report_json *j, json_t *object)
{
    tamper_result result;
    report *r = s->report;
    report_title(r, "%s: %s", t->name, t->text);
    run_once(s, t, &result);
    if (result.caught)
        report_mark(r, true, "caught by %s: %s (%s)", result.by, status_name(&result.error),
                    status_text(&result.error));
    else if (result.succeeded)
        report_mark(r, false, "NOT CAUGHT: the attacker got what they wanted");
    else
        report_mark(r, false, "the attack came to nothing, but no check named it: %s (%s)",
                    status_name(&result.error), result.by);
    json_one(j, object, t, &result);
    return control(s, t, r) && result.caught;
}

static int list_tampers(report *r)
{
    static const report_column columns[] = {{"tamper", false}, {"what is done", false}};
    report_json j;
    report_json_begin(&j);
    json_t *list = report_json_list(&j, NULL, "tampers");
    report_table *table = report_table_new(columns, 2);
    for (const tamper *t = tamper_table; t->name; t++) {
        json_t *item = report_json_item(&j, list);
        report_json_text(&j, item, "tamper", t->name);
        report_json_text(&j, item, "text", t->text);
        report_cell(table, "%s", t->name);
        report_cell(table, "%s", t->text);
    }
    report_table_print(r, table);
    return report_json_print(r, &j) == BCEMR_OK ? COMMAND_DONE : COMMAND_FAILED;
}

/* By its name, by the part of it before a dash, or by "all". */
static bool meant(const tamper *t, const char *name)
{
    size_t n = strlen(name);
    return strcmp(name, "all") == 0 || strcmp(t->name, name) == 0 ||
           (strncmp(t->name, name, n) == 0 && t->name[n] == '-');
}

static int run_all(stage *s, const demo_options *options)
{
    report_json j;
    bool all = true, several;
    uint64_t count = 0, caught = 0;
    for (const tamper *t = tamper_table; t->name; t++)
        count += meant(t, options->tamper);
    several = count > 1;
    report_json_begin(&j);
    json_t *list = several ? report_json_list(&j, NULL, "tampers") : NULL;
    for (const tamper *t = tamper_table; t->name; t++) {
        if (!meant(t, options->tamper))
            continue;
        bool good = run_one(s, t, &j, several ? report_json_item(&j, list) : NULL);
        all = all && good;
        caught += good;
    }
    if (several) {
        report_json_text(&j, NULL, "tamper", options->tamper);
        report_json_bool(&j, NULL, "caught", all);
        report_json_text(&j, NULL, "status", all ? "ALL_CAUGHT" : "NOT_ALL_CAUGHT");
        report_json_text(&j, NULL, "by", "see tampers");
        report_line(s->report, " ");
        report_mark(s->report, all, "%u of %u attacks caught", (unsigned)caught, (unsigned)count);
    }
    if (report_json_print(s->report, &j) != BCEMR_OK)
        return COMMAND_FAILED;
    return all ? COMMAND_DONE : COMMAND_FAILED;
}

static bool known(const char *name)
{
    for (const tamper *t = tamper_table; t->name; t++)
        if (meant(t, name))
            return true;
    return false;
}

int tamper_main(const demo_options *options, report *r)
{
    stage s = {0};
    int code = COMMAND_FAILED;
    if (options->list)
        return list_tampers(r);
    if (!known(options->tamper)) {
        report_failure(r, "there is no tamper \"%s\": see bcemr demo --tamper list",
                       options->tamper);
        return COMMAND_MISUSED;
    }
    if (stage_open_scratch(&s, r, options))
        code = run_all(&s, options);
    stage_close(&s);
    return code;
}
