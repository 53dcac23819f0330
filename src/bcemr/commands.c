/* SPDX-License-Identifier: Apache-2.0 */
/* The table of commands. */
#include "bcemr/bench/bench.h"
#include "bcemr/command.h"
#include "bcemr/demo/demo.h"
#include "bcemr/threads.h"
#include "bcemr/wire.h"

#include <string.h>

/* Rows of options: name, value, kind, field and text; numbers have bounds, choices a list. */
#define OPTION(s, name, value, kind, field, text)                                                  \
    {                                                                                              \
        name, value, text, kind, offsetof(s, field), 0, 0, NULL                                    \
    }
#define NUMBER(s, name, value, field, lo, hi, text)                                                \
    {                                                                                              \
        name, value, text, COMMAND_NUMBER, offsetof(s, field), lo, hi, NULL                        \
    }
#define CHOICE(s, name, value, field, choices, text)                                               \
    {                                                                                              \
        name, value, text, COMMAND_CHOICE, offsetof(s, field), 0, 0, choices                       \
    }
#define OPTIONS_END                                                                                \
    {                                                                                              \
        NULL, NULL, NULL, COMMAND_FLAG, 0, 0, 0, NULL                                              \
    }
#define EXAMPLES_END                                                                               \
    {                                                                                              \
        NULL, NULL                                                                                 \
    }

/* ---- demo ---- */

static const demo_options demo_defaults = {.doctors = 3};
static const command_option demo_table[] = {
    NUMBER(demo_options, "doctors", "N", doctors, DEMO_DOCTORS_MIN, DEMO_DOCTORS_MAX,
           "how many doctors the team has, 3 to 64 (3)"),
    OPTION(demo_options, "record", "FILE...", COMMAND_WORDS, records,
           "clinical files of your own instead of the demo's"),
    OPTION(demo_options, "data", "DIR", COMMAND_TEXT, data,
           "where the fetched clinical files are (BCEMR_DATA, else beside the program)"),
    OPTION(demo_options, "keep", "DIR", COMMAND_TEXT, keep,
           "keep genesis, ledger, record and all in this folder; without it the opened record "
           "alone stays, in a new folder that is named at the end"),
    OPTION(demo_options, "seed", "TEXT", COMMAND_TEXT, seed,
           "draw all random values from this text, so that two runs are identical"),
    OPTION(demo_options, "tamper", "WHAT", COMMAND_TEXT, tamper,
           "change something and see who notices; \"list\" lists what, \"all\" tries all"),
    NUMBER(demo_options, "threads", "N", threads, 1, THREADS_MAX,
           "how many threads may work (BCEMR_THREADS, else one a processor)"),
    OPTIONS_END};
static const command_example demo_examples[] = {
    {"bcemr demo", "the whole story: three doctors, a patient, two hospitals, two clouds"},
    {"bcemr demo --record scan.dcm letter.pdf --keep /tmp/visit",
     "the same with your own files; the opened record is then in /tmp/visit"},
    {"bcemr demo --tamper payload", "a cloud that changes a byte of the record"},
    {"bcemr demo --json --seed 7", "one JSON document, whose hashes are the same each time"},
    EXAMPLES_END};

static int run_demo(const void *options)
{
    demo_options o = *(const demo_options *)options;
    o.list = o.tamper && strcmp(o.tamper, "list") == 0;
    return demo_main(&o);
}

/* ---- bench core ---- */

static const bench_options bench_defaults = {.quick = false};
static const command_option bench_table[] = {
    OPTION(bench_options, "plot", "FILE", COMMAND_TEXT, plot, "write the bars as SVG to this file"),
    OPTION(bench_options, "quick", NULL, COMMAND_FLAG, quick,
           "a run of seconds that shows that all of it works; its times mean nothing"),
    OPTION(bench_options, "check", NULL, COMMAND_FLAG, check,
           "end with 1 when a figure due is missed"),
    OPTIONS_END};
static const command_example bench_examples[] = {
    {"bcemr bench core", "a table; takes minutes, and wants a machine that does nothing else"},
    {"bcemr bench core --json --plot floors.svg", "one JSON document, and the plot"},
    EXAMPLES_END};

/* ---- wire ---- */

static const wire_options wire_defaults = {.format = "markdown"};
static const command_option wire_table[] = {CHOICE(wire_options, "format", "FORMAT", format,
                                                   wire_formats,
                                                   "markdown, json, or dictionary (for a fuzzer)"),
                                            OPTIONS_END};
static const command_example wire_examples[] = {
    {"bcemr wire > wire.md", "the table of types as a document"},
    {"bcemr wire --format dictionary > bcemr.dict", "the labels as a dictionary of libFuzzer"},
    EXAMPLES_END};

const command command_table[] = {
    {"demo", "play a patient's whole story on real clinical files",
     "An authority, two hospitals, two clouds, a team of doctors, a patient and a doctor at the "
     "second hospital, all in this process: the visit is agreed, each doctor signs, the record is "
     "sealed to the patient, the patient grants it, and the last doctor opens it.",
     demo_table, demo_examples, COMMAND_MAY_SEED, sizeof(demo_options), &demo_defaults,
     offsetof(demo_options, json), run_demo},
    {"bench core", "measure each operation against what its arithmetic must cost",
     "Every operation of the protocol beside its floor: the sum of the primitives of blst and "
     "libsodium that it cannot do without, timed in the same run, in turns.",
     bench_table, bench_examples, 0, sizeof(bench_options), &bench_defaults,
     offsetof(bench_options, json), bench_main},
    {"wire", "print every encoding that is signed, stored or sent", NULL, wire_table, wire_examples,
     0, sizeof(wire_options), &wire_defaults, offsetof(wire_options, json), wire_main},
    {NULL, NULL, NULL, NULL, NULL, 0, 0, NULL, 0, NULL}};
