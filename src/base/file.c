#include "base/file.h"

#include "base/buf.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
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
