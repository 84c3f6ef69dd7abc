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

static size_t keep(char *data, size_t size, size_t count, void *to)
{
    struct buf *b = to;
    size_t n = size * count;
    if (b->len + n > LARGEST)
        return 0;
    buf_add(b, data, n);
    return n;
}

static void set_up(CURL *curl, const struct fetch *f, struct curl_slist *headers, struct buf *body)
{
    curl_easy_setopt(curl, CURLOPT_URL, f->url);
    curl_easy_setopt(curl, CURLOPT_PROTOCOLS_STR, "http,https");
    curl_easy_setopt(curl, CURLOPT_REDIR_PROTOCOLS_STR, "http,https");
    curl_easy_setopt(curl, CURLOPT_NOSIGNAL, 1L);
    curl_easy_setopt(curl, CURLOPT_USERAGENT, "kanso/" KANSO_VERSION);
    curl_easy_setopt(curl, CURLOPT_CONNECTTIMEOUT_MS, f->timeout_ms);
    curl_easy_setopt(curl, CURLOPT_TIMEOUT_MS, f->timeout_ms);
    curl_easy_setopt(curl, CURLOPT_FOLLOWLOCATION, f->redirects ? 1L : 0L);
    curl_easy_setopt(curl, CURLOPT_MAXREDIRS, 10L);
    curl_easy_setopt(curl, CURLOPT_HTTPHEADER, headers);
    curl_easy_setopt(curl, CURLOPT_WRITEFUNCTION, keep);
    curl_easy_setopt(curl, CURLOPT_WRITEDATA, body);
    const char *authorities = getenv("SSL_CERT_FILE");
    if (authorities && *authorities)
        curl_easy_setopt(curl, CURLOPT_CAINFO, authorities);
    if (streq(f->method, "POST"))
        curl_easy_setopt(curl, CURLOPT_POSTFIELDS, f->body ? f->body : "");
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
    struct buf body = {0};
    for (const char *const *h = f->headers; h && *h; h++)
        headers = curl_slist_append(headers, *h);
    set_up(curl, f, headers, &body);
    CURLcode code = curl_easy_perform(curl);
    struct fetched out = {.failure = verdict(code), .error = curl_easy_strerror(code), .len = body.len};
    curl_easy_getinfo(curl, CURLINFO_RESPONSE_CODE, &out.status);
    out.body = arena_strndup(a, body.data ? body.data : "", body.len);
    curl_slist_free_all(headers);
    buf_free(&body);
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
