/* SPDX-License-Identifier: Apache-2.0 */
/* How the tables of commands write their rows. */
#ifndef BCEMR_PROGRAM_COMMAND_ROWS_H
#define BCEMR_PROGRAM_COMMAND_ROWS_H

#include "bcemr/command.h"

/* Rows of options: name, value, kind, field and text; numbers have bounds, choices a list. */
#define OPTION(s, name, value, kind, field, text)                                                  \
    {                                                                                              \
        name, value, text, kind, false, offsetof(s, field), 0, 0, NULL                             \
    }
#define NUMBER(s, name, value, field, lo, hi, text)                                                \
    {                                                                                              \
        name, value, text, COMMAND_NUMBER, false, offsetof(s, field), lo, hi, NULL                 \
    }
#define CHOICE(s, name, value, field, choices, text)                                               \
    {                                                                                              \
        name, value, text, COMMAND_CHOICE, false, offsetof(s, field), 0, 0, choices                \
    }
/* What must be given: a text, a list of words, one of a list. */
#define NEEDED(s, name, value, kind, field, text)                                                  \
    {                                                                                              \
        name, value, text, kind, true, offsetof(s, field), 0, 0, NULL                              \
    }
#define NEEDED_CHOICE(s, name, value, field, choices, text)                                        \
    {                                                                                              \
        name, value, text, COMMAND_CHOICE, true, offsetof(s, field), 0, 0, choices                 \
    }
/* The word without dashes. */
#define OPERAND(s, value, field, text)                                                             \
    {                                                                                              \
        NULL, value, text, COMMAND_TEXT, true, offsetof(s, field), 0, 0, NULL                      \
    }
#define OPERAND_CHOICE(s, value, field, choices, text)                                             \
    {                                                                                              \
        NULL, value, text, COMMAND_CHOICE, true, offsetof(s, field), 0, 0, choices                 \
    }
#define OPTIONS_END                                                                                \
    {                                                                                              \
        NULL, NULL, NULL, COMMAND_FLAG, false, 0, 0, 0, NULL                                       \
    }
#define EXAMPLES_END                                                                               \
    {                                                                                              \
        NULL, NULL                                                                                 \
    }

#endif
