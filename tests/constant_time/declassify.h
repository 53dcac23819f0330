/* SPDX-License-Identifier: Apache-2.0 */
/* What core's declassifications become in the build that valgrind runs; forced into every source.
 */
#ifndef BCEMR_CONSTANT_TIME_DECLASSIFY_H
#define BCEMR_CONSTANT_TIME_DECLASSIFY_H

#include <valgrind/memcheck.h>

#define CORE_DECLASSIFY(reason, p, n) ((void)VALGRIND_MAKE_MEM_DEFINED((p), (n)))

#endif
