/* SPDX-License-Identifier: Apache-2.0 */
/* A folder for the files of one test program. What cannot fail here aborts. */
#ifndef BCEMR_TESTS_FOLDER_H
#define BCEMR_TESTS_FOLDER_H

#define FOLDER_ROOM 256

void folder_make(char out[FOLDER_ROOM]);
void folder_path(char out[FOLDER_ROOM], const char *folder, const char *name);
/* Removes the files in it, and the folder, too. No folders in folders. */
void folder_empty(const char *folder);
void folder_remove(const char *folder);
/* Copies a file; a missing one removes the copy. */
void folder_copy(const char *from, const char *to);

#endif
