/* SPDX-License-Identifier: Apache-2.0 */
/* UTF-8, looked at character by character. */
#ifndef BCEMR_PROGRAM_TEXT_H
#define BCEMR_PROGRAM_TEXT_H

#include <bcemr/bytes.h>

#define TEXT_INVALID UINT32_MAX

/* The character at *at, which is below text.n; moves *at past it. TEXT_INVALID, and one byte on,
 * where the bytes are not the shortest form of a character. */
uint32_t text_next(bcemr_span text, uint64_t *at);
/* Controls, line and paragraph separators, and what turns the direction of the text around: nothing
 * of it may reach a terminal or a file name. */
bool text_is_control(uint32_t character);
/* Columns on a terminal: 0, 1 or 2. */
unsigned text_columns(uint32_t character);

#endif
