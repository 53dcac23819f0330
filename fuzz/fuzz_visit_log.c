/* SPDX-License-Identifier: Apache-2.0 */
/* Any list of leaves to the reader of visits: what it accepts hangs together. */
#include "fuzz.h"

#include <bcemr/hash.h>
#include <bcemr/proof.h>
#include <bcemr/visit_log.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static bcemr_visit_log log;
    bcemr_list list;
    if (bcemr_read_list(&bcemr_type_leaf, bcemr_span_of(data, size), 0, 4096, &list, NULL) !=
        BCEMR_OK)
        return 0;
    if (bcemr_visit_log_read(&list, &log, NULL) != BCEMR_OK) {
        MUST(log.ticket.n == 0 && log.signed_count == 0);
        return 0;
    }
    MUST(log.order.count >= 1 && log.order.count <= BCEMR_TEAM_MAX);
    MUST(log.signed_count <= log.order.count && log.order.amendments <= BCEMR_TEAM_MAX);
    MUST(!log.sealed || bcemr_visit_log_complete(&log));
    for (uint64_t i = 0; i < log.signed_count; i++)
        MUST(log.diagnoses[i].context.i == i + 1);
    return 0;
}
