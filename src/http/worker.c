#include "http/worker.h"

#include "base/log.h"
#include "base/memory.h"
#include "base/metrics.h"
#include "base/notify.h"
#include "base/text.h"
#include "base/timestamp.h"
#include "http/client.h"
#include "http/form.h"

#include <errno.h>
#include <fastcgi.h>
#include <fcgiapp.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <unistd.h>

extern char **environ;

enum { LISTENER = 0, KEEP_BODY = 1024 * 1024, MOMENT_MS = 100 };

/* Signals that ask for the end are blocked for good: they wait until the request in hand is answered, and no call of
 * worker, libfcgi or driver is interrupted in the middle of it. wait_for_request() asks whether one has come. Returns
 * the descriptor that says so, or -1. */
static int block_stop_signals(void)
{
    sigset_t stop;
    sigemptyset(&stop);
    sigaddset(&stop, SIGTERM);
    sigaddset(&stop, SIGINT);
    sigaddset(&stop, SIGHUP);
    if (sigprocmask(SIG_BLOCK, &stop, NULL) != 0)
        return -1;
    return signalfd(-1, &stop, SFD_CLOEXEC | SFD_NONBLOCK);
}

/* Other workers wait on the same socket, and one of them may be faster: accept() must not wait then, or no signal would
 * reach this one any more. Accepted connections do not inherit it. */
static bool set_nonblocking(int listener)
{
    int flags = fcntl(listener, F_GETFL);
    return flags >= 0 && fcntl(listener, F_SETFL, flags | O_NONBLOCK) == 0;
}

/* Waits for a new connection or, on one that is kept, for its next request; false when the worker is to end. Who waits
 * longer than a moment does so with little memory. */
static bool wait_for_request(const FCGX_Request *r, int signals)
{
    struct pollfd p[] = {{.fd = signals, .events = POLLIN},
                         {.fd = r->ipcFd >= 0 ? r->ipcFd : LISTENER, .events = POLLIN}};
    int ready, interval = notify_interval();
    bool rested = interval >= 0 && interval < MOMENT_MS;
    notify_alive();
    while ((ready = poll(p, ARRAY_LEN(p), rested ? interval : MOMENT_MS)) <= 0) {
        if (ready < 0 && errno != EINTR)
            return false;
        if (ready == 0 && !rested) {
            memory_trim_idle();
            rested = true;
        }
        notify_alive();
    }
    return !p[0].revents && !(p[1].revents & POLLNVAL);
}

static const char *env_or(const struct ctx *c, const char *name, const char *otherwise)
{
    const char *v = request_env(c, name);
    return v ? v : otherwise;
}

static int read_target(struct ctx *c, const struct worker *w)
{
    const char *uri = env_or(c, "REQUEST_URI", "");
    const char *path =
        *uri ? uri : arena_printf(c->mem, "%s%s", env_or(c, "SCRIPT_NAME", ""), env_or(c, "PATH_INFO", ""));
    size_t len = strcspn(path, "?");
    const char *query = *uri && uri[len] == '?' ? uri + len + 1 : env_or(c, "QUERY_STRING", "");
    c->req.path = percent_decode(c->mem, path, len, false, &c->req.path_len);
    size_t root = strlen(w->root_path);
    if (root && strncmp(c->req.path, w->root_path, root) == 0 && c->req.path[root] == '/') {
        c->req.path += root;
        c->req.path_len -= root;
    }
    if (!text_valid(c->req.path, c->req.path_len))
        return fail_detail(c, 400, "The path is not UTF-8, or holds the character NUL");
    enum form_fault fault = form_read(c, query, strlen(query));
    return fault ? form_refuse(c, "query", 400, fault) : OK;
}

static int read_length(struct ctx *c, const struct worker *w)
{
    const char *text = env_or(c, "CONTENT_LENGTH", "");
    int64_t length = 0;
    if (*text && (!parse_int64(text, &length) || length < 0))
        return fail_detail(c, 400, "Content-Length is not a number");
    if ((uint64_t)length > w->max_body)
        return fail_detail(c, 413, "The body has %lld bytes; at most %zu are accepted", (long long)length, w->max_body);
    c->req.content_length = (size_t)length;
    return OK;
}

static int read_request(struct ctx *c, const struct worker *w)
{
    c->req.method = env_or(c, "REQUEST_METHOD", "GET");
    c->req.content_type = env_or(c, "CONTENT_TYPE", "");
    TRY(read_target(c, w));
    return read_length(c, w);
}

static const char *reason(int status)
{
    static const struct {
        int status;
        const char *text;
    } reasons[] = {{200, "OK"},
                   {400, "Bad Request"},
                   {401, "Unauthorized"},
                   {304, "Not Modified"},
                   {402, "Payment Required"},
                   {403, "Forbidden"},
                   {404, "Not Found"},
                   {405, "Method Not Allowed"},
                   {409, "Conflict"},
                   {413, "Content Too Large"},
                   {422, "Unprocessable Content"},
                   {429, "Too Many Requests"},
                   {500, "Internal Server Error"},
                   {501, "Not Implemented"},
                   {503, "Service Unavailable"}};
    for (size_t i = 0; i < ARRAY_LEN(reasons); i++)
        if (reasons[i].status == status)
            return reasons[i].text;
    return "Unknown";
}

static void write_head(struct ctx *c, const struct worker *w, struct buf *head)
{
    int status = c->res.status == UNANSWERED ? 500 : c->res.status;
    buf_addf(head, "Status: %d %s\r\n", status, reason(status));
    if (c->res.content_type)
        buf_addf(head, "Content-Type: %s\r\n", c->res.content_type);
    buf_addf(head, "Content-Length: %zu\r\nX-Request-ID: %s\r\n", c->res.body.len, request_id(c));
    struct header *ordered = NULL;
    for (struct header *h = c->res.headers, *next; h; h = next) {
        next = h->next;
        h->next = ordered;
        ordered = h;
    }
    for (struct header *h = ordered; h; h = h->next)
        buf_addf(head, "%s: %s\r\n", h->name, h->value);
    if (!c->res.no_secure_headers)
        buf_adds(head, c->res.kept ? w->kept_headers : w->headers);
    buf_adds(head, "\r\n");
}

static void log_request(const struct ctx *c, double ms)
{
    if (log_threshold >= LOG_DEBUG)
        log_debug("%s %s %d %zu bytes %.2f ms", c->req.method, c->req.path, c->res.status, c->res.body.len, ms);
}

/* The record that ends the stream is read along with the last byte: once an answer begins, nginx sends no more. */
static size_t get_fcgi(void *stream, char *to, size_t n)
{
    size_t got = 0;
    while (got < n) {
        size_t want = n - got > (1u << 30) ? 1u << 30 : n - got;
        int r = FCGX_GetStr(to + got, (int)want, stream);
        if (r <= 0)
            break;
        got += (size_t)r;
    }
    if (got == n)
        FCGX_GetChar(stream);
    return got;
}

static size_t get_stdin(void *stream, char *to, size_t n)
{
    return fread(to, 1, n, stream);
}

static bool put_all(int fd, struct iovec *v, int count)
{
    while (count > 0) {
        ssize_t n = writev(fd, v, count);
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return false;
        for (; count > 0 && (size_t)n >= v->iov_len; v++, count--)
            n -= (ssize_t)v->iov_len;
        if (count > 0) {
            v->iov_base = (char *)v->iov_base + n;
            v->iov_len -= (size_t)n;
        }
    }
    return true;
}

/* The head of a record of a request (FastCGI 1.0, section 3.3). */
static void record_head(unsigned char out[FCGI_HEADER_LEN], const FCGX_Request *r, unsigned char type, size_t len)
{
    out[0] = FCGI_VERSION_1;
    out[1] = type;
    out[2] = (unsigned char)(r->requestId >> 8 & 0xff);
    out[3] = (unsigned char)(r->requestId & 0xff);
    out[4] = (unsigned char)(len >> 8);
    out[5] = (unsigned char)(len & 0xff);
    out[6] = out[7] = 0;
}

enum { RECORD = 65528, BATCH = 32 };

/* Records for one write. */
struct message {
    unsigned char heads[BATCH][FCGI_HEADER_LEN];
    struct iovec v[2 * BATCH + 1];
    int records;
};

/* Adds content as FCGI_STDOUT records; returns how much of it there was room for. */
static size_t add_records(struct message *m, const FCGX_Request *r, const char *data, size_t len)
{
    size_t done = 0;
    for (; done < len && m->records < BATCH; m->records++) {
        size_t part = len - done < RECORD ? len - done : RECORD;
        record_head(m->heads[m->records], r, FCGI_STDOUT, part);
        m->v[2 * m->records] = (struct iovec){m->heads[m->records], FCGI_HEADER_LEN};
        m->v[2 * m->records + 1] = (struct iovec){(void *)(uintptr_t)(data + done), part};
        done += part;
    }
    return done;
}

/* The answer from the head to FCGI_END_REQUEST in one write, unless it is very large: libfcgi would cut it into pieces
 * of 8 KiB, and wake nginx for each. */
static bool put_fcgi(const FCGX_Request *r, const struct buf *head, const struct buf *body, bool with_body)
{
    unsigned char end[2 * FCGI_HEADER_LEN + sizeof(FCGI_EndRequestBody)] = {0};
    struct message m = {.records = 0};
    size_t len = with_body ? body->len : 0;
    add_records(&m, r, head->data, head->len);
    for (size_t done = 0; done < len;) {
        if (m.records == BATCH && !put_all(r->ipcFd, m.v, 2 * BATCH))
            return false;
        m.records %= BATCH;
        done += add_records(&m, r, body->data + done, len - done);
    }
    record_head(end, r, FCGI_STDOUT, 0); /* the end of the stream; its status and protocolStatus are 0 */
    record_head(end + FCGI_HEADER_LEN, r, FCGI_END_REQUEST, sizeof(FCGI_EndRequestBody));
    m.v[2 * m.records] = (struct iovec){end, sizeof end};
    return put_all(r->ipcFd, m.v, 2 * m.records + 1);
}

/* Ends the request. Before it closes a connection, libfcgi waits for the other side to do so, for fear that what has
 * not been read takes the answer along with it; needless once the request has been read to its end. */
static void hang_up(FCGX_Request *r, bool sent)
{
    bool close = !r->keepConnection || !sent || FCGX_GetError(r->in);
    if (close && FCGX_HasSeenEOF(r->in) && !FCGX_GetError(r->in))
        FCGX_Detach(r);
    FCGX_Free(r, close);
}

static void handle(struct ctx *c, struct worker *w)
{
    log_about(request_id(c));
    respond_reset(c);
    if (read_request(c, w) != OK || (c->req.content_length == 0 && request_read_body(c) != OK))
        return;
    w->handle(c, w->app);
}

/* The variables are copied: libfcgi forgets its own when the answer leaves, and background work still reads them. */
static void begin(struct ctx *c, struct arena *mem, char **env, struct body_source source, int connection)
{
    *c = (struct ctx){.mem = mem,
                      .started = monotonic_ms(),
                      .res.body = c->res.body,
                      .req.source = source,
                      .req.connection = connection};
    size_t n = 0;
    while (env && env[n])
        n++;
    c->req.env = arena_array(mem, n + 1, sizeof *c->req.env);
    for (size_t i = 0; i < n; i++)
        c->req.env[i] = arena_strdup(mem, env[i]);
}

static int serve_cgi(struct worker *w)
{
    struct arena mem = {0};
    struct ctx c = {0};
    struct buf head = {0};
    begin(&c, &mem, environ, (struct body_source){get_stdin, stdin}, -1);
    handle(&c, w);
    write_head(&c, w, &head);
    w->count(&c);
    bool ok = fwrite(head.data, 1, head.len, stdout) == head.len;
    if (!streq(c.req.method, "HEAD"))
        ok = ok && fwrite(c.res.body.data ? c.res.body.data : "", 1, c.res.body.len, stdout) == c.res.body.len;
    ok = fflush(stdout) == 0 && ok;
    w->finish(&c, w->app);
    log_about(NULL);
    buf_free(&head);
    buf_free(&c.res.body);
    arena_free(&mem);
    return ok ? 0 : 1;
}

/* The request that waits for its answer. */
static struct {
    const FCGX_Request *request;
    struct ctx *c;
    const struct worker *worker;
} in_hand;

/* What the other side still sends is read until it closes, for `ms` at most: it would not look for an answer once it
 * cannot send its request to the end. */
static void read_the_rest(int fd, int ms)
{
    char rest[4096];
    struct pollfd more = {.fd = fd, .events = POLLIN};
    double begin = monotonic_ms();
    shutdown(fd, SHUT_WR);
    for (int left = ms; left > 0; left = ms - (int)(monotonic_ms() - begin))
        if (poll(&more, 1, left) <= 0 || read(fd, rest, sizeof rest) <= 0)
            return;
}

#define NO_MEMORY(more)                                                                                                \
    "{\"detail\":[\"RuntimeError\",\"The request needs more memory than a worker may have" more "\"]}"

/* When memory is missing: who asked is told so, from memory that is there already. */
static void answer_missing_memory(void)
{
    enum { REST_MS = 5000 };
    static char head[] = "Status: 503 Service Unavailable\r\nContent-Type: application/json\r\n\r\n";
    static char nothing[] = NO_MEMORY(""), saved[] = NO_MEMORY(" (the change itself was saved)");
    if (!in_hand.request)
        return;
    bool committed = in_hand.c->committed;
    in_hand.c->res.status = 503;
    in_hand.worker->count(in_hand.c);
    put_fcgi(in_hand.request, &(struct buf){.data = head, .len = sizeof head - 1},
             &(struct buf){.data = committed ? saved : nothing, .len = (committed ? sizeof saved : sizeof nothing) - 1},
             true);
    read_the_rest(in_hand.request->ipcFd, REST_MS);
}

/* One accepted connection: its request, answer, and what follows. The answer leaves before the background work begins,
 * so nobody waits for that; and the arena is reset behind both, so whatever the request has allocated lives until then.
 */
static void serve(struct worker *w, FCGX_Request *r, struct ctx *c, struct arena *mem, struct buf *head)
{
    in_hand.request = r;
    in_hand.c = c;
    in_hand.worker = w;
    begin(c, mem, r->envp, (struct body_source){get_fcgi, r->in}, r->ipcFd);
    if (request_abandoned(c)) { /* while it waited to be accepted */
        in_hand.request = NULL;
        FCGX_Free(r, 1);
        arena_reset(mem);
        metric_add(M_REQUESTS_ABANDONED);
        return;
    }
    metric_busy(c->started);
    handle(c, w);
    head->len = 0;
    write_head(c, w, head);
    in_hand.request = NULL;
    w->count(c);
    bool sent = put_fcgi(r, head, &c->res.body, !streq(c->req.method, "HEAD"));
    hang_up(r, sent);
    log_request(c, monotonic_ms() - c->started);
    w->finish(c, w->app);
    log_about(NULL);
    metric_idle();
    arena_reset(mem);
    buf_clear(&c->res.body, KEEP_BODY);
    memory_trim();
}

/* Accepts when there is something to accept; false when the worker is to end. */
static bool next_request(FCGX_Request *r, int signals)
{
    while (wait_for_request(r, signals)) {
        int rc = FCGX_Accept_r(r);
        if (rc == 0)
            return true;
        if (rc != -EAGAIN && rc != -EWOULDBLOCK) {
            log_error("accept: %s", strerror(-rc));
            return false;
        }
    }
    return false;
}

int worker_run(struct worker *w)
{
    signal(SIGPIPE, SIG_IGN);
    memory_limit(w->memory);
    memory_on_exhausted(answer_missing_memory);
    if (FCGX_IsCGI()) {
        if (!getenv("REQUEST_METHOD")) {
            fputs("kanso: descriptor 0 is no listening socket and there is no CGI environment; see --help\n", stderr);
            return 2;
        }
        return serve_cgi(w);
    }
    FCGX_Request r;
    int signals = block_stop_signals();
    if (signals < 0 || !set_nonblocking(LISTENER) || FCGX_Init() || FCGX_InitRequest(&r, LISTENER, 0)) {
        fputs("kanso: cannot set up FastCGI on descriptor 0\n", stderr);
        return 1;
    }
    notify_ready();
    struct arena mem = {0};
    struct ctx c = {0};
    struct buf head = {0};
    for (unsigned served = 0; (!w->max_requests || served < w->max_requests) && next_request(&r, signals); served++)
        serve(w, &r, &c, &mem, &head);
    FCGX_Free(&r, 1);
    close(signals);
    buf_free(&head);
    buf_free(&c.res.body);
    arena_free(&mem);
    return 0;
}
