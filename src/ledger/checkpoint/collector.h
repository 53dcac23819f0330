/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Collects a checkpoint's signatures (section 8.2). A state machine without clock or transport: it
 * says what to ask (Tr("checkpoint")), takes what comes back (Tr("cosign-answer"), a signature or a
 * refusal with its name), knows at any time whether enough have signed, and at the deadline who did
 * not and why. Whoever carries the answers says from whom they are; a false signature under a
 * member's name is found and makes room for the right one.
 */
#ifndef LEDGER_CHECKPOINT_COLLECTOR_H
#define LEDGER_CHECKPOINT_COLLECTOR_H

#include "ledger/chain/chain.h"

typedef enum ledger_part {
    LEDGER_PART_NOT_ASKED,
    LEDGER_PART_ASKED, /* no answer yet */
    LEDGER_PART_SIGNED,
    LEDGER_PART_REFUSED, /* said no: status, verdict and field say why; may still sign */
    LEDGER_PART_BAD,     /* its signature does not hold; may still sign */
    LEDGER_PART_EXCLUDED /* it is the one that is to resume on this */
} ledger_part;

typedef struct ledger_part_row {
    ledger_part part;
    bool checked; /* by itself, not only in a sum */
    bcemr_g1_raw signature;
    bcemr_status status; /* of a refusal */
    bcemr_verdict verdict;
    char field[41];
} ledger_part_row;

typedef struct ledger_collector_setup {
    const bcemr_context *context; /* outlives the collector */
    const bcemr_set *set;         /* in force at the checkpoint's last leaf; copied */
    const bcemr_tr_checkpoint *checkpoint;
    int64_t now;     /* ms, of one clock for all calls */
    int64_t ms;      /* until the deadline, 1 or more */
    bool until_then; /* goes on when enough have signed, until all have or the deadline */
    bcemr_span
        resumes; /* empty: a checkpoint. An ID: the word of all others, for it to resume on */
} ledger_collector_setup;

typedef enum ledger_collecting {
    LEDGER_COLLECTING, /* go on asking */
    LEDGER_COLLECTED,  /* the result is there, and nothing more is wanted */
    LEDGER_MISSED      /* the deadline passed without enough */
} ledger_collecting;

typedef struct ledger_collector {
    const bcemr_context *context;
    bcemr_set set;
    bcemr_tr_checkpoint checkpoint;
    bcemr_buf question; /* Tr("checkpoint"): what each member is asked */
    bcemr_hash asked;   /* H of it */
    int64_t deadline;
    bool until_then;
    uint64_t resumes;                    /* place, or BCEMR_NOWHERE */
    uint64_t needed;                     /* how many must sign */
    ledger_part_row rows[BCEMR_SET_MAX]; /* one a place of the set */
    uint64_t joined;                     /* how many signed the result; 0: there is none */
    bcemr_buf cosigned;                  /* Tr("cosigned") */
} ledger_collector;

/* Errors: E_ARGUMENT (ms); E_REFUSED with BAD_SET (the set is not the
 * checkpoint's, or resumes is none of it), NOT_ENTITLED (the others are enough for a checkpoint).
 */
BCEMR_MUST_USE bcemr_status ledger_collector_begin(ledger_collector *out,
                                                   const ledger_collector_setup *setup,
                                                   bcemr_error *err);
/* Of the chain's last block. E_EXISTS: that block has its checkpoint; there is at most one. */
BCEMR_MUST_USE bcemr_status ledger_collector_begin_at(ledger_collector *out,
                                                      const ledger_chain *chain, int64_t now,
                                                      int64_t ms, bool until_then,
                                                      bcemr_error *err);
void ledger_collector_free(ledger_collector *collector);

/* The question went out to this member. Others than members are ignored. */
void ledger_collector_sent(ledger_collector *collector, bcemr_span member);
/*
 * Takes Tr("cosign-answer"). Sums are checked when enough have signed, single signatures only when
 * a sum does not hold: then bad ones are named, also those that came before. Errors: reading's;
 * E_TIMED_OUT (the deadline has passed); E_REPEATED (it has signed already); E_REFUSED with BAD_SET
 * (not a member that is asked), BAD_CHECKPOINT (err->field "checkpoint": it answers another
 * question; "signature": it does not hold). After an error the collector goes on.
 */
BCEMR_MUST_USE bcemr_status ledger_collector_take(ledger_collector *collector, int64_t now,
                                                  bcemr_span answer, bcemr_error *err);
ledger_collecting ledger_collector_state(const ledger_collector *collector, int64_t now);
/*
 * Appends Tr("cosigned"). E_STATE while it is still collecting; after the deadline E_TIMED_OUT when
 * somebody has not answered, E_REFUSED with NOT_ENOUGH_SIGNERS when all have; rows tell who and
 * why.
 */
BCEMR_MUST_USE bcemr_status ledger_collector_result(const ledger_collector *collector, int64_t now,
                                                    bcemr_buf *out, bcemr_error *err);
/* What a row says, for people: "signed", "no answer", ... Static. */
const char *ledger_part_text(ledger_part part);

#endif
