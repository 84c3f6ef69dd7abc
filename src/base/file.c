#include "base/file.h"

#include "base/buf.h"

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

char *file_read(struct arena *a, const char *path, size_t most, size_t *len)
{
    enum { PIECE = 16384 };
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY);
    if (fd < 0)
        return NULL;
    struct buf b = {0};
    ssize_t n;
    while ((n = read(fd, buf_room(&b, PIECE), PIECE)) > 0 && b.len <= most)
        b.len += (size_t)n;
    int error = n < 0 ? errno : b.len > most ? EFBIG : 0;
    char *text = error ? NULL : arena_strndup(a, b.data, b.len);
    *len = error ? 0 : b.len;
    memset(b.data, 0, b.len); /* it may be a key */
    buf_free(&b);
    close(fd);
    errno = error;
    return text;
}

char *file_text(struct arena *a, const char *path, size_t most, const char **problem)
{
    size_t len;
    char *text = file_read(a, path, most, &len);
    if (!text)
        *problem = arena_printf(a, "%s cannot be read: %s", path, strerror(errno));
    while (text && len && strchr(" \t\r\n", text[len - 1]))
        text[--len] = '\0';
    return text;
}

static const char *cannot(struct arena *a, const char *what, const char *path)
{
    return arena_printf(a, "cannot %s %s: %s", what, path, strerror(errno));
}

static bool write_whole(int fd, const char *text, size_t len)
{
    while (len > 0) {
        ssize_t n = write(fd, text, len);
        if (n < 0 && errno != EINTR)
            return false;
        text += n > 0 ? n : 0;
        len -= n > 0 ? (size_t)n : 0;
    }
    return true;
}

const char *file_save(struct arena *a, const char *to, const char *text, size_t len, const char *like)
{
    struct stat s;
    if (unlink(to) != 0 && errno != ENOENT)
        return cannot(a, "replace", to);
    int fd = open(to, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600);
    if (fd < 0)
        return cannot(a, "make", to);
    bool known = like && stat(like, &s) == 0, owned = known && fchown(fd, s.st_uid, s.st_gid) == 0;
    bool ok = (!known || owned || geteuid() != 0) && (!owned || fchmod(fd, 0600 | (s.st_mode & 0040)) == 0) &&
              write_whole(fd, text, len) && fsync(fd) == 0;
    const char *problem = ok ? NULL : cannot(a, "write", to);
    close(fd);
    if (!ok)
        unlink(to);
    return problem;
}

const char *file_directory(struct arena *a, const char *path)
{
    const char *slash = strrchr(path, '/');
    return !slash ? "." : slash == path ? "/" : arena_strndup(a, path, (size_t)(slash - path));
}

const char *file_move(struct arena *a, const char *from, const char *path)
{
    if (rename(from, path) != 0)
        return cannot(a, "replace", path);
    int fd = open(file_directory(a, path), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    bool ok = fd >= 0 && fsync(fd) == 0;
    const char *problem = ok ? NULL : cannot(a, "save", path);
    if (fd >= 0)
        close(fd);
    return problem;
}

const char *file_replace(struct arena *a, const char *path, const char *text, size_t len)
{
    const char *new = arena_printf(a, "%s.new", path), *problem = file_save(a, new, text, len, path);
    return problem ? problem : file_move(a, new, path);
}
