/* SPDX-License-Identifier: Apache-2.0 */
#include "support/folder.h"

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static void stop(const char *what, const char *which)
{
    (void)fprintf(stderr, "test folder: %s %s\n", what, which);
    abort();
}

void folder_make(char out[FOLDER_ROOM])
{
    const char *base = getenv("TMPDIR");
    (void)snprintf(out, FOLDER_ROOM, "%s/bcemr-test-XXXXXX", base && *base ? base : "/tmp");
    if (!mkdtemp(out))
        stop("no folder in", out);
}

void folder_path(char out[FOLDER_ROOM], const char *folder, const char *name)
{
    if (snprintf(out, FOLDER_ROOM, "%s/%s", folder, name) >= FOLDER_ROOM)
        stop("too long:", name);
}

void folder_empty(const char *folder)
{
    char path[FOLDER_ROOM];
    const struct dirent *entry;
    DIR *all = opendir(folder);
    if (!all)
        stop("cannot read", folder);
    while ((entry = readdir(all)) != NULL) {
        if (strcmp(entry->d_name, ".") == 0 || strcmp(entry->d_name, "..") == 0)
            continue;
        folder_path(path, folder, entry->d_name);
        if (unlink(path) != 0)
            stop("cannot remove", path);
    }
    (void)closedir(all);
}

void folder_remove(const char *folder)
{
    folder_empty(folder);
    if (rmdir(folder) != 0)
        stop("cannot remove", folder);
}

void folder_copy(const char *from, const char *to)
{
    char bytes[65536];
    size_t n;
    (void)unlink(to);
    FILE *in = fopen(from, "rb");
    if (!in)
        return;
    FILE *out = fopen(to, "wb");
    if (!out)
        stop("cannot write", to);
    while ((n = fread(bytes, 1, sizeof bytes, in)) > 0)
        if (fwrite(bytes, 1, n, out) != n)
            stop("cannot write", to);
    if (fclose(out) != 0 || fclose(in) != 0)
        stop("cannot copy", from);
}
