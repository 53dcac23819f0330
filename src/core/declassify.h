/* SPDX-License-Identifier: Apache-2.0 */
/*
 * CORE_DECLASSIFY(reason, p, n) says that n bytes at p, computed from secrets, may be branched
 * upon. It is nothing at all but in the build that tests/constant_time runs under valgrind, which
 * forces its own definition in. docs/constant-time.md lists every use.
 */
#ifndef BCEMR_CORE_DECLASSIFY_H
#define BCEMR_CORE_DECLASSIFY_H

#ifndef CORE_DECLASSIFY
#define CORE_DECLASSIFY(reason, p, n) ((void)0)
#endif

#endif
