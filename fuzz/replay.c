/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Runs a fuzz target over files and, with -changes N, over N changed copies of each: bytes flipped,
 * cut, doubled, overwritten by lengths at the edges. The changes follow from the file and N alone.
 */
#include "fuzz.h"

#include <dirent.h>
#include <stdio.h>
#include <string.h>

#define INPUT_MAX (1u << 20)

static uint64_t state;

static uint64_t draw(uint64_t below)
{
    state ^= state << 13; /* xorshift64: any spread of values will do */
    state ^= state >> 7;
    state ^= state << 17;
    return below > 0 ? state % below : 0;
}

static void overwrite_length(uint8_t *data, size_t n)
{
    static const uint64_t edges[] = {0,
                                     1,
                                     7,
                                     8,
                                     31,
                                     32,
                                     33,
                                     0x7fffffff,
                                     0xffffffff,
                                     UINT64_MAX,
                                     UINT64_MAX - 7,
                                     (uint64_t)1 << 63};
    uint64_t value = edges[draw(sizeof edges / sizeof edges[0])];
    size_t at = draw(n);
    for (size_t i = 0; i < 8 && at + i < n; i++)
        data[at + i] = (uint8_t)(value >> (8 * i));
}

/* One change in place; returns the new size. */
static size_t change(uint8_t *data, size_t n)
{
    if (n == 0)
        return 0;
    size_t at = draw(n), length = draw(n - at) % 64;
    switch (draw(5)) {
    case 0:
        data[at] = (uint8_t)(data[at] ^ 1u << draw(8));
        return n;
    case 1:
        return at;
    case 2:
        overwrite_length(data, n);
        return n;
    case 3: /* a piece is left out */
        memmove(data + at, data + at + length, n - at - length);
        return n - length;
    default: /* a piece comes twice */
        if (n + length > INPUT_MAX)
            return n;
        memmove(data + at + length, data + at, n - at);
        return n + length;
    }
}

static void run_file(const char *path, unsigned long changes)
{
    static uint8_t original[INPUT_MAX], copy[INPUT_MAX];
    FILE *f = fopen(path, "rb");
    if (!f) {
        perror(path);
        exit(1);
    }
    size_t n = fread(original, 1, sizeof original, f);
    (void)fclose(f);
    (void)LLVMFuzzerTestOneInput(original, n);
    state = 0x9e3779b97f4a7c15u ^ n;
    for (unsigned long i = 0; i < changes; i++) {
        size_t m = n;
        memcpy(copy, original, n);
        for (uint64_t k = 0; k <= draw(3); k++)
            m = change(copy, m);
        (void)LLVMFuzzerTestOneInput(copy, m);
    }
}

static unsigned long run_folder(const char *folder, unsigned long changes)
{
    char path[4096];
    unsigned long files = 0;
    DIR *d = opendir(folder);
    if (!d) {
        perror(folder);
        exit(1);
    }
    for (struct dirent *e = readdir(d); e; e = readdir(d)) {
        if (e->d_name[0] == '.')
            continue;
        (void)snprintf(path, sizeof path, "%s/%s", folder, e->d_name);
        run_file(path, changes);
        files++;
    }
    (void)closedir(d);
    return files;
}

int main(int argc, char **argv)
{
    unsigned long changes = 0, files = 0;
    int first = 1;
    if (argc > 2 && strcmp(argv[1], "-changes") == 0) {
        changes = strtoul(argv[2], NULL, 10);
        first = 3;
    }
    for (int i = first; i < argc; i++)
        files += run_folder(argv[i], changes);
    printf("%lu inputs and %lu changes of each\n", files, changes);
    return files > 0 ? 0 : 1; /* an empty corpus shows nothing */
}
