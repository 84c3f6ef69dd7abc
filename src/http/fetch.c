#include "http/fetch.h"

#include "base/buf.h"
#include "base/config.h"
#include "base/egress.h"
#include "base/library.h"
#include "base/text.h"

#define CURL_DISABLE_TYPECHECK /* its macros cannot stand before a pointer to a function; see SET_OPTION() */
#include <arpa/inet.h>
#include <curl/curl.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

enum { LARGEST = 8 * 1024 * 1024, HEADERS_MAX = 64 * 1024 };

#define CURL_FUNCTIONS(X)                                                                                              \
    X(curl_easy_getinfo)                                                                                               \
    X(curl_easy_init)                                                                                                  \
    X(curl_easy_perform)                                                                                               \
    X(curl_easy_reset)                                                                                                 \
    X(curl_easy_setopt)                                                                                                \
    X(curl_easy_strerror)                                                                                              \
    X(curl_free)                                                                                                       \
    X(curl_getdate)                                                                                                    \
    X(curl_global_init)                                                                                                \
    X(curl_slist_append)                                                                                               \
    X(curl_slist_free_all)                                                                                             \
    X(curl_url)                                                                                                        \
    X(curl_url_cleanup)                                                                                                \
    X(curl_url_get)                                                                                                    \
    X(curl_url_set)

LIBRARY(libcurl, "libcurl.so.4", "requests to other servers", CURL_FUNCTIONS);

/* Sets an option to a value of a type; the compiler holds them together: the number of an option says what it takes. */
#define SET_OPTION(curl, option, kind, type, value)                                                                    \
    do {                                                                                                               \
        _Static_assert((option) / 10000 == CURLOPTTYPE_##kind / 10000, #option " takes another kind of value");        \
        type checked = (value);                                                                                        \
        libcurl.curl_easy_setopt(curl, option, checked);                                                               \
    } while (0)
#define SET_LONG(curl, option, value)           SET_OPTION(curl, option, LONG, long, value)
#define SET_POINTER(curl, option, value)        SET_OPTION(curl, option, OBJECTPOINT, const void *, value)
#define SET_FUNCTION(curl, option, type, value) SET_OPTION(curl, option, FUNCTIONPOINT, type, value)

/* One handle for the process: it holds the connections. NULL, and why, where libcurl cannot be loaded. */
static CURL *handle(const char **problem)
{
    static CURL *curl;
    *problem = library_load(&libcurl_library);
    if (*problem)
        return NULL;
    if (!curl) {
        libcurl.curl_global_init(CURL_GLOBAL_DEFAULT);
        curl = libcurl.curl_easy_init();
        if (!curl)
            abort();
    }
    libcurl.curl_easy_reset(curl);
    return curl;
}

/* Where the body of an answer goes. */
struct receiver {
    CURL *curl;
    const struct fetch *f;
    struct buf body;
};

static size_t receive(char *data, size_t size, size_t count, void *to)
{
    struct receiver *r = to;
    size_t n = size * count;
    long status = 0;
    libcurl.curl_easy_getinfo(r->curl, CURLINFO_RESPONSE_CODE, &status);
    if (r->f->sink && status < 300)
        return r->f->sink(r->f->sink_to, data, n) ? n : 0;
    if (r->body.len + n > LARGEST)
        return 0;
    buf_add(&r->body, data, n);
    return n;
}

/* Each status line begins the headers of another answer: of a redirect, of "continue", of the server. */
static size_t keep_header(char *data, size_t size, size_t count, void *to)
{
    struct buf *b = to;
    size_t n = size * count;
    if (n > 5 && memcmp(data, "HTTP/", 5) == 0)
        buf_clear(b, HEADERS_MAX);
    if (b->len + n <= HEADERS_MAX)
        buf_add(b, data, n);
    return n;
}

/* The egress rule for one request. */
struct guard {
    const char *host; /* of the URL */
    bool refused;
};

static bool allowed(const struct guard *g, const char *address)
{
    return egress_allowed(config.egress, config.implicit_auth_methods, g->host, address);
}

/* Looks at an address when the name has been resolved to it, so that no other answer of a name server comes between. */
static curl_socket_t open_socket(void *of, curlsocktype purpose, struct curl_sockaddr *to)
{
    struct guard *g = of;
    char text[INET6_ADDRSTRLEN] = "";
    const void *address = to->family == AF_INET6 ? (const void *)&((const struct sockaddr_in6 *)&to->addr)->sin6_addr
                                                 : (const void *)&((const struct sockaddr_in *)&to->addr)->sin_addr;
    (void)purpose;
    if ((to->family != AF_INET && to->family != AF_INET6) || !inet_ntop(to->family, address, text, sizeof text) ||
        !allowed(g, text)) {
        g->refused = true;
        return CURL_SOCKET_BAD;
    }
    return socket(to->family, to->socktype | SOCK_CLOEXEC, to->protocol);
}

/* The host of a URL as libcurl reads it, which also makes the request: both have one opinion of where it leads. One of
 * IPv6 is without brackets. NULL for what is no URL. */
static const char *host_of(struct arena *a, const char *text)
{
    CURLU *url = libcurl.curl_url();
    char *host = NULL;
    if (url && libcurl.curl_url_set(url, CURLUPART_URL, text, 0) == CURLUE_OK)
        libcurl.curl_url_get(url, CURLUPART_HOST, &host, 0);
    const char *name = !host          ? NULL
                       : *host == '[' ? arena_strndup(a, host + 1, strlen(host) - 2)
                                      : arena_strdup(a, host);
    libcurl.curl_free(host);
    libcurl.curl_url_cleanup(url);
    return name;
}

/* Puts the guard up; false when the URL names what is refused. An address in it is looked at here already: with a
 * proxy, it is the proxy that is connected to. */
static bool set_guard(struct arena *a, CURL *curl, const char *url, struct guard *g)
{
    unsigned char bytes[16];
    g->host = host_of(a, url);
    if (!g->host)
        return true; /* libcurl will say what is wrong with it */
    bool literal = inet_pton(AF_INET, g->host, bytes) == 1 || inet_pton(AF_INET6, g->host, bytes) == 1;
    g->refused = literal && !allowed(g, g->host);
    SET_FUNCTION(curl, CURLOPT_OPENSOCKETFUNCTION, curl_opensocket_callback, open_socket);
    SET_POINTER(curl, CURLOPT_OPENSOCKETDATA, g);
    return !g->refused;
}

static struct curl_blob blob(const char *text)
{
    return (struct curl_blob){.data = (void *)(uintptr_t)text, .len = strlen(text), .flags = CURL_BLOB_COPY};
}

#define SET_TEXT_BLOB(curl, option, text)                                                                              \
    do {                                                                                                               \
        struct curl_blob bytes = blob((text) ? (text) : "");                                                           \
        if (text)                                                                                                      \
            SET_OPTION(curl, option, BLOB, const struct curl_blob *, &bytes);                                          \
    } while (0)

static void set_up_tls(CURL *curl, const struct fetch_tls *tls)
{
    const char *authorities = getenv("SSL_CERT_FILE");
    if (authorities && *authorities)
        SET_POINTER(curl, CURLOPT_CAINFO, authorities);
    if (!tls)
        return;
    SET_TEXT_BLOB(curl, CURLOPT_CAINFO_BLOB, tls->authorities);
    SET_TEXT_BLOB(curl, CURLOPT_SSLCERT_BLOB, tls->certificate);
    SET_TEXT_BLOB(curl, CURLOPT_SSLKEY_BLOB, tls->key);
    SET_LONG(curl, CURLOPT_SSL_VERIFYPEER, tls->insecure ? 0L : 1L);
    SET_LONG(curl, CURLOPT_SSL_VERIFYHOST, tls->insecure ? 0L : 2L);
}

static void set_up_method(CURL *curl, const struct fetch *f)
{
    if (streq(f->method, "GET"))
        return;
    if (streq(f->method, "HEAD")) {
        SET_LONG(curl, CURLOPT_NOBODY, 1L);
        return;
    }
    if (!streq(f->method, "DELETE")) {
        SET_POINTER(curl, CURLOPT_POSTFIELDS, f->body ? f->body : "");
        SET_OPTION(curl, CURLOPT_POSTFIELDSIZE_LARGE, OFF_T, curl_off_t,
                   (curl_off_t)(f->body_len || !f->body ? f->body_len : strlen(f->body)));
    }
    if (!streq(f->method, "POST"))
        SET_POINTER(curl, CURLOPT_CUSTOMREQUEST, f->method);
}

static void set_up(CURL *curl, const struct fetch *f, struct curl_slist *headers, struct receiver *receiver)
{
    SET_POINTER(curl, CURLOPT_URL, f->url);
    SET_POINTER(curl, CURLOPT_PROTOCOLS_STR, "http,https");
    SET_POINTER(curl, CURLOPT_REDIR_PROTOCOLS_STR, "http,https");
    SET_LONG(curl, CURLOPT_NOSIGNAL, 1L);
    SET_POINTER(curl, CURLOPT_USERAGENT, "kanso/" KANSO_VERSION);
    SET_LONG(curl, CURLOPT_CONNECTTIMEOUT_MS, f->connect_ms ? f->connect_ms : f->timeout_ms);
    SET_LONG(curl, CURLOPT_TIMEOUT_MS, f->timeout_ms);
    if (f->stall_s) {
        SET_LONG(curl, CURLOPT_LOW_SPEED_LIMIT, 1024L);
        SET_LONG(curl, CURLOPT_LOW_SPEED_TIME, f->stall_s);
    }
    SET_LONG(curl, CURLOPT_FOLLOWLOCATION, f->redirects ? 1L : 0L);
    SET_LONG(curl, CURLOPT_MAXREDIRS, 10L);
    SET_POINTER(curl, CURLOPT_HTTPHEADER, headers);
    SET_FUNCTION(curl, CURLOPT_WRITEFUNCTION, curl_write_callback, receive);
    SET_POINTER(curl, CURLOPT_WRITEDATA, receiver);
    if (f->socket)
        SET_POINTER(curl, CURLOPT_UNIX_SOCKET_PATH, f->socket);
    if (f->socket || f->direct)
        SET_POINTER(curl, CURLOPT_PROXY, "");
    set_up_tls(curl, f->tls);
    set_up_method(curl, f);
}

static enum fetch_failure verdict(CURLcode code)
{
    switch (code) {
    case CURLE_OK:
        return FETCH_OK;
    case CURLE_COULDNT_RESOLVE_HOST:
    case CURLE_COULDNT_RESOLVE_PROXY:
    case CURLE_COULDNT_CONNECT:
    case CURLE_SSL_CONNECT_ERROR:
    case CURLE_PEER_FAILED_VERIFICATION:
        return FETCH_UNSENT;
    case CURLE_OPERATION_TIMEDOUT:
        return FETCH_TIMEOUT;
    default:
        return FETCH_FAILED;
    }
}

struct fetched fetch(struct arena *a, const struct fetch *f)
{
    const char *problem;
    CURL *curl = handle(&problem);
    if (!curl)
        return (struct fetched){.failure = FETCH_UNSENT, .error = arena_strdup(a, problem), .body = "", .headers = ""};
    struct curl_slist *lines = NULL;
    struct receiver receiver = {.curl = curl, .f = f};
    struct buf headers = {0};
    struct guard guard = {0};
    CURLcode code = CURLE_COULDNT_CONNECT;
    for (const char *const *h = f->headers; h && *h; h++)
        lines = libcurl.curl_slist_append(lines, *h);
    set_up(curl, f, lines, &receiver);
    SET_FUNCTION(curl, CURLOPT_HEADERFUNCTION, curl_write_callback, keep_header);
    SET_POINTER(curl, CURLOPT_HEADERDATA, &headers);
    if (!f->guarded || set_guard(a, curl, f->url, &guard))
        code = libcurl.curl_easy_perform(curl);
    struct fetched out = {
        .failure = verdict(code), .error = libcurl.curl_easy_strerror(code), .len = receiver.body.len};
    if (code != CURLE_OK && guard.refused)
        out.error = arena_printf(a, "KANSO_EGRESS does not allow calls to %s", guard.host);
    curl_off_t connecting = 0;
    libcurl.curl_easy_getinfo(curl, CURLINFO_RESPONSE_CODE, &out.status);
    libcurl.curl_easy_getinfo(curl, CURLINFO_CONNECT_TIME_T, &connecting);
    /* Somebody was there, too, where the connection ends with his certificate. */
    out.connected =
        code == CURLE_OK || connecting > 0 || code == CURLE_PEER_FAILED_VERIFICATION || code == CURLE_SSL_CONNECT_ERROR;
    out.body = arena_strndup(a, receiver.body.data ? receiver.body.data : "", receiver.body.len);
    out.headers = arena_strndup(a, headers.data ? headers.data : "", headers.len);
    SET_POINTER(curl, CURLOPT_HTTPHEADER, NULL);
    libcurl.curl_slist_free_all(lines);
    buf_free(&receiver.body);
    buf_free(&headers);
    return out;
}

const char *fetched_header(struct arena *a, const struct fetched *f, const char *name)
{
    size_t len = strlen(name);
    for (const char *line = f->headers; *line; line += *line == '\n') {
        size_t end = strcspn(line, "\r\n");
        if (end > len && line[len] == ':' && strncasecmp(line, name, len) == 0) {
            const char *value = line + len + 1;
            value += strspn(value, " \t");
            return arena_strndup(a, value, (size_t)(line + end - value));
        }
        line += strcspn(line, "\n");
    }
    return NULL;
}

int64_t fetched_date(struct arena *a, const struct fetched *f)
{
    const char *date = fetched_header(a, f, "Date");
    time_t when = date ? libcurl.curl_getdate(date, NULL) : -1;
    return when > 0 ? (int64_t)when : 0;
}

char *query_append(struct arena *a, const char *text, const char *name, const char *value)
{
    size_t len = strlen(text);
    return arena_printf(a, "%s%s%s=%s", text, len && text[len - 1] != '?' ? "&" : "", name, percent_encode(a, value));
}
