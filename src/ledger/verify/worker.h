/* SPDX-License-Identifier: Apache-2.0 */
/* A thread that does one thing at a time for whoever made it. */
#ifndef LEDGER_VERIFY_WORKER_H
#define LEDGER_VERIFY_WORKER_H

#include <bcemr/bytes.h>

typedef struct ledger_worker ledger_worker;

/* E_NO_MEMORY also when no thread could be started. */
BCEMR_MUST_USE bcemr_status ledger_worker_new(ledger_worker **out);
/* Starts job(argument) on the thread, after waiting for the one before. */
void ledger_worker_give(ledger_worker *worker, void (*job)(void *argument), void *argument);
/* Returns when the thread has nothing to do; what it wrote can then be read. */
void ledger_worker_wait(ledger_worker *worker);
/* Waits, then ends the thread. NULL is allowed. */
void ledger_worker_free(ledger_worker *worker);

#endif
