#include "artifact/local.h"

#include "artifact/beneath.h"
#include "artifact/pieces.h"
#include "base/config.h"
#include "base/text.h"
#include "base/uuid.h"
#include "resource/sql.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/magic.h>
#include <pwd.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/statfs.h>
#include <unistd.h>

/* Roots ---------------------------------------------------------------------------------------------------------- */

/* realpath() in memory of the arena; NULL with errno when there is no such file. */
static const char *resolve(struct arena *a, const char *path)
{
    char real[PATH_MAX];
    return path && *path == '/' && realpath(path, real) ? arena_strdup(a, real) : NULL;
}

/* Whether `path` is `root` or below it; both are absolute and resolved. */
static bool inside(const char *path, const char *root)
{
    size_t len = root ? strlen(root) : 0;
    if (len == 0)
        return false;
    while (len && root[len - 1] == '/')
        len--;
    return strncmp(path, root, len) == 0 && (path[len] == '/' || path[len] == '\0');
}

/* Where clients keep stores that were registered without a path. */
static const char *default_stores(struct arena *a)
{
    const char *home = getenv("HOME");
    if (config.local_stores_path)
        return config.local_stores_path;
    if (config.config_path)
        return arena_printf(a, "%s/local_stores", config.config_path);
    return arena_printf(a, "%s/.config/zenml/local_stores", home ? home : "");
}

const char *store_roots(struct arena *a)
{
    return config.store_roots ? config.store_roots : default_stores(a);
}

static const char *root_of(struct arena *a, const char *id, struct json_object *configuration)
{
    const char *path = member_str(configuration, "path");
    char text[UUID_TEXT + 1];
    if (path && *path)
        return path;
    uuid_write(id, text);
    return arena_printf(a, "%s/%s", default_stores(a), text);
}

/* Whether `..` is among the names of a path. */
static bool goes_up(const char *path)
{
    for (const char *up = path; (up = strstr(up, "/..")); up += 3)
        if (up[3] == '/' || up[3] == '\0')
            return true;
    return false;
}

/* Whether the configuration lets stores lie there, by the names that it has for the places. */
static bool named(struct arena *a, const char *path)
{
    for (const char *at = store_roots(a); *at; at += strcspn(at, ":"), at += *at == ':')
        if (inside(path, arena_strndup(a, at, strcspn(at, ":"))))
            return !goes_up(path);
    return false;
}

/* The same for a path without links. */
static bool allowed(struct arena *a, const char *real)
{
    const char *at = store_roots(a);
    for (; *at; at += strcspn(at, ":"), at += *at == ':')
        if (inside(real, resolve(a, arena_strndup(a, at, strcspn(at, ":")))))
            return true;
    return false;
}

/* Nothing of these is an artifact, wherever stores may lie: what the kernel tells of processes, and what is the
 * server's own, unless its stores lie there. */
static bool forbidden(struct arena *a, const char *real)
{
    const char *home = resolve(a, getenv("KANSO_HOME")), *stores = resolve(a, config.local_stores_path);
    if (inside(real, "/proc") || inside(real, "/sys") || inside(real, "/dev"))
        return true;
    return inside(real, home) && !inside(real, stores);
}

static int unreadable(struct ctx *c, const struct store *s, const char *path)
{
    const struct passwd *own = getpwuid(geteuid());
    const char *user = own ? arena_strdup(c->mem, own->pw_name) : "?";
    return fail(
        c, EX_NOT_FOUND,
        "The user '%s' that the server runs as may not read '%s' of the artifact store '%s'. Let that user read "
        "it, and enter the directories above (setfacl -m u:%s:rX); or keep stores where clients and server may "
        "both read, by ZENML_LOCAL_STORES_PATH on either side",
        user, path, s->name, user);
}

static void close_root(void *fd)
{
    close(*(const int *)fd);
}

/* Opens the root, once for all that is read of the store: who exchanges names above it afterwards, or while this is
 * looking, moves nothing into it. */
static int open_root(struct ctx *c, struct store *s, const char *path)
{
    int top;
    bool hinted = named(c->mem, path);
    s->root = resolve(c->mem, path);
    if (s->root ? !allowed(c->mem, s->root) || forbidden(c->mem, s->root) : !hinted)
        return fail(
            c, EX_NOT_FOUND,
            "This server does not read files of artifact stores in '%s'; KANSO_STORE_ROOTS names the directories "
            "where it does",
            path);
    if (s->root && (top = open("/", O_PATH | O_DIRECTORY | O_CLOEXEC)) >= 0) {
        s->fd = s->root[1] ? open_beneath(top, s->root + 1, O_PATH | O_DIRECTORY) : top;
        int error = errno;
        if (s->fd != top)
            close(top);
        errno = error;
        if (s->fd >= 0) {
            arena_on_reset(c->mem, close_root,
                           arena_memdup(c->mem, &s->fd, sizeof s->fd)); /* *s does not live as long */
            return OK;
        }
    }
    if (errno == EACCES)
        return unreadable(c, s, path);
    return fail(c, EX_NOT_FOUND, "The server finds no directory '%s' of the artifact store '%s': %s", path, s->name,
                strerror(errno));
}

int local_open(struct ctx *c, struct store *s, const char *id, struct json_object *configuration)
{
    return open_root(c, s, root_of(c->mem, id, configuration));
}

/* Opening -------------------------------------------------------------------------------------------------------- */

/* File systems in which files are no data but the kernel's, wherever they are mounted. */
static bool of_kernel(int fd)
{
    struct statfs f;
    return fstatfs(fd, &f) != 0 || f.f_type == PROC_SUPER_MAGIC || f.f_type == SYSFS_MAGIC;
}

/* Opens a file or directory inside the root. Links within it may be followed, and so are before: the path that is
 * opened has none, or it is not opened. */
static int open_inside(struct ctx *c, const struct store *s, const char *uri, int *fd, struct stat *st)
{
    const char *real = resolve(c->mem, uri);
    if (!real)
        return errno == EACCES && inside(uri, s->root) && !goes_up(uri) ? unreadable(c, s, uri)
                                                                        : store_lacks(c, s, uri);
    if (!inside(real, s->root) || streq(real, s->root) || forbidden(c->mem, real))
        return store_lacks(c, s, uri);
    *fd = open_beneath(s->fd, real + strlen(s->root) + (s->root[1] != '\0'), O_RDONLY | O_NONBLOCK | O_NOCTTY);
    if (*fd < 0)
        return errno == EACCES ? unreadable(c, s, uri) : store_lacks(c, s, uri);
    if (fstat(*fd, st) == 0 && (S_ISREG(st->st_mode) || S_ISDIR(st->st_mode)) && !of_kernel(*fd))
        return OK;
    close(*fd);
    return store_lacks(c, s, uri);
}

/* Reading -------------------------------------------------------------------------------------------------------- */

/* Appends up to `want` bytes from `at`; a file that has become shorter gives fewer. */
static void read_at(int fd, int64_t at, size_t want, char *to, size_t *len)
{
    while (want) {
        ssize_t n = pread(fd, to + *len, want, at);
        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0)
            return;
        *len += (size_t)n;
        want -= (size_t)n;
        at += n;
    }
}

static int read_file(struct ctx *c, const struct store *s, const char *uri, int fd, const struct stat *st,
                     struct span *out)
{
    if (!S_ISREG(st->st_mode))
        return fail(c, EX_NOT_FOUND, "'%s' in the artifact store '%s' is not a file", uri, s->name);
    if (st->st_size > STORE_READ_MAX)
        return store_too_large(c, uri, st->st_size);
    char *bytes = arena_alloc(c->mem, (size_t)st->st_size + 1);
    size_t len = 0;
    read_at(fd, 0, (size_t)st->st_size, bytes, &len);
    *out = (struct span){bytes, len};
    return OK;
}

int local_read(struct ctx *c, const struct store *s, const char *uri, struct span *out)
{
    struct stat st = {0};
    int fd = -1;
    TRY(open_inside(c, s, uri, &fd, &st));
    int rc = read_file(c, s, uri, fd, &st, out);
    close(fd);
    return rc;
}

static void list_directory(struct arena *a, int directory, struct pieces *p)
{
    int fd = fcntl(directory, F_DUPFD_CLOEXEC, 0);
    DIR *d = fd < 0 ? NULL : fdopendir(fd);
    if (!d) {
        if (fd >= 0)
            close(fd);
        return;
    }
    for (struct dirent *e; (e = readdir(d));) {
        struct stat st = {0};
        if (fstatat(directory, e->d_name, &st, AT_SYMLINK_NOFOLLOW) == 0 && S_ISREG(st.st_mode))
            pieces_add(p, arena_strdup(a, e->d_name), st.st_size);
    }
    closedir(d);
    pieces_sort(p);
}

/* Reads the range out of the files of a directory, or out of the file itself. */
static struct span read_range(struct arena *a, int fd, const struct pieces *p, struct range range)
{
    char *bytes = arena_alloc(a, range.length + 1);
    struct piece_part part;
    size_t len = 0;
    for (size_t i = 0; pieces_next(p, &range, &i, &part);) {
        int piece = part.name ? openat(fd, part.name, O_RDONLY | O_NONBLOCK | O_NOFOLLOW | O_CLOEXEC) : fd;
        if (piece < 0)
            continue;
        read_at(piece, part.start, part.length, bytes, &len);
        if (part.name)
            close(piece);
    }
    return (struct span){bytes, len};
}

int local_read_part(struct ctx *c, const struct store *s, const char *uri, int64_t offset, int64_t length,
                    struct span *out)
{
    struct stat st = {0};
    struct pieces p = {.mem = c->mem};
    int fd = -1;
    TRY(open_inside(c, s, uri, &fd, &st));
    if (S_ISREG(st.st_mode))
        pieces_add(&p, NULL, st.st_size);
    else
        list_directory(c->mem, fd, &p);
    if (p.count)
        *out = read_range(c->mem, fd, &p, pieces_range(&p, offset, length));
    close(fd);
    return p.count ? OK : store_is_empty(c, s, uri);
}
