/* SPDX-License-Identifier: Apache-2.0 */
/* Options and examples of `bcemr ledger`, for the table of commands. */
#ifndef BCEMR_LEDGER_TABLES_H
#define BCEMR_LEDGER_TABLES_H

#include "bcemr/ledger/book.h"

extern const book_options book_defaults;
#define BOOK_COMMAND(name)                                                                         \
    extern const command_option book_##name##_table[];                                             \
    extern const command_example book_##name##_examples[]
BOOK_COMMAND(init);
BOOK_COMMAND(head);
BOOK_COMMAND(list);
BOOK_COMMAND(show);
BOOK_COMMAND(prove);
BOOK_COMMAND(verify);
BOOK_COMMAND(export);
BOOK_COMMAND(import);
BOOK_COMMAND(follow);
BOOK_COMMAND(refused);
BOOK_COMMAND(resume);
#undef BOOK_COMMAND
/* The operands. */
extern const command_option book_entry_or_visit, book_entry, book_file, book_member;

#endif
