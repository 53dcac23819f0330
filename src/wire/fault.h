/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The seams of the test build. In the shipped build they vanish.
 *
 * BCEMR_HOLDS(verdict, condition) stands around the condition of every check. In the test build a
 * verdict can be switched off, so that it can be shown which check catches an attack next, and
 * that the attack is real once nothing is left to catch it.
 *
 * WIRE_ALLOCATION_FAILS() lets the n-th allocation fail; WIRE_ALLOCATED(p) and WIRE_RELEASED(p)
 * count what is held, and let a test look at memory that is given back.
 */
#ifndef BCEMR_WIRE_FAULT_H
#define BCEMR_WIRE_FAULT_H

#include <bcemr/status.h>
#include <stdbool.h>
#include <stdint.h>

#ifdef BCEMR_TEST_SWITCHES
/* Off: checks that give this verdict pass whatever they find. Not thread safe; set before use. */
void bcemr_switch_off(bcemr_verdict verdict);
void bcemr_switch_off_reason(uint32_t reason); /* the same for a ledger reason */
void bcemr_switch_all_on(void);
bool bcemr_switch_is_off(bcemr_verdict verdict);
bool bcemr_switch_reason_is_off(uint32_t reason);
/* The n-th allocation from now (1 the next) fails once; 0 never. Returns how many were made. */
void bcemr_switch_fail_allocation(uint64_t n);
uint64_t bcemr_switch_allocations(void);
bool bcemr_switch_allocation_fails(void);
/* How many allocations there are now: made and not given back. One thread. */
int64_t bcemr_switch_live(void);
void bcemr_switch_allocated(const void *p);
/* Looks at n bytes from p when p is released; afterwards: they were all zero then. */
void bcemr_switch_watch(const void *p, uint64_t n);
bool bcemr_switch_watched_clean(void);
void bcemr_switch_released(const void *p);

#define BCEMR_HOLDS(verdict, condition) ((condition) || bcemr_switch_is_off(verdict))
#define BCEMR_REASON_HOLDS(reason, condition) ((condition) || bcemr_switch_reason_is_off(reason))
#define WIRE_ALLOCATION_FAILS() bcemr_switch_allocation_fails()
#define WIRE_ALLOCATED(p) bcemr_switch_allocated(p)
#define WIRE_RELEASED(p) bcemr_switch_released(p)
#else
#define BCEMR_HOLDS(verdict, condition) (condition)
#define BCEMR_REASON_HOLDS(reason, condition) (condition)
#define WIRE_ALLOCATION_FAILS() false
#define WIRE_ALLOCATED(p) ((void)0)
#define WIRE_RELEASED(p) ((void)0)
#endif

#endif
