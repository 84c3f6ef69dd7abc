#include "connector/sigv4.h"

#include "base/text.h"
#include "http/fetch.h"

#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#define ALGORITHM "AWS4-HMAC-SHA256"

enum { DIGEST = 32, STAMP = 17, MAX_HEADERS = 16 };

static const char *sha256(struct arena *a, const char *text)
{
    unsigned char out[DIGEST];
    EVP_Digest(text, strlen(text), out, NULL, EVP_sha256(), NULL);
    return hex_encode(a, out, sizeof out);
}

static void hmac(const void *key, size_t len, const char *text, unsigned char out[DIGEST])
{
    unsigned n = DIGEST;
    HMAC(EVP_sha256(), key, (int)len, (const unsigned char *)text, strlen(text), out, &n);
}

/* The first eight characters of a time of signing are its day. */
static void write_stamp(int64_t seconds, char out[STAMP])
{
    time_t t = (time_t)seconds;
    struct tm tm;
    gmtime_r(&t, &tm);
    strftime(out, STAMP, "%Y%m%dT%H%M%SZ", &tm);
}

static const char *scope(struct arena *a, const struct sigv4_key *key, const char *stamp)
{
    return arena_printf(a, "%.8s/%s/%s/aws4_request", stamp, key->region, key->service);
}

static const char *signature(struct arena *a, const struct sigv4_key *key, const char *stamp, const char *canonical)
{
    unsigned char k[DIGEST];
    const char *first = arena_printf(a, "AWS4%s", key->secret);
    const char *text = arena_printf(a, ALGORITHM "\n%s\n%s\n%s", stamp, scope(a, key, stamp), sha256(a, canonical));
    hmac(first, strlen(first), arena_strndup(a, stamp, 8), k);
    hmac(k, sizeof k, key->region, k);
    hmac(k, sizeof k, key->service, k);
    hmac(k, sizeof k, "aws4_request", k);
    hmac(k, sizeof k, text, k);
    return hex_encode(a, k, sizeof k);
}

/* A sorted list of "name: value". */
struct lines {
    const char *at[MAX_HEADERS + 1];
    size_t count;
};

static void add(struct lines *l, const char *line)
{
    size_t i = l->count;
    if (l->count == MAX_HEADERS)
        return;
    for (; i && strcmp(l->at[i - 1], line) > 0; i--)
        l->at[i] = l->at[i - 1];
    l->at[i] = line;
    l->count++;
}

/* "a;b": the names that are signed. */
static const char *names(struct arena *a, const struct lines *l)
{
    const char *out = "";
    for (size_t i = 0; i < l->count; i++)
        out = arena_printf(a, "%s%s%.*s", out, i ? ";" : "", (int)strcspn(l->at[i], ":"), l->at[i]);
    return out;
}

static const char *canonical(struct arena *a, const struct sigv4_request *r, const char *query, const struct lines *l,
                             const char *payload)
{
    const char *headers = "";
    for (size_t i = 0; i < l->count; i++) {
        size_t name = strcspn(l->at[i], ":");
        headers = arena_printf(a, "%s%.*s:%s\n", headers, (int)name, l->at[i],
                               l->at[i] + name + 1 + strspn(l->at[i] + name + 1, " "));
    }
    return arena_printf(a, "%s\n%s\n%s\n%s\n%s\n%s", r->method, r->path, query, headers, names(a, l), payload);
}

const char *const *sigv4_headers(struct arena *a, const struct sigv4_key *key, const struct sigv4_request *r)
{
    char stamp[STAMP];
    struct lines l = {.count = 0};
    const char *payload = sha256(a, r->body ? r->body : "");
    write_stamp(r->now, stamp);
    for (const char *const *h = r->headers; h && *h; h++)
        add(&l, *h);
    add(&l, arena_printf(a, "host: %s", r->host));
    if (streq(key->service, "s3"))
        add(&l, arena_printf(a, "x-amz-content-sha256: %s", payload));
    add(&l, arena_printf(a, "x-amz-date: %s", stamp));
    if (key->session)
        add(&l, arena_printf(a, "x-amz-security-token: %s", key->session));
    const char *sum = signature(a, key, stamp, canonical(a, r, r->query, &l, payload));
    const char **out = arena_array(a, l.count + 2, sizeof *out);
    memcpy(out, l.at, l.count * sizeof *out);
    out[l.count] = arena_printf(a, "Authorization: " ALGORITHM " Credential=%s/%s, SignedHeaders=%s, Signature=%s",
                                key->id, scope(a, key, stamp), names(a, &l), sum);
    return out;
}

const char *sigv4_url(struct arena *a, const struct sigv4_key *key, const struct sigv4_request *r, int64_t seconds)
{
    char stamp[STAMP];
    struct lines l = {.count = 0};
    write_stamp(r->now, stamp);
    for (const char *const *h = r->headers; h && *h; h++)
        add(&l, *h);
    add(&l, arena_printf(a, "host: %s", r->host));
    const char *query = r->query;
    query = query_append(a, query, "X-Amz-Algorithm", ALGORITHM);
    query = query_append(a, query, "X-Amz-Credential", arena_printf(a, "%s/%s", key->id, scope(a, key, stamp)));
    query = query_append(a, query, "X-Amz-Date", stamp);
    query = query_append(a, query, "X-Amz-Expires", arena_printf(a, "%lld", (long long)seconds));
    if (key->session)
        query = query_append(a, query, "X-Amz-Security-Token", key->session);
    query = query_append(a, query, "X-Amz-SignedHeaders", names(a, &l));
    const char *sum = signature(a, key, stamp, canonical(a, r, query, &l, sha256(a, "")));
    return arena_printf(a, "https://%s%s?%s&X-Amz-Signature=%s", r->host, r->path, query, sum);
}
