/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the ledger keeps: named tables of bytes to bytes. Everything lives in it - derived records,
 * leaves, tree nodes, index blocks - so that a block is one transaction of one store.
 *
 * The store is trusted to return what was put, no more: whoever owns it can make this node wrong,
 * but not change a root that others have cosigned.
 *
 * Transactions: begin, any number of (mark, then keep or undo), then commit or rollback. Marks do
 * not nest. Outside a transaction there is only reading. In SQLite: BEGIN IMMEDIATE, SAVEPOINT,
 * RELEASE, ROLLBACK TO, COMMIT, ROLLBACK.
 */
#ifndef LEDGER_STATE_H
#define LEDGER_STATE_H

#include <bcemr/types.h>

/* X(NAME, "key -> value"). A table's number is its place here: new ones go to the end. Integers in
 * keys are 8 bytes big-endian, so that bytewise order is their order. "visit" in a key is the
 * number of its Admit's leaf (state_visit.leaf): what happens at one time then lies close together.
 */
#define LEDGER_TABLES(X)                                                                           \
    X(GENESIS, "empty -> leaf 0's Tr(signed); P -> P; id -> ledger id")                            \
    X(TIP, "empty -> state_block: the state as it is")                                             \
    X(BLOCKS, "size -> state_block: the block that ends there")                                    \
    X(PARAMS, "rule version -> state_params")                                                      \
    X(SETS, "number -> state_set")                                                                 \
    X(SUPERNODES, "ID ever used -> state_mark")                                                    \
    X(KEYS, "enrolled key of any kind, pkv, Av -> state_mark: who brought it first")               \
    X(ENROLMENTS, "H(Enrol) -> state_enrolment")                                                   \
    X(DOCTORS, "ID -> H(Enrol) of the last enrolment")                                             \
    X(VISITS, "vid -> state_visit")                                                                \
    X(SIGNS, "visit, i -> state_sign of the highest k")                                            \
    X(VISIT_LEAVES, "visit, leaf -> state_mark: Admit to Seal")                                    \
    X(CASES, "vid -> state_case")                                                                  \
    X(ERASES, "vid, cloud -> state_erase")                                                         \
    X(REVOKERS, "R -> state_mark: its first Consent")                                              \
    X(CONSENT_REVOKERS, "R, cloud -> state_mark")                                                  \
    X(CONSENT_CMS, "cm, cloud -> state_mark")                                                      \
    X(HANDLES, "handle, cloud -> state_mark")                                                      \
    X(CONFIRMS, "vid, cloud -> state_mark")                                                        \
    X(STOPPED, "kind, R, X or vid -> state_mark: the first Revoke, Retire or Erase")               \
    X(QUOTAS, "kind, cloud -> state_quota")                                                        \
    X(ENTRIES, "H(entry) -> state_mark")                                                           \
    X(LEAVES, "index -> Tr(leaf)")                                                                 \
    X(NODES, "level, index -> 32 bytes: complete subtrees")                                        \
    X(INDEXES, "name, height -> Tr(index)")                                                        \
    X(COSIGNED, "empty -> the latest Tr(cosigned)")                                                \
    X(COSIGNER, "ID of a member at this node -> state_cosigner")                                   \
    X(REFUSED, "slot -> state_refused: what this node was asked to cosign and did not")            \
    X(PROGRESS, "visit -> state_progress: how far it has come")

typedef enum ledger_table {
#define X(name, text) LEDGER_##name,
    LEDGER_TABLES(X)
#undef X
        LEDGER_TABLE_COUNT
} ledger_table;

/* Called for each row of a scan, in ascending bytewise order of keys; *more false ends it. The
 * spans hold until it returns; it must not change the state. */
typedef bcemr_status (*ledger_row_visitor)(void *user, bcemr_span key, bcemr_span value,
                                           bool *more);

typedef struct ledger_state_ops {
    /* value := the row's, replacing what it held; E_NOT_FOUND. */
    bcemr_status (*get)(void *self, ledger_table table, bcemr_span key, bcemr_buf *value);
    /* Inserts or replaces. E_STATE outside a transaction. Nothing is ever deleted. */
    bcemr_status (*put)(void *self, ledger_table table, bcemr_span key, bcemr_span value);
    /* Rows whose keys start with prefix and are not below from (empty: the first). */
    bcemr_status (*scan)(void *self, ledger_table table, bcemr_span prefix, bcemr_span from,
                         ledger_row_visitor visit, void *user);
    bcemr_status (*begin)(void *self);
    bcemr_status (*mark)(void *self);
    bcemr_status (*keep)(void *self);   /* what was put since the mark stays */
    bcemr_status (*undo)(void *self);   /* back to the mark */
    bcemr_status (*commit)(void *self); /* when it fails, rollback follows */
    void (*rollback)(void *self);       /* also without a transaction */
    void (*close)(void *self);
    /* What is read from now on is of the newest moment. NULL: it always is. */
    bcemr_status (*refresh)(void *self);
} ledger_state_ops;

typedef struct ledger_state {
    const ledger_state_ops *ops;
    void *self;
} ledger_state;

/* An empty state in memory, for tests and the demo. */
BCEMR_MUST_USE bcemr_status ledger_state_memory(ledger_state *out);
/* How many rows such a state has memory for, in all tables. */
uint64_t ledger_state_memory_rows(const ledger_state *state);
void ledger_state_close(ledger_state *state); /* NULL and closed ones are allowed */

BCEMR_MUST_USE bcemr_status ledger_get(const ledger_state *state, ledger_table table,
                                       bcemr_span key, bcemr_buf *value);
BCEMR_MUST_USE bcemr_status ledger_put(ledger_state *state, ledger_table table, bcemr_span key,
                                       bcemr_span value);
BCEMR_MUST_USE bcemr_status ledger_scan(const ledger_state *state, ledger_table table,
                                        bcemr_span prefix, bcemr_span from,
                                        ledger_row_visitor visit, void *user);
/* Whether a row is there. Errors: the store's. */
BCEMR_MUST_USE bcemr_status ledger_has(const ledger_state *state, ledger_table table,
                                       bcemr_span key, bool *there);
/* A record: its bytes into held, out pointing into them. */
BCEMR_MUST_USE bcemr_status ledger_get_record(const ledger_state *state, ledger_table table,
                                              bcemr_span key, const bcemr_type *type,
                                              bcemr_buf *held, void *out, bcemr_error *err);
BCEMR_MUST_USE bcemr_status ledger_put_record(ledger_state *state, ledger_table table,
                                              bcemr_span key, const bcemr_type *type,
                                              const void *value, bcemr_error *err);

/* Keys made of parts: up to 512 bytes, no allocation. */
typedef struct ledger_key {
    uint64_t n;
    uint8_t b[512];
} ledger_key;
void ledger_key_begin(ledger_key *key);
void ledger_key_add(ledger_key *key, bcemr_span part);
void ledger_key_add_number(ledger_key *key, uint64_t number); /* 8 bytes big-endian */
bcemr_span ledger_key_span(const ledger_key *key);

#endif
