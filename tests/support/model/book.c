/* SPDX-License-Identifier: Apache-2.0 */
#include "support/model/book.h"

#include <stdlib.h>
#include <string.h>

static bool is_free(const bcemr_hash *name)
{
    static const bcemr_hash none;
    return memcmp(name, &none, sizeof none) == 0;
}

/* The place of a name, or the free one where it would be. */
static uint64_t place_of(const model_map *map, const bcemr_hash *name)
{
    uint64_t at = bcemr_load_u64(name->b) & (map->room - 1);
    while (!is_free(&map->names[at]) && memcmp(&map->names[at], name, sizeof *name) != 0)
        at = (at + 1) & (map->room - 1);
    return at;
}

uint64_t *model_map_find(const model_map *map, const bcemr_hash *name)
{
    if (map->room == 0)
        return NULL;
    uint64_t at = place_of(map, name);
    return is_free(&map->names[at]) ? NULL : &map->numbers[at];
}

static void grow(model_map *map)
{
    model_map larger = {.room = map->room ? 2 * map->room : 1024};
    larger.names = calloc(larger.room, sizeof *larger.names);
    larger.numbers = calloc(larger.room, sizeof *larger.numbers);
    if (!larger.names || !larger.numbers)
        abort();
    for (uint64_t i = 0; i < map->room; i++)
        if (!is_free(&map->names[i]))
            (void)model_map_put(&larger, &map->names[i], map->numbers[i]);
    model_map_free(map);
    *map = larger;
}

bool model_map_put(model_map *map, const bcemr_hash *name, uint64_t number)
{
    if (2 * map->count >= map->room)
        grow(map);
    uint64_t at = place_of(map, name);
    if (!is_free(&map->names[at]))
        return false;
    map->names[at] = *name;
    map->numbers[at] = number;
    map->count++;
    return true;
}

void model_map_free(model_map *map)
{
    free(map->names);
    free(map->numbers);
    memset(map, 0, sizeof *map);
}

/* Hash of hashes: parts need no separators then. */
static bcemr_hash name_of(const char *word, const bcemr_span *parts, uint64_t count)
{
    uint8_t bytes[5 * 32];
    bcemr_hash hash;
    bcemr_sha256(bcemr_text(word), &hash);
    memcpy(bytes, hash.b, 32);
    for (uint64_t i = 0; i < count; i++) {
        bcemr_sha256(parts[i], &hash);
        memcpy(bytes + 32 * (i + 1), hash.b, 32);
    }
    bcemr_sha256(bcemr_span_of(bytes, 32 * (count + 1)), &hash);
    return hash;
}

bcemr_hash model_name(const char *word, bcemr_span a, bcemr_span b)
{
    const bcemr_span parts[] = {a, b};
    return name_of(word, parts, 2);
}

void book_free(book *b)
{
    model_map_free(&b->signatures);
}

void book_write(book *b, const char *kind, bcemr_span key, bcemr_span message, bcemr_span signature)
{
    const bcemr_span parts[] = {key, message, signature};
    const bcemr_hash name = name_of(kind, parts, 3);
    (void)model_map_put(&b->signatures, &name, 1);
}

bool book_holds(const book *b, const char *kind, bcemr_span key, bcemr_span message,
                bcemr_span signature)
{
    const bcemr_span parts[] = {key, message, signature};
    const bcemr_hash name = name_of(kind, parts, 3);
    return model_map_find(&b->signatures, &name) != NULL;
}
