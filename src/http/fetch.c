#include "http/fetch.h"

#include "base/buf.h"
#include "base/text.h"

#include <curl/curl.h>
#include <stdlib.h>
#include <string.h>

enum { LARGEST = 8 * 1024 * 1024 };

/* One handle for the process: it holds the connections. */
static CURL *handle(void)
{
    static CURL *curl;
    if (!curl) {
        curl_global_init(CURL_GLOBAL_DEFAULT);
        curl = curl_easy_init();
        if (!curl)
            abort();
    }
    curl_easy_reset(curl);
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
    curl_easy_getinfo(r->curl, CURLINFO_RESPONSE_CODE, &status);
    if (r->f->sink && status < 300)
        return r->f->sink(r->f->sink_to, data, n) ? n : 0;
    if (r->body.len + n > LARGEST)
        return 0;
    buf_add(&r->body, data, n);
    return n;
}

static void set_blob(CURL *curl, CURLoption option, const char *text)
{
    struct curl_blob blob = {.data = (void *)(uintptr_t)text, .len = text ? strlen(text) : 0, .flags = CURL_BLOB_COPY};
    if (text)
        curl_easy_setopt(curl, option, &blob);
}

static void set_up_tls(CURL *curl, const struct fetch_tls *tls)
{
    const char *authorities = getenv("SSL_CERT_FILE");
    if (authorities && *authorities)
        curl_easy_setopt(curl, CURLOPT_CAINFO, authorities);
    if (!tls)
        return;
    set_blob(curl, CURLOPT_CAINFO_BLOB, tls->authorities);
    set_blob(curl, CURLOPT_SSLCERT_BLOB, tls->certificate);
    set_blob(curl, CURLOPT_SSLKEY_BLOB, tls->key);
    curl_easy_setopt(curl, CURLOPT_SSL_VERIFYPEER, tls->insecure ? 0L : 1L);
    curl_easy_setopt(curl, CURLOPT_SSL_VERIFYHOST, tls->insecure ? 0L : 2L);
}

static void set_up_method(CURL *curl, const struct fetch *f)
{
    if (streq(f->method, "GET"))
        return;
    if (!streq(f->method, "DELETE")) {
        curl_easy_setopt(curl, CURLOPT_POSTFIELDS, f->body ? f->body : "");
        curl_easy_setopt(curl, CURLOPT_POSTFIELDSIZE_LARGE,
                         (curl_off_t)(f->body_len || !f->body ? f->body_len : strlen(f->body)));
    }
    if (!streq(f->method, "POST"))
        curl_easy_setopt(curl, CURLOPT_CUSTOMREQUEST, f->method);
}

static void set_up(CURL *curl, const struct fetch *f, struct curl_slist *headers, struct receiver *receiver)
{
    curl_easy_setopt(curl, CURLOPT_URL, f->url);
    curl_easy_setopt(curl, CURLOPT_PROTOCOLS_STR, "http,https");
    curl_easy_setopt(curl, CURLOPT_REDIR_PROTOCOLS_STR, "http,https");
    curl_easy_setopt(curl, CURLOPT_NOSIGNAL, 1L);
    curl_easy_setopt(curl, CURLOPT_USERAGENT, "kanso/" KANSO_VERSION);
    curl_easy_setopt(curl, CURLOPT_CONNECTTIMEOUT_MS, f->connect_ms ? f->connect_ms : f->timeout_ms);
    curl_easy_setopt(curl, CURLOPT_TIMEOUT_MS, f->timeout_ms);
    curl_easy_setopt(curl, CURLOPT_FOLLOWLOCATION, f->redirects ? 1L : 0L);
    curl_easy_setopt(curl, CURLOPT_MAXREDIRS, 10L);
    curl_easy_setopt(curl, CURLOPT_HTTPHEADER, headers);
    curl_easy_setopt(curl, CURLOPT_WRITEFUNCTION, receive);
    curl_easy_setopt(curl, CURLOPT_WRITEDATA, receiver);
    if (f->socket) {
        curl_easy_setopt(curl, CURLOPT_UNIX_SOCKET_PATH, f->socket);
        curl_easy_setopt(curl, CURLOPT_PROXY, "");
    }
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
    CURL *curl = handle();
    struct curl_slist *headers = NULL;
    struct receiver receiver = {.curl = curl, .f = f};
    for (const char *const *h = f->headers; h && *h; h++)
        headers = curl_slist_append(headers, *h);
    set_up(curl, f, headers, &receiver);
    CURLcode code = curl_easy_perform(curl);
    struct fetched out = {.failure = verdict(code), .error = curl_easy_strerror(code), .len = receiver.body.len};
    curl_easy_getinfo(curl, CURLINFO_RESPONSE_CODE, &out.status);
    out.body = arena_strndup(a, receiver.body.data ? receiver.body.data : "", receiver.body.len);
    curl_slist_free_all(headers);
    buf_free(&receiver.body);
    return out;
}

char *query_append(struct arena *a, const char *text, const char *name, const char *value)
{
    size_t len = strlen(text);
    char *escaped = curl_easy_escape(NULL, value, 0);
    char *out =
        arena_printf(a, "%s%s%s=%s", text, len && text[len - 1] != '?' ? "&" : "", name, escaped ? escaped : "");
    curl_free(escaped);
    return out;
}
