/* SPDX-License-Identifier: Apache-2.0 */
/* The writer's lock, and looks at what lies where. The database file itself is never opened here:
 * closing any descriptor of it would give up the locks that SQLite holds for this process. */
#include "ledger/state/database.h"
#include "wire/error.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

bcemr_status database_system_status(int number)
{
    switch (number) {
    case ENOENT:
    case ENOTDIR:
        return BCEMR_E_NOT_FOUND;
    case EACCES:
    case EPERM:
    case EROFS:
        return BCEMR_E_NO_ACCESS;
    case ENOSPC:
    case EDQUOT:
    case EFBIG:
        return BCEMR_E_FULL;
    case ENOMEM:
        return BCEMR_E_NO_MEMORY;
    default:
        return BCEMR_E_IO;
    }
}

char *database_beside(const char *path, const char *suffix)
{
    size_t n = strlen(path), more = strlen(suffix) + 1;
    char *out = bcemr_allocate(n + more);
    if (out) {
        memcpy(out, path, n + 1);
        memcpy(out + n, suffix, more);
    }
    return out;
}

bcemr_status database_lock(const char *path, bool exclusive, int *lock, bcemr_error *err)
{
    bcemr_status status = BCEMR_OK;
    char *name = database_beside(path, ".lock");
    *lock = -1;
    if (!name)
        return wire_fail(err, BCEMR_E_NO_MEMORY, "database", "lock");
    const int flags = exclusive ? O_RDWR | O_CREAT : O_RDONLY;
    int fd = open(name, flags | O_CLOEXEC | O_NOFOLLOW, S_IRUSR | S_IWUSR);
    if (fd < 0)
        FAIL(database_system_status(errno), "database", "lock");
    while (flock(fd, (exclusive ? LOCK_EX : LOCK_SH) | LOCK_NB) != 0) {
        if (errno == EINTR)
            continue;
        status = errno == EWOULDBLOCK ? BCEMR_E_IN_USE : database_system_status(errno);
        (void)close(fd);
        FAIL(status, "database", "lock");
    }
    *lock = fd;
out:
    bcemr_release(name);
    return status;
}

void database_unlock(int lock)
{
    if (lock >= 0)
        (void)close(lock);
}

bcemr_status database_look(const char *path)
{
    struct stat found;
    if (stat(path, &found) != 0)
        return database_system_status(errno);
    return S_ISREG(found.st_mode) ? BCEMR_OK : BCEMR_E_NOT_A_LEDGER;
}

char *database_folder(const char *path)
{
    const char *end = strrchr(path, '/');
    if (!end)
        return database_beside(".", "");
    char *folder = database_beside(path, "");
    /* "/x" lies in "/". */
    if (folder)
        folder[end == path ? 1 : end - path] = '\0';
    return folder;
}

bool database_folder_takes(const char *path)
{
    char *folder = database_folder(path);
    bool takes = folder && access(folder, W_OK | X_OK) == 0;
    bcemr_release(folder);
    return takes;
}
