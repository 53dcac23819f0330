/* SPDX-License-Identifier: Apache-2.0 */
#include "support/power.h"

#include "support/folder.h"

#include <errno.h>
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define NAMES 8
#define SECTOR 512        /* the least that is written whole */
#define LARGE_SECTOR 4096 /* the most that is spoilt by a write that is cut off */
#define OPERATIONS 200000

typedef struct operation {
    power_kind kind;
    int name;
    uint64_t offset; /* of a truncation: the size; of POWER_ACKNOWLEDGED: what */
    uint64_t n;
    uint8_t *bytes;
    bool void_sync; /* a sync that did nothing */
} operation;

static operation operations[OPERATIONS];
static uint64_t count;
static char names[NAMES][FOLDER_ROOM];
static int name_count;
static unsigned lies;
static power_call failing;
static uint64_t failing_in;
static bool fails_on, has_failed;

static void stop(const char *what)
{
    (void)fprintf(stderr, "power: %s\n", what);
    abort();
}

static void *room(uint64_t n)
{
    void *p = calloc(1, n > 0 ? (size_t)n : 1);
    if (!p)
        stop("no memory");
    return p;
}

static void note(power_kind kind, int name, uint64_t offset, const void *bytes, uint64_t n)
{
    if (count == OPERATIONS)
        stop("too many calls");
    operation *o = &operations[count++];
    *o = (operation){.kind = kind, .name = name, .offset = offset, .n = n};
    if (bytes) {
        o->bytes = room(n);
        memcpy(o->bytes, bytes, (size_t)n);
    }
}

/* ---- failing calls ---- */

static bool fails(power_call call)
{
    if (failing != call || failing_in == 0)
        return false;
    if (failing_in > 1) {
        failing_in--;
        return false;
    }
    if (!fails_on)
        failing_in = 0;
    has_failed = true;
    return true;
}

void power_fail(power_call call, uint64_t n, bool lasting)
{
    failing = call;
    failing_in = n;
    fails_on = lasting;
    has_failed = false;
}

bool power_failed(void)
{
    return has_failed;
}

/* ---- files ---- */

typedef struct power_file {
    sqlite3_file base;
    int name; /* -1: nothing is written down */
    sqlite3_file *real;
} power_file;

static sqlite3_vfs *system_vfs;

static power_file *of(sqlite3_file *file)
{
    return (power_file *)file;
}

static int file_close(sqlite3_file *file)
{
    sqlite3_file *real = of(file)->real;
    return real->pMethods ? real->pMethods->xClose(real) : SQLITE_OK;
}

static int file_read(sqlite3_file *file, void *out, int n, sqlite3_int64 at)
{
    sqlite3_file *real = of(file)->real;
    if (fails(POWER_CALL_READ))
        return SQLITE_IOERR_READ;
    return real->pMethods->xRead(real, out, n, at);
}

static int file_write(sqlite3_file *file, const void *bytes, int n, sqlite3_int64 at)
{
    sqlite3_file *real = of(file)->real;
    int code = SQLITE_OK;
    if (fails(POWER_CALL_WRITE))
        return SQLITE_IOERR_WRITE;
    if (fails(POWER_CALL_FULL))
        return SQLITE_FULL;
    if (fails(POWER_CALL_SHORT_WRITE)) {
        code = SQLITE_IOERR_WRITE;
        n /= 2;
    }
    int done = real->pMethods->xWrite(real, bytes, n, at);
    if (done == SQLITE_OK && of(file)->name >= 0)
        note(POWER_WRITE, of(file)->name, (uint64_t)at, bytes, (uint64_t)n);
    return done == SQLITE_OK ? code : done;
}

static int file_truncate(sqlite3_file *file, sqlite3_int64 size)
{
    sqlite3_file *real = of(file)->real;
    if (fails(POWER_CALL_TRUNCATE))
        return SQLITE_IOERR_TRUNCATE;
    int code = real->pMethods->xTruncate(real, size);
    if (code == SQLITE_OK && of(file)->name >= 0)
        note(POWER_TRUNCATE, of(file)->name, (uint64_t)size, NULL, 0);
    return code;
}

static bool is_wal(const char *name)
{
    size_t n = strlen(name);
    return n > 4 && strcmp(name + n - 4, "-wal") == 0;
}

/* A sync that fails has given up what it should have written: the system keeps showing it, and no
 * later sync will write it. */
static void give_up(int name)
{
    for (uint64_t i = count; i > 0; i--) {
        operation *o = &operations[i - 1];
        if (o->name != name)
            continue;
        if (o->kind == POWER_SYNC && !o->void_sync)
            return;
        if (o->kind == POWER_WRITE)
            o->void_sync = true;
    }
}

/* Written down alone: this machine's power stays on, and syncs are what takes time. */
static int file_sync(sqlite3_file *file, int flags)
{
    const int name = of(file)->name;
    (void)flags;
    if (fails(POWER_CALL_SYNC)) {
        if (name >= 0)
            give_up(name);
        return SQLITE_IOERR_FSYNC;
    }
    if (name >= 0) {
        note(POWER_SYNC, name, 0, NULL, 0);
        operations[count - 1].void_sync =
            (lies & (is_wal(names[name]) ? POWER_NO_WAL_SYNC : POWER_NO_FILE_SYNC)) != 0;
    }
    return SQLITE_OK;
}

static int file_size(sqlite3_file *file, sqlite3_int64 *out)
{
    sqlite3_file *real = of(file)->real;
    return real->pMethods->xFileSize(real, out);
}

static int file_lock(sqlite3_file *file, int level)
{
    sqlite3_file *real = of(file)->real;
    return real->pMethods->xLock(real, level);
}

static int file_unlock(sqlite3_file *file, int level)
{
    sqlite3_file *real = of(file)->real;
    return real->pMethods->xUnlock(real, level);
}

static int file_check_lock(sqlite3_file *file, int *out)
{
    sqlite3_file *real = of(file)->real;
    return real->pMethods->xCheckReservedLock(real, out);
}

static int file_control(sqlite3_file *file, int what, void *argument)
{
    sqlite3_file *real = of(file)->real;
    return real->pMethods->xFileControl(real, what, argument);
}

static int file_sector(sqlite3_file *file)
{
    sqlite3_file *real = of(file)->real;
    return real->pMethods->xSectorSize(real);
}

static int file_traits(sqlite3_file *file)
{
    sqlite3_file *real = of(file)->real;
    int traits = real->pMethods->xDeviceCharacteristics(real);
    return lies & POWER_SAFE_SECTORS ? traits | SQLITE_IOCAP_POWERSAFE_OVERWRITE : traits;
}

static int shared_map(sqlite3_file *file, int region, int size, int extend, void volatile **out)
{
    sqlite3_file *real = of(file)->real;
    if (fails(POWER_CALL_SHARE))
        return SQLITE_IOERR_SHMMAP;
    return real->pMethods->xShmMap(real, region, size, extend, out);
}

static int shared_lock(sqlite3_file *file, int offset, int n, int flags)
{
    sqlite3_file *real = of(file)->real;
    return real->pMethods->xShmLock(real, offset, n, flags);
}

static void shared_barrier(sqlite3_file *file)
{
    sqlite3_file *real = of(file)->real;
    real->pMethods->xShmBarrier(real);
}

static int shared_unmap(sqlite3_file *file, int remove)
{
    sqlite3_file *real = of(file)->real;
    return real->pMethods->xShmUnmap(real, remove);
}

static const sqlite3_io_methods file_methods = {
    .iVersion = 2,
    .xClose = file_close,
    .xRead = file_read,
    .xWrite = file_write,
    .xTruncate = file_truncate,
    .xSync = file_sync,
    .xFileSize = file_size,
    .xLock = file_lock,
    .xUnlock = file_unlock,
    .xCheckReservedLock = file_check_lock,
    .xFileControl = file_control,
    .xSectorSize = file_sector,
    .xDeviceCharacteristics = file_traits,
    .xShmMap = shared_map,
    .xShmLock = shared_lock,
    .xShmBarrier = shared_barrier,
    .xShmUnmap = shared_unmap,
};

/* ---- names ---- */

static int name_of(const char *path)
{
    for (int i = 0; i < name_count; i++)
        if (strcmp(names[i], path) == 0)
            return i;
    if (name_count == NAMES)
        stop("too many files");
    folder_path(names[name_count], "", path + 1); /* "" and "/" and the rest of an absolute one */
    return name_count++;
}

static uint8_t *read_whole(const char *path, uint64_t *n)
{
    FILE *f = fopen(path, "rb");
    if (!f || fseek(f, 0, SEEK_END) != 0)
        stop(path);
    long size = ftell(f);
    rewind(f);
    uint8_t *bytes = room((uint64_t)size);
    if (size < 0 || fread(bytes, 1, (size_t)size, f) != (size_t)size)
        stop(path);
    (void)fclose(f);
    *n = (uint64_t)size;
    return bytes;
}

/* Whether the log says that the file is there. */
static bool known(int name)
{
    bool there = false;
    for (uint64_t i = 0; i < count; i++)
        if (operations[i].name == name && operations[i].kind <= POWER_MADE)
            there = true;
        else if (operations[i].name == name && operations[i].kind == POWER_DELETE)
            there = false;
    return there;
}

static int vfs_open(sqlite3_vfs *vfs, const char *path, sqlite3_file *file, int flags, int *got)
{
    (void)vfs;
    power_file *f = of(file);
    f->real = (sqlite3_file *)(f + 1);
    f->real->pMethods = NULL;
    f->base.pMethods = NULL;
    f->name = path ? name_of(path) : -1;
    if (fails(POWER_CALL_OPEN))
        return SQLITE_CANTOPEN;
    const bool there = path && access(path, F_OK) == 0;
    int code = system_vfs->xOpen(system_vfs, path, f->real, flags, got);
    if (code != SQLITE_OK)
        return code;
    f->base.pMethods = &file_methods;
    if (path && !there) {
        note(POWER_MADE, f->name, 0, NULL, 0);
    } else if (path && !known(f->name)) {
        uint64_t n;
        uint8_t *bytes = read_whole(path, &n);
        note(POWER_FOUND, f->name, 0, bytes, n);
        free(bytes);
    }
    return SQLITE_OK;
}

static int vfs_delete(sqlite3_vfs *vfs, const char *path, int sync_folder)
{
    (void)vfs;
    if (fails(POWER_CALL_DELETE))
        return SQLITE_IOERR_DELETE;
    int code = system_vfs->xDelete(system_vfs, path, sync_folder);
    if (code == SQLITE_OK) {
        note(POWER_DELETE, name_of(path), 0, NULL, 0);
        operations[count - 1].n = sync_folder != 0;
    }
    return code;
}

static int vfs_last_error(sqlite3_vfs *vfs, int n, char *out)
{
    (void)vfs;
    return has_failed ? EIO : system_vfs->xGetLastError(system_vfs, n, out);
}

void power_begin(void)
{
    static sqlite3_vfs vfs;
    power_end();
    if (system_vfs)
        return;
    system_vfs = sqlite3_vfs_find(NULL);
    vfs = *system_vfs;
    vfs.zName = POWER_VFS;
    vfs.szOsFile += (int)sizeof(power_file);
    vfs.pNext = NULL;
    vfs.xOpen = vfs_open;
    vfs.xDelete = vfs_delete;
    vfs.xGetLastError = vfs_last_error;
    if (sqlite3_vfs_register(&vfs, 0) != SQLITE_OK)
        stop("cannot register");
}

void power_end(void)
{
    while (count > 0)
        free(operations[--count].bytes);
    name_count = 0;
    lies = POWER_HONEST;
    power_fail(POWER_CALL_NONE, 0, false);
}

void power_tell(unsigned which)
{
    lies = which;
}

void power_acknowledge(uint64_t what)
{
    note(POWER_ACKNOWLEDGED, -1, what, NULL, 0);
}

uint64_t power_count(void)
{
    return count;
}

power_kind power_at(uint64_t i)
{
    return operations[i].kind;
}

uint64_t power_acknowledged(uint64_t i)
{
    while (i > 0)
        if (operations[--i].kind == POWER_ACKNOWLEDGED)
            return operations[i].offset;
    return 0;
}

/* ---- what a loss of power leaves ---- */

typedef struct image {
    bool there;
    uint64_t size;
    uint8_t *bytes; /* room for the largest size that the file ever had */
} image;

/* A file while its calls are played again. */
typedef struct played {
    image durable;
    image back;                /* what comes back if the removal is lost */
    const operation **pending; /* since the last sync */
    uint64_t pending_count;
    uint64_t largest;
} played;

static uint64_t draw(uint64_t *seed)
{
    *seed = *seed * 6364136223846793005u + 1442695040888963407u;
    return *seed >> 33;
}

/* One call on an image; only sectors that pass (all when versions is NULL: those that are at least
 * as new as number) take it. */
static void apply(image *to, const operation *o, const uint64_t *versions, uint64_t number)
{
    uint64_t end = o->offset + o->n;
    if (o->kind == POWER_TRUNCATE) {
        for (uint64_t i = o->offset; i < to->size; i++)
            if (!versions || versions[i / SECTOR] >= number)
                to->bytes[i] = 0;
        to->size = o->offset;
        return;
    }
    for (uint64_t i = o->offset; i < end; i++)
        if (!versions || versions[i / SECTOR] >= number)
            to->bytes[i] = o->bytes[i - o->offset];
    if (to->size < end)
        to->size = end;
}

static uint64_t largest_of(int name, uint64_t cut)
{
    uint64_t largest = 0;
    for (uint64_t i = 0; i < cut; i++)
        if (operations[i].name == name && operations[i].offset + operations[i].n > largest)
            largest = operations[i].offset + operations[i].n;
    return largest;
}

static void sync_all(played *p)
{
    for (uint64_t i = 0; i < p->pending_count; i++)
        if (!(p->pending[i]->kind == POWER_WRITE && p->pending[i]->void_sync))
            apply(&p->durable, p->pending[i], NULL, 0);
    p->pending_count = 0;
    p->durable.there = true;
    p->back.there = false;
}

static void forget(played *p, bool for_good)
{
    if (!for_good && p->durable.there) {
        p->back.there = true;
        p->back.size = p->durable.size;
        memcpy(p->back.bytes, p->durable.bytes, (size_t)p->durable.size);
    }
    p->durable.there = false;
    p->durable.size = 0;
    memset(p->durable.bytes, 0, (size_t)p->largest);
    p->pending_count = 0;
}

/* The file as far as it is certain, and what is not. */
static void play(int name, uint64_t cut, played *p)
{
    p->largest = largest_of(name, cut);
    p->durable.bytes = room(p->largest + SECTOR);
    p->back.bytes = room(p->largest + SECTOR);
    p->pending = room(cut * sizeof *p->pending);
    for (uint64_t i = 0; i < cut; i++) {
        const operation *o = &operations[i];
        if (o->name != name)
            continue;
        if (o->kind == POWER_FOUND) {
            apply(&p->durable, o, NULL, 0);
            p->durable.there = true;
        } else if (o->kind == POWER_SYNC && !o->void_sync) {
            sync_all(p);
        } else if (o->kind == POWER_DELETE) {
            forget(p, o->n != 0);
        } else if (o->kind != POWER_SYNC) {
            p->pending[p->pending_count++] = o;
        }
    }
}

/* Of every sector some version, and of the size, too. */
static void tear(played *p, power_mode mode, uint64_t *seed)
{
    uint64_t sectors = p->largest / SECTOR + 1, size = p->durable.size;
    uint64_t *versions = room(sectors * sizeof *versions);
    uint64_t sized = draw(seed) % (p->pending_count + 1);
    for (uint64_t s = 0; s < sectors; s++)
        versions[s] = draw(seed) % 3 == 0   ? 0
                      : draw(seed) % 2 == 0 ? p->pending_count
                                            : draw(seed) % (p->pending_count + 1);
    for (uint64_t i = 0; i < p->pending_count; i++) {
        if (p->pending[i]->kind == POWER_MADE) {
            p->durable.there = true;
            continue;
        }
        apply(&p->durable, p->pending[i], versions, i + 1);
        if (i < sized)
            size = p->durable.size;
    }
    for (uint64_t i = 0; mode == POWER_GARBAGE && i < p->pending_count; i++) {
        const operation *o = p->pending[i];
        if (o->kind != POWER_WRITE || draw(seed) % 4 != 0)
            continue;
        uint64_t first = o->offset / LARGE_SECTOR, last = (o->offset + o->n - 1) / LARGE_SECTOR;
        uint64_t at = (draw(seed) % 2 == 0 ? first : last) * LARGE_SECTOR;
        for (uint64_t to = at + LARGE_SECTOR; at < to && at < p->largest; at++)
            p->durable.bytes[at] = (uint8_t)draw(seed);
    }
    p->durable.size = size;
    free(versions);
}

static void keep(played *p)
{
    const uint64_t n = p->pending_count;
    for (uint64_t i = 0; i < n; i++)
        if (p->pending[i]->kind != POWER_MADE)
            apply(&p->durable, p->pending[i], NULL, 0);
    p->durable.there = p->durable.there || n > 0;
    p->back.there = false;
}

static void write_image(const char *path, const image *what)
{
    FILE *f = fopen(path, "wb");
    if (!f || fwrite(what->bytes, 1, (size_t)what->size, f) != what->size || fclose(f) != 0)
        stop(path);
}

void power_rebuild(uint64_t cut, power_mode mode, uint64_t seed, const char *path, const char *to)
{
    size_t n = strlen(path);
    char out[FOLDER_ROOM];
    seed = seed * 2654435761u + cut + 1;
    for (int name = 0; name < name_count; name++) {
        played p = {.largest = 0};
        if (strncmp(names[name], path, n) != 0 ||
            snprintf(out, sizeof out, "%s%s", to, names[name] + n) >= (int)sizeof out)
            stop(names[name]);
        (void)unlink(out);
        play(name, cut, &p);
        if (mode == POWER_KEEP)
            keep(&p);
        else if (mode != POWER_DROP)
            tear(&p, mode, &seed);
        if (!p.durable.there && p.back.there && (mode == POWER_DROP || draw(&seed) % 2 == 0))
            write_image(out, &p.back);
        else if (p.durable.there)
            write_image(out, &p.durable);
        free(p.durable.bytes);
        free(p.back.bytes);
        free((void *)p.pending);
    }
}
