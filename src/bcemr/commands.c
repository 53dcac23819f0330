/* SPDX-License-Identifier: Apache-2.0 */
/* The table of commands. */
#include "bcemr/bench/bench.h"
#include "bcemr/bench/ledger.h"
#include "bcemr/case.h"
#include "bcemr/command_rows.h"
#include "bcemr/completion.h"
#include "bcemr/demo/demo.h"
#include "bcemr/hand/tables.h"
#include "bcemr/ledger/tables.h"
#include "bcemr/manual.h"
#include "bcemr/threads.h"
#include "bcemr/verify.h"
#include "bcemr/wire.h"

#include <string.h>

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

/* ---- bench ledger ---- */

static const bench_ledger_options bench_ledger_defaults = {.quick = false};
static const command_option bench_ledger_table[] = {
    OPTION(bench_ledger_options, "dir", "DIR", COMMAND_TEXT, dir,
           "make the databases in this folder, on the disk that is to be measured"),
    OPTION(bench_ledger_options, "open", "FILE", COMMAND_TEXT, open,
           "only open this database, as the engine does, and say what it took"),
    OPTION(bench_ledger_options, "quick", NULL, COMMAND_FLAG, quick,
           "a run of seconds that shows that all of it works; its times mean nothing"),
    OPTION(bench_ledger_options, "check", NULL, COMMAND_FLAG, check,
           "end with 1 when a figure due is missed"),
    OPTIONS_END};
static const command_example bench_ledger_examples[] = {
    {"bcemr bench ledger --dir /var/tmp",
     "takes minutes, 1 GB of room, and wants a machine with two cores that does nothing else"},
    {"bcemr bench ledger --json", "one JSON document"},
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

/* ---- completion and manual ---- */

static const completion_options completion_defaults = {.json = false};
static const command_option no_options[] = {OPTIONS_END};
static const command_option completion_shell =
    OPERAND_CHOICE(completion_options, "SHELL", shell, completion_shells, "bash or zsh");
static const command_example completion_examples[] = {
    {"bcemr completion bash > /usr/share/bash-completion/completions/bcemr",
     "the installed program has it there already"},
    {". <(bcemr completion bash)", "for this shell alone"},
    EXAMPLES_END};

static const manual_options manual_defaults = {.json = false};
static const command_example manual_examples[] = {
    {"bcemr manual > bcemr.1", "the manual page as a file"},
    {"bcemr manual | man -l -", "to read it"},
    EXAMPLES_END};

/* A command by hand: its options are hand_NAME_table, and so on. */
#define HAND_ROW(name, words, operand, summary, text)                                              \
    {                                                                                              \
        words, summary, text, hand_##name##_table, hand_##name##_examples, 0,                      \
            sizeof(hand_options), &hand_defaults, offsetof(hand_options, json), hand_##name,       \
            operand                                                                                \
    }

/* A command on a ledger's database. */
#define BOOK_ROW(name, words, operand, summary, text)                                              \
    {                                                                                              \
        words, summary, text, book_##name##_table, book_##name##_examples, 0,                      \
            sizeof(book_options), &book_defaults, offsetof(book_options, json), book_##name,       \
            operand                                                                                \
    }

const command command_table[] = {
    {"demo", "play a patient's whole story on real clinical files",
     "An authority, two hospitals, two clouds, a team of doctors, a patient and a doctor at the "
     "second hospital, all in this process: the visit is agreed, each doctor signs, the record is "
     "sealed to the patient, the patient grants it, and the last doctor opens it.",
     demo_table, demo_examples, COMMAND_MAY_SEED, sizeof(demo_options), &demo_defaults,
     offsetof(demo_options, json), run_demo, NULL},
    HAND_ROW(keys_new, "keys new", NULL, "make a key file under a passphrase", NULL),
    HAND_ROW(keys_show, "keys show", &hand_any_key_file,
             "show role, name and public keys, never a secret", NULL),
    HAND_ROW(keys_words, "keys words", &hand_key_file,
             "show a doctor's or patient's seed as 24 words",
             "The words are the keys: they are printed to a terminal only, unless --yes is given."),
    HAND_ROW(keys_restore, "keys restore", NULL, "make a key file from 24 words", NULL),
    HAND_ROW(keys_passphrase, "keys passphrase", &hand_key_file,
             "change the passphrase of a key file",
             "The old file stays until the new one is whole."),
    HAND_ROW(ticket, "ticket", NULL, "begin a visit by hand: hospital's ticket, patient's yes",
             "The visit by hand needs no ledger and no server; what a ledger would prove is not "
             "checked, and each command says what that is. See docs/by-hand.md."),
    HAND_ROW(sign, "sign", &hand_visit_file, "check what came before, diagnose and sign",
             "Every signature, every contribution and one's own turn are checked before anything "
             "is signed. VISIT stays as it is; the signature goes into a new visit file."),
    {"verify", "say who signed what, in which order and when, and what does not hold",
     "Takes a case file, or a proof that supernodes broke the rules of checkpoints, and needs the "
     "--genesis alone, on any machine; or a visit by hand with its --hospital. Ends with 1 when "
     "something does not hold. See docs/case-file.md.",
     hand_verify_table, hand_verify_examples, 0, sizeof(hand_options), &hand_defaults,
     offsetof(hand_options, json), verify_main, &hand_verify_file},
    {"case export", "write a case as a file that the genesis alone verifies",
     "The file holds who diagnosed in which order and when, with proofs, and with --content what "
     "they diagnosed. See docs/case-file.md.",
     hand_case_export_table, hand_case_export_examples, 0, sizeof(hand_options), &hand_defaults,
     offsetof(hand_options, json), case_export, NULL},
    HAND_ROW(seal, "seal", &hand_visit_file, "seal all diagnoses to the patient as one record",
             NULL),
    HAND_ROW(open, "open", &hand_visit_file, "open a record, as the patient or by a grant",
             "Nothing is shown before all of it has been checked."),
    HAND_ROW(grant, "grant", &hand_visit_file, "let a doctor read a visit, through a cloud",
             "No private key leaves the patient: the cloud gets a re-encryption key for this one "
             "visit and this one doctor."),
    HAND_ROW(reencrypt, "reencrypt", &hand_visit_file,
             "re-encrypt a record's capsule under a grant, as the cloud does", NULL),
    BOOK_ROW(init, "ledger init", NULL, "begin a ledger in a new database", NULL),
    BOOK_ROW(head, "ledger head", NULL, "say what a ledger is and how far it has come", NULL),
    BOOK_ROW(list, "ledger list", NULL, "say who did what, a line an entry", NULL),
    BOOK_ROW(show, "ledger show", &book_entry_or_visit, "show an entry in full, or a visit", NULL),
    BOOK_ROW(prove, "ledger prove", &book_entry, "write a proof about the log as a file",
             "`bcemr verify` checks it. A proof to a cosigned checkpoint holds for whoever has the "
             "genesis. One to another "
             "state holds for who knows its root from elsewhere."),
    BOOK_ROW(verify, "ledger verify", NULL, "check everything that a database holds again",
             "Replays the log from its genesis by the rules, verifies every signature, compares "
             "every row with what the replay gives, and says what is bad first and in which page "
             "of the file it lies. Ends with 1 when something does not hold."),
    BOOK_ROW(export, "ledger export", NULL, "write a ledger to one file", NULL),
    BOOK_ROW(import, "ledger import", &book_file, "make a database of an exported ledger",
             "Every entry is verified on the way; when one does not hold, nothing is left under "
             "that name."),
    BOOK_ROW(follow, "ledger follow", NULL, "follow other databases of a ledger, checking all",
             "OWN takes what the supernodes have signed, applies every entry by the rules again, "
             "and compares. A source that contradicts it is not followed any more: what shows that "
             "is kept beside OWN, as OWN.1.fork, and OWN.1.guilt when it proves supernodes guilty. "
             "Ends with 1 then, and when a source does not answer."),
    BOOK_ROW(refused, "ledger refused", NULL, "say what this node refused to cosign, and why",
             "A checkpoint that contradicts the own log is refused, and what was asked is kept. It "
             "carries no signatures, so alone it proves nobody guilty. Whoever was given the other "
             "log has them: with --from and --out, both logs together are the proof, where there "
             "is one."),
    BOOK_ROW(resume, "ledger resume", &book_member,
             "let a supernode that waits cosign again, on the operator's word",
             "After a restore or a Rekey a supernode signs no checkpoint before it was shown one "
             "that others signed. Where nobody is left to show one (a set of one, or two that wait "
             "for each other) its operator may say instead that this log holds all that its key "
             "ever signed. Nothing checks that. If it is not so, the next signature can be the "
             "second one for a size, which proves the supernode guilty. The word is kept in the "
             "database."),
    {"bench core", "measure each operation against what its arithmetic must cost",
     "Every operation of the protocol beside its floor: the sum of the primitives of blst and "
     "libsodium that it cannot do without, timed in the same run, in turns.",
     bench_table, bench_examples, 0, sizeof(bench_options), &bench_defaults,
     offsetof(bench_options, json), bench_main, NULL},
    {"bench ledger", "measure the ledger against the signatures that it must verify",
     "Entries made durable by the embedded engine, and a database verified again, each beside its "
     "signatures alone, in turns; opening; inclusion proofs at several sizes.",
     bench_ledger_table, bench_ledger_examples, 0, sizeof(bench_ledger_options),
     &bench_ledger_defaults, offsetof(bench_ledger_options, json), bench_ledger_main, NULL},
    {"wire", "print every encoding that is signed, stored or sent", NULL, wire_table, wire_examples,
     0, sizeof(wire_options), &wire_defaults, offsetof(wire_options, json), wire_main, NULL},
    {"completion", "print what a shell needs to complete the commands", NULL, no_options,
     completion_examples, 0, sizeof(completion_options), &completion_defaults,
     offsetof(completion_options, json), completion_main, &completion_shell},
    {"manual", "print the manual page", NULL, no_options, manual_examples, 0,
     sizeof(manual_options), &manual_defaults, offsetof(manual_options, json), manual_main, NULL},
    {NULL, NULL, NULL, NULL, NULL, 0, 0, NULL, 0, NULL, NULL}};
