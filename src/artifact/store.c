#include "artifact/store.h"

#include "base/config.h"
#include "base/text.h"
#include "base/uuid.h"
#include "resource/sql.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
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
    while (len && root[len - 1] == '/')
        len--;
    return len && strncmp(path, root, len) == 0 && (path[len] == '/' || path[len] == '\0');
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

/* Whether the configuration lets stores lie there. */
static bool allowed(struct arena *a, const char *root)
{
    for (const char *at = config.store_roots; at && *at; at += strcspn(at, ":"), at += *at == ':') {
        const char *real = resolve(a, arena_strndup(a, at, strcspn(at, ":")));
        if (real && inside(root, real))
            return true;
    }
    return !config.store_roots;
}

int store_find(struct ctx *c, const char *id, struct store *s)
{
    struct db_rows found = {0};
    if (!id)
        return fail(c, EX_NOT_FOUND, "The artifact store has been deleted, and with it the way to its files");
    int rc = sql(c, &found, "SELECT name, type, flavor, configuration FROM stack_component WHERE id = ?", p_text(id));
    if (rc != OK)
        return rc;
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
    s->root = resolve(c->mem, root_of(c->mem, id, v[3]));
    if (!s->root)
        return fail(c, EX_NOT_FOUND, "The server finds no directory of the artifact store '%s': %s", s->name,
                    strerror(errno));
    if (!allowed(c->mem, s->root))
        return fail(c, EX_NOT_FOUND, "This server does not read files of artifact stores in '%s'", s->root);
    return OK;
}

/* Opening -------------------------------------------------------------------------------------------------------- */

/* Opens a path that is known to be inside the root and free of links, step by step from the root, so that nobody can
 * slip in a link between the look and the opening. -1 with errno. */
static int open_below(const char *root, const char *path)
{
    int dir = open(root, O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    for (const char *at = path; dir >= 0;) {
        char name[NAME_MAX + 1];
        size_t len = strcspn(at, "/");
        if (len == 0 || len > NAME_MAX) {
            close(dir);
            errno = ENOENT;
            return -1;
        }
        memcpy(name, at, len);
        name[len] = '\0';
        bool last = at[len] == '\0';
        int fd = openat(dir, name, (last ? O_RDONLY | O_NONBLOCK : O_PATH | O_DIRECTORY) | O_NOFOLLOW | O_CLOEXEC);
        close(dir);
        if (last)
            return fd;
        dir = fd;
        at += len + 1;
    }
    return -1;
}

static bool own_file(struct ctx *c, const char *real)
{
    const char *home = resolve(c->mem, getenv("KANSO_HOME")), *stores = resolve(c->mem, config.local_stores_path);
    return home && inside(real, home) && !(stores && inside(real, stores));
}

static int open_inside(struct ctx *c, const struct store *s, const char *uri, int *fd, struct stat *st)
{
    const char *real = resolve(c->mem, uri);
    if (!real)
        return fail(c, EX_NOT_FOUND, "The file '%s' cannot be found in the artifact store '%s'", uri, s->name);
    if (!inside(real, s->root) || streq(real, s->root) || own_file(c, real))
        return fail(c, EX_NOT_FOUND, "The file '%s' is not inside the artifact store '%s'", uri, s->name);
    *fd = open_below(s->root, real + strlen(s->root) + 1);
    if (*fd < 0)
        return fail(c, EX_NOT_FOUND, "The file '%s' of the artifact store '%s' cannot be read: %s", uri, s->name,
                    strerror(errno));
    if (fstat(*fd, st) == 0 && (S_ISREG(st->st_mode) || S_ISDIR(st->st_mode)))
        return OK;
    close(*fd);
    return fail(c, EX_NOT_FOUND, "'%s' in the artifact store '%s' is not a file", uri, s->name);
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

int store_read(struct ctx *c, const struct store *s, const char *uri, struct span *out)
{
    struct stat st = {0};
    int fd = -1, rc = open_inside(c, s, uri, &fd, &st);
    if (rc != OK)
        return rc;
    if (!S_ISREG(st.st_mode)) {
        rc = fail(c, EX_NOT_FOUND, "'%s' in the artifact store '%s' is not a file", uri, s->name);
    } else if (st.st_size > STORE_READ_MAX) {
        rc = fail(c, EX_VALUE, "The file '%s' has %lld bytes; up to %d can be shown", uri, (long long)st.st_size,
                  STORE_READ_MAX);
    } else {
        char *bytes = arena_alloc(c->mem, (size_t)st.st_size + 1);
        size_t len = 0;
        read_at(fd, 0, (size_t)st.st_size, bytes, &len);
        *out = (struct span){bytes, len};
    }
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
    if (p->count == p->room) {
        size_t room = p->room ? size_mul(p->room, 2) : 16;
        struct piece *bigger = arena_array(a, room, sizeof *bigger);
        if (p->count)
            memcpy(bigger, p->items, p->count * sizeof *bigger);
        p->items = bigger;
        p->room = room;
    }
    p->items[p->count++] = (struct piece){name, size};
    p->size += size;
}

static int by_name(const void *a, const void *b)
{
    return strcmp(((const struct piece *)a)->name, ((const struct piece *)b)->name);
}

static void list_directory(struct arena *a, struct pieces *p)
{
    DIR *d = fdopendir(dup(p->fd));
    if (!d)
        return;
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

int store_read_part(struct ctx *c, const struct store *s, const char *uri, int64_t offset, int64_t length,
                    struct span *out)
{
    struct stat st = {0};
    struct pieces p = {0};
    int rc = open_inside(c, s, uri, &p.fd, &st);
    if (rc != OK)
        return rc;
    if (S_ISREG(st.st_mode))
        add_piece(c->mem, &p, NULL, st.st_size);
    else
        list_directory(c->mem, &p);
    if (p.count == 0) {
        rc = fail(c, EX_NOT_FOUND, "The directory '%s' of the artifact store '%s' holds no files", uri, s->name);
    } else {
        int64_t start = offset < 0 ? limit(offset, -p.size, 0) + p.size : limit(offset, 0, p.size);
        size_t want = (size_t)limit(length < 0 ? STORE_READ_MAX : length, 0, limit(p.size - start, 0, STORE_READ_MAX));
        char *bytes = arena_alloc(c->mem, want + 1);
        *out = (struct span){bytes, read_pieces(&p, start, want, bytes)};
    }
    close(p.fd);
    return rc;
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
