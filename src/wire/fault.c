/* SPDX-License-Identifier: Apache-2.0 */
/* Test build only: switches for checks and allocations. Compiles to nothing otherwise. */
#include "wire/fault.h"

#ifdef BCEMR_TEST_SWITCHES
#include <stdint.h>
#include <string.h>

#define SWITCHES 1024

static bool verdict_off[SWITCHES];
static bool reason_off[SWITCHES];
static uint64_t allocations;
static uint64_t failing_allocation;
static int64_t live;

void bcemr_switch_off(bcemr_verdict verdict)
{
    if ((unsigned)verdict < SWITCHES)
        verdict_off[verdict] = true;
}

void bcemr_switch_off_reason(uint32_t reason)
{
    if (reason < SWITCHES)
        reason_off[reason] = true;
}

void bcemr_switch_all_on(void)
{
    memset(verdict_off, 0, sizeof verdict_off);
    memset(reason_off, 0, sizeof reason_off);
}

bool bcemr_switch_is_off(bcemr_verdict verdict)
{
    return (unsigned)verdict < SWITCHES && verdict_off[verdict];
}

bool bcemr_switch_reason_is_off(uint32_t reason)
{
    return reason < SWITCHES && reason_off[reason];
}

void bcemr_switch_fail_allocation(uint64_t n)
{
    allocations = 0;
    failing_allocation = n;
}

uint64_t bcemr_switch_allocations(void)
{
    return allocations;
}

bool bcemr_switch_allocation_fails(void)
{
    return ++allocations == failing_allocation;
}

void bcemr_switch_allocated(const void *p)
{
    live += p != NULL;
}

int64_t bcemr_switch_live(void)
{
    return live;
}

static const void *watched;
static uint64_t watched_length;
static bool watched_clean;

void bcemr_switch_watch(const void *p, uint64_t n)
{
    watched = p;
    watched_length = n;
    watched_clean = false;
}

bool bcemr_switch_watched_clean(void)
{
    return watched_clean;
}

void bcemr_switch_released(const void *p)
{
    const uint8_t *bytes = p;
    live -= p != NULL;
    if (!p || p != watched)
        return;
    watched_clean = true;
    for (uint64_t i = 0; i < watched_length; i++)
        watched_clean = watched_clean && bytes[i] == 0;
    watched = NULL;
}
#else
typedef int bcemr_fault_is_empty; /* ISO C wants something in a translation unit */
#endif
