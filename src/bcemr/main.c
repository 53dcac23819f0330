/* SPDX-License-Identifier: Apache-2.0 */
#include "bcemr/command.h"
#include "bcemr/hygiene.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

int main(int argc, char **argv)
{
    if (!hygiene_begin()) {
        (void)fprintf(stderr, "bcemr: cannot keep this process's memory to itself: %s\n",
                      strerror(errno));
        return COMMAND_FAILED;
    }
    return command_run(argc, argv);
}
