/* SPDX-License-Identifier: Apache-2.0 */
#include "ledger/rules/rules.h"

#include <stddef.h>

static const struct {
    uint32_t number;
    const char *name, *text;
} reasons[] = {
#define X(name, number, text) {(number), #name, text},
#include "ledger/rules/reasons.def"
#undef X
};

const char *ledger_reason_name(uint32_t reason)
{
    for (size_t i = 0; i < sizeof reasons / sizeof reasons[0]; i++)
        if (reasons[i].number == reason)
            return reasons[i].name;
    return "UNKNOWN";
}

const char *ledger_reason_text(uint32_t reason)
{
    for (size_t i = 0; i < sizeof reasons / sizeof reasons[0]; i++)
        if (reasons[i].number == reason)
            return reasons[i].text;
    return "a reason that this program does not know: update it";
}
