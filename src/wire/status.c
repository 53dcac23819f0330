/* SPDX-License-Identifier: Apache-2.0 */
/* Names and texts of statuses and verdicts, from their tables. */
#include "wire/error.h"

#include <stddef.h>

typedef struct named {
    int number;
    const char *name;
    const char *text;
} named;

#define X(name, number, text) {(number), #name, text},
static const named statuses[] = {BCEMR_STATUS_TABLE(X)};
static const named verdicts[] = {BCEMR_VERDICT_TABLE(X)};
#undef X

static const named unknown = {-1, "UNKNOWN", "a number that this program does not know"};

static const named *find(const named *table, size_t count, int number)
{
    for (size_t i = 0; i < count; i++)
        if (table[i].number == number)
            return &table[i];
    return &unknown;
}

#define FIND(table, number) find(table, sizeof(table) / sizeof((table)[0]), (int)(number))

const char *bcemr_status_name(bcemr_status status)
{
    return FIND(statuses, status)->name;
}

const char *bcemr_status_text(bcemr_status status)
{
    return FIND(statuses, status)->text;
}

const char *bcemr_verdict_name(bcemr_verdict verdict)
{
    return FIND(verdicts, verdict)->name;
}

const char *bcemr_verdict_text(bcemr_verdict verdict)
{
    return FIND(verdicts, verdict)->text;
}

bcemr_status wire_fail(bcemr_error *err, bcemr_status status, const char *object, const char *field)
{
    return wire_fail_at(err, status, object, field, BCEMR_NOWHERE, BCEMR_NOWHERE);
}

bcemr_status wire_fail_at(bcemr_error *err, bcemr_status status, const char *object,
                          const char *field, uint64_t index, uint64_t offset)
{
    if (err)
        *err = (bcemr_error){status, BCEMR_UNDECIDED, 0, object, field, index, offset};
    return status;
}

bcemr_status wire_refuse(bcemr_error *err, bcemr_verdict verdict, const char *object,
                         const char *field, uint64_t index)
{
    if (err)
        *err = (bcemr_error){BCEMR_E_REFUSED, verdict, 0, object, field, index, BCEMR_NOWHERE};
    return BCEMR_E_REFUSED;
}

bcemr_status wire_verdict(bcemr_error *err, bcemr_verdict verdict, const char *object,
                          const char *field)
{
    if (verdict == BCEMR_UNDECIDED && err && err->status != BCEMR_OK)
        return err->status;
    return wire_refuse(err, verdict, object, field, BCEMR_NOWHERE);
}
