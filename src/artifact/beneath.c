#include "artifact/beneath.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/openat2.h>
#include <stdbool.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

static int refuse(int dir, int from, int error)
{
    if (dir != from)
        close(dir);
    errno = error;
    return -1;
}

/* The next name of a path, or why there is none that may be opened: 0, or an errno. */
static int next_name(const char **at, char name[NAME_MAX + 1])
{
    size_t len = strcspn(*at, "/");
    if (len == 0 || len > NAME_MAX)
        return len ? ENAMETOOLONG : ENOENT;
    memcpy(name, *at, len);
    name[len] = '\0';
    *at += len;
    return strcmp(name, ".") == 0 || strcmp(name, "..") == 0 ? EXDEV : 0;
}

int open_stepwise(int dir, const char *path, int flags)
{
    int from = dir;
    if (*path == '/')
        return refuse(dir, from, EXDEV);
    for (const char *at = path;;) {
        char name[NAME_MAX + 1];
        int problem = next_name(&at, name);
        if (problem)
            return refuse(dir, from, problem);
        bool last = !*at;
        int fd = openat(dir, name, (last ? flags : O_PATH | O_DIRECTORY) | O_NOFOLLOW | O_CLOEXEC);
        if (fd < 0) {
            int error = errno; /* ENOTDIR for a link as well, where a directory is wanted */
            if (error == ENOTDIR && readlinkat(dir, name, (char[1]){0}, 1) >= 0)
                error = ELOOP;
            return refuse(dir, from, error);
        }
        if (dir != from)
            close(dir);
        if (last)
            return fd;
        dir = fd;
        at++;
    }
}

int open_beneath(int dir, const char *path, int flags)
{
    struct open_how how = {.flags = (unsigned)(flags | O_NOFOLLOW | O_CLOEXEC),
                           .resolve = RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS | RESOLVE_NO_MAGICLINKS};
    long fd = syscall(SYS_openat2, dir, path, &how, sizeof how);
    if (fd >= 0)
        return (int)fd;
    /* an old kernel, or a sandbox that does not know the call; a file that may not be opened is EACCES */
    return errno == ENOSYS || errno == EPERM ? open_stepwise(dir, path, flags) : -1;
}
