/* SPDX-License-Identifier: Apache-2.0 */
/* The attacks of tamper_table, and what several of them need. */
#ifndef BCEMR_DEMO_ATTACKS_H
#define BCEMR_DEMO_ATTACKS_H

#include "bcemr/demo/tamper.h"

/* Flips a bit of byte offset from the end (1 the last) in a buffer or a file. */
bcemr_status attacks_flip(bcemr_buf *message, uint64_t from_end);
bcemr_status attacks_flip_file(const char *path, uint64_t offset);

/* tamper_registration.c */
bcemr_status attack_ticket(world *w, bool *succeeded);
/* tamper_record.c */
bcemr_status attack_payload(world *w, bool *succeeded);

#endif
