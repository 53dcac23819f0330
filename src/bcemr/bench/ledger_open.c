/* SPDX-License-Identifier: Apache-2.0 */
/* Opening a database as the engine does, in a process that does nothing else. */
#include "bcemr/bench/ledger_result.h"

#include "ledger/embedded/engine.h"
#include "wire/error.h"

#include <spawn.h>
#include <stdio.h>
#include <sys/wait.h>
#include <unistd.h>

extern char **environ;

static int64_t stands_still(void *user)
{
    (void)user;
    return LOAD_CLOCK;
}

bcemr_status ledger_open_run(const char *path, ledger_opened *out, bcemr_error *err)
{
    bcemr_status status = BCEMR_OK;
    bcemr_context *context = NULL;
    ledger_engine *engine = NULL;
    ledger_engine_facts facts;
    const double began = measure_now();
    TRY_AT(bcemr_context_new(&context), "bench", NULL);
    const ledger_engine_options options = {.context = context, .now = stands_still, .path = path};
    TRY(ledger_engine_open(&engine, &options, err));
    ledger_engine_describe(engine, &facts);
    *out = (ledger_opened){(measure_now() - began) / 1e6, measure_peak_kib(), facts.size};
out:
    ledger_engine_close(engine);
    bcemr_context_free(context);
    return status;
}

/* Reads what the other process says: the document of --open. */
static bool read_answer(FILE *from, ledger_opened *out)
{
    json_t *answer = json_loadf(from, 0, NULL);
    const json_t *seconds = json_object_get(answer, "open_seconds");
    const json_t *rss = json_object_get(answer, "open_rss_kib");
    const json_t *size = json_object_get(answer, "size");
    bool good = json_is_real(seconds) && json_is_integer(rss) && json_is_integer(size);
    if (good)
        *out = (ledger_opened){json_real_value(seconds), (uint64_t)json_integer_value(rss),
                               (uint64_t)json_integer_value(size)};
    json_decref(answer);
    return good;
}

static bool start(const char *path, int to, pid_t *out)
{
    char *const arguments[] = {
        "bcemr", "bench", "ledger", "--json", "--open", (char *)(uintptr_t)path, NULL};
    posix_spawn_file_actions_t actions;
    if (posix_spawn_file_actions_init(&actions) != 0)
        return false;
    bool good = posix_spawn_file_actions_adddup2(&actions, to, STDOUT_FILENO) == 0 &&
                posix_spawn(out, "/proc/self/exe", &actions, NULL, arguments, environ) == 0;
    (void)posix_spawn_file_actions_destroy(&actions);
    return good;
}

bcemr_status ledger_open_apart(const char *path, ledger_opened *out)
{
    int ends[2], code = 0;
    pid_t child = 0;
    if (pipe(ends) != 0)
        return BCEMR_E_IO;
    bool good = start(path, ends[1], &child);
    (void)close(ends[1]);
    FILE *answer = fdopen(ends[0], "r");
    bool read = answer && good && read_answer(answer, out);
    if (answer)
        (void)fclose(answer);
    else
        (void)close(ends[0]);
    if (good && waitpid(child, &code, 0) != child)
        good = false;
    return good && read && WIFEXITED(code) && WEXITSTATUS(code) == 0 ? BCEMR_OK : BCEMR_E_IO;
}
