/* SPDX-License-Identifier: Apache-2.0 */
#include "bcemr/ledger/tables.h"

#include "bcemr/command_rows.h"

#define TEXT(name, value, field, text) OPTION(book_options, name, value, COMMAND_TEXT, field, text)
#define MUST(name, value, field, text) NEEDED(book_options, name, value, COMMAND_TEXT, field, text)
#define DB MUST("db", "FILE", db, "the ledger's database")
#define GENESIS(text) TEXT("genesis", "FILE", genesis, text)
#define ANY_NUMBER ((uint64_t)INT64_MAX)

const book_options book_defaults = {.to = UINT64_MAX, .size = UINT64_MAX};

const command_option book_entry_or_visit =
    OPERAND(book_options, "WHAT", word,
            "an entry by its number or hash, or a visit by its vid; of a hash the first eight "
            "digits are enough");
const command_option book_entry = {NULL,
                                   "ENTRY",
                                   "the entry to prove, by its number or hash",
                                   COMMAND_TEXT,
                                   false,
                                   offsetof(book_options, word),
                                   0,
                                   0,
                                   NULL};
const command_option book_file =
    OPERAND(book_options, "FILE", word, "what `bcemr ledger export` wrote");

const command_option book_member =
    OPERAND(book_options, "MEMBER", word, "the supernode that waits, by its ID");

const command_option book_init_table[] = {
    MUST("genesis", "FILE", genesis, "the signed genesis"),
    MUST("db", "FILE", db, "the database to make; one that is there is never written over"),
    OPTIONS_END};
const command_example book_init_examples[] = {
    {"bcemr ledger init --genesis genesis --db ledger.db", "an empty ledger of this genesis"},
    EXAMPLES_END};

const command_option book_head_table[] = {DB, GENESIS("it must be the ledger of this genesis"),
                                          OPTIONS_END};
const command_example book_head_examples[] = {
    {"bcemr ledger head --db ledger.db", "also beside a program that writes to it"}, EXAMPLES_END};

const command_option book_list_table[] = {
    DB,
    NUMBER(book_options, "from", "N", from, 0, ANY_NUMBER, "from this entry on (0, the genesis)"),
    NUMBER(book_options, "to", "N", to, 0, ANY_NUMBER, "up to this entry (the last)"),
    CHOICE(book_options, "kind", "KIND", kind, book_kinds, "entries of this kind: Sign, Seal, ..."),
    TEXT("visit", "VID", visit, "entries about this visit; the first eight digits are enough"),
    OPTIONS_END};
const command_example book_list_examples[] = {
    {"bcemr ledger list --db ledger.db", "every entry, a line each"},
    {"bcemr ledger list --db ledger.db --kind Sign --from 100", "signatures from entry 100 on"},
    {"bcemr ledger list --db ledger.db --visit 3fa94c01 --json", "what became of a visit"},
    EXAMPLES_END};

const command_option book_show_table[] = {DB, OPTIONS_END};
const command_example book_show_examples[] = {
    {"bcemr ledger show 17 --db ledger.db", "entry 17: fields by name, who signed"},
    {"bcemr ledger show 3fa94c01 --db ledger.db", "an entry by its hash, or a visit by its vid"},
    EXAMPLES_END};

const command_option book_prove_table[] = {
    DB,
    MUST("out", "FILE", out, "the proof to write; a file that is there is never written over"),
    NUMBER(book_options, "size", "S", size, 1, ANY_NUMBER,
           "prove it to the state of S entries (that of the newest cosigned checkpoint)"),
    NUMBER(book_options, "consistency", "A", consistency, 1, ANY_NUMBER,
           "prove that the state of A entries is the beginning of the later one"),
    GENESIS("it must be the ledger of this genesis"),
    OPTIONS_END};
const command_example book_prove_examples[] = {
    {"bcemr ledger prove 17 --db ledger.db --out entry-17.proof",
     "that entry 17 is in the ledger that the supernodes signed"},
    {"bcemr ledger prove --consistency 100 --db ledger.db --out since-100.proof",
     "that nothing of the first 100 entries was changed since"},
    {"bcemr verify entry-17.proof --genesis genesis", "checks it, with nothing but the genesis"},
    EXAMPLES_END};

const command_option book_verify_table[] = {
    DB, GENESIS("it must be the ledger of this genesis"),
    OPTION(book_options, "quick", NULL, COMMAND_FLAG, quick,
           "the file, the tree and the checkpoints alone: no rules, no signatures of entries, no "
           "derived rows"),
    NUMBER(book_options, "threads", "N", threads, 1, THREADS_MAX,
           "how many threads may work (BCEMR_THREADS, else one a processor)"),
    OPTIONS_END};
const command_example book_verify_examples[] = {
    {"bcemr ledger verify --db ledger.db --genesis genesis",
     "every entry by the rules, every signature, every row"},
    {"bcemr ledger verify --db ledger.db --quick", "minutes less: is it what it was?"},
    EXAMPLES_END};

const command_option book_export_table[] = {
    DB, MUST("out", "FILE", out, "the file to write; one that is there is never written over"),
    OPTIONS_END};
const command_example book_export_examples[] = {
    {"bcemr ledger export --db ledger.db --out ledger.export", "every entry, in one file"},
    EXAMPLES_END};

const command_option book_import_table[] = {
    MUST("db", "FILE", db, "the database to make; one that is there is never written over"),
    GENESIS("it must be the ledger of this genesis"),
    NUMBER(book_options, "threads", "N", threads, 1, THREADS_MAX,
           "how many threads may work (BCEMR_THREADS, else one a processor)"),
    OPTIONS_END};
const command_example book_import_examples[] = {
    {"bcemr ledger import ledger.export --db copy.db --genesis genesis",
     "a database of it, every entry verified on the way"},
    EXAMPLES_END};

const command_option book_follow_table[] = {
    MUST("db", "OWN", db, "the database that follows"),
    NEEDED(book_options, "from", "FILE...", COMMAND_WORDS, sources,
           "databases and exports of the same ledger, up to 16; they are only read"),
    GENESIS("the signed genesis: OWN must be its ledger; must be given with --init"),
    OPTION(book_options, "init", NULL, COMMAND_FLAG, init, "make OWN if it is not there"),
    OPTION(book_options, "ahead", NULL, COMMAND_FLAG, ahead,
           "also take entries that no supernodes have signed yet, on the word of the source"),
    NUMBER(book_options, "watch", "SECONDS", watch, 1, 86400,
           "go on and look again after so many seconds, until stopped"),
    NUMBER(book_options, "threads", "N", threads, 1, THREADS_MAX,
           "how many threads may work (BCEMR_THREADS, else one a processor)"),
    OPTIONS_END};
const command_example book_follow_examples[] = {
    {"bcemr ledger follow --from /mnt/hospital/ledger.db --db own.db --init --genesis genesis",
     "a ledger of one's own, every entry checked again"},
    {"bcemr ledger follow --from a.db b.export --db own.db",
     "two sources: that they tell the same is checked, too"},
    EXAMPLES_END};

const command_option book_refused_table[] = {
    DB,
    OPTION(book_options, "from", "FILE...", COMMAND_WORDS, sources,
           "databases and exports of the other log, from whoever was given it"),
    TEXT("out", "FILE", out,
         "write the proof of guilt that this ledger and one of --from make; a file that is there "
         "is never written over"),
    GENESIS("it must be the ledger of this genesis"), OPTIONS_END};
const command_example book_refused_examples[] = {
    {"bcemr ledger refused --db ledger.db", "who asked for what, when, and what the own log says"},
    {"bcemr ledger refused --db ledger.db --from theirs.db --out proof.guilt",
     "a proof against who signed both logs"},
    {"bcemr verify proof.guilt --genesis genesis", "checks it, with nothing but the genesis"},
    EXAMPLES_END};

const command_option book_resume_table[] = {
    MUST("db", "FILE", db, "the ledger's database, which nobody else is writing to"),
    TEXT("vouch", "ROOT", vouch,
         "give the word, for the log with this root: all its 64 hexadecimal digits"),
    GENESIS("it must be the ledger of this genesis"), OPTIONS_END};
const command_example book_resume_examples[] = {
    {"bcemr ledger resume \"Lindenhof Hospital\" --db ledger.db",
     "says whether it waits, what the word would mean, and the root; changes nothing"},
    {"bcemr ledger resume \"Lindenhof Hospital\" --db ledger.db --vouch ROOT",
     "gives the word: from now on it signs what continues this log"},
    EXAMPLES_END};
