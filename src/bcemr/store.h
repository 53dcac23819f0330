/* SPDX-License-Identifier: Apache-2.0 */
/* A server_store (server/store.h) as files of one folder. */
#ifndef BCEMR_PROGRAM_STORE_H
#define BCEMR_PROGRAM_STORE_H

#include "bcemr/files.h"
#include "server/store.h"

typedef struct files_store files_store;
/* Makes the folder if it is not there. */
BCEMR_MUST_USE bcemr_status files_store_new(const char *folder, files_store **out,
                                            files_error *err);
/* Valid until the store is freed; may be used from several threads. */
server_store files_store_interface(files_store *store);
/* What the system said at the last failure, for the message beside an E_IO; false when there was
 * none. */
bool files_store_error(files_store *store, files_error *out);
void files_store_free(files_store *store);

#endif
