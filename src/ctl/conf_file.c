#include "ctl/conf_file.h"

#include "base/buf.h"
#include "base/file.h"
#include "base/text.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { CONF_MAX = 1 << 20 };

static const char *cannot(struct arena *a, const char *what, const char *path)
{
    return arena_printf(a, "cannot %s %s: %s", what, path, strerror(errno));
}

/* The line that sets a variable, in `text`; NULL when there is none. */
static const char *line_of(const char *text, const char *name)
{
    size_t len = strlen(name);
    for (const char *line = text; *line; line += strcspn(line, "\n"), line += *line == '\n') {
        const char *at = line + strspn(line, " \t");
        if (strncmp(at, name, len) == 0 && at[len] == '=')
            return line;
    }
    return NULL;
}

/* Replaces the line of a variable, or adds one; the text may move. */
static void set_line(struct buf *text, const struct conf_line *l)
{
    struct buf out = {0};
    const char *all = text->data ? text->data : "", *line = line_of(all, l->name);
    if (line) {
        const char *rest = line + strcspn(line, "\n");
        buf_add(&out, all, (size_t)(line - all));
        buf_addf(&out, "%s=%s%s", l->name, l->value, rest);
    } else {
        buf_addf(&out, "%s%s%s=%s\n", all, text->len && all[text->len - 1] != '\n' ? "\n" : "", l->name, l->value);
    }
    buf_free(text);
    *text = out;
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

const char *conf_save(struct arena *a, const char *to, const char *text, size_t len, const char *like)
{
    struct stat s;
    if (unlink(to) != 0 && errno != ENOENT)
        return cannot(a, "replace", to);
    int fd = open(to, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600);
    if (fd < 0)
        return cannot(a, "make", to);
    bool ok = (!like || stat(like, &s) != 0 || fchown(fd, s.st_uid, s.st_gid) == 0 || geteuid() != 0) &&
              write_whole(fd, text, len) && fsync(fd) == 0;
    const char *problem = ok ? NULL : cannot(a, "write", to);
    close(fd);
    if (!ok)
        unlink(to);
    return problem;
}

const char *conf_write(struct arena *a, const char *path, const char *to, const struct conf_line *lines, size_t count)
{
    struct buf text = {0};
    size_t len = 0;
    char *was = file_read(a, path, CONF_MAX, &len);
    if (!was && errno != ENOENT)
        return cannot(a, "read", path);
    buf_add(&text, was ? was : "", len);
    for (size_t i = 0; i < count; i++)
        set_line(&text, &lines[i]);
    const char *problem = conf_save(a, to, text.data, text.len, path);
    buf_free(&text);
    return problem;
}

/* The directory of a path. */
static const char *directory_of(struct arena *a, const char *path)
{
    const char *slash = strrchr(path, '/');
    return !slash ? "." : slash == path ? "/" : arena_strndup(a, path, (size_t)(slash - path));
}

const char *conf_replace(struct arena *a, const char *path, const char *by)
{
    if (rename(by, path) != 0)
        return cannot(a, "replace", path);
    int fd = open(directory_of(a, path), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    bool ok = fd >= 0 && fsync(fd) == 0;
    const char *problem = ok ? NULL : cannot(a, "save", path);
    if (fd >= 0)
        close(fd);
    return problem;
}

const char *conf_change(struct arena *a, const char *path, const struct conf_line *lines, size_t count)
{
    const char *directory = directory_of(a, path);
    char *real = realpath(path, NULL); /* of a link, what it leads to is changed */
    const char *target = real ? arena_strdup(a, real) : path, *new = arena_printf(a, "%s.new", target);
    free(real);
    if (mkdir(directory, 0755) != 0 && errno != EEXIST)
        return cannot(a, "make the directory", directory);
    const char *problem = conf_write(a, target, new, lines, count);
    return problem ? problem : conf_replace(a, target, new);
}
