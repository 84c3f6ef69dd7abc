#include "artifact/bucket.h"

#include "artifact/secret_reference.h"
#include "base/buf.h"
#include "base/log.h"
#include "base/text.h"
#include "base/timestamp.h"
#include "model/connector.h"
#include "model/secret.h"
#include "resource/sql.h"
#include "json/model.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

/* FIRST: bytes that are asked for before it is known how long an object is that is to be read whole. */
enum { CONNECT_MS = 5000, STALL_S = 10, PAGES_MAX = 100, CODE_MAX = 48, FIRST = 1024 * 1024 };

/* Opening -------------------------------------------------------------------------------------------------------- */

const struct bucket_type *bucket_type_find(const char *flavor)
{
    static const struct bucket_type *const types[] = {&bucket_s3, &bucket_gcs, &bucket_azure};
    for (size_t i = 0; i < ARRAY_LEN(types); i++)
        if (streq(types[i]->flavor, flavor))
            return types[i];
    return NULL;
}

const char *bucket_setting(struct json_object *of, const char *name)
{
    struct json_object *v = member(of, name);
    const char *s = json_object_is_type(v, json_type_string) ? json_object_get_string(v) : NULL;
    return s && *s ? s : NULL;
}

const char *bucket_escape(struct arena *a, const char *key, bool slashes)
{
    const char *out = "";
    for (;; key++) {
        size_t len = slashes ? strlen(key) : strcspn(key, "/");
        out = arena_printf(a, "%s%s", out, percent_encode(a, arena_strndup(a, key, len)));
        key += len;
        if (!*key)
            return out;
        out = arena_printf(a, "%s/", out);
    }
}

const char *bucket_connect(const struct bucket *b, const struct connector_type *type, const char *method,
                           struct json_object *config, struct connection *con)
{
    *con = (struct connection){
        .mem = b->mem,
        .type = type,
        .auth_method = method,
        .config = config,
        .expiration = -1,
        .skew = -1,
        .deadline = b->deadline,
    };
    return connection_open(con);
}

static int cannot_open(struct ctx *c, const struct store *s, const char *problem)
{
    return fail(c, EX_NOT_IMPLEMENTED, "The artifact store '%s' cannot be opened: %s", s->name, problem);
}

/* Reads the store's path: its root and the bucket's name, in which nothing can lead to another host. */
static bool read_root(struct bucket *b)
{
    const char *path = bucket_setting(b->config, "path"), *name = NULL;
    for (const char *const *scheme = b->type->schemes; path && *scheme && !name; scheme++)
        if (starts_with(path, *scheme))
            name = path + strlen(*scheme);
    if (!name)
        return false;
    size_t len = strlen(path);
    while (len && path[len - 1] == '/')
        len--;
    b->root = arena_strndup(b->mem, path, len);
    len = strcspn(name, "/@"); /* CONTAINER@ACCOUNT.dfs.core.windows.net of Azure */
    b->name = arena_strndup(b->mem, name, len);
    return len > 0 && strspn(b->name, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._-") == len &&
           *b->name != '.';
}

/* The connector's connection, which must be for this kind of resource, and may be for this bucket. */
static int open_connector(struct ctx *c, const struct store *s, const char *id, struct bucket *b)
{
    struct connection *con = arena_alloc(c->mem, sizeof *con);
    const char *problem, *resource = b->root;
    TRY(connector_open(c, id, b->deadline, con, &problem));
    if (!problem)
        problem = connection_admits(con, b->type->connector, &resource);
    if (problem)
        return cannot_open(c, s, arena_printf(c->mem, "its service connector: %s", problem));
    b->connection = con;
    return OK;
}

int bucket_open(struct ctx *c, struct store *s, const struct bucket_type *type, struct json_object *configuration,
                const char *connector, const char *workspace)
{
    struct bucket *b = arena_alloc(c->mem, sizeof *b);
    const char *problem = NULL, *secret;
    *b = (struct bucket){.mem = c->mem, .type = type, .deadline = monotonic_ms() + BUCKET_MS};
    TRY(secrets_resolve(c, workspace, configuration, &b->config, &problem));
    if (problem)
        return cannot_open(c, s, problem);
    if (!read_root(b))
        return cannot_open(c, s, arena_printf(c->mem, "its path is not %sNAME or below", type->schemes[0]));
    if (connector)
        TRY(open_connector(c, s, connector, b));
    secret = connector ? NULL : bucket_setting(b->config, "authentication_secret");
    if (secret)
        TRY(secret_by_name(c, workspace, secret, &b->secret, &problem));
    if (!problem)
        problem = type->open(b);
    if (problem)
        return cannot_open(c, s, problem);
    s->bucket = b;
    return OK;
}

/* Calling -------------------------------------------------------------------------------------------------------- */

/* Takes the bytes of objects, one behind the other. */
struct receiver {
    struct buf bytes;
    size_t most; /* what comes beyond ends the transfer */
    bool full;
};

static bool receive(void *to, const char *data, size_t len)
{
    struct receiver *r = to;
    size_t room = r->most - r->bytes.len;
    buf_add(&r->bytes, data, len < room ? len : room);
    r->full = len > room;
    return !r->full;
}

static void free_bytes(void *bytes)
{
    buf_free(bytes);
}

static struct receiver *new_receiver(struct arena *a)
{
    struct receiver *r = arena_alloc(a, sizeof *r);
    arena_on_reset(a, free_bytes, &r->bytes);
    return r;
}

static struct fetched send_call(const struct bucket *b, const struct bucket_call *call, const char *range,
                                struct receiver *r)
{
    const char *headers[ARRAY_LEN(call->headers) + 1];
    size_t n = 0;
    for (; call->headers[n]; n++)
        headers[n] = call->headers[n];
    if (range)
        headers[n++] = arena_printf(b->mem, "Range: %s", range);
    headers[n] = NULL;
    double left = b->deadline - monotonic_ms();
    const struct fetch f = {
        .method = "GET",
        .url = call->url,
        .headers = headers,
        .timeout_ms = (long)left,
        .connect_ms = left < CONNECT_MS ? (long)left : CONNECT_MS,
        .stall_s = STALL_S,
        .guarded = true,
        .tls = &b->tls,
        .sink = r ? receive : NULL,
        .sink_to = r,
    };
    if (left < 1)
        return (struct fetched){.failure = FETCH_TIMEOUT, .error = "The time for this request is up", .headers = ""};
    return fetch(b->mem, &f);
}

/* The word that names an error in XML (<Code>) or JSON ("reason", "code"); NULL when there is none. Nothing but a word:
 * texts may repeat credentials. */
static const char *error_code(struct arena *a, const struct fetched *f)
{
    static const char *const marks[] = {"<Code>", "\"reason\":"};
    for (size_t i = 0; i < ARRAY_LEN(marks); i++) {
        const char *at = f->body ? strstr(f->body, marks[i]) : NULL;
        if (!at)
            continue;
        at += strlen(marks[i]);
        at += strspn(at, " \"");
        size_t len = 0;
        while (isalpha((unsigned char)at[len]))
            len++;
        if (len && len <= CODE_MAX)
            return arena_strndup(a, at, len);
    }
    return NULL;
}

enum verdict { FOUND, ABSENT, REFUSED, BROKEN };

/* What became of a call; *problem says it in words when it is neither FOUND nor ABSENT. */
static enum verdict judge(const struct bucket *b, const struct fetched *f, bool full, const char **problem)
{
    const char *code;
    if (f->failure != FETCH_OK && !full) {
        *problem = f->error;
        return BROKEN;
    }
    if ((f->status >= 200 && f->status < 300) || f->status == 416)
        return FOUND;
    if (f->status == 404)
        return ABSENT;
    code = error_code(b->mem, f);
    *problem = arena_printf(b->mem, "it answers with status %ld%s%s%s", f->status, code ? " (" : "", code ? code : "",
                            code ? ")" : "");
    return REFUSED;
}

/* The size behind the slash of a Content-Range, also of one in which nothing lies; -1 when there is none. */
static int64_t total_of(struct arena *a, const struct fetched *f)
{
    const char *range = fetched_header(a, f, "Content-Range"), *slash = range ? strchr(range, '/') : NULL;
    int64_t n;
    return slash && parse_int64(slash + 1, &n) && n >= 0 ? n : -1;
}

static int64_t length_of(struct arena *a, const struct fetched *f)
{
    const char *length = fetched_header(a, f, "Content-Length");
    int64_t n;
    return length && parse_int64(length, &n) && n >= 0 ? n : -1;
}

/* A store that does not know ranges has sent everything: takes out what lies before `start`. */
static enum verdict cut(struct receiver *r, size_t from, int64_t start, const char **problem)
{
    if (start == 0)
        return FOUND;
    if (r->full) {
        *problem = "it does not serve parts of objects";
        return REFUSED;
    }
    size_t got = r->bytes.len - from, skip = (uint64_t)start < got ? (size_t)start : got;
    memmove(r->bytes.data + from, r->bytes.data + from + skip, got - skip);
    r->bytes.len -= skip;
    return FOUND;
}

/* Appends `length` bytes (at least one) of an object from `start`; fewer where it ends before. *size becomes that of
 * the whole object, -1 when the store does not say. */
static enum verdict get(struct bucket *b, const char *key, int64_t start, size_t length, struct receiver *r,
                        int64_t *size, const char **problem)
{
    int64_t last = start > INT64_MAX - (int64_t)length ? INT64_MAX : start + (int64_t)length - 1;
    const char *range = arena_printf(b->mem, "bytes=%lld-%lld", (long long)start, (long long)last);
    size_t from = r->bytes.len;
    r->most = from + length;
    r->full = false;
    for (int tries = 0;; tries++) {
        struct bucket_call call = {0};
        b->type->object(b, key, range, &call);
        struct fetched f = send_call(b, &call, range, r);
        if (tries == 0 && b->type->elsewhere && b->type->elsewhere(b, &f))
            continue;
        enum verdict what = judge(b, &f, r->full, problem);
        *size = f.status == 200 ? length_of(b->mem, &f) : total_of(b->mem, &f);
        if (f.status == 416 && *size < 0 && start == 0)
            *size = 0;
        return what == FOUND && f.status == 200 ? cut(r, from, start, problem) : what;
    }
}

/* The objects below a directory, in the order of their names. */
static enum verdict list(struct bucket *b, const char *prefix, struct pieces *out, const char **problem)
{
    const char *page = NULL;
    for (int pages = 0; pages < PAGES_MAX; pages++) {
        struct bucket_call call = {0};
        b->type->list(b, prefix, page, &call);
        struct fetched f = send_call(b, &call, NULL, NULL);
        enum verdict what = judge(b, &f, false, problem);
        if (what != FOUND)
            return what;
        page = b->type->listed(b, f.body, f.len, out);
        if (!page)
            break;
    }
    pieces_sort(out);
    return FOUND;
}

/* Reading -------------------------------------------------------------------------------------------------------- */

/* The key of an object inside the store; NULL for what is not inside. Names that URLs give a meaning of their own to
 * are none: what is asked for is what has been looked at. */
static const char *key_of(const struct bucket *b, const char *uri)
{
    size_t len = strlen(b->root);
    if (!starts_with(uri, b->root) || uri[len] != '/' || !uri[len + 1])
        return NULL;
    const char *key = strchr(strstr(uri, "://") + 3, '/') + 1;
    for (const char *at = key;; at++) {
        size_t name = strcspn(at, "/");
        if ((name == 1 && at[0] == '.') || (name == 2 && at[0] == '.' && at[1] == '.'))
            return NULL;
        at += name;
        if (!*at)
            return key;
    }
}

static int answer(struct ctx *c, const struct store *s, const char *uri, enum verdict what, const char *problem)
{
    if (what == ABSENT)
        return store_lacks(c, s, uri);
    log_warn("the artifact store %s gives no files: %s", s->name, problem);
    return fail(c, what == REFUSED ? EX_RUNTIME : EX_NOT_IMPLEMENTED,
                "The file '%s' cannot be read from the artifact store '%s': %s", uri, s->name, problem);
}

static struct span all_of(const struct receiver *r)
{
    return (struct span){r->bytes.data ? r->bytes.data : "", r->bytes.len};
}

int bucket_read(struct ctx *c, const struct store *s, const char *uri, struct span *out)
{
    const char *key = key_of(s->bucket, uri), *problem = NULL;
    struct receiver *r = new_receiver(c->mem);
    int64_t size, ignored;
    if (!key)
        return store_lacks(c, s, uri);
    enum verdict what = get(s->bucket, key, 0, FIRST, r, &size, &problem);
    if (what == FOUND && size > STORE_READ_MAX)
        return store_too_large(c, uri, size);
    if (what == FOUND && (r->full || size > FIRST))
        what = get(s->bucket, key, FIRST, STORE_READ_MAX - FIRST, r, &ignored, &problem);
    if (what != FOUND)
        return answer(c, s, uri, what, problem);
    *out = all_of(r);
    return OK;
}

/* Reads a range out of the pieces. One that is gone meanwhile counts as empty. */
static enum verdict read_pieces(struct bucket *b, const struct pieces *p, struct range range, struct receiver *r,
                                const char **problem)
{
    struct piece_part part;
    int64_t size;
    for (size_t i = 0; pieces_next(p, &range, &i, &part);) {
        enum verdict what = get(b, part.name, part.start, part.length, r, &size, problem);
        if (what == REFUSED || what == BROKEN)
            return what;
    }
    return FOUND;
}

static enum verdict read_directory(struct bucket *b, const char *key, int64_t offset, int64_t length,
                                   struct receiver *r, const char **problem)
{
    struct pieces p = {.mem = b->mem};
    enum verdict what = list(b, arena_printf(b->mem, "%s/", key), &p, problem);
    if (what == FOUND && !p.count)
        return ABSENT; /* buckets have no directories but by what is in them */
    return what == FOUND ? read_pieces(b, &p, pieces_range(&p, offset, length), r, problem) : what;
}

/* From the beginning on, one call does; what counts from the end needs the size first. */
static enum verdict read_object(struct bucket *b, const char *key, int64_t offset, int64_t length, struct receiver *r,
                                const char **problem)
{
    struct pieces p = {.mem = b->mem};
    bool probe = offset < 0 || length == 0;
    int64_t size, wanted = length < 0 || length > STORE_READ_MAX ? STORE_READ_MAX : length;
    enum verdict what = get(b, key, probe ? 0 : offset, probe ? 1 : (size_t)wanted, r, &size, problem);
    if (what != FOUND || !probe)
        return what;
    r->bytes.len = 0;
    if (size < 0) {
        *problem = "it does not tell the size of objects";
        return REFUSED;
    }
    pieces_add(&p, key, size);
    return read_pieces(b, &p, pieces_range(&p, offset, length), r, problem);
}

int bucket_read_part(struct ctx *c, const struct store *s, const char *uri, int64_t offset, int64_t length,
                     struct span *out)
{
    const char *key = key_of(s->bucket, uri), *problem = NULL;
    struct receiver *r = new_receiver(c->mem);
    if (!key)
        return store_lacks(c, s, uri);
    enum verdict what = read_object(s->bucket, key, offset, length, r, &problem);
    if (what == ABSENT)
        what = read_directory(s->bucket, key, offset, length, r, &problem);
    if (what != FOUND)
        return answer(c, s, uri, what, problem);
    *out = all_of(r);
    return OK;
}
