/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A VFS for SQLite ("power") over the system's, that writes down what becomes of each file, so that
 * afterwards the files can be made as a loss of power at any moment would have left them; and lets
 * the n-th call of a kind fail.
 *
 * What a disk keeps: what was synced. Of what was written and not synced, any sector of 512 bytes
 * may be there in any of its versions since, a file may have grown without its new content, a file
 * that was removed may be back. What lies within 4 KiB of a write that was cut off, as disks with
 * such sectors write it, may hold anything at all.
 *
 * One thread. What cannot fail in a test aborts.
 */
#ifndef BCEMR_TESTS_POWER_H
#define BCEMR_TESTS_POWER_H

#include <stdbool.h>
#include <stdint.h>

#define POWER_VFS "power"

typedef enum power_kind {
    POWER_FOUND, /* a file that was there, durably, when it was first opened */
    POWER_MADE,  /* a new file; its name is durable with its first sync */
    POWER_WRITE,
    POWER_TRUNCATE,
    POWER_SYNC,
    POWER_DELETE,      /* the folder is not synced */
    POWER_ACKNOWLEDGED /* what the caller relies on from here on */
} power_kind;

/* Forgets everything, and registers the VFS the first time. */
void power_begin(void);
void power_end(void);
void power_acknowledge(uint64_t what);
/* How many calls were written down, and which the i-th is. */
uint64_t power_count(void);
power_kind power_at(uint64_t i);
/* The last thing acknowledged before call i. */
uint64_t power_acknowledged(uint64_t i);

/* What a disk may also do wrong, or a driver not do: */
typedef enum power_lie {
    POWER_HONEST = 0,
    POWER_NO_WAL_SYNC = 1,  /* syncs of the WAL do nothing */
    POWER_NO_FILE_SYNC = 2, /* syncs of the database do nothing */
    POWER_SAFE_SECTORS = 4  /* it says that a sector being written keeps its other bytes */
} power_lie;
/* From now on; POWER_SAFE_SECTORS counts for files opened from now on. */
void power_tell(unsigned lies);

typedef enum power_mode {
    POWER_DROP,   /* what was not synced is gone */
    POWER_KEEP,   /* all is there: the process died, not the machine */
    POWER_TEAR,   /* sectors in any version */
    POWER_GARBAGE /* and some of those that were being written hold anything */
} power_mode;
/* Makes the files as they would be after a loss of power just before call cut: those whose names
 * begin with path, as names that begin with to. */
void power_rebuild(uint64_t cut, power_mode mode, uint64_t seed, const char *path, const char *to);

typedef enum power_call {
    POWER_CALL_NONE,
    POWER_CALL_OPEN,
    POWER_CALL_READ,
    POWER_CALL_WRITE,
    POWER_CALL_SHORT_WRITE, /* half of it is written */
    POWER_CALL_FULL,        /* no room */
    POWER_CALL_SYNC,        /* what was to be synced never will be, unless it is written again */
    POWER_CALL_TRUNCATE,
    POWER_CALL_DELETE,
    POWER_CALL_SHARE, /* shared memory */
    POWER_CALLS
} power_call;
/* The n-th call of a kind from now fails (1 the next), and with lasting all that come after. */
void power_fail(power_call call, uint64_t n, bool lasting);
/* Whether it came to that. */
bool power_failed(void);

#endif
