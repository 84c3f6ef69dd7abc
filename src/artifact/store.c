#include "artifact/store.h"

#include "artifact/beneath.h"
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

static const char *root_of(struct arena *a, const char *id, struct db_value configuration)
{
    char text[UUID_TEXT + 1];
    size_t len = 0;
    char *json = configuration.s ? base64_decode(a, configuration.s, configuration.len, &len) : NULL;
    struct span path = json ? json_member((struct span){json, len}, "path") : (struct span){0};
    if (json_kind(path) == '"' && path.len > 2) {
        char *plain = arena_alloc(a, path.len);
        plain[json_unescape(path.s + 1, path.len - 2, plain)] = '\0';
        return plain;
    }
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

int store_find(struct ctx *c, const char *id, struct store *s)
{
    struct db_rows found = {0};
    if (!id)
        return fail(c, EX_NOT_FOUND, "The artifact store has been deleted, and with it the way to its files");
    TRY(sql(c, &found, "SELECT name, type, flavor, configuration FROM stack_component WHERE id = ?", p_text(id)));
    if (found.count == 0)
        return fail(c, EX_NOT_FOUND, "The artifact store has been deleted, and with it the way to its files");
    const struct db_value *v = db_row(&found, 0);
    s->name = v[0].s;
    if (!streq(v[1].s, "artifact_store"))
        return fail(c, EX_NOT_FOUND, "The component '%s' is a %s, not an artifact store", s->name, v[1].s);
    if (!streq(v[2].s, "local"))
        return fail(c, EX_NOT_IMPLEMENTED,
                    "The artifact store '%s' is of the flavor %s; this server reads the files of "
                    "local artifact stores only",
                    s->name, v[2].s);
    return open_root(c, s, root_of(c->mem, id, v[3]));
}

/* Opening -------------------------------------------------------------------------------------------------------- */

/* One answer for what is not there and for what is there and none of the store's: nobody learns from it what else the
 * server has. */
static int no_file(struct ctx *c, const struct store *s, const char *uri)
{
    return fail(c, EX_NOT_FOUND, "There is no file '%s' inside the artifact store '%s'", uri, s->name);
}

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
        return errno == EACCES && inside(uri, s->root) && !goes_up(uri) ? unreadable(c, s, uri) : no_file(c, s, uri);
    if (!inside(real, s->root) || streq(real, s->root) || forbidden(c->mem, real))
        return no_file(c, s, uri);
    *fd = open_beneath(s->fd, real + strlen(s->root) + (s->root[1] != '\0'), O_RDONLY | O_NONBLOCK | O_NOCTTY);
    if (*fd < 0)
        return errno == EACCES ? unreadable(c, s, uri) : no_file(c, s, uri);
    if (fstat(*fd, st) == 0 && (S_ISREG(st->st_mode) || S_ISDIR(st->st_mode)) && !of_kernel(*fd))
        return OK;
    close(*fd);
    return no_file(c, s, uri);
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
        return fail(c, EX_VALUE, "The file '%s' has %lld bytes; up to %d can be shown", uri, (long long)st->st_size,
                    STORE_READ_MAX);
    char *bytes = arena_alloc(c->mem, (size_t)st->st_size + 1);
    size_t len = 0;
    read_at(fd, 0, (size_t)st->st_size, bytes, &len);
    *out = (struct span){bytes, len};
    return OK;
}

int store_read(struct ctx *c, const struct store *s, const char *uri, struct span *out)
{
    struct stat st = {0};
    int fd = -1;
    TRY(open_inside(c, s, uri, &fd, &st));
    int rc = read_file(c, s, uri, fd, &st, out);
    close(fd);
    return rc;
}

/* One of the files that are read as one. */
struct piece {
    const char *name; /* in the directory; NULL: the file itself */
    int64_t size;
};

struct pieces {
    int fd;
    struct piece *items;
    size_t count, room;
    int64_t size;
};

static void add_piece(struct arena *a, struct pieces *p, const char *name, int64_t size)
{
    p->items = arena_grow(a, p->items, p->count, &p->room, sizeof *p->items);
    p->items[p->count++] = (struct piece){name, size};
    p->size = size > INT64_MAX - p->size ? INT64_MAX : p->size + size; /* sparse files are of any size */
}

static int by_name(const void *a, const void *b)
{
    return strcmp(((const struct piece *)a)->name, ((const struct piece *)b)->name);
}

static void list_directory(struct arena *a, struct pieces *p)
{
    int fd = fcntl(p->fd, F_DUPFD_CLOEXEC, 0);
    DIR *d = fd < 0 ? NULL : fdopendir(fd);
    if (!d) {
        if (fd >= 0)
            close(fd);
        return;
    }
    for (struct dirent *e; (e = readdir(d));) {
        struct stat st = {0};
        if (fstatat(p->fd, e->d_name, &st, AT_SYMLINK_NOFOLLOW) == 0 && S_ISREG(st.st_mode))
            add_piece(a, p, arena_strdup(a, e->d_name), st.st_size);
    }
    closedir(d);
    if (p->count)
        qsort(p->items, p->count, sizeof *p->items, by_name);
}

static size_t read_pieces(const struct pieces *p, int64_t start, size_t want, char *to)
{
    size_t len = 0;
    for (size_t i = 0; i < p->count && len < want; start -= start < p->items[i].size ? start : p->items[i].size, i++) {
        const struct piece *item = &p->items[i];
        if (start >= item->size)
            continue;
        size_t rest = (size_t)(item->size - start), part = rest < want - len ? rest : want - len;
        int fd = item->name ? openat(p->fd, item->name, O_RDONLY | O_NONBLOCK | O_NOFOLLOW | O_CLOEXEC) : p->fd;
        if (fd < 0)
            continue;
        read_at(fd, start, part, to, &len);
        if (item->name)
            close(fd);
    }
    return len;
}

static int64_t limit(int64_t n, int64_t low, int64_t high)
{
    return n < low ? low : n > high ? high : n;
}

/* What store_read_part() gives of the pieces. */
static struct span read_range(struct arena *a, const struct pieces *p, int64_t offset, int64_t length)
{
    int64_t start = offset < 0 ? limit(offset, -p->size, 0) + p->size : limit(offset, 0, p->size);
    size_t want = (size_t)limit(length < 0 ? STORE_READ_MAX : length, 0, limit(p->size - start, 0, STORE_READ_MAX));
    char *bytes = arena_alloc(a, want + 1);
    return (struct span){bytes, read_pieces(p, start, want, bytes)};
}

int store_read_part(struct ctx *c, const struct store *s, const char *uri, int64_t offset, int64_t length,
                    struct span *out)
{
    struct stat st = {0};
    struct pieces p = {0};
    TRY(open_inside(c, s, uri, &p.fd, &st));
    if (S_ISREG(st.st_mode))
        add_piece(c->mem, &p, NULL, st.st_size);
    else
        list_directory(c->mem, &p);
    if (p.count)
        *out = read_range(c->mem, &p, offset, length);
    close(p.fd);
    return p.count
               ? OK
               : fail(c, EX_NOT_FOUND, "The directory '%s' of the artifact store '%s' holds no files", uri, s->name);
}

/* Length of the well-formed sequence at s, 0 when there is none. */
static size_t sequence(const char *s, size_t left)
{
    unsigned char lead = (unsigned char)*s;
    size_t len = lead < 0x80 ? 1 : lead >= 0xf0 ? 4 : lead >= 0xe0 ? 3 : 2;
    return len <= left && utf8_valid(s, len) ? len : 0;
}

struct span store_text(struct arena *a, struct span bytes)
{
    if (utf8_valid(bytes.s, bytes.len))
        return bytes;
    char *out = arena_array(a, bytes.len + 1, 3);
    size_t len = 0;
    for (size_t i = 0; i < bytes.len;) {
        size_t n = sequence(bytes.s + i, bytes.len - i);
        memcpy(out + len, n ? bytes.s + i : "\xef\xbf\xbd", n ? n : 3);
        len += n ? n : 3;
        i += n ? n : 1;
    }
    return (struct span){out, len};
}
