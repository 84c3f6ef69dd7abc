/*
 * kanso.docker: images and containers of a Docker Engine, by its API (Podman speaks it too). A workload is one
 * container, named after its id: that name is what keeps it from being started twice. Images are built from a
 * Dockerfile alone, and go to a registry when one is configured.
 *
 * An engine that cannot be reached, or says that it has trouble of its own (5xx), is asked again later (RETRY); what it
 * refuses, and an image that does not build, is final (FAILED).
 */
#include "base/config.h"
#include "base/file.h"
#include "base/text.h"
#include "http/fetch.h"
#include "template/output.h"
#include "template/workload.h"
#include "json/write.h"

#include <stdio.h>
#include <stdlib.h>
#include <time.h>

enum {
    CONNECT_MS = 5000,
    QUICK_MS = 30000,
    START_MS = 120000,
    TAR_BLOCK = 512,
    BUILD_SHOWN = 6 * 1024,          /* of a build that fails: the end of its output */
    ERROR_SHOWN = 1024,              /* both fit a message */
    BUILD_OUTPUT = 64 * 1024 * 1024, /* of builds, pulls and pushes: one that writes more is broken */
    BUILD_LINE = 1024 * 1024,
    LOG_LINES = 10000,
    LOG_BYTES = 1024 * 1024,
    CERTIFICATE_BYTES = 256 * 1024,
};

#define LABEL "kanso.workload"

/* The engine ---------------------------------------------------------------------------------------------------- */

struct engine {
    const char *base;   /* "http://HOST:PORT" */
    const char *socket; /* or NULL */
    struct fetch_tls tls;
};

/* A file of PEM texts, or NULL. */
static const char *read_pem(struct arena *a, const char *directory, const char *name)
{
    size_t len;
    return file_read(a, arena_printf(a, "%s/%s", directory, name), CERTIFICATE_BYTES, &len);
}

static const char *certificates(struct arena *a)
{
    const char *home = getenv("HOME");
    return config.docker_cert_path ? config.docker_cert_path : arena_printf(a, "%s/.docker", home ? home : "");
}

/* What DOCKER_HOST and its companions say. Returns NULL, or what is wrong with them. */
static const char *read_engine(struct arena *a, struct engine *e)
{
    const char *host = config.docker_host;
    *e = (struct engine){0};
    if (starts_with(host, "unix://")) {
        e->socket = host + strlen("unix://");
        e->base = "http://docker";
        return *e->socket == '/' ? NULL : "DOCKER_HOST names no absolute path behind unix://";
    }
    if (!starts_with(host, "tcp://"))
        return "DOCKER_HOST begins neither with unix:// nor with tcp://";
    e->base = arena_printf(a, "%s://%s", config.docker_tls ? "https" : "http", host + strlen("tcp://"));
    if (!config.docker_tls)
        return NULL;
    const char *directory = certificates(a);
    e->tls = (struct fetch_tls){.authorities = read_pem(a, directory, "ca.pem"),
                                .certificate = read_pem(a, directory, "cert.pem"),
                                .key = read_pem(a, directory, "key.pem")};
    return e->tls.authorities && e->tls.certificate && e->tls.key
               ? NULL
               : arena_printf(a, "ca.pem, cert.pem and key.pem cannot all be read in %s", directory);
}

struct call {
    const char *method, *path; /* the path with its query */
    const char *body, *type;
    size_t body_len;
    long timeout_ms;
    const char *registry_auth; /* a header, or NULL */
    bool (*sink)(void *to, const char *data, size_t len);
    void *sink_to;
};

/* Whether there is an answer, of whatever status; RETRY when not. */
static int call(struct ctx *c, const struct call *k, struct fetched *answer)
{
    struct engine e;
    *answer = (struct fetched){0};
    const char *problem = read_engine(c->mem, &e);
    if (problem)
        return fail(c, EX_RUNTIME, "The container engine cannot be used: %s", problem);
    const char *headers[3] = {0};
    size_t n = 0;
    if (k->type)
        headers[n++] = arena_printf(c->mem, "Content-Type: %s", k->type);
    if (k->registry_auth)
        headers[n++] = k->registry_auth;
    const struct fetch f = {.method = k->method,
                            .url = arena_printf(c->mem, "%s%s", e.base, k->path),
                            .socket = e.socket,
                            .headers = headers,
                            .body = k->body,
                            .body_len = k->body_len,
                            .timeout_ms = k->timeout_ms ? k->timeout_ms : QUICK_MS,
                            .connect_ms = CONNECT_MS,
                            .tls = &e.tls,
                            .sink = k->sink,
                            .sink_to = k->sink_to};
    *answer = fetch(c->mem, &f);
    if (answer->failure == FETCH_OK)
        return OK;
    fail(c, EX_RUNTIME, "The container engine at %s does not answer: %s", config.docker_host, answer->error);
    return RETRY;
}

/* Answers that are not as they should be: what the engine says about it. */
static int refused(struct ctx *c, const char *what, const struct fetched *answer)
{
    const char *message = member_str(json_tree(c->mem, answer->body, answer->len), "message");
    fail(c, EX_RUNTIME, "The container engine could not %s: %s (status %ld)", what,
         message ? message : "it gives no reason", answer->status);
    return answer->status >= 500 ? RETRY : FAILED;
}

static bool good(const struct fetched *answer)
{
    return answer->status >= 200 && answer->status < 300;
}

static int docker_check(struct buf *why)
{
    struct arena mem = {0};
    struct engine e;
    const char *problem = read_engine(&mem, &e);
    if (problem)
        buf_adds(why, problem);
    arena_free(&mem);
    return problem ? FAILED : OK;
}

/* Images -------------------------------------------------------------------------------------------------------- */

/* What the engine reports while it builds, pulls or pushes: one JSON object a line. */
struct progress {
    struct arena *mem;
    struct buf line;
    struct output output;
    size_t total;
    const char *error; /* the last, or NULL */
};

/* The end of a text, as text. */
static const char *shortened(struct arena *a, const char *text, size_t len)
{
    struct output o = {.limit = ERROR_SHOWN};
    output_add(&o, text, len);
    return output_text(a, &o);
}

static void progress_line(struct progress *p, const char *line, size_t len)
{
    while (len && strchr(" \r\n", line[len - 1]))
        len--;
    struct json_object *o = json_tree(p->mem, line, len);
    const char *text = member_str(o, "stream"), *error = member_str(o, "error");
    if (text)
        output_add(&p->output, text, strlen(text));
    if (error)
        p->error = shortened(p->mem, error, strlen(error));
    else if (len && !o)
        p->error = arena_printf(p->mem, "it reports %s", shortened(p->mem, line, len));
}

static bool progress_take(void *to, const char *data, size_t len)
{
    struct progress *p = to;
    p->total += len;
    while (len) {
        const char *newline = memchr(data, '\n', len);
        size_t n = newline ? (size_t)(newline - data) : len;
        buf_add(&p->line, data, n);
        if (newline) {
            progress_line(p, p->line.data, p->line.len);
            p->line.len = 0;
            n++;
        }
        data += n;
        len -= n;
    }
    return p->line.len <= BUILD_LINE && p->total <= BUILD_OUTPUT;
}

/* Makes a call whose answer is such a report. */
static int follow(struct ctx *c, const struct call *wanted, const char *what)
{
    struct progress p = {.mem = c->mem, .output = {.limit = BUILD_SHOWN}};
    struct fetched answer;
    struct call k = *wanted;
    k.sink = progress_take;
    k.sink_to = &p;
    k.timeout_ms = (long)config.workload_timeout * 1000;
    int rc = call(c, &k, &answer);
    progress_line(&p, p.line.data ? p.line.data : "", p.line.len);
    buf_free(&p.line);
    const char *output = output_text(c->mem, &p.output);
    if (p.total > BUILD_OUTPUT)
        return fail(c, EX_RUNTIME, "The container engine could not %s: more than %d bytes of output", what,
                    BUILD_OUTPUT);
    if (rc != OK)
        return rc;
    if (!good(&answer))
        return refused(c, what, &answer);
    if (!p.error)
        return OK;
    return fail(c, EX_RUNTIME, "The container engine could not %s: %s%s%s", what, p.error, *output ? "\n" : "", output);
}

/* "X-Registry-Auth: ..." with the configured credentials, which may be none. */
static const char *registry_auth(struct arena *a)
{
    struct buf text = {0};
    struct jw w = {.out = &text};
    jw_open(&w, '{');
    if (config.workload_registry_user) {
        jw_key_str(&w, "username", config.workload_registry_user);
        jw_key_str(&w, "password", config.workload_registry_password ? config.workload_registry_password : "");
        jw_key(&w, "serveraddress");
        jw_strn(&w, config.workload_registry, strcspn(config.workload_registry, "/"));
    }
    jw_close(&w, '}');
    while (text.len % 3) /* the engine expects the padding that base64url_encode() leaves out */
        buf_addc(&text, ' ');
    const char *header = arena_printf(a, "X-Registry-Auth: %s", base64url_encode(a, text.data, text.len));
    memset(text.data, 0, text.len);
    buf_free(&text);
    return header;
}

static void octal(char *to, size_t digits, size_t value)
{
    for (; digits; value /= 8)
        to[--digits] = (char)('0' + value % 8);
}

/* Appends a tar archive with one file of less than 8 GiB. */
static void tar_add(struct buf *tar, const char *name, const char *text)
{
    char header[TAR_BLOCK] = {0};
    size_t len = strlen(text), sum = 0;
    snprintf(header, 100, "%s", name);
    memcpy(header + 100, "0000644", 7);
    memcpy(header + 108, "0000000", 7);
    memcpy(header + 116, "0000000", 7);
    octal(header + 124, 11, len);
    memcpy(header + 136, "00000000000", 11);
    memset(header + 148, ' ', 8);
    header[156] = '0';
    memcpy(header + 257, "ustar\00000", 8);
    for (size_t i = 0; i < sizeof header; i++)
        sum += (unsigned char)header[i];
    octal(header + 148, 6, sum);
    header[154] = '\0';
    buf_add(tar, header, sizeof header);
    buf_add(tar, text, len);
    static const char zeros[3 * TAR_BLOCK];
    buf_add(tar, zeros, (TAR_BLOCK - len % TAR_BLOCK) % TAR_BLOCK);
    buf_add(tar, zeros, (size_t)2 * TAR_BLOCK);
}

static int image_there(struct ctx *c, const char *image, bool *there)
{
    struct fetched answer;
    const struct call k = {.method = "GET", .path = arena_printf(c->mem, "/images/%s/json", image)};
    int rc = call(c, &k, &answer);
    *there = rc == OK && good(&answer);
    return rc != OK || *there || answer.status == 404 ? rc : refused(c, "look for the image", &answer);
}

static int image_build(struct ctx *c, const char *image, const char *dockerfile)
{
    struct buf tar = {0};
    char *path = query_append(c->mem, "/build?rm=1&forcerm=1", "t", image);
    if (config.workload_network)
        path = query_append(c->mem, path, "networkmode", config.workload_network);
    tar_add(&tar, "Dockerfile", dockerfile);
    const struct call k = {
        .method = "POST", .path = path, .type = "application/x-tar", .body = tar.data, .body_len = tar.len};
    int rc = follow(c, &k, "build the image");
    buf_free(&tar);
    return rc;
}

/* Name and tag of an image whose name has a tag. */
static void split_tag(struct arena *a, const char *image, const char **name, const char **tag)
{
    const char *colon = strrchr(image, ':');
    *name = arena_strndup(a, image, (size_t)(colon - image));
    *tag = colon + 1;
}

/* Another host may have made it already. */
static bool image_pull(struct ctx *c, const char *image)
{
    const char *name, *tag;
    split_tag(c->mem, image, &name, &tag);
    char *path = query_append(c->mem, "/images/create?", "fromImage", name);
    const struct call k = {
        .method = "POST", .path = query_append(c->mem, path, "tag", tag), .registry_auth = registry_auth(c->mem)};
    bool pulled = follow(c, &k, "pull the image") == OK;
    respond_reset(c);
    return pulled;
}

static int image_push(struct ctx *c, const char *image)
{
    const char *name, *tag;
    split_tag(c->mem, image, &name, &tag);
    char *path = arena_printf(c->mem, "/images/%s/push?", name);
    const struct call k = {
        .method = "POST", .path = query_append(c->mem, path, "tag", tag), .registry_auth = registry_auth(c->mem)};
    return follow(c, &k, "push the image");
}

static int docker_build(struct ctx *c, const char *id, const char *dockerfile, const char *image_name,
                        const char **image)
{
    bool there = false;
    (void)id;
    *image =
        config.workload_registry ? arena_printf(c->mem, "%s/%s", config.workload_registry, image_name) : image_name;
    int rc = image_there(c, *image, &there);
    if (rc != OK)
        return rc;
    if (!there && config.workload_registry && image_pull(c, *image))
        return OK;
    if (!there)
        rc = image_build(c, *image, dockerfile);
    /* One that is there may have been left by an attempt that ended before it was pushed. */
    return rc == OK && config.workload_registry ? image_push(c, *image) : rc;
}

/* Containers ---------------------------------------------------------------------------------------------------- */

static const char *container(struct ctx *c, const char *id, const char *rest)
{
    return arena_printf(c->mem, "/containers/kanso-%s%s", id, rest);
}

static void write_texts(struct jw *w, const char *name, const char *const *texts)
{
    jw_key_open(w, name, '[');
    for (; *texts; texts++)
        jw_str(w, *texts);
    jw_close(w, ']');
}

static void write_limits(struct jw *w)
{
    enum { NANO_PER_MILLI = 1000000 };
    jw_key_open(w, "HostConfig", '{');
    jw_key(w, "SecurityOpt");
    jw_raw(w, "[\"no-new-privileges\"]", strlen("[\"no-new-privileges\"]"));
    if (config.workload_memory) {
        jw_key(w, "Memory");
        jw_int(w, config.workload_memory);
        jw_key(w, "MemorySwap"); /* of both together: no swap */
        jw_int(w, config.workload_memory);
    }
    if (config.workload_millicpus) {
        jw_key(w, "NanoCpus");
        jw_int(w, config.workload_millicpus * NANO_PER_MILLI);
    }
    if (config.workload_network) {
        jw_key_str(w, "NetworkMode", config.workload_network);
    }
    jw_close(w, '}');
}

static void write_container(struct ctx *c, struct jw *w, const struct workload *load)
{
    jw_open(w, '{');
    jw_key_str(w, "Image", load->image);
    write_texts(w, "Entrypoint", load->command);
    write_texts(w, "Cmd", load->arguments);
    jw_key_open(w, "Env", '[');
    for (size_t i = 0; i < load->n_environment; i++) {
        const struct pair *e = &load->environment[i];
        jw_str(w, arena_printf(c->mem, "%s=%.*s", e->name, (int)e->value_len, e->value));
    }
    jw_close(w, ']');
    jw_key_open(w, "Labels", '{');
    jw_key_str(w, LABEL, load->id);
    jw_close(w, '}');
    write_limits(w);
    jw_close(w, '}');
}

/* What the engine knows of the container: *state is NULL when there is none. */
static int inspect(struct ctx *c, const char *id, struct json_object **state)
{
    struct fetched answer;
    const struct call k = {.method = "GET", .path = container(c, id, "/json")};
    *state = NULL;
    int rc = call(c, &k, &answer);
    if (rc != OK || answer.status == 404)
        return rc;
    if (!good(&answer))
        return refused(c, "tell the state of the container", &answer);
    *state = member(json_tree(c->mem, answer.body, answer.len), "State");
    return *state ? OK : fail(c, EX_RUNTIME, "The container engine tells no state of the container");
}

/* Whether it has been made, but not started so far. */
static bool unstarted(const char *status)
{
    return streq(status, "created") || streq(status, "configured") || streq(status, "initialized");
}

/* Makes the container. */
static int create(struct ctx *c, const struct workload *load)
{
    struct buf body = {0};
    struct jw w = {.out = &body};
    struct fetched answer;
    write_container(c, &w, load);
    const struct call k = {.method = "POST",
                           .path = arena_printf(c->mem, "/containers/create?name=kanso-%s", load->id),
                           .type = "application/json",
                           .body = body.data,
                           .body_len = body.len,
                           .timeout_ms = START_MS};
    int rc = call(c, &k, &answer);
    memset(body.data, 0, body.len); /* the token */
    buf_free(&body);
    return rc != OK || good(&answer) ? rc : refused(c, "create the container", &answer);
}

/* Forgets containers that have ended and are old enough; what cannot be done now is done another time. */
static void prune(struct ctx *c)
{
    struct fetched answer;
    const char *filters =
        arena_printf(c->mem, "{\"label\":[\"" LABEL "\"],\"until\":[\"%llds\"]}", (long long)config.workload_kept);
    const struct call k = {.method = "POST", .path = query_append(c->mem, "/containers/prune?", "filters", filters)};
    call(c, &k, &answer);
    respond_reset(c);
}

/* The engine keeps the name for one container, and a start is only asked for where none has been: an attempt that was
 * cut short between the two is completed, and what has run is not run again. Engines tell in different ways that a name
 * is taken, so who could not make the container looks whether it is there. */
static int docker_run(struct ctx *c, const struct workload *w)
{
    struct json_object *state;
    struct fetched answer;
    int rc = inspect(c, w->id, &state);
    if (rc == OK && !state) {
        prune(c);
        int made = create(c, w);
        if (made != OK && (inspect(c, w->id, &state) != OK || !state))
            return made;
        respond_reset(c);
    }
    if (rc != OK || (state && !unstarted(member_str(state, "Status"))))
        return rc;
    const struct call k = {.method = "POST", .path = container(c, w->id, "/start"), .timeout_ms = START_MS};
    rc = call(c, &k, &answer);
    return rc != OK || good(&answer) || answer.status == 304 ? rc : refused(c, "start the container", &answer);
}

/* Whether the container has run for longer than workloads may. */
static bool is_overdue(struct json_object *state)
{
    struct tm t = {0};
    const char *began = member_str(state, "StartedAt");
    const char *rest = began ? strptime(began, "%Y-%m-%dT%H:%M:%S", &t) : NULL;
    return config.workload_limit && rest && time(NULL) - timegm(&t) > config.workload_limit;
}

/* Ends it; what it was in the middle of is lost. */
static int end_overdue(struct ctx *c, const char *id, enum workload_state *state, const char **reason)
{
    struct fetched answer;
    const struct call k = {.method = "POST", .path = container(c, id, "/kill")};
    TRY(call(c, &k, &answer));
    if (!good(&answer) && answer.status != 409) /* it has ended by itself */
        return refused(c, "end the container", &answer);
    *state = WORKLOAD_FAILED;
    *reason = "The container ran for longer than KANSO_WORKLOAD_LIMIT";
    return OK;
}

static const char *why_failed(struct ctx *c, struct json_object *state, int code)
{
    enum { KILLED = 128 + 9 };
    const char *error = member_str(state, "Error");
    if (member_bool(state, "OOMKilled"))
        return arena_printf(c->mem, "The container has run out of memory (exit code %d)", code);
    if (error && *error)
        return arena_printf(c->mem, "The container ended with exit code %d: %s", code, error);
    return arena_printf(c->mem, "The container %s exit code %d", code == KILLED ? "was killed:" : "ended with", code);
}

static int docker_state(struct ctx *c, const char *id, enum workload_state *state, const char **reason)
{
    struct json_object *o;
    *state = WORKLOAD_UNKNOWN;
    *reason = NULL;
    int rc = inspect(c, id, &o);
    if (rc != OK || !o)
        return rc;
    const char *status = member_str(o, "Status");
    if (unstarted(status))
        return OK;
    *state = WORKLOAD_RUNNING;
    if (!streq(status, "exited") && !streq(status, "dead") && !streq(status, "stopped"))
        return is_overdue(o) ? end_overdue(c, id, state, reason) : OK;
    int code = json_object_get_int(member(o, "ExitCode"));
    *state = code == 0 && !streq(status, "dead") ? WORKLOAD_SUCCEEDED : WORKLOAD_FAILED;
    if (*state == WORKLOAD_FAILED)
        *reason = why_failed(c, o, code);
    return OK;
}

/* Logs of a container without a terminal come in frames: a byte that tells standard output from errors, three zeros,
 * four bytes of length, the data. */
struct demuxer {
    unsigned char header[8];
    size_t have; /* bytes of it */
    size_t left; /* of the frame's data */
    struct output output;
};

static bool demux(void *to, const char *data, size_t len)
{
    struct demuxer *d = to;
    while (len) {
        if (d->left) {
            size_t n = d->left < len ? d->left : len;
            output_add(&d->output, data, n);
            d->left -= n;
            data += n;
            len -= n;
            continue;
        }
        d->header[d->have++] = (unsigned char)*data++;
        len--;
        if (d->have == sizeof d->header) {
            d->left =
                (size_t)d->header[4] << 24 | (size_t)d->header[5] << 16 | (size_t)d->header[6] << 8 | d->header[7];
            d->have = 0;
        }
    }
    return true;
}

static int docker_logs(struct ctx *c, const char *id, struct buf *text)
{
    struct demuxer d = {.output = {.limit = LOG_BYTES}};
    struct fetched answer;
    const char *query = arena_printf(c->mem, "/logs?stdout=1&stderr=1&tail=%d", LOG_LINES);
    const struct call k = {.method = "GET", .path = container(c, id, query), .sink = demux, .sink_to = &d};
    int rc = call(c, &k, &answer);
    if (rc == OK)
        output_take(&d.output, text);
    buf_free(&d.output.kept);
    return rc != OK || good(&answer) || answer.status == 404 ? rc : refused(c, "show the container's logs", &answer);
}

/* 409: its removal is under way. */
static int docker_remove(struct ctx *c, const char *id)
{
    struct fetched answer;
    const struct call k = {.method = "DELETE", .path = container(c, id, "?force=1&v=1"), .timeout_ms = START_MS};
    int rc = call(c, &k, &answer);
    return rc != OK || good(&answer) || answer.status == 404 || answer.status == 409
               ? rc
               : refused(c, "remove the container", &answer);
}

const struct workload_manager workload_docker = {
    .name = "kanso.docker",
    .check = docker_check,
    .build = docker_build,
    .run = docker_run,
    .state = docker_state,
    .logs = docker_logs,
    .remove = docker_remove,
};
