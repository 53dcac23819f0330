/* SPDX-License-Identifier: Apache-2.0 */
/*
 * How the library fails. TRY passes a status on, REQUIRE refuses by a verdict; both jump to the
 * function's one `out:` label, where everything is wiped and freed. A function that uses them has
 * `bcemr_status status = BCEMR_OK;` and `bcemr_error *err`.
 */
#ifndef BCEMR_WIRE_ERROR_H
#define BCEMR_WIRE_ERROR_H

#include "wire/fault.h"

#include <bcemr/status.h>

/* Fill err (NULL allowed) and return the status; object and field are static strings. */
bcemr_status wire_fail(bcemr_error *err, bcemr_status status, const char *object,
                       const char *field);
bcemr_status wire_fail_at(bcemr_error *err, bcemr_status status, const char *object,
                          const char *field, uint64_t index, uint64_t offset);
/* Fill err with the verdict and return E_REFUSED. */
bcemr_status wire_refuse(bcemr_error *err, bcemr_verdict verdict, const char *object,
                         const char *field, uint64_t index);
/* The same, but for UNDECIDED, where err says why the check could not be run: that is the status.
 * Where nobody gave an err, or it says nothing, E_REFUSED. */
bcemr_status wire_verdict(bcemr_error *err, bcemr_verdict verdict, const char *object,
                          const char *field);

#define TRY(call)                                                                                  \
    do {                                                                                           \
        status = (call);                                                                           \
        if (status != BCEMR_OK)                                                                    \
            goto out;                                                                              \
    } while (0)

/* For calls that do not fill err themselves. */
#define TRY_AT(call, object, field)                                                                \
    do {                                                                                           \
        status = (call);                                                                           \
        if (status != BCEMR_OK) {                                                                  \
            (void)wire_fail(err, status, (object), (field));                                       \
            goto out;                                                                              \
        }                                                                                          \
    } while (0)

#define FAIL(which, object, field)                                                                 \
    do {                                                                                           \
        status = wire_fail(err, (which), (object), (field));                                       \
        goto out;                                                                                  \
    } while (0)

#define REQUIRE_AT(condition, verdict, object, field, index)                                       \
    do {                                                                                           \
        if (!BCEMR_HOLDS((verdict), (condition))) {                                                \
            status = wire_refuse(err, (verdict), (object), (field), (index));                      \
            goto out;                                                                              \
        }                                                                                          \
    } while (0)

#define REQUIRE(condition, verdict, object, field)                                                 \
    REQUIRE_AT((condition), (verdict), (object), (field), BCEMR_NOWHERE)

/* Refuses with the verdict that a checking function gave, which was handed err, too. */
#define REQUIRE_VALID(call, object, field)                                                         \
    do {                                                                                           \
        bcemr_verdict verdict_ = (call);                                                           \
        if (verdict_ != BCEMR_VALID) {                                                             \
            status = wire_verdict(err, verdict_, (object), (field));                               \
            goto out;                                                                              \
        }                                                                                          \
    } while (0)

#endif
