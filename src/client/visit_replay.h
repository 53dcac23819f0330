/* SPDX-License-Identifier: Apache-2.0 */
/* The replay behind bcemr_visit_log_read, for who looks at the visit after each of its leaves. */
#ifndef BCEMR_CLIENT_VISIT_REPLAY_H
#define BCEMR_CLIENT_VISIT_REPLAY_H

#include <bcemr/visit_log.h>

/* A leaf of the visit, taken apart. */
typedef struct client_visit_leaf {
    uint64_t index; /* in the list, from 0 */
    bcemr_span raw;
    bcemr_tr_leaf leaf;
    bcemr_tr_signed entry;
    const bcemr_type *type; /* of the entry */
} client_visit_leaf;

/* Told of the visit as it stands after the leaf; what it returns ends the replay unless OK. */
typedef struct client_visit_watcher {
    void *user;
    bcemr_status (*after)(void *user, const bcemr_visit_log *log, const client_visit_leaf *at,
                          bcemr_error *err);
} client_visit_watcher;

/* bcemr_visit_log_read with a watcher (NULL allowed). Errors: the same, and the watcher's. */
BCEMR_MUST_USE bcemr_status client_visit_replay(const bcemr_list *leaves,
                                                const client_visit_watcher *watcher,
                                                bcemr_visit_log *out, bcemr_error *err);

#endif
