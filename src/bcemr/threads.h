/* SPDX-License-Identifier: Apache-2.0 */
/* The program's one pool of threads, lent to the library as a bcemr_parallel. */
#ifndef BCEMR_PROGRAM_THREADS_H
#define BCEMR_PROGRAM_THREADS_H

#include <bcemr/group.h>

#define THREADS_MAX 256

typedef struct threads_pool threads_pool;

/* Processors that this process may use: BCEMR_THREADS if set and sensible, else the machine's. */
uint64_t threads_available(void);
/*
 * A pool in which count jobs run at once: count - 1 threads, and whoever calls run. 0 stands for
 * threads_available(). Several threads may call run at the same time, a job may call it again.
 * Errors: E_ARGUMENT (over THREADS_MAX), E_NO_MEMORY.
 */
BCEMR_MUST_USE bcemr_status threads_pool_new(uint64_t count, threads_pool **out);
/* Valid until the pool is freed. */
bcemr_parallel threads_pool_parallel(threads_pool *pool);
/* Waits for what runs. NULL is allowed. */
void threads_pool_free(threads_pool *pool);

#endif
