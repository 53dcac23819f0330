/* SPDX-License-Identifier: Apache-2.0 */
#include "bcemr/hand/tables.h"

#include "bcemr/command_rows.h"

#define TEXT(name, value, field, text) OPTION(hand_options, name, value, COMMAND_TEXT, field, text)
#define MUST(name, value, field, text) NEEDED(hand_options, name, value, COMMAND_TEXT, field, text)
#define WORDS(name, value, field, text)                                                            \
    OPTION(hand_options, name, value, COMMAND_WORDS, field, text)
#define FLAG(name, field, text) OPTION(hand_options, name, NULL, COMMAND_FLAG, field, text)

#define KEYS(text) MUST("keys", "FILE", keys, text)
#define PASSPHRASE                                                                                 \
    TEXT("passphrase-file", "FILE", passphrase,                                                    \
         "its passphrase is the first line of this file, which nobody else may read; without it "  \
         "the terminal asks")
#define NEW_PASSPHRASE                                                                             \
    TEXT("passphrase-file", "FILE", passphrase,                                                    \
         "take the new passphrase from the first line of this file; without it the terminal asks " \
         "twice")
#define HOSPITAL MUST("hospital", "FILE", hospital, "the hospital's public part")
#define INTAKE MUST("intake", "FILE", intake, "who the patient is, as `bcemr ticket` wrote it")
#define CONTRIBUTIONS                                                                              \
    WORDS("contribution", "FILE...", contributions,                                                \
          "what the doctors who signed before have added, in their order")
#define HEADER MUST("header", "FILE", header, "the record's header")
#define OUT(value, text) MUST("out", value, out, text)
#define REPLACE FLAG("replace", replace, "write over files that are there")

const hand_options hand_defaults = {.hours = 24, .days = 7};

static const char *const seed_roles[] = {"doctor", "patient", NULL};

const command_option hand_key_file = OPERAND(hand_options, "FILE", file, "a key file");
const command_option hand_any_key_file =
    OPERAND(hand_options, "FILE", file, "a key file, or a public part");
const command_option hand_visit_file = OPERAND(hand_options, "VISIT", file, "a visit file");

const command_option hand_verify_file =
    OPERAND(hand_options, "FILE", file, "a case file (.bcemr), or a visit file");

/* ---- keys ---- */

const command_option hand_keys_new_table[] = {
    NEEDED_CHOICE(hand_options, "role", "ROLE", role, hand_roles,
                  "authority, hospital, cloud, doctor or patient"),
    TEXT("id", "NAME", id, "the holder's name (hospital, cloud, doctor)"),
    OUT("FILE", "the key file to make; one that is there is never written over"), NEW_PASSPHRASE,
    OPTIONS_END};
const command_example hand_keys_new_examples[] = {
    {"bcemr keys new --role doctor --id dr-ada --out ada.key", "asks for a new passphrase"},
    {"bcemr keys new --role patient --out me.key --passphrase-file me.pass",
     "a patient has a seed and no name"},
    EXAMPLES_END};

const command_option hand_keys_show_table[] = {
    PASSPHRASE,
    TEXT("out", "FILE", out, "write the public part as a file, for whoever has to check"), REPLACE,
    OPTIONS_END};
const command_example hand_keys_show_examples[] = {
    {"bcemr keys show ada.key", "role, name and public keys"},
    {"bcemr keys show ada.key --out ada.public", "the file that others are given"},
    {"bcemr keys show ada.public", "a public part needs no passphrase"},
    EXAMPLES_END};

const command_option hand_keys_words_table[] = {
    PASSPHRASE, FLAG("yes", yes, "print them even where no terminal is"), OPTIONS_END};
const command_example hand_keys_words_examples[] = {
    {"bcemr keys words me.key", "24 words to write on paper"}, EXAMPLES_END};

const command_option hand_keys_restore_table[] = {
    NEEDED_CHOICE(hand_options, "role", "ROLE", role, seed_roles, "doctor or patient"),
    TEXT("id", "NAME", id, "the doctor's name"),
    TEXT("words-file", "FILE", words,
         "the 24 words; nobody else may read the file. Without it the terminal asks"),
    OUT("FILE", "the key file to make; one that is there is never written over"),
    NEW_PASSPHRASE,
    OPTIONS_END};
const command_example hand_keys_restore_examples[] = {
    {"bcemr keys restore --role patient --words-file words.txt --out me.key",
     "the same keys again, under a new passphrase"},
    EXAMPLES_END};

const command_option hand_keys_passphrase_table[] = {
    PASSPHRASE,
    TEXT("new-passphrase-file", "FILE", new_passphrase,
         "the new one is the first line of this file; without it the terminal asks twice"),
    OPTIONS_END};
const command_example hand_keys_passphrase_examples[] = {
    {"bcemr keys passphrase ada.key", "asks for the old one, and twice for the new one"},
    EXAMPLES_END};

/* ---- a visit ---- */

const command_option hand_ticket_table[] = {
    KEYS("the hospital's key file"),
    PASSPHRASE,
    MUST("patient", "FILE", patient, "the patient's key file"),
    TEXT("patient-passphrase-file", "FILE", patient_passphrase, "the same for the patient's"),
    TEXT("identity", "FILE", identity,
         "who the patient is: the first line of this file, which nobody else may read; without it "
         "the terminal asks"),
    NEEDED(hand_options, "doctor", "FILE...", COMMAND_WORDS, doctors,
           "the doctors' public parts, in the order in which they sign"),
    NEEDED(hand_options, "cloud", "FILE...", COMMAND_WORDS, clouds,
           "public parts of the clouds that will hold the record"),
    NUMBER(hand_options, "hours", "N", hours, 1, 8760, "each doctor has so long (24)"),
    NUMBER(hand_options, "number", "J", number, 0, 1023,
           "which of the patient's visits this is, from 0; never one twice (0)"),
    TEXT("ledger", "HASH", ledger, "a ledger id; without it one that says that there is none"),
    OUT("FILE", "the visit file to make; FILE.intake comes with it"),
    REPLACE,
    OPTIONS_END};
const command_example hand_ticket_examples[] = {
    {"bcemr ticket --keys hospital.key --patient me.key --identity identity.txt --doctor "
     "ada.public ben.public --cloud cloud.public --out visit",
     "hospital and patient agree on a visit of two doctors"},
    EXAMPLES_END};

const command_option hand_sign_table[] = {
    KEYS("the doctor's key file"),
    PASSPHRASE,
    HOSPITAL,
    INTAKE,
    CONTRIBUTIONS,
    WORDS("document", "FILE...", documents, "what this doctor adds"),
    WORDS("keyword", "WORD...", keywords, "what the record can be searched for"),
    TEXT("patient", "FILE", patient, "the patient is there, and unlocks their key file"),
    TEXT("patient-passphrase-file", "FILE", patient_passphrase, "the patient's passphrase"),
    CHOICE(hand_options, "waive", "REASON", waive, hand_waivers,
           "the patient is not there: unconscious, no-device or remote-reading"),
    OUT("FILE", "the visit file with the signature; FILE.contribution comes with it, and for the "
                "last doctor FILE.seal-key"),
    REPLACE,
    OPTIONS_END};
const command_example hand_sign_examples[] = {
    {"bcemr sign visit --keys ada.key --hospital hospital.public --intake visit.intake --document "
     "note.txt --patient me.key --out visit.1",
     "the first doctor, with the patient in the room"},
    {"bcemr sign visit.1 --keys ben.key --hospital hospital.public --intake visit.intake "
     "--contribution visit.1.contribution --document scan.dcm --waive remote-reading --out visit.2",
     "the second checks what the first added, then signs"},
    EXAMPLES_END};

const command_option hand_verify_table[] = {
    TEXT("genesis", "FILE", genesis,
         "of a case file or a proof: the ledger's genesis, and nothing else"),
    TEXT(
        "documents", "DIR", documents_to,
        "of a case file: what is opened goes into DIR/1, DIR/2, ... by doctor, after all has held"),
    REPLACE,
    TEXT("root", "HASH", root,
         "of a proof to a state that nobody has signed: its root, known from elsewhere"),
    TEXT("hospital", "FILE", hospital, "of a visit by hand: the hospital's public part"),
    CONTRIBUTIONS,
    TEXT("header", "FILE", header, "the record's header, checked without opening anything"),
    TEXT("payload", "FILE", payload, "the record's payload, hashed"),
    OPTIONS_END};
const command_example hand_verify_examples[] = {
    {"bcemr verify case.bcemr --genesis genesis", "a case from any ledger, on any machine"},
    {"bcemr verify guilt --genesis genesis", "which supernodes signed what they must not"},
    {"bcemr verify case.bcemr --genesis genesis --documents opened",
     "the same; what its holder opened is then in opened/1, opened/2, ..."},
    {"bcemr verify entry-17.proof --genesis genesis",
     "that the entry is in the ledger that its supernodes signed"},
    {"bcemr verify visit.2 --hospital hospital.public", "who signed, in which order, and when"},
    {"bcemr verify visit.2 --hospital hospital.public --header record.header --payload "
     "record.payload",
     "the record as well"},
    EXAMPLES_END};

const command_option hand_seal_table[] = {
    KEYS("the last doctor's key file"),
    PASSPHRASE,
    HOSPITAL,
    INTAKE,
    CONTRIBUTIONS,
    MUST("seal-key", "FILE", seal_key,
         "the one-time key that `bcemr sign` wrote; it is removed when the record stands"),
    OUT("NAME", "writes NAME.header and NAME.payload"),
    REPLACE,
    OPTIONS_END};
const command_example hand_seal_examples[] = {
    {"bcemr seal visit.2 --keys ben.key --hospital hospital.public --intake visit.intake "
     "--contribution visit.1.contribution visit.2.contribution --seal-key visit.2.seal-key --out "
     "record",
     "one record of all that the doctors added"},
    EXAMPLES_END};

const command_option hand_open_table[] = {
    KEYS("the patient's key file, or with --offer the doctor's"),
    PASSPHRASE,
    HOSPITAL,
    HEADER,
    MUST("payload", "FILE", payload, "the record's payload"),
    TEXT("offer", "FILE", offer, "a grant to this doctor"),
    TEXT("capsule", "FILE", capsule, "what the cloud re-encrypted under that grant"),
    OUT("DIR", "the documents go into DIR/1, DIR/2, ... by doctor, after all has held"),
    TEXT("content", "FILE", content,
         "also write the record's content as one file, for `bcemr case export`"),
    REPLACE,
    OPTIONS_END};
const command_example hand_open_examples[] = {
    {"bcemr open visit.2 --keys me.key --hospital hospital.public --header record.header --payload "
     "record.payload --out opened",
     "the patient's own record"},
    {"bcemr open visit.2 --keys cleo.key --hospital hospital.public --header record.header "
     "--payload record.payload --offer grant.offer --capsule capsule --out opened",
     "a doctor elsewhere, by the patient's grant"},
    EXAMPLES_END};

const command_option hand_grant_table[] = {
    KEYS("the patient's key file"),
    PASSPHRASE,
    HOSPITAL,
    MUST("doctor", "FILE", doctor, "the public part of the doctor who may read"),
    MUST("cloud", "FILE", cloud, "the public part of the cloud that re-encrypts"),
    NUMBER(hand_options, "days", "N", days, 1, 3650, "for how long (7)"),
    TEXT("purpose", "TEXT", purpose, "what for, in the patient's words"),
    NUMBER(hand_options, "number", "J", number, 0, 1000000,
           "which of the patient's grants this is, from 0; grants of one number end together (0)"),
    OUT("NAME", "writes NAME.offer for the doctor and NAME.post for the cloud"),
    REPLACE,
    OPTIONS_END};
const command_example hand_grant_examples[] = {
    {"bcemr grant visit.2 --keys me.key --hospital hospital.public --doctor cleo.public --cloud "
     "cloud.public --days 30 --out grant",
     "cleo may read this visit for a month"},
    EXAMPLES_END};

const command_option hand_reencrypt_table[] = {
    HOSPITAL,
    HEADER,
    MUST("post", "FILE", post, "the grant as the patient gave it to the cloud"),
    OUT("FILE", "the re-encrypted capsule"),
    REPLACE,
    OPTIONS_END};
const command_example hand_reencrypt_examples[] = {
    {"bcemr reencrypt visit.2 --hospital hospital.public --header record.header --post grant.post "
     "--out capsule",
     "the proxy's one multiplication; the payload is not touched"},
    EXAMPLES_END};

const command_option hand_case_export_table[] = {
    MUST("db", "FILE", db, "the ledger's database"),
    MUST("visit", "HASH", visit, "which visit: its 64 hexadecimal digits"),
    OUT("FILE", "the case file to make"),
    TEXT("content", "FILE", content,
         "the record's content, as `bcemr open --content` and `bcemr demo --keep` leave it: the "
         "case "
         "file then holds what the doctors diagnosed"),
    WORDS("open", "PLACES...", open,
          "open these doctors' diagnoses alone, by their places in the order from 1 on"),
    REPLACE,
    OPTIONS_END};
const command_example hand_case_export_examples[] = {
    {"bcemr case export --db ledger.db --visit 5f0c... --out case.bcemr",
     "who diagnosed, in which order and when; not what"},
    {"bcemr case export --db ledger.db --visit 5f0c... --content content --open 2 --out case.bcemr",
     "with what the second doctor wrote"},
    EXAMPLES_END};
